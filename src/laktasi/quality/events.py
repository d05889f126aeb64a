"""What a run adds to the ledger of findings, as one statement: what changed, how, and what settled what is mended.

Everything is a set operation: hundreds of thousands of findings take seconds.
"""

from __future__ import annotations

FINDING_ID = 'substr(sha256(concat_ws(chr(31), form_id, submission_id, "row", rule_id)), 1, 16)'
"""The same problem has the same id in every run and in every warehouse."""

NOTHING_ACCEPTED = """
    SELECT '' AS form_id, '' AS submission_id, '' AS "row", '' AS rule_id, '' AS decision_id WHERE false
"""

MOMENT = """
    SELECT greatest(
        now(),
        (SELECT max("at") FROM quality.finding_events) + INTERVAL 1 MICROSECOND,
        (SELECT max("at") FROM quality.check_runs) + INTERVAL 1 MICROSECOND
    )
"""
"""Later than all that stands in the ledger, even where the clock of a laptop was set back."""

# Whether an edit or a correction settled it is told by what the answers were read from, when it was last written down
# and now. Where both have changed since, it was the correction only if that is about the very question. What nobody has
# touched was mended by what it is asked (a list of choices that changed, say), or by other records.
_SETTLED_BY = """
    CASE
        WHEN asked.rule_id IS NULL THEN 'rule'
        WHEN changed.submission_id = '' THEN if(len(asked.changed_in) > 0, 'rule', 'set')
        WHEN submissions.state = 'dropped' THEN 'drop'
        WHEN submissions.state = 'deleted' THEN 'deletion'
        WHEN list_has_any(asked.changed_in, ['', submissions.form_version]) THEN 'rule'
        WHEN changed.payload_sha256 IS NULL THEN NULL
        WHEN answers.payload_sha256 IS NULL THEN 'edit'
        WHEN changed.decisions IS DISTINCT FROM answers.decisions
            AND (changed.payload_sha256 = answers.payload_sha256 OR corrected.submission_id IS NOT NULL)
            THEN 'correction'
        WHEN changed.payload_sha256 <> answers.payload_sha256 THEN 'edit'
        WHEN asked.kind = 'decision' THEN 'correction'
        WHEN asked.kind IN ('set', 'group', 'source') THEN 'set'
        ELSE 'rule'
    END
"""


def select_events(failing: str, accepted: str, rules_before: str) -> str:
    """Give the select of the events that a run adds; ``$run_id`` and ``$at`` are its parameters.

    Parameters
    ----------
    failing
        Relation ``form_id, submission_id, row, rule_id``: everything that fails now.
    accepted
        Select of ``form_id, submission_id, row, rule_id, decision_id``: what decisions let stand.
    rules_before
        Relation: quality.rules as the run before left it. quality.rules itself is this run's already.
    """
    return f"""
        WITH failing AS (
            SELECT DISTINCT {FINDING_ID} AS finding_id, form_id, submission_id, "row", rule_id FROM {failing}
        ), okays AS (
            SELECT {FINDING_ID} AS finding_id, list(DISTINCT decision_id ORDER BY decision_id) AS decision_ids
            FROM ({accepted}) GROUP BY finding_id
        ), known AS (
            SELECT * FROM quality.finding_events
            QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY "at" DESC) = 1
        ), compared AS (
            SELECT
                finding_id,
                coalesce(failing.form_id, known.form_id) AS form_id,
                coalesce(failing.submission_id, known.submission_id) AS submission_id,
                coalesce(failing."row", known."row") AS "row",
                coalesce(failing.rule_id, known.rule_id) AS rule_id,
                known.centre_code,
                known.enumerator_code,
                known.payload_sha256,
                known.decisions,
                CASE
                    WHEN failing.form_id IS NULL THEN if(known.event <> 'mended', 'mended', NULL)
                    WHEN known.event IS NULL THEN 'opened'
                    WHEN known.event = 'mended' THEN 'reopened'
                    WHEN known.event = 'accepted' AND okays.decision_ids IS NULL THEN 'reopened'
                END AS event,
                -- of several decisions the first; it is changed only when it no longer holds
                CASE
                    WHEN failing.form_id IS NOT NULL AND NOT coalesce(
                        known.event = 'accepted' AND list_contains(okays.decision_ids, known.decision_id), false
                    ) THEN okays.decision_ids[1]
                END AS decision_id
            FROM failing
            FULL JOIN known USING (finding_id)
            LEFT JOIN okays USING (finding_id)
        ), changed AS (
            SELECT * FROM compared WHERE event IS NOT NULL OR decision_id IS NOT NULL
        ), asked AS (
            -- '' stands for all versions
            SELECT
                now.form_id,
                now.rule_id,
                any_value(now.kind) AS kind,
                any_value(now.field) AS field,
                coalesce(
                    list(coalesce(now.form_version, '')) FILTER (
                        before.rule_id IS NOT NULL AND now.expression IS DISTINCT FROM before.expression
                    ),
                    []
                ) AS changed_in
            FROM quality.rules AS now
            LEFT JOIN {rules_before} AS before
                ON now.form_id = before.form_id
                AND now.rule_id = before.rule_id
                AND now.form_version IS NOT DISTINCT FROM before.form_version
            GROUP BY now.form_id, now.rule_id
        ), corrected AS (
            SELECT DISTINCT form_id, submission_id, column_name
            FROM quality.decision_states
            WHERE state = 'applied' AND "action" IN ('replace', 'recode')
        ), told AS (
            SELECT
                changed.* EXCLUDE (payload_sha256, decisions) REPLACE (
                    -- a record that is gone has no owner any more: its last one stays
                    coalesce(whose.centre_code, changed.centre_code) AS centre_code,
                    coalesce(whose.enumerator_code, changed.enumerator_code) AS enumerator_code
                ),
                answers.payload_sha256,
                answers.decisions,
                CASE WHEN changed.event = 'mended' THEN {_SETTLED_BY} END AS settled_by
            FROM changed
            LEFT JOIN asked ON changed.form_id = asked.form_id AND changed.rule_id = asked.rule_id
            LEFT JOIN staging.submissions AS submissions
                ON changed.form_id = submissions.form_id AND changed.submission_id = submissions.submission_id
            LEFT JOIN answers.loaded_submissions AS answers
                ON changed.form_id = answers.form_id AND changed.submission_id = answers._submission_id
            LEFT JOIN marts.interviews AS whose
                ON changed.form_id = whose.form_id AND changed.submission_id = whose.submission_id
            LEFT JOIN corrected
                ON changed.form_id = corrected.form_id
                AND changed.submission_id = corrected.submission_id
                AND asked.field = corrected.column_name
        )
        SELECT * EXCLUDE (decision_id), $run_id AS run_id, $at AS "at", NULL AS decision_id
        FROM told WHERE event IS NOT NULL
        UNION ALL BY NAME
        SELECT
            * REPLACE ('accepted' AS event, 'decision' AS settled_by),
            $run_id AS run_id,
            -- one that is new is opened first
            $at + INTERVAL 1 MICROSECOND AS "at"
        FROM told WHERE decision_id IS NOT NULL
    """

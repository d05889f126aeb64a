"""Row checks cost by new and changed records: what must be asked again, and what stands from earlier runs.

A record's verdicts depend on its answers, on the rules of its form version and on that version's lists, and on nothing
else: compiled rules read no other record and no clock of ours. A digest of all that tells whether they still stand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from laktasi.errors import CheckError
from laktasi.quality.plan import Batch, Questionnaires
from laktasi.store.sql import identifier, literal, transaction, values

if TYPE_CHECKING:
    import duckdb

DATABASE = "verdicts"
"""An attached database in memory: verdicts are made anew when they are needed, and writing them down takes longer."""

ASKED = f"{DATABASE}.asked"
"""The submissions of one form at a time (:func:`look_at`) that the row checks of this run ask, ``_submission_id``."""

_CHANGED = f"{DATABASE}.changed"
"""Table `form_id, submission_id, digest` of what is new or changed, and of what is gone, which has no digest."""

_LIBRARIES = ("duckdb", "great-expectations")
"""What a newer version of could judge otherwise."""


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows of a table one form version has."""

    standing: int
    asked: int
    """Of these: rows of submissions that are new or changed."""


def choose(con: duckdb.DuckDBPyConnection, batches: Iterable[Batch], questionnaires: Questionnaires) -> None:
    """Find out which submissions are new or changed since they were checked last, and which are gone.

    Raises
    ------
    CheckError
        Answers stand there that belong to no form version at hand, and would be passed over.
    """
    suites = _suites(con, [batch for batch in batches if not batch.is_set], questionnaires)
    known = values(("form_id", "form_version", "suite"), [(*key, digest) for key, digest in suites.items()])
    unknown = con.execute(
        f"""
        SELECT DISTINCT form_id, form_version FROM answers.loaded_submissions
        ANTI JOIN ({known}) AS known USING (form_id, form_version) ORDER BY ALL
        """
    ).fetchone()
    if unknown:
        raise _not_at_hand(*unknown)
    con.execute(
        f"""
        CREATE OR REPLACE TABLE {_CHANGED} AS
        WITH now AS (
            SELECT
                form_id,
                _submission_id AS submission_id,
                md5(concat_ws(chr(31), payload_sha256, layout, coalesce(decisions, ''), suite)) AS digest
            FROM answers.loaded_submissions INNER JOIN ({known}) AS known USING (form_id, form_version)
        )
        SELECT form_id, submission_id, now.digest
        FROM now FULL JOIN quality.checked AS checked USING (form_id, submission_id)
        WHERE now.digest IS DISTINCT FROM checked.digest
        """
    )


def look_at(con: duckdb.DuckDBPyConnection, form_id: str) -> None:
    """Let :data:`ASKED` give the submissions of a form: compiled rules know a submission by its id alone."""
    con.execute(
        f"""
        CREATE OR REPLACE VIEW {ASKED} AS
        SELECT submission_id AS _submission_id FROM {_CHANGED}
        WHERE form_id = {literal(form_id)} AND digest IS NOT NULL
        """
    )


def count_rows(con: duckdb.DuckDBPyConnection, questionnaires: Questionnaires) -> dict[tuple[str, str], Rows]:
    """Count the rows of every table by form version.

    Returns
    -------
    dict
        By name of the table and form version; only where there are rows.

    Raises
    ------
    CheckError
        Rows belong to no submission that has been read, and no rule would look at them.
    """
    read = dict.fromkeys(questionnaires, 0) | {
        (form_id, form_version): count
        for form_id, form_version, count in con.execute(
            "SELECT form_id, form_version, count(*) FROM answers.loaded_submissions GROUP BY ALL"
        ).fetchall()
    }
    found: dict[tuple[str, str], Rows] = {}
    for form_id in dict.fromkeys(form_id for form_id, _version in questionnaires):
        look_at(con, form_id)
        its = [item for (form, _version), item in questionnaires.items() if form == form_id]
        for name, path in {table.name: table.path for item in its for table in item.tables}.items():
            for form_version, standing, asked in con.execute(
                f"""
                SELECT rows._form_version, count(*), count(asked._submission_id)
                FROM {identifier("answers", name)} AS rows LEFT JOIN {ASKED} AS asked USING (_submission_id)
                GROUP BY rows._form_version ORDER BY 1
                """
            ).fetchall():
                # The form's own table has a row for each submission; that of a repeat as many as it likes.
                if (form_id, form_version) not in read or (not path and standing != read[form_id, form_version]):
                    raise _not_at_hand(form_id, form_version)
                found[name, form_version] = Rows(standing, asked)
    return found


def count_among(con: duckdb.DuckDBPyConnection, batch: Batch) -> dict[str, int]:
    """Count the rows that stand among those of each ``where`` of a row batch, by the id of the rule that has it."""
    if batch.among is None:
        return {}
    counted = con.execute(batch.among)
    row = counted.fetchone()
    assert row is not None
    return dict(zip((column[0] for column in counted.description or ()), row, strict=True))


def keep(con: duckdb.DuckDBPyConnection, failing: Any) -> None:
    """Write down what the row checks of this run found, beside what stands from earlier ones; all or nothing.

    Parameters
    ----------
    failing
        pyarrow.Table `form_id, submission_id, row, rule_id` of all submissions that were to be asked.
    """
    with transaction(con):
        for table in ("checked", "failing"):
            con.execute(
                f"""
                DELETE FROM quality.{table}
                WHERE (form_id, submission_id) IN (SELECT (form_id, submission_id) FROM {_CHANGED})
                """
            )
        con.execute(f"INSERT INTO quality.checked FROM {_CHANGED} WHERE digest IS NOT NULL")
        con.register("_laktasi_failing", failing)
        con.execute('INSERT INTO quality.failing SELECT form_id, submission_id, "row", rule_id FROM _laktasi_failing')
        con.unregister("_laktasi_failing")


def standing(con: duckdb.DuckDBPyConnection) -> Any:
    """Give everything that fails a row check now, from this run and earlier ones, as :func:`keep` takes it."""
    return con.execute('SELECT form_id, submission_id, "row", rule_id FROM quality.failing').to_arrow_table()


def standing_counts(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], int]:
    """Count what fails a row check now, by form, form version and rule."""
    counted = con.execute(
        """
        SELECT failing.form_id, loaded.form_version, failing.rule_id, count(*)
        FROM quality.failing AS failing
        INNER JOIN answers.loaded_submissions AS loaded
            ON failing.form_id = loaded.form_id AND failing.submission_id = loaded._submission_id
        GROUP BY ALL
        """
    ).fetchall()
    return {(form_id, form_version, rule_id): count for form_id, form_version, rule_id, count in counted}


def _suites(
    con: duckdb.DuckDBPyConnection, batches: Sequence[Batch], questionnaires: Questionnaires
) -> Mapping[tuple[str, str], str]:
    """Give a digest of all that the verdicts on a form version rest on beside the record."""
    lists = {
        (form_id, form_version): digest
        for form_id, form_version, digest in con.execute(
            """
            SELECT form_id, form_version, sha256(string_agg(choices::varchar, chr(30) ORDER BY list_name, position))
            FROM staging.choices AS choices GROUP BY form_id, form_version
            """
        ).fetchall()
    }
    libraries = [[name, version(name)] for name in _LIBRARIES]
    asked: dict[tuple[str, str], list[Any]] = {key: [] for key in questionnaires}
    for batch in batches:
        assert batch.version is not None
        rules = [[rule.rule_id, rule.column] for rule in batch.rules]
        asked[batch.form_id, batch.version].append([batch.table, batch.select, rules])
    return {
        key: hashlib.sha256(json.dumps([libraries, what, lists.get(key)]).encode()).hexdigest()
        for key, what in asked.items()
    }


def _not_at_hand(form_id: str, form_version: str) -> CheckError:
    return CheckError(
        f"form {form_id!r}, version {form_version!r}: its answers are staged, but the form is not at hand",
        why="No rule would look at them.",
        next_step="put this version of the form into xlsforms/, and run `laktasi run` again",
    )

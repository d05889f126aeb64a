"""What is told to people about a record's open findings: a comment on Central, and what enumerators' lists are made of.

Names the question and the rule, never an answer: where a label or a message would show one (``${…}``), dots stand.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from laktasi.questionnaire.model import Questionnaire

Texts = Mapping[str, str]

AT_MOST_LINES = 10
AT_MOST_LETTERS = 240
"""Of one line of a comment."""
NOT_SAID = ("source", "decision")
"""Kinds of rules that nobody with a phone can mend: they are about what the sources, reviewers or decisions say."""

PHONE = "collect:"
"""How a phone's id begins that Collect gives with all that it sends; browsers and programs give none, or another."""

_FIRST = {
    "id": "laktasi: {n} hal pada kiriman ini perlu diperiksa.",
    "en": "laktasi: to be looked at in this record: {n}.",
}
_MORE = {
    "id": "… dan {n} lagi. Daftar lengkap: laktasi findings",
    "en": "… and {n} more. The whole list: laktasi findings",
}
_ROW = {"id": "ke-{row}", "en": "no. {row}"}
_VALUE = re.compile(r"\$\{[^}]*\}|<output\b[^>]*>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|\*\*|^#+\s")
"""How labels are styled for Collect."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One open finding, in words."""

    form_id: str
    submission_id: str
    rule_id: str
    row: str
    """Position of the repeat instance, ``2`` or ``2.1``; empty in the form's own table."""
    question: Texts
    """The question's label by language; empty where the rule is about several, or about one without a label."""
    message: Texts
    """What is wrong, by language."""
    kind: str = ""
    """Of the rule: required, calculation, declared …"""
    path: str = ""
    """The question's place in the form; empty where the rule is about several."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be said about one record."""

    form_id: str
    submission_id: str
    rule_ids: tuple[str, ...]
    """Sorted, each once."""
    text: str
    """Some lines; the first one says who speaks."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Where a record came from, in codes: what an enumerator finds it by."""

    form_version: str
    enumerator_code: str | None
    subject_code: str | None
    """Study code of the respondent."""
    day: date | None
    centre: Texts
    """Name of the health centre by language; empty where none was given, or one that no list offers."""
    is_edited_on_server: bool
    """Its current version was made there: Central then takes no edit of it from a phone, which does not have it."""
    is_decided: bool
    """A person on Central approved or rejected it, or took our flag away: it is not for the phone to change."""


def whose(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Whose]:
    """Tell of each staged submission with open findings whose it is; by form and submission."""
    rows = con.execute(
        """
        select
            marts.form_id,
            marts.submission_id,
            submissions.form_version,
            marts.enumerator_code,
            marts.subject_code,
            marts.day,
            centres.labels,
            edited_on_server.instance_id is not null,
            decided.submission_id is not null
        from marts.submissions as marts
        inner join staging.submissions as submissions
            on marts.form_id = submissions.form_id and marts.submission_id = submissions.submission_id
        left join marts.centres as centres on marts.centre_code = centres.centre_code
        left join (
            select form_id, instance_id from raw.submission_versions
            where instance_id <> submission_id
            group by form_id, instance_id
            having not coalesce(bool_or(starts_with(device_id, $phone)), false)
        ) as edited_on_server
            on submissions.form_id = edited_on_server.form_id
            and submissions.instance_id = edited_on_server.instance_id
        left join (
            select form_id, submission_id from raw.latest_submission_states
            where review_state in ('approved', 'rejected') and deleted_at is null and not is_purged
            union
            select form_id, submission_id from quality.latest_feedback where action = 'left_alone'
        ) as decided
            on marts.form_id = decided.form_id and marts.submission_id = decided.submission_id
        where marts.open_errors + marts.open_warnings > 0
        """,
        {"phone": PHONE},
    ).fetchall()
    return {
        (form_id, submission_id): Whose(version, enumerator, subject, day, labels or {}, *whether)
        for form_id, submission_id, version, enumerator, subject, day, labels, *whether in rows
    }


def problems(con: duckdb.DuckDBPyConnection, severities: Collection[str]) -> list[Problem]:
    """Give the open findings of staged submissions, record by record, in the order of the form.

    Parameters
    ----------
    severities
        ``error``, ``warning`` or both.
    """
    rows = con.execute(
        """
        with
        -- what is asked of each column, in the words of the newest form version that has it
        questions as (
            select
                rules.form_id,
                rules.rule_id,
                rules.field,
                codebook.position,
                codebook.path,
                codebook.labels
            from quality.rules as rules
            inner join staging.codebook as codebook
                on rules.form_id = codebook.form_id
                and rules.table_name = codebook.table_name
                and rules.field = codebook.column_name
            qualify row_number() over (
                partition by rules.form_id, rules.rule_id, rules.field order by codebook.position
            ) = 1
        )
        select
            findings.form_id,
            findings.submission_id,
            findings.rule_id,
            -- where a node is one too many, its name stands there: the sender's own words
            case when findings.kind = 'unknown_node' then '' else findings."row" end as "row",
            coalesce(findings.kind, ''),
            coalesce(questions.path, ''),
            questions.labels,
            findings.messages
        from quality.findings as findings
        semi join staging.submissions as submissions
            on findings.form_id = submissions.form_id
            and findings.submission_id = submissions.submission_id
            and submissions.state = 'staged'
        left join questions
            on findings.form_id = questions.form_id
            and findings.rule_id = questions.rule_id
            and findings.field = questions.field
        where findings.is_open
            and list_contains($severities, findings.severity)
            and not list_contains($not_said, coalesce(findings.kind, ''))
        order by
            findings.form_id,
            findings.submission_id,
            questions.position nulls last,
            findings.rule_id,
            length(findings."row"),
            findings."row"
        """,
        {"severities": list(severities), "not_said": list(NOT_SAID)},
    ).fetchall()
    return [
        Problem(form_id, submission_id, rule_id, row, without_answers(labels), without_answers(told), kind, path)
        for form_id, submission_id, rule_id, row, kind, path, labels, told in rows
    ]


def place_of(problem: Problem, questionnaire: Questionnaire | None) -> Texts:
    """Give what people find a problem by: the question's label, else that of the nearest group with one, else its name.

    Empty where the rule is about several questions.

    Parameters
    ----------
    questionnaire
        The form version of the record; None where it cannot be read.
    """
    if problem.question or not problem.path:
        return problem.question
    around = [
        (len(group.path), labels)
        for group in (questionnaire.groups if questionnaire else ())
        if problem.path.startswith(f"{group.path}/") and (labels := without_answers(group.labels))
    ]
    return max(around, key=lambda item: item[0])[1] if around else {"default": problem.path.rpartition("/")[2]}


def messages(con: duckdb.DuckDBPyConnection, source: str, severities: Collection[str], language: str) -> list[Message]:
    """Give what is to be said about the live records of one Central, in the order of form and submission.

    Parameters
    ----------
    source
        ``central:<host>/<project>``, as raw has it.
    severities
        Of the findings that are said: ``error``, ``warning`` or both.
    language
        ``id`` or ``en``; another one where the form has no words in this.
    """
    live = set(
        con.execute(
            """
            select form_id, submission_id from raw.latest_submission_states
            where source = $source and deleted_at is null and not is_purged
            """,
            {"source": source},
        ).fetchall()
    )
    by_record: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems(con, severities):
        by_record.setdefault((problem.form_id, problem.submission_id), []).append(problem)
    return [
        Message(*record, tuple(sorted({problem.rule_id for problem in found})), comment(found, language))
        for record, found in by_record.items()
        if record in live
    ]


def comment(found: Iterable[Problem], language: str) -> str:
    """Write what is wrong with one record as a comment on Central, which shows Markdown.

    Bounded: the first lines, and how many more there are.
    """
    lines = list(dict.fromkeys(_line(problem, language) for problem in found))
    told = [_FIRST[language].format(n=len(lines)), "", *lines[:AT_MOST_LINES]]
    if more := len(lines) - AT_MOST_LINES:
        told += [_MORE[language].format(n=more)] if more > 0 else []
    return "\n".join(told)


def in_language(texts: Texts, language: str) -> str:
    """Give a text in this language, else in the form's default, else in any it has; empty where it has none."""
    for candidate in (language, "default", "en", *sorted(texts)):
        if texts.get(candidate):
            return texts[candidate]
    return ""


def _line(problem: Problem, language: str) -> str:
    question, message = in_language(problem.question, language), in_language(problem.message, language)
    if problem.row:
        place = _ROW[language].format(row=problem.row)
        question = f"{question} ({place})" if question else place
    words = ": ".join(filter(None, (_cut(question), _cut(message))))
    return f"- {words} `{problem.rule_id}`" if words else f"- `{problem.rule_id}`"


def _cut(text: str) -> str:
    return text if len(text) <= AT_MOST_LETTERS else f"{text[: AT_MOST_LETTERS - 1].rstrip()}…"


def without_answers(texts: Texts | None) -> Texts:
    """Give labels or messages as plain words, with dots where a phone would show an answer."""
    return {language: text for language, own in (texts or {}).items() if (text := _plain(own))}


def _plain(text: str) -> str:
    """Give a label or message without its styling, and with dots where Collect would show an answer."""
    return " ".join(_TAG.sub("", _VALUE.sub("…", text)).split())

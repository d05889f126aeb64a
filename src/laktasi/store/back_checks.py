"""Back checks in the warehouse: interviews and their repeats matched, compared question by question, and counted.

The comparison needs staging and marts.interviews and nothing of the checks, so it is made before them, and a declared
check can ask for its rates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from laktasi.back_checks import BackChecks
from laktasi.errors import CheckError
from laktasi.store.asked_twice import Asked, Twice, find_question, find_variable
from laktasi.store.forms import Questionnaires
from laktasi.store.rows import TEXTS, append, by_column
from laktasi.store.sql import identifier, literal, select_from_file, transaction
from laktasi.study import Study

TABLES = ("back_check_variables", "back_checks", "back_check_pairs", "back_check_rates", "back_check_coverage")
_SEPARATOR = 31  # U+001F, which no XML document can hold: joined answers cannot be mistaken for others


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that schemas/back_checks.yml names, found in the questionnaires."""

    declared: BackChecks
    original_table: str
    """Quoted name of the original form's table in staging."""
    back_check_table: str
    original_key: str
    """SQL of what names an interview, over the original's table."""
    back_check_key: str
    checker: str
    """SQL of who did the back check."""
    variables: tuple[Twice, ...]
    contacts: tuple[Asked, ...]
    original_where: str | None = None
    """A select of ``_submission_id``: interviews that may be repeated; None is all of those with consent."""
    back_check_where: str | None = None
    """The same of the back checks that were completed."""

    def originals(self) -> str:
        """Give the interviews that may be repeated: submission_id, match_key, codes, day and stratum of the sample."""
        codes = [f"coalesce(interviews.{name}_code, '')" for name in self.declared.sample.strata]
        return f"""
            select
                interviews.submission_id,
                {self.original_key} as match_key,
                interviews.centre_code,
                interviews.enumerator_code,
                interviews.subject_code,
                interviews.day,
                concat_ws(chr({_SEPARATOR}), '', {", ".join(codes) or "''"}) as stratum
            from marts.interviews as interviews
            inner join {self.original_table} as answers on interviews.submission_id = answers._submission_id
            where interviews.form_id = {literal(self.declared.original.form_id)} and interviews.is_consented
                and {_among(self.original_where)}
        """

    def repeats(self) -> str:
        """Give the back checks: submission_id, match_key, checker_code, is_done, day, started_at."""
        return f"""
            select
                interviews.submission_id,
                {self.back_check_key} as match_key,
                {self.checker} as checker_code,
                {_among(self.back_check_where)} as is_done,
                interviews.day,
                interviews.started_at
            from marts.interviews as interviews
            inner join {self.back_check_table} as answers on interviews.submission_id = answers._submission_id
            where interviews.form_id = {literal(self.declared.back_check.form_id)}
        """

    def answers(self) -> str:
        """Give the matched pairs with the answers of both sides: o0, b0, o1, b1 …"""
        originals = ", ".join(f"{item.original.sql} as o{at}" for at, item in enumerate(self.variables))
        repeats = ", ".join(f"{item.back_check.sql} as b{at}" for at, item in enumerate(self.variables))
        return f"""
            select back_checks.original_id, back_checks.submission_id as back_check_id, back_checks.centre_code,
                back_checks.enumerator_code, back_checks.checker_code,
                originals.* exclude (_submission_id), repeats.* exclude (_submission_id)
            from marts.back_checks as back_checks
            inner join (select _submission_id, {originals} from {self.original_table} as answers) as originals
                on back_checks.original_id = originals._submission_id
            inner join (select _submission_id, {repeats} from {self.back_check_table} as answers) as repeats
                on back_checks.submission_id = repeats._submission_id
            where back_checks.state = 'compared'
        """

    def wanted(self) -> str:
        """Give SQL of how many interviews a stratum wants repeated, over a group of its interviews."""
        sample = self.declared.sample
        return f"least(count(*), greatest({sample.at_least}, ceil(round({sample.share!r} * count(*), 6))))"


def _among(select: str | None) -> str:
    return "true" if select is None else f"answers._submission_id in ({select})"


def find_back_checks(declared: BackChecks, study: Study | None, questionnaires: Questionnaires) -> Comparison:
    """Find what back_checks.yml names in the questionnaires.

    Raises
    ------
    CheckError
        There is no study that says who asked whom; a form or question is not known, stands in a repeat or cannot be
        compared; or a code that is published would be a direct identifier.
    """
    original, again = declared.original, declared.back_check
    if study is None or study.roles.enumerator is None:
        raise CheckError(
            "back_checks.yml needs a study.yml with the role enumerator",
            why="Back checks tell how well enumerators ask; study.yml says who they are.",
            next_step="add the role to schemas/study.yml, or take schemas/back_checks.yml out",
        )
    if original.form_id != study.form_id:
        raise CheckError(
            f"back_checks.yml: the original form is {original.form_id!r}, and the study's is {study.form_id!r}",
            next_step="correct 'form' of 'original' in schemas/back_checks.yml",
        )

    def asked(form_id: str, name: str, part: str) -> Asked:
        return find_question(questionnaires, form_id, name, part)

    checker = asked(again.form_id, declared.checker, "'checker'")
    if checker.is_private:
        raise CheckError(
            f"back_checks.yml: 'checker': {declared.checker!r} is a direct identifier, or not marked at all",
            why="Its codes stand in tables that are published; direct identifiers never do.",
            next_step="mark it quasi or none in the column bind::laktasi:privacy of the XLSForm, if that is true",
        )
    keys = {
        side.form_id: _key([asked(side.form_id, name, "'match'").text for name in side.match])
        for side in (original, again)
    }
    return Comparison(
        declared=declared,
        original_table=identifier("staging", asked(original.form_id, original.match[0], "'match'").table),
        back_check_table=identifier("staging", checker.table),
        original_key=keys[original.form_id],
        back_check_key=keys[again.form_id],
        checker=checker.text,
        variables=tuple(
            find_variable(questionnaires, item, (original.form_id, again.form_id))
            for item in declared.variables.values()
        ),
        contacts=tuple(asked(original.form_id, name, "'contacts'") for name in declared.sample.contacts),
    )


def _key(texts: list[str]) -> str:
    """Join the answers that name an interview; one that is missing leaves it without a name."""
    parts = [f"nullif(trim({text}), '')" for text in texts]
    known = " and ".join(f"{part} is not null" for part in parts)
    return f"case when {known} then concat_ws(chr({_SEPARATOR}), {', '.join(parts)}) end"


def build_back_checks(con: duckdb.DuckDBPyConnection, comparison: Comparison | None) -> Mapping[str, int]:
    """Make the marts of the back checks anew from staging and marts.interviews, in one transaction.

    Parameters
    ----------
    comparison
        None: the project has no back checks, and the marts are empty.

    Returns
    -------
    mapping
        Back checks by state; empty without back checks.
    """
    with transaction(con):
        for table in (*TABLES, "back_check_tests"):
            con.execute(f"delete from marts.{table}")
        if comparison is None:
            return {}
        append(con, "marts.back_check_variables", _variables(comparison))
        _insert(con, "back_checks", originals=comparison.originals(), back_checks=comparison.repeats())
        selects = [_compared(item, at) for at, item in enumerate(comparison.variables)]
        _insert(con, "back_check_pairs", answers=comparison.answers(), compared=" union all ".join(selects))
        _insert(con, "back_check_rates", pairs="marts.back_check_pairs")
        _insert(
            con,
            "back_check_coverage",
            originals=comparison.originals(),
            wanted=comparison.wanted(),
            form_id=literal(comparison.declared.original.form_id),
        )
    return dict(con.execute("select state, count(*) from marts.back_checks group by state order by state").fetchall())


def _insert(con: duckdb.DuckDBPyConnection, table: str, **placeholders: str) -> None:
    con.execute(f"insert into marts.{table} by name {select_from_file('marts', table, **placeholders)}")


def _variables(comparison: Comparison) -> pa.Table:
    columns = {
        "variable": pa.string(),
        "position": pa.int32(),
        "type": pa.int8(),
        "form_id": pa.string(),
        "table_name": pa.string(),
        "column_name": pa.string(),
        "kind": pa.string(),
        "ok_range": pa.string(),
        "is_private": pa.bool_(),
        "alarm_rate": pa.float64(),
        "labels": TEXTS,
    }
    rows = [
        {
            "variable": item.variable.name,
            "position": position,
            "type": item.variable.type,
            "form_id": item.original.form_id,
            "table_name": item.original.table,
            "column_name": item.original.column,
            "kind": item.kind,
            "ok_range": str(item.variable.ok_range) if item.variable.ok_range else None,
            "is_private": item.is_private,
            "alarm_rate": comparison.declared.alarms.get(item.variable.type),
            "labels": item.original.labels,
        }
        for position, item in enumerate(comparison.variables, start=1)
    ]
    return by_column(columns, rows)


def _compared(item: Twice, at: int) -> str:
    one, other = f"o{at}", f"b{at}"
    return f"""
        select original_id, back_check_id, centre_code, enumerator_code, checker_code,
            {literal(item.variable.name)} as variable, {item.variable.type} as type,
            {item.is_compared(one, other)} as is_compared,
            {item.is_different(one, other)} as is_different,
            {item.is_within(one, other)} as is_within_ok_range
        from answers
    """


def answers_twice(con: duckdb.DuckDBPyConnection, comparison: Comparison) -> list[tuple[Twice, list[tuple[Any, Any]]]]:
    """Give both answers of every pair, for the tests: variables of types 2 and 3 that are no direct identifier.

    Returns
    -------
    list
        Per variable the original and the repeated answers (float for numbers and days, text for choices) that both
        are there and count. None of it may leave the warehouse but as a mean or a share of many.
    """
    found = []
    for at, item in enumerate(comparison.variables):
        if item.variable.type == 1 or item.is_private or item.kind not in ("number", "day", "choice"):
            continue
        both = f"o{at} is not null and b{at} is not null and {item.is_compared(f'o{at}', f'b{at}')}"
        query = f"select o{at}, b{at} from ({comparison.answers()}) where {both} order by original_id"
        found.append((item, con.execute(query).fetchall()))
    return found


TEST_COLUMNS = {
    "variable": pa.string(),
    "type": pa.int8(),
    "level": pa.string(),
    "test": pa.string(),
    "n": pa.int64(),
    "original": pa.float64(),
    "back_check": pa.float64(),
    "estimate": pa.float64(),
    "ci_low": pa.float64(),
    "ci_high": pa.float64(),
    "statistic": pa.float64(),
    "df": pa.float64(),
    "p_value": pa.float64(),
    "reason": pa.string(),
}


def write_tests(con: duckdb.DuckDBPyConnection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Put the results of the tests in the place of those of the last run; `rows` have the columns of the table."""
    with transaction(con):
        con.execute("delete from marts.back_check_tests")
        append(con, "marts.back_check_tests", by_column(TEST_COLUMNS, list(rows)))

"""People and places in schema ``marts``: targets, and how each enumerator, health centre and phone fares."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from laktasi.errors import CheckError, StudyError
from laktasi.store.answered import answered, choices_given, numbers_given
from laktasi.store.forms import Questionnaires, versions_of
from laktasi.store.intervals import wilson
from laktasi.store.roles import find_question
from laktasi.store.rows import append, by_column
from laktasi.store.sql import literal, select_from_file, transaction
from laktasi.study import Study
from laktasi.targets import Target

Floats = NDArray[np.float64]

TABLES = ("people", "people_rates", "daily", "digit_preference", "frequent_values")

FEWEST = 10
"""Below this many records or answers a share says too little to be compared."""

TAIL = 0.025
"""A rate is marked where fewer than this share of those that are like all others would lie as far out, on each side."""

# A phone whose clock was set back, or that stood a day or more ahead of the server's or of ours, cannot say which day
# it was.
IS_CLOCK_WRONG = (
    "coalesce(interviews.is_clock_behind or interviews.is_clock_ahead"
    " and interviews.finished_at > coalesce(interviews.received_at, interviews.landed_at) + interval 1 day"
    " or interviews.day > cast(interviews.landed_at at time zone 'UTC' as date) + 1, false)"
)


def stand_targets(
    con: duckdb.DuckDBPyConnection, targets: Sequence[Target], study: Study | None, questionnaires: Questionnaires
) -> None:
    """Make marts.targets anew. The checks over the set read it.

    Raises
    ------
    CheckError
        There are targets and no study that says which question names the centre, or a target is for a centre that no
        form version offers: nothing would ever count towards it.
    """
    offered = _offered_centres(study, questionnaires) if targets else set()
    for one in targets:
        if offered and one.centre not in offered:
            raise CheckError(
                f"targets.csv: line {one.line}: no form version offers the centre {one.centre!r}",
                next_step="write the code as in the form's list of centres, in schemas/targets.csv",
            )
    columns = {"centre_code": pa.string(), "target": pa.int32(), "until": pa.date32()}
    rows = [{"centre_code": one.centre, "target": one.records, "until": one.until} for one in targets]
    with transaction(con):
        con.execute("delete from marts.targets")
        append(con, "marts.targets", by_column(columns, rows))


def _offered_centres(study: Study | None, questionnaires: Questionnaires) -> set[str]:
    """Give the centres that any version offers; none where the question has no list and takes any text."""
    if study is None:
        raise CheckError(
            "targets.csv gives targets to centres, and there is no study.yml that says which question names them",
            next_step="write schemas/study.yml, or remove schemas/targets.csv",
        )
    centre = find_question(study, questionnaires, study.roles.centre, "role centre", published=True)
    return {
        choice.value
        for questionnaire, field in centre.fields
        if field.list_name is not None
        for choice in questionnaire.choice_lists[field.list_name].choices
    }


def build_people(con: duckdb.DuckDBPyConnection, study: Study | None, questionnaires: Questionnaires) -> None:
    """Make the marts of people and places anew, from the other marts and the answers.

    Parameters
    ----------
    study
        Says who asks and where. None leaves them empty.

    Raises
    ------
    StudyError
        A choice under `special` is offered by no form version: it would be counted nowhere.
    """
    if study:
        _check_special(study, questionnaires)
    with transaction(con):
        for table in TABLES:
            con.execute(f"delete from marts.{table}")
        if study is None:
            return
        form_id = literal(study.form_id)
        _insert(con, "daily", form_id=form_id, is_clock_wrong=IS_CLOCK_WRONG)
        _insert(con, "people", form_id=form_id, is_clock_wrong=IS_CLOCK_WRONG)
        rates = select_from_file(
            "marts",
            "people_rates",
            form_id=form_id,
            asks_consent=literal(study.roles.consent is not None),
            answers=answered(study, questionnaires),
            fewest=literal(FEWEST),
            low=wilson("(k / design_effect)", "(n / design_effect)", "low"),
            high=wilson("(k / design_effect)", "(n / design_effect)", "high"),
        )
        _insert_rates(con, rates)
        if study.roles.enumerator:
            for table, given, insert in (
                ("digit_preference", numbers_given(study, questionnaires), _insert_digits),
                ("frequent_values", choices_given(study, questionnaires), _insert_frequent),
            ):
                found = [
                    con.execute(
                        select_from_file(
                            "marts",
                            table,
                            form_id=form_id,
                            questions=one.question,
                            counts=one.counts,
                            fewest=literal(FEWEST),
                            low=wilson("k", "n", "low"),
                            high=wilson("k", "n", "high"),
                        )
                    ).to_arrow_table()
                    for one in given
                ]
                if found:
                    order = [(name, "ascending") for name in ("enumerator_code", "table_name", "column_name")]
                    insert(con, pa.concat_tables(found).sort_by(order))


def exact_tail(k: Floats, n: Floats, overall: Floats) -> Floats:
    """Give the binomial probability of `k` or more of `n`, where `k` lies above what is expected, else of `k` or fewer.

    Parameters
    ----------
    k, n
        Counts, one of each per unit. A design effect may have made fractions of them: the tail of the binomial
        distribution is an incomplete beta function, which is defined between whole numbers as well.
    overall
        The share that is expected.
    """
    from scipy.special import betainc

    at_least = np.where(k > 0, betainc(np.maximum(k, 1e-9), n - k + 1, overall), 1.0)
    at_most = np.where(k < n, betainc(np.maximum(n - k, 1e-9), k + 1, 1 - overall), 1.0)
    return np.where(k > n * overall, at_least, at_most)


def _insert(con: duckdb.DuckDBPyConnection, table: str, **placeholders: str) -> None:
    con.execute(f"insert into marts.{table} by name {select_from_file('marts', table, **placeholders)}")


def _insert_rates(con: duckdb.DuckDBPyConnection, select: str) -> None:
    """Add the exact tail, and mark what differs: Wilson's interval alone would mark one single rare event."""
    found = con.execute(select).to_arrow_table()
    k, n, overall, effect = (found[name].to_numpy() for name in ("k", "n", "overall", "design_effect"))
    low, high = (found[name].to_numpy().astype(float) for name in ("low", "high"))
    tail = np.where(np.isnan(low), np.nan, exact_tail(k / effect, n / effect, overall))
    above, below = (low > overall) & (tail <= TAIL), (high < overall) & (tail <= TAIL)
    differs = ["above" if over else "below" if under else None for over, under in zip(above, below, strict=True)]
    found = found.append_column("tail", pa.array(tail, pa.float64(), from_pandas=True))
    append(con, "marts.people_rates", found.append_column("differs", pa.array(differs, pa.string())))


def _insert_digits(con: duckdb.DuckDBPyConnection, found: pa.Table) -> None:
    """Add Fisher's exact test: twice the smaller tail of the hypergeometric distribution."""
    from scipy.stats import hypergeom

    k, n, others_k, others_n = (found[name].to_numpy() for name in ("k", "n", "others_k", "others_n"))
    tails = (hypergeom(n + others_n, k + others_k, n), k)
    p = np.minimum(1.0, 2 * np.minimum(tails[0].cdf(tails[1]), tails[0].sf(tails[1] - 1)))
    tests = len(p)
    found = found.drop_columns(["others_k"])
    _append_tested(con, "digit_preference", found, p, tests)


def _insert_frequent(con: duckdb.DuckDBPyConnection, found: pa.Table) -> None:
    """Add the two-sided probability of each z. Every choice that was given could have been the most frequent one."""
    from scipy.special import ndtr

    z = found["z"].to_numpy().astype(float)
    tests = int(found["choices"].to_numpy()[~np.isnan(z)].sum())
    _append_tested(con, "frequent_values", found.drop_columns(["z", "choices"]), 2 * ndtr(-z), tests)


def _append_tested(con: duckdb.DuckDBPyConnection, table: str, found: pa.Table, p: np.ndarray, tests: int) -> None:
    for name, values in (("p_value", p), ("p_adjusted", np.minimum(1.0, p * tests))):
        found = found.append_column(name, pa.array(values, pa.float64(), from_pandas=True))
    append(con, f"marts.{table}", found.append_column("comparisons", pa.array([tests] * len(p), pa.int64())))


def _check_special(study: Study, questionnaires: Questionnaires) -> None:
    offered = {
        choice.value
        for questionnaire in versions_of(questionnaires, study.form_id)
        for listed in questionnaire.choice_lists.values()
        for choice in listed.choices
    }
    for meaning, choices in study.special.items():
        if unknown := [choice for choice in choices if choice not in offered]:
            raise StudyError(
                f"study.yml: {meaning!r} of 'special': no list of the form offers {unknown[0]!r}",
                why="It would be counted nowhere, and nobody would seem to answer so.",
                next_step="write the choice as in the choices sheet, or take it out, in schemas/study.yml",
            )

"""From the marts to counts and pairs of values: what the analysis is given, and all that it is given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Literal

import duckdb
import numpy as np
from numpy.typing import NDArray

from laktasi.store.forms import Questionnaires
from laktasi.store.people import IS_CLOCK_WRONG
from laktasi.store.roles import find_question
from laktasi.store.sql import identifier, literal
from laktasi.study import Pair, PairedMeasure, Study

Population = Literal["all", "accepted"]
POPULATIONS: tuple[Population, ...] = ("all", "accepted")

Unit = Literal["week", "month", "quarter", "year"]
LONGEST_SPAN: dict[Unit, int] = {"week": 120, "month": 3 * 366, "quarter": 8 * 366}
"""Days of fieldwork up to which a trend goes by that unit, so that it has some twenty to forty periods; else years."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The joint tables of one exposure and one outcome, one for each health centre."""

    centre_codes: NDArray[np.object_]
    """In order; every centre with an included row, whatever the population."""
    counts: NDArray[np.int64]
    """Rows, shape (centres, exposure levels, outcome levels), levels lowest first; a covariate is the fourth axis."""


@dataclass(frozen=True, slots=True)
class Period:
    """The joint tables of the interviews of one period."""

    first_day: date
    unit: Unit
    counts: NDArray[np.int64]
    """As in `Counts`; of the centres with an interview in it."""


@dataclass(frozen=True, slots=True)
class Paired:
    """A number measured twice in the same people."""

    unit: str
    """As the form has it; empty where the study names none, or where nobody said."""
    centre_codes: NDArray[np.object_]
    """Of each person; so are the three that follow."""
    is_accepted: NDArray[np.bool_]
    before: NDArray[np.float64]
    after: NDArray[np.float64]


def contingency(
    con: duckdb.DuckDBPyConnection, study: Study, pair: Pair, population: Population, covariate: str | None = None
) -> Counts:
    """Count the rows of each centre by exposure and outcome, and by a covariate where one is given, in one query.

    Rows without one of the variables are in no cell. What comes back grows with the centres, not with the rows.
    """
    variables = [pair.exposure, pair.outcome, *([covariate] if covariate else [])]
    shape = tuple(len(study.variables[name].levels) for name in variables)
    cells = _cells(variables, shape, population)
    found = con.execute(
        f"select centre_code, {cells} from marts.analysed group by centre_code order by centre_code"
    ).fetchnumpy()
    codes = np.asarray(found.pop("centre_code"), dtype=object)
    counts = np.stack([np.asarray(cell, dtype=np.int64) for cell in found.values()], axis=1)
    return Counts(codes, counts.reshape(len(codes), *shape))


def by_period(
    con: duckdb.DuckDBPyConnection, study: Study, pair: Pair, population: Population, unit: Unit
) -> Iterator[Period]:
    """Count the rows of each centre period by period, by the day of the interview.

    Rows without a day, or whose phone's clock cannot be right, are in no period.
    """
    variables = [pair.exposure, pair.outcome]
    shape = tuple(len(study.variables[name].levels) for name in variables)
    found = con.execute(
        f"""
        select date_trunc({literal(unit)}, day)::date as period, centre_code, {_cells(variables, shape, population)}
        from marts.analysed
        inner join ({_days(study)}) as days using (submission_id)
        group by period, centre_code order by period, centre_code
        """
    ).fetchall()
    for first_day, rows in groupby(found, key=itemgetter(0)):
        counts = np.array([row[2:] for row in rows], dtype=np.int64)
        yield Period(first_day, unit, counts.reshape(-1, *shape))


def unit_of_trend(con: duckdb.DuckDBPyConnection, study: Study) -> Unit:
    """Choose how long the periods of a trend are, by how long the fieldwork has gone on."""
    found = con.execute(
        f"select max(day) - min(day) from marts.analysed inner join ({_days(study)}) as days using (submission_id)"
    ).fetchone()
    span = found[0] if found and found[0] is not None else 0
    return next((unit for unit, longest in LONGEST_SPAN.items() if span <= longest), "year")


def paired_values(
    con: duckdb.DuckDBPyConnection, study: Study, measure: PairedMeasure, questionnaires: Questionnaires
) -> list[Paired]:
    """Read both values of all included people who have them, by unit; in a set order.

    Where nobody has both there is one entry without people, so that the measure shows and says why it has no result.

    Raises
    ------
    StudyError
        A question of it does not fit the questionnaires, or its values would be published though they are marked as
        direct identifiers.
    """

    def sql(question: str, part: str) -> str:
        where = f"{part} of paired measure {measure.name!r}"
        return find_question(study, questionnaires, question, where, published=True).sql

    questionnaire, _ = find_question(study, questionnaires, study.roles.centre, "role centre", published=True).fields[0]
    unit = f"coalesce({sql(measure.unit, 'unit')}, '')" if measure.unit else "''"
    found = con.execute(
        f"""
        with values_of as (
            select _submission_id as submission_id, {unit} as unit,
                try_cast({sql(measure.before, "before")} as double) as before,
                try_cast({sql(measure.after, "after")} as double) as after
            from {identifier("staging", questionnaire.tables[0].name)}
        )
        select unit, centre_code, is_accepted, before, after
        from values_of inner join marts.analysed as analysed using (submission_id)
        where isfinite(before) and isfinite(after)
        order by unit, centre_code, submission_id
        """
    ).fetchnumpy()
    units = np.asarray(found["unit"], dtype=object)
    return [
        Paired(
            unit=unit,
            centre_codes=np.asarray(found["centre_code"], dtype=object)[units == unit],
            is_accepted=np.asarray(found["is_accepted"], dtype=bool)[units == unit],
            before=np.asarray(found["before"], dtype=np.float64)[units == unit],
            after=np.asarray(found["after"], dtype=np.float64)[units == unit],
        )
        for unit in dict.fromkeys(units) or ("",)
    ]


def _cells(variables: list[str], shape: tuple[int, ...], population: Population) -> str:
    """Give the columns that count each cell."""
    accepted = " and is_accepted" if population == "accepted" else ""
    # In DuckDB count_if is twice as fast as filtered counts, or as grouping by the cells too; but it gives NULL where
    # a centre has no answer at all.
    cells = []
    for cell in np.ndindex(shape):
        is_it = " and ".join(f"{identifier(name)} = {at + 1}" for name, at in zip(variables, cell, strict=True))
        name = "_".join(map(str, ("cell", *cell)))
        cells.append(f"coalesce(count_if({is_it}{accepted}), 0)::bigint as {name}")
    return ", ".join(cells)


def _days(study: Study) -> str:
    return f"""
        select submission_id, day from marts.interviews
        where form_id = {literal(study.form_id)} and day is not null and not {IS_CLOCK_WRONG}
    """

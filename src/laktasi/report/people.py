"""The page about people and places: what it reads from the research copy, in the order in which it is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from laktasi.report.model import Labels
from laktasi.report.versions import VERSIONS

if TYPE_CHECKING:
    import duckdb
    from _typeshed import DataclassInstance

KINDS = ("enumerator", "centre")
MEASURES = ("error", "refusal", "missing", "dont_know", "refused", "other")

SHOWN = 400
"""With more enumerators or health centres, the page shows so many of those that stand out."""

NAMED = 12
"""So many are named in a sentence."""

LISTED = 100
"""So many comparisons stand in a table."""

BY_CHANCE = 0.05
"""Share of rates that are marked at most where all are alike."""

BEYOND_CHANCE = 0.05
"""Corrected p below which a comparison is listed."""

Row = TypeVar("Row", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Work:
    """One row of marts.people."""

    kind: str
    code: str
    records: int
    included: int
    accepted: int
    days_worked: int
    records_per_day: float | None
    last_day: date | None
    days_silent: int | None
    without_day: int
    minutes_q1: float | None
    minutes_median: float | None
    minutes_q3: float | None
    open_errors: int
    open_warnings: int
    open_group_findings: int
    target: int | None
    until: date | None


@dataclass(frozen=True, slots=True)
class Rate:
    """One row of marts.people_rates."""

    kind: str
    code: str
    measure: str
    k: int
    n: int
    rate: float
    overall: float
    low: float | None
    high: float | None
    differs: str | None


@dataclass(frozen=True, slots=True)
class Digits:
    """One row of marts.digit_preference that chance hardly explains."""

    enumerator_code: str
    table_name: str
    column_name: str
    k: int
    n: int
    share: float
    low: float
    high: float
    expected: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class Frequent:
    """One row of marts.frequent_values that chance hardly explains."""

    enumerator_code: str
    table_name: str
    column_name: str
    value: str
    k: int
    n: int
    share: float
    low: float
    high: float
    expected: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A table of comparisons: how many were made, and those that chance hardly explains."""

    comparisons: int
    found: Sequence[Digits | Frequent]


@dataclass(frozen=True, slots=True)
class Unit:
    """One enumerator or one health centre."""

    work: Work
    labels: Labels
    rates: Mapping[str, Rate]
    """By measure."""
    days: Sequence[tuple[date, int]]
    """Records by day."""
    newest: date | None
    """Day of the last record of anyone."""

    @property
    def is_overdue(self) -> bool:
        """Whether the day of its target has passed in the data, and the target is not reached."""
        work = self.work
        return bool(
            work.target and work.until and self.newest and work.until < self.newest and work.included < work.target
        )

    @property
    def stands_out(self) -> bool:
        """Whether there is something to look at."""
        return (
            self.is_overdue
            or self.work.open_group_findings > 0
            or any(rate.differs is not None for rate in self.rates.values())
        )


@dataclass(frozen=True, slots=True)
class Marked:
    """Who lies wholly on one side of the overall rate, in one measure."""

    measure: str
    differs: str
    overall: float
    units: Sequence[Unit]

    @property
    def size(self) -> int:
        """How many they are."""
        return len(self.units)


@dataclass(frozen=True, slots=True)
class Group:
    """All enumerators, or all health centres."""

    kind: str
    units: Sequence[Unit]
    """In the order of their codes."""

    @property
    def measures(self) -> list[str]:
        """What there are rates of."""
        return [name for name in MEASURES if any(name in unit.rates for unit in self.units)]

    @property
    def shown(self) -> list[Unit]:
        """Those that the page shows: all, or of too many the first that stand out."""
        if len(self.units) <= SHOWN:
            return list(self.units)
        return [unit for unit in self.units if unit.stands_out][:SHOWN]

    @property
    def compared(self) -> int:
        """How many rates have an interval."""
        return sum(rate.low is not None for unit in self.units for rate in unit.rates.values())

    @property
    def by_chance(self) -> int:
        """How many of these would be marked at most if all were alike."""
        return math.ceil(BY_CHANCE * self.compared)

    @property
    def marked(self) -> list[Marked]:
        """Who is marked, by measure and side."""
        found = []
        for measure in self.measures:
            for differs in ("above", "below"):
                units = [
                    unit for unit in self.units if measure in unit.rates and unit.rates[measure].differs == differs
                ]
                if units:
                    found.append(Marked(measure, differs, units[0].rates[measure].overall, units))
        return found

    def overall(self, measure: str) -> float:
        """Give the overall rate of a measure."""
        return next(unit.rates[measure].overall for unit in self.units if measure in unit.rates)

    def limit(self, measure: str) -> float:
        """Give the rate at the right edge of a measure's drawings: the widest interval that is shown."""
        rates = [unit.rates[measure] for unit in self.shown if measure in unit.rates]
        return max([rate.high for rate in rates if rate.high is not None] + [self.overall(measure), 0.01])

    @property
    def with_target(self) -> list[Unit]:
        """Those that have a target."""
        return [unit for unit in self.units if unit.work.target]


@dataclass(frozen=True, slots=True)
class Content:
    """Everything the page tells."""

    enumerators: Group
    centres: Group
    days: Sequence[tuple[date, int]]
    """Records by day, of all."""
    records: int
    digits: Compared
    frequent: Compared
    questions: Mapping[tuple[str, str], Labels]
    """Labels by table and column."""
    choices: Mapping[tuple[str, str, str], Labels]
    """Labels by table, column and value."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """Enumerators and health centres, those that there are."""
        return tuple(group for group in (self.enumerators, self.centres) if group.units)


def read(connection: duckdb.DuckDBPyConnection) -> Content | None:
    """Read what the page needs; None where no study says who asks and where, or nothing has come in."""

    def rows(kind: type[Row], relation: str) -> list[Row]:
        names = ", ".join(f'"{item.name}"' for item in fields(kind))
        return [kind(*row) for row in connection.execute(f"select {names} from {relation}").fetchall()]

    works = rows(Work, "marts.people order by kind, code")
    if not works:
        return None
    labels: dict[tuple[str, str], Labels] = {
        ("centre", code): words or {}
        for code, words in connection.execute("select centre_code, labels from marts.centres").fetchall()
    }
    rates: dict[tuple[str, str], dict[str, Rate]] = {}
    for rate in rows(Rate, "marts.people_rates"):
        rates.setdefault((rate.kind, rate.code), {})[rate.measure] = rate
    days: dict[tuple[str, str], list[tuple[date, int]]] = {}
    for kind, code, day, records in connection.execute("from marts.daily order by kind, code, day").fetchall():
        days.setdefault((kind, code), []).append((day, records))
    everyone = days.get(("all", ""), [])
    newest = everyone[-1][0] if everyone else None

    def group(kind: str) -> Group:
        return Group(
            kind,
            [
                Unit(work, labels.get(key, {}), rates.get(key, {}), days.get(key, []), newest)
                for work in works
                if work.kind == kind
                for key in ((kind, work.code),)
            ],
        )

    def compared(kind: type[Digits] | type[Frequent], table: str) -> Compared:
        # More often than others only: that somebody avoids a choice is no sign of a convenient answer.
        found = rows(
            kind,
            f"{table} where p_adjusted < {BEYOND_CHANCE} and share > expected"
            " order by enumerator_code, table_name, column_name",
        )
        made = connection.execute(f"select coalesce(max(comparisons), 0) from {table}").fetchone()
        assert made is not None
        return Compared(made[0], found)

    return Content(
        enumerators=group("enumerator"),
        centres=group("centre"),
        days=everyone,
        records=_count(connection),
        digits=compared(Digits, "marts.digit_preference"),
        frequent=compared(Frequent, "marts.frequent_values"),
        questions={
            (table, column): words or {}
            for table, column, words in connection.execute(
                "select table_name, column_name, labels from staging.codebook"
            ).fetchall()
        },
        choices={(table, column, value): words or {} for table, column, value, words in _choices(connection)},
    )


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    """Count records of the study's form, whoever asked and wherever."""
    found = connection.execute("select coalesce(sum(submissions), 0) from marts.arrivals").fetchone()
    assert found is not None
    return int(found[0])


def _choices(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str, Labels | None]]:
    """Word the choices that are listed, as their newest version does."""
    return connection.execute(
        f"""
        with versions as ({VERSIONS})
        select fields.table_name, fields.column_name, choices.value, arg_max(choices.labels, versions.position)
        from (select distinct table_name, column_name, "value" from marts.frequent_values) as listed
        inner join staging.codebook as fields
            on listed.table_name = fields.table_name and listed.column_name = fields.column_name
        inner join staging.choices as choices
            on fields.form_id = choices.form_id
            and fields.list_name = choices.list_name
            and listed.value = choices.value
        inner join versions
            on choices.form_id = versions.form_id and choices.form_version = versions.form_version
        group by all
        order by all
        """
    ).fetchall()

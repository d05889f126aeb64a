"""The report's content in the order in which it is read: tables, pairs and places, without words or layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from laktasi.report.centre_files import centre_files
from laktasi.report.centre_rows import CentreRows, ToMend
from laktasi.report.read import POPULATIONS, Arrivals, CodebookField, Content, Frequency, JointCount, Kendall, Pooled
from laktasi.report.results import Adjusted, LeftOut, NextRound, Paired, Period, RandomEffects
from laktasi.study import Study

Labels = Mapping[str, str]

MAIN = POPULATIONS[0]
FEW_RECORDS = 10
"""Below this many accepted records a centre is marked as small, and its page draws no conclusion."""

CENTRES_SHOWN = 200
"""With more centres no page lists the results of each; the page of each centre holds its own."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of an ordered variable."""

    rank: int
    labels: Labels


@dataclass(frozen=True, slots=True)
class OrderedVariable:
    """An ordered variable and its levels, lowest first."""

    name: str
    labels: Labels
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class FrequencyTable:
    """One variable's frequencies at one place, for each population that was read."""

    number: int
    variable: OrderedVariable
    counts: Mapping[tuple[str, int], Frequency]
    """By population and level rank."""

    def total(self, population: str) -> int:
        """Give the number of records that have any level."""
        return sum(item.n for (name, _), item in self.counts.items() if name == population)

    def cell(self, population: str, rank: int) -> Frequency | None:
        """Give one cell, None where the warehouse counted nothing."""
        return self.counts.get((population, rank))


@dataclass(frozen=True, slots=True)
class JointTable:
    """Counts of exposure level × outcome level among the accepted records of one place."""

    counts: Mapping[tuple[int, int], int]

    def at(self, exposure: int | None = None, outcome: int | None = None) -> int:
        """Give the count of a cell; of a row, a column or the whole table where a rank is not given."""
        return sum(
            n for (row, column), n in self.counts.items() if exposure in (None, row) and outcome in (None, column)
        )


@dataclass(frozen=True, slots=True)
class PairAtPlace:
    """One pair of variables at one place."""

    number: int
    exposure: OrderedVariable
    outcome: OrderedVariable
    kendall: Kendall | None
    """Of the accepted records; None for all centres together, which have pooled results instead."""
    joint: JointTable


@dataclass(frozen=True, slots=True)
class Place:
    """One centre, or all centres together (code None)."""

    code: str | None
    labels: Labels
    file: str
    """Name of its page; empty for all centres together."""
    arrivals: Arrivals

    @property
    def is_small(self) -> bool:
        """So few accepted records that a person could be recognised or a number mean little."""
        return self.arrivals.accepted < FEW_RECORDS


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one place, or of all centres together, and what is to be mended there."""

    frequencies: Sequence[FrequencyTable]
    pairs: Sequence[PairAtPlace]
    paired: Sequence[Paired] = ()
    to_mend: Sequence[ToMend] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair of variables across centres: what the reader came for."""

    number: int
    exposure: OrderedVariable
    outcome: OrderedVariable
    pooled: Mapping[tuple[str, str], Pooled]
    """By population and method."""
    random_effects: Mapping[str, RandomEffects]
    """By population."""
    estimates: Sequence[tuple[Place, Kendall]]
    """Accepted records, centres with a tau_b, largest N first."""
    without: Sequence[tuple[Place, Kendall]]
    """Accepted records, centres without a tau_b."""
    joint: JointTable
    left_out: Sequence[tuple[Place, LeftOut]]
    """The mean without one centre, in the order of `estimates`."""
    adjusted: Sequence[Adjusted]
    trend: Sequence[Period]
    next_round: Sequence[NextRound]

    @property
    def main(self) -> Pooled | None:
        """The stratified result of the accepted records."""
        return self.pooled.get((MAIN, "stratified"))

    @property
    def mean(self) -> RandomEffects | None:
        """The mean over centres of the accepted records, where there is one."""
        found = self.random_effects.get(MAIN)
        return found if found is not None and found.tau_b is not None else None

    @property
    def direction(self) -> str:
        """Say on which side of zero the pooled interval lies: ``positive``, ``negative`` or ``unclear``."""
        pooled = self.main
        if pooled is not None and pooled.ci_low is not None and pooled.ci_low > 0:
            return "positive"
        if pooled is not None and pooled.ci_high is not None and pooled.ci_high < 0:
            return "negative"
        return "unclear"

    @property
    def above(self) -> int:
        """How many centres have their whole interval above zero."""
        return sum(item.ci_low is not None and item.ci_low > 0 for _, item in self.estimates)

    @property
    def below(self) -> int:
        """How many centres have their whole interval below zero."""
        return sum(item.ci_high is not None and item.ci_high < 0 for _, item in self.estimates)

    @property
    def unclear(self) -> int:
        """How many centres have an interval that includes zero, or none."""
        return len(self.estimates) - self.above - self.below

    @property
    def farthest(self) -> tuple[tuple[Place, LeftOut], tuple[Place, LeftOut]] | None:
        """Give the leavings-out after which the mean is smallest, and largest."""
        if not self.left_out:
            return None
        ordered = sorted(self.left_out, key=lambda item: (item[1].tau_b, item[1].centre_code))
        return ordered[0], ordered[-1]


@dataclass(frozen=True, slots=True)
class CodebookTable:
    """The questions of one table of one form."""

    form_id: str
    name: str
    versions: Sequence[str]
    fields: Sequence[CodebookField]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the pages show, but for the tables of single centres."""

    content: Content
    total: Arrivals
    """Over all centres, and over submissions that name none."""
    together: Tables
    centres: Sequence[Place]
    """In the order of their codes."""
    pairs: Sequence[Pair]
    variables: Mapping[str, OrderedVariable]
    tabulated: Sequence[OrderedVariable]
    codebook: Sequence[CodebookTable]
    left_out: Sequence[CodebookField]
    choices: Mapping[tuple[str, str], Sequence[tuple[str, Labels]]]
    """Value and labels by form and list."""
    arrivals_elsewhere: Sequence[Arrivals] = field(default=())
    """Arrivals that belong to no known centre."""

    @property
    def shows_centres(self) -> bool:
        """Whether pages go into the results of each centre."""
        return len(self.centres) <= CENTRES_SHOWN

    def unit(self, value: str) -> Labels:
        """Give the label of a unit that a question of the form offers; none where it is not one."""
        for _, choices in sorted(self.choices.items()):
            for choice, labels in choices:
                if choice == value:
                    return labels
        return {}

    def tables(self, rows: CentreRows) -> Tables:
        """Arrange the tables of one centre."""
        kendall = {(result.exposure, result.outcome): result for result in rows.kendall}
        return Tables(
            _frequencies(self.tabulated, rows.frequencies),
            [
                PairAtPlace(
                    pair.number,
                    pair.exposure,
                    pair.outcome,
                    kendall.get((pair.exposure.name, pair.outcome.name)),
                    _joint(rows.joint, pair.exposure, pair.outcome),
                )
                for pair in self.pairs
            ],
            rows.paired,
            rows.to_mend,
        )


def build(content: Content, study: Study | None) -> Report:
    """Arrange what was read.

    Parameters
    ----------
    content
        The rows of the research copy.
    study
        Says which variables are tabulated, which pairs are analysed, and in which order. Without one there are none.
    """
    variables = _variables(content)
    tabulated = [variables[name] for name in study.tables if name in variables] if study else []
    arrived = {row.centre_code: row for row in content.arrivals}
    # A centre that is only listed and sent nothing is not a place to report on.
    labels = {centre.centre_code: centre.labels for centre in content.centres}
    codes = sorted(code for code in arrived if code is not None) if study else []
    files = centre_files(codes)
    centres = [Place(code, labels.get(code, {}), files[code], arrived[code]) for code in codes]
    pairs = _pairs(content, study, variables, centres, len(tabulated))
    return Report(
        content=content,
        total=Arrivals(
            None,
            sum(row.submissions for row in content.arrivals),
            sum(row.not_consented for row in content.arrivals),
            sum(row.included for row in content.arrivals),
            sum(row.set_aside for row in content.arrivals),
            sum(row.accepted for row in content.arrivals),
        ),
        together=Tables(
            _frequencies(tabulated, content.frequencies),
            [PairAtPlace(pair.number, pair.exposure, pair.outcome, None, pair.joint) for pair in pairs],
            [item for item in content.results.paired if item.centre_code is None],
        ),
        centres=centres,
        pairs=pairs,
        variables=variables,
        tabulated=tabulated,
        codebook=_codebook(content),
        left_out=[item for item in content.codebook if item.is_left_out],
        choices=_choices(content),
        arrivals_elsewhere=[row for row in content.arrivals if row.centre_code is None],
    )


def _variables(content: Content) -> dict[str, OrderedVariable]:
    levels: dict[str, list[Level]] = {}
    labels: dict[str, Labels] = {}
    for row in content.variables:
        labels[row.variable] = row.labels or {}
        levels.setdefault(row.variable, []).append(Level(row.level_rank, row.level_labels or {"default": row.level}))
    return {name: OrderedVariable(name, labels[name], tuple(items)) for name, items in levels.items()}


def _frequencies(tabulated: Sequence[OrderedVariable], rows: Iterable[Frequency]) -> list[FrequencyTable]:
    counts: dict[str, dict[tuple[str, int], Frequency]] = {}
    for row in rows:
        counts.setdefault(row.variable, {})[row.population, row.level_rank] = row
    return [
        FrequencyTable(number, variable, counts.get(variable.name, {})) for number, variable in enumerate(tabulated, 1)
    ]


def _joint(rows: Iterable[JointCount], exposure: OrderedVariable, outcome: OrderedVariable) -> JointTable:
    return JointTable(
        {
            (row.exposure_rank, row.outcome_rank): row.n
            for row in rows
            if row.exposure == exposure.name and row.outcome == outcome.name
        }
    )


def _pairs(
    content: Content,
    study: Study | None,
    variables: Mapping[str, OrderedVariable],
    centres: Sequence[Place],
    tables: int,
) -> list[Pair]:
    places = {place.code: place for place in centres}
    results = content.results
    pairs: list[Pair] = []
    for asked in study.analyses if study else ():
        if asked.exposure not in variables or asked.outcome not in variables:
            continue
        names = (asked.exposure, asked.outcome)

        def ours(row: Kendall | Pooled | RandomEffects | LeftOut | Adjusted | Period | NextRound) -> bool:
            return (row.exposure, row.outcome) == names  # noqa: B023 - called before names changes

        found = [(places[row.centre_code], row) for row in content.kendall if ours(row) and row.centre_code in places]
        estimates = sorted(
            [(place, result) for place, result in found if result.tau_b is not None],
            key=lambda entry: (-entry[1].n, entry[1].centre_code),
        )
        without_one = {row.centre_code: row for row in results.leave_one_out if ours(row)}
        exposure, outcome = variables[asked.exposure], variables[asked.outcome]
        pairs.append(
            Pair(
                number=tables + len(pairs) + 1,
                exposure=exposure,
                outcome=outcome,
                pooled={(row.population, row.method): row for row in content.pooled if ours(row)},
                random_effects={row.population: row for row in results.random_effects if ours(row)},
                estimates=estimates,
                without=[(place, result) for place, result in found if result.tau_b is None],
                joint=_joint(content.joint, exposure, outcome),
                left_out=[(place, without_one[place.code]) for place, _ in estimates if place.code in without_one],
                adjusted=[row for row in results.adjusted if ours(row)],
                trend=[row for row in results.trend if ours(row)],
                next_round=[row for row in results.next_round if ours(row)],
            )
        )
    return pairs


def _codebook(content: Content) -> list[CodebookTable]:
    tables: dict[tuple[str, str], list[CodebookField]] = {}
    for item in content.codebook:
        tables.setdefault((item.form_id, item.table_name), []).append(item)
    return [
        CodebookTable(form_id, name, sorted({version for item in items for version in item.versions or ()}), items)
        for (form_id, name), items in tables.items()
    ]


def _choices(content: Content) -> dict[tuple[str, str], list[tuple[str, Labels]]]:
    lists: dict[tuple[str, str], list[tuple[str, Labels]]] = {}
    for choice in content.choices:
        lists.setdefault((choice.form_id, choice.list_name), []).append((choice.value, choice.labels or {}))
    return lists

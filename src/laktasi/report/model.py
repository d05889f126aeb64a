"""The report's content in the order in which it is read: tables, pairs and places, without words or layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from laktasi.report.read import POPULATIONS, Arrivals, CodebookField, Content, Frequency, Kendall, Pooled
from laktasi.study import Study

Labels = Mapping[str, str]

MAIN = POPULATIONS[0]
FEW_RECORDS = 10
"""Below this many accepted records a centre is marked as small."""

CENTRES_SHOWN = 400
"""With more centres the page shows none of them one by one: at some 30 kB each a browser would not open it."""


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
    """One variable's frequencies at one place, for each population."""

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
    kendall: Mapping[str, Kendall]
    """By population; empty for all centres together, which have pooled results instead."""
    joint: JointTable


@dataclass(frozen=True, slots=True)
class Place:
    """One centre, or all centres together (code None), with its tables."""

    code: str | None
    labels: Labels
    anchor: str
    arrivals: Arrivals
    tables: Sequence[FrequencyTable]
    pairs: Sequence[PairAtPlace]

    @property
    def is_small(self) -> bool:
        """So few accepted records that a person could be recognised or a number mean little."""
        return self.arrivals.accepted < FEW_RECORDS


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair of variables across centres: what the reader came for."""

    number: int
    exposure: OrderedVariable
    outcome: OrderedVariable
    pooled: Mapping[tuple[str, str], Pooled]
    """By population and method."""
    estimates: Sequence[tuple[Place, Kendall]]
    """Accepted records, centres with a tau_b, largest N first."""
    without: Sequence[tuple[Place, Kendall]]
    """Accepted records, centres without a tau_b."""
    joint: JointTable

    @property
    def main(self) -> Pooled | None:
        """The stratified result of the accepted records."""
        return self.pooled.get((MAIN, "stratified"))

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


@dataclass(frozen=True, slots=True)
class CodebookTable:
    """The questions of one table of one form."""

    form_id: str
    name: str
    versions: Sequence[str]
    fields: Sequence[CodebookField]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the page shows."""

    content: Content
    total: Arrivals
    """Over all centres, and over submissions that name none."""
    together: Place
    centres: Sequence[Place]
    pairs: Sequence[Pair]
    codebook: Sequence[CodebookTable]
    left_out: Sequence[CodebookField]
    choices: Mapping[tuple[str, str], Sequence[tuple[str, Labels]]]
    """Value and labels by form and list."""
    arrivals_elsewhere: Sequence[Arrivals] = field(default=())
    """Arrivals that belong to no known centre."""

    @property
    def shows_centres(self) -> bool:
        """Whether the page goes into each centre."""
        return len(self.centres) <= CENTRES_SHOWN


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
    analysed = (
        [
            (variables[pair.exposure], variables[pair.outcome])
            for pair in study.analyses
            if pair.exposure in variables and pair.outcome in variables
        ]
        if study
        else []
    )
    joint: dict[tuple[str | None, str, str], dict[tuple[int, int], int]] = {}
    for row in content.joint:
        if row.population == MAIN:
            for code in (row.centre_code, None):
                cells = joint.setdefault((code, row.exposure, row.outcome), {})
                cell = (row.exposure_rank, row.outcome_rank)
                cells[cell] = cells.get(cell, 0) + row.n
    frequencies: dict[tuple[str | None, str], dict[tuple[str, int], Frequency]] = {}
    for item in content.frequencies:
        frequencies.setdefault((item.centre_code, item.variable), {})[item.population, item.level_rank] = item
    kendall: dict[tuple[str, str, str], dict[str, Kendall]] = {}
    for result in content.kendall:
        kendall.setdefault((result.centre_code, result.exposure, result.outcome), {})[result.population] = result

    def place(code: str | None, labels: Labels, anchor: str, arrivals: Arrivals) -> Place:
        return Place(
            code,
            labels,
            anchor,
            arrivals,
            [
                FrequencyTable(number, variable, frequencies.get((code, variable.name), {}))
                for number, variable in enumerate(tabulated, start=1)
            ],
            [
                PairAtPlace(
                    number,
                    exposure,
                    outcome,
                    kendall.get((code, exposure.name, outcome.name), {}) if code is not None else {},
                    JointTable(joint.get((code, exposure.name, outcome.name), {})),
                )
                for number, (exposure, outcome) in enumerate(analysed, start=len(tabulated) + 1)
            ],
        )

    arrived = {row.centre_code: row for row in content.arrivals}
    # A centre that is only listed and sent nothing is not a place to report on.
    labels = {centre.centre_code: centre.labels for centre in content.centres}
    total = Arrivals(
        None,
        sum(row.submissions for row in content.arrivals),
        sum(row.not_consented for row in content.arrivals),
        sum(row.included for row in content.arrivals),
        sum(row.set_aside for row in content.arrivals),
        sum(row.accepted for row in content.arrivals),
    )
    codes = [code for code in arrived if code is not None]
    centres = [
        place(code, labels.get(code, {}), f"centre-{index}", arrived[code])
        for index, code in enumerate(sorted(codes), start=1)
    ]
    together = place(None, {}, "together", total)
    return Report(
        content=content,
        total=total,
        together=together,
        centres=centres,
        pairs=[_pair(content, centres, index, item) for index, item in enumerate(together.pairs)],
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


def _pair(content: Content, centres: Sequence[Place], index: int, item: PairAtPlace) -> Pair:
    results = [(place, place.pairs[index].kendall.get(MAIN)) for place in centres]
    found = [(place, result) for place, result in results if result is not None]
    return Pair(
        number=item.number,
        exposure=item.exposure,
        outcome=item.outcome,
        pooled={
            (row.population, row.method): row
            for row in content.pooled
            if (row.exposure, row.outcome) == (item.exposure.name, item.outcome.name)
        },
        estimates=sorted(
            [(place, result) for place, result in found if result.tau_b is not None],
            key=lambda entry: (-entry[1].n, entry[1].centre_code),
        ),
        without=[(place, result) for place, result in found if result.tau_b is None],
        joint=item.joint,
    )


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

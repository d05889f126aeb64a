"""The page about back checks: coverage, error rates with intervals, and whether answers have moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from laktasi.report import numbers
from laktasi.report.html import Site, templates
from laktasi.report.texts import LANGUAGES
from laktasi.report.texts_back_checks import REASONS, TEXTS
from laktasi.report.versions import VERSIONS
from laktasi.report.words import Words

if TYPE_CHECKING:
    import duckdb
    from _typeshed import DataclassInstance
    from markupsafe import Markup

Row = TypeVar("Row", bound="DataclassInstance")

GROUPS_SHOWN = 200
"""Of more enumerators or centres only those that alarm are shown; all of them stand in the research copy."""

STATES = ("compared", "attempted", "unnamed", "no_original", "several_originals", "repeated", "same_person")


@dataclass(frozen=True, slots=True)
class Variable:
    """A question that is asked twice."""

    variable: str
    type: int
    column_name: str
    ok_range: str | None
    alarm_rate: float | None
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many interviews of a group were repeated, and how many should be."""

    kind: str
    code: str
    interviews: int
    drawn: int
    compared: int
    share: float
    wanted: int
    missing: int


@dataclass(frozen=True, slots=True)
class Rate:
    """How often answers of a group differ."""

    kind: str
    code: str
    type: int
    variable: str | None
    interviews: int
    compared: int
    within_ok_range: int
    errors: int
    rate: float
    ci_low: float
    ci_high: float
    is_few: bool
    is_alarming: bool


@dataclass(frozen=True, slots=True)
class Test:
    """Whether the answers to a question have moved."""

    variable: str
    type: int
    level: str | None
    test: str
    n: int
    original: float | None
    back_check: float | None
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Content:
    """What the page tells."""

    states: Mapping[str, int]
    variables: Mapping[str, Variable]
    coverage: Sequence[Coverage]
    rates: Sequence[Rate]
    tests: Sequence[Test]
    centres: Mapping[str, Mapping[str, str]]
    """Labels of each health centre."""
    levels: Mapping[tuple[str, str], Mapping[str, str]]
    """Labels of each choice, by column and value."""

    def covered(self, kind: str) -> list[Coverage]:
        """Give the coverage of all groups of a kind."""
        return [row for row in self.coverage if row.kind == kind]

    def rates_of(self, kind: str, type_: int, *, by_variable: bool = False) -> list[Rate]:
        """Give the rates of all groups of a kind, of one type: over its variables, or for each of them."""
        return [
            row
            for row in self.rates
            if row.kind == kind and row.type == type_ and (row.variable is not None) == by_variable
        ]

    def tested(self, *tests: str) -> list[dict[str, Test]]:
        """Give the tests of each variable (and level) that has them, by name."""
        found: dict[tuple[str, str | None], dict[str, Test]] = {}
        for row in self.tests:
            if row.test in tests:
                found.setdefault((row.variable, row.level), {})[row.test] = row
        return list(found.values())


SOURCES: Mapping[type, tuple[str, str]] = {
    Variable: ("marts.back_check_variables", "position"),
    Coverage: ("marts.back_check_coverage", "kind, code"),
    Rate: ("marts.back_check_rates", "kind, type, variable nulls first, code"),
    Test: (
        "marts.back_check_tests inner join marts.back_check_variables using (variable, type)",
        "position, level, test",
    ),
}


def read(connection: duckdb.DuckDBPyConnection) -> Content | None:
    """Read what the page tells; None where the project has no back checks."""
    known = connection.execute(
        "select count(*) from duckdb_tables() where schema_name = 'marts' and table_name = 'back_check_variables'"
    ).fetchone()
    if known == (0,):  # published before there were any
        return None

    def rows(kind: type[Row]) -> list[Row]:
        relation, order = SOURCES[kind]
        names = ", ".join(item.name for item in fields(kind))
        return [kind(*row) for row in connection.execute(f"select {names} from {relation} order by {order}").fetchall()]

    variables = {item.variable: item for item in rows(Variable)}
    if not variables:
        return None
    levels = connection.execute(
        f"""
        with versions as ({VERSIONS})
        select codebook.column_name, choices.value, arg_max(choices.labels, versions.position)
        from marts.back_check_variables as variables
        inner join staging.codebook as codebook using (form_id, table_name, column_name)
        inner join staging.choices as choices
            on codebook.form_id = choices.form_id and codebook.list_name = choices.list_name
        inner join versions on choices.form_id = versions.form_id and choices.form_version = versions.form_version
        group by all
        """
    ).fetchall()
    return Content(
        states=dict(connection.execute("select state, count(*) from marts.back_checks group by state").fetchall()),
        variables=variables,
        coverage=rows(Coverage),
        rates=rows(Rate),
        tests=rows(Test),
        centres=dict(connection.execute("select centre_code, labels from marts.centres").fetchall()),
        levels={(column, value): labels for column, value, labels in levels},
    )


def render(content: Content, site: Site) -> str:
    """Make the page."""
    environment = templates()
    body = environment.get_template("back_checks.html")
    return site.framed(
        environment,
        {name: site.title("back_checks", Words(name)) for name in LANGUAGES},
        {name: body.render(_context(content, site, Words(name))) for name in LANGUAGES},
    )


def _context(content: Content, site: Site, words: Words) -> Mapping[str, Any]:
    language = words.language

    def text(key: str, **values: object) -> Markup:
        from markupsafe import Markup

        return Markup(TEXTS[key][language]).format(**values)  # noqa: S704 - the sentence is ours

    def share(value: float | None) -> str:
        return numbers.percent(None if value is None else 100 * value, language)

    def name(kind: str, code: str) -> str:
        if not code:
            return str(text("nobody"))
        return words.label(content.centres.get(code), code) if kind == "centre" else code

    def question(variable: str) -> str:
        return words.label(content.variables[variable].labels, variable)

    def level(test: Test) -> str:
        column = content.variables[test.variable].column_name
        return words.label(content.levels.get((column, test.level or "")), test.level)

    def number(value: float | None) -> str:
        return numbers.decimal(value, language, 0 if value is not None and abs(value) >= 100 else 2)

    def change(test: Test, write: Any) -> str:
        if test.estimate is None:
            return reason(test)
        if test.ci_low is None or test.ci_high is None:
            return str(write(test.estimate))
        mark = "; " if language == "id" else ", "
        return f"{write(test.estimate)} [{write(test.ci_low)}{mark}{write(test.ci_high)}]"

    def p_value(test: Test) -> str:
        return numbers.p_value(test.p_value, language) if test.p_value is not None else reason(test)

    def shown(rows: Sequence[Any]) -> Sequence[Any]:
        return rows if len(rows) <= GROUPS_SHOWN else [row for row in rows if getattr(row, "is_alarming", False)]

    def ratio(test: Test) -> str:
        return numbers.decimal(test.estimate, language, 2) if test.estimate is not None else reason(test)

    def reason(test: Test) -> str:
        said = test.reason or numbers.NOT_AVAILABLE
        return REASONS[said][language] if said in REASONS else said

    return {
        **site.context("back_checks", words),
        "title": site.title("back_checks", words),
        "content": content,
        "states": STATES,
        "b": text,
        "share": share,
        "name": name,
        "question": question,
        "level": level,
        "number": number,
        "change": change,
        "p_value": p_value,
        "ratio": ratio,
        "shown": shown,
    }

"""The page of checks: every rule in words, how many rows were held against it, and how many break it.

Made from what Great Expectations said (quality.results), in the place of its own Data Docs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from laktasi.report import numbers
from laktasi.report.html import Site, templates
from laktasi.report.texts import LANGUAGES
from laktasi.report.texts_checks import TEXTS
from laktasi.report.versions import VERSIONS
from laktasi.report.words import Words

if TYPE_CHECKING:
    import duckdb
    from markupsafe import Markup

Labels = Mapping[str, str]

STATES = ("not_met", "met", "empty")
GROUPS_SHOWN = 20
"""Of more groups that are beyond a limit the number is told; all of them stand in quality.findings."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in one suite: of a form version's table, or over the set."""

    suite: str
    form_id: str
    form_version: str | None
    table_name: str
    rule_id: str
    kind: str
    severity: str
    messages: Labels
    expression: str
    labels: Labels
    """Of the question that it is about; empty where it is about several."""
    expectation: str
    asked: int
    rows: int
    failing: int
    low: float | None
    high: float | None
    is_met: bool

    @property
    def is_empty(self) -> bool:
        """Nothing takes part, so it is neither met nor broken."""
        return not self.rows

    @property
    def is_broken(self) -> bool:
        """A row, or a group, breaks it."""
        return self.failing > 0

    @property
    def state(self) -> str:
        """One of :data:`STATES`."""
        return "not_met" if self.is_broken else "empty" if self.is_empty else "met"


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that is not met, over all form versions."""

    rule: Rule
    rows: int
    failing: int
    accepted: int


@dataclass(frozen=True, slots=True)
class Version:
    """The suites of one form version."""

    form_version: str
    rules: Sequence[Rule]

    @property
    def tables(self) -> dict[str, list[Rule]]:
        """Rules by table: the form's own, then its repeats."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            found.setdefault(rule.table_name, []).append(rule)
        return found

    @property
    def rows(self) -> int:
        """Rows of the form and its repeats."""
        # of a check with `where` only the rows that it lets in
        return sum(max(rule.rows for rule in rules) for rules in self.tables.values())

    @property
    def asked(self) -> int:
        """Of these: rows asked in this run."""
        return sum(rules[0].asked for rules in self.tables.values())

    @property
    def broken(self) -> int:
        """Rules that are not met."""
        return sum(rule.is_broken for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Unverified:
    """A rule that cannot be checked, and the form versions in which it cannot."""

    form_id: str
    versions: Sequence[str]
    field: str
    kind: str
    expression: str
    reason: str


@dataclass(frozen=True, slots=True)
class Beside:
    """A rule that is no expectation, over all forms, and its open findings."""

    messages: Labels
    open: int


@dataclass(frozen=True, slots=True)
class Content:
    """What the page tells."""

    rules: Sequence[Rule]
    """Those of one form version together, the oldest version of a form first."""
    accepted: Mapping[tuple[str, str], int]
    """Accepted findings by form and rule."""
    groups: Mapping[tuple[str, str], Sequence[str]]
    """Groups with an open finding, by form and rule."""
    centres: Mapping[str, Labels]
    unverified: Sequence[Unverified]
    beside: Sequence[Beside]

    @property
    def forms(self) -> dict[str, list[Version]]:
        """Form versions by form, the newest first."""
        found: dict[str, dict[str, list[Rule]]] = {}
        for rule in self.rules:
            if rule.form_version is not None:
                found.setdefault(rule.form_id, {}).setdefault(rule.form_version, []).append(rule)
        return {
            form_id: [Version(name, versions[name]) for name in reversed(versions)]
            for form_id, versions in found.items()
        }

    def over_the_set(self, kind: str) -> list[Rule]:
        """Give the rules of kind ``set`` or ``group``, those that are not met first."""
        found = [rule for rule in self.rules if rule.form_version is None and rule.kind == kind]
        return sorted(found, key=lambda rule: (STATES.index(rule.state), rule.form_id, rule.rule_id))

    @property
    def broken(self) -> list[Broken]:
        """Rules that are not met: errors first, then those that most rows break."""
        found: dict[tuple[str, str], list[Rule]] = {}
        for rule in self.rules:
            found.setdefault((rule.form_id, rule.rule_id), []).append(rule)
        told = [
            Broken(
                next(rule for rule in reversed(rules) if rule.is_broken),
                sum(rule.rows for rule in rules),
                sum(rule.failing for rule in rules),
                self.accepted.get(key, 0),
            )
            for key, rules in found.items()
            if any(rule.is_broken for rule in rules)
        ]
        return sorted(told, key=lambda one: (one.rule.severity, -one.failing, one.rule.form_id, one.rule.rule_id))

    @property
    def empty(self) -> list[Rule]:
        """Rules that looked at nothing; of a form version without rows one stands for all of its table.

        A rule that other form versions have as well is told only where it looks at nothing in any of them.
        """
        rowless = self.rowless
        somewhere = {(rule.form_id, rule.rule_id) for rule in self.rules if not rule.is_empty}
        found: dict[tuple[str, ...], Rule] = {}
        for rule in self.rules:
            key = (rule.form_id, rule.rule_id)
            if rule.suite in rowless:
                found.setdefault((rule.suite,), rule)
            elif key not in somewhere:
                found.setdefault(key, rule)
        return list(found.values())

    @property
    def rowless(self) -> set[str]:
        """Suites of which no rule looked at anything."""
        return {rule.suite for rule in self.rules} - {rule.suite for rule in self.rules if not rule.is_empty}

    def count(self, state: str) -> int:
        """Count rules by their state, one that several form versions have once: not met if it is not met in any."""
        states: dict[tuple[str, str], set[str]] = {}
        for rule in self.rules:
            states.setdefault((rule.form_id, rule.rule_id), set()).add(rule.state)
        return sum(next(one for one in STATES if one in found) == state for found in states.values())

    @property
    def rows(self) -> int:
        """Rows of all forms and repeats that the suites of form versions have checked."""
        return sum(version.rows for versions in self.forms.values() for version in versions)

    @property
    def asked(self) -> int:
        """Of these: rows asked in this run."""
        return sum(version.asked for versions in self.forms.values() for version in versions)


_RULES = f"""
with versions as ({VERSIONS})
select
    results.suite,
    results.form_id,
    results.form_version,
    coalesce(rules.table_name, results.form_id),
    results.rule_id,
    rules.kind,
    rules.severity,
    coalesce(rules.messages, map {{}}),
    coalesce(rules.expression, ''),
    coalesce(codebook.labels, map {{}}),
    results.expectation,
    results.asked,
    results."rows",
    results.failing,
    results.low,
    results.high,
    results.is_met
from quality.results as results
inner join quality.rules as rules
    on results.form_id = rules.form_id
    and results.form_version is not distinct from rules.form_version
    and results.rule_id = rules.rule_id
left join staging.codebook as codebook
    on rules.form_id = codebook.form_id
    and rules.table_name = codebook.table_name
    and rules.field = codebook.column_name
left join versions
    on results.form_id = versions.form_id and results.form_version = versions.form_version
order by
    results.form_id, versions.position, results.form_version,
    rules.table_name, codebook.position nulls last, results.rule_id
"""
_UNVERIFIED = f"""
with versions as ({VERSIONS})
select
    form_id, coalesce(list(form_version order by position, form_version) filter (form_version is not null), []),
    field, kind, coalesce(expression, ''), reason
from quality.unverified left join versions using (form_id, form_version)
group by form_id, field, kind, expression, reason order by all
"""
_BESIDE = """
select any_value(rules.messages), count(distinct findings.finding_id)
from quality.rules as rules
left join (from quality.findings where is_open) as findings using (form_id, rule_id)
where rules.kind in ('unknown_node', 'source', 'decision')
-- every form has them
group by regexp_extract(rules.rule_id, '[^.]+$') order by 2 desc, any_value(rules.rule_id)
"""


def read(connection: duckdb.DuckDBPyConnection) -> Content | None:
    """Read what the page tells; None where the research copy was published before results were kept."""
    known = connection.execute(
        "select count(*) from duckdb_tables() where schema_name = 'quality' and table_name = 'results'"
    ).fetchone()
    if known == (0,):
        return None
    rules = [Rule(*row) for row in connection.execute(_RULES).fetchall()]
    if not rules:
        return None
    accepted = connection.execute(
        "select form_id, rule_id, count(*) from quality.findings where status = 'accepted' group by all"
    ).fetchall()
    groups: dict[tuple[str, str], list[str]] = {}
    for form_id, rule_id, group in connection.execute(
        """
        select form_id, rule_id, "row" from quality.findings
        where is_open and submission_id = '' order by form_id, rule_id, "row"
        """
    ).fetchall():
        groups.setdefault((form_id, rule_id), []).append(group)
    return Content(
        rules,
        {(form_id, rule_id): count for form_id, rule_id, count in accepted},
        groups,
        dict(connection.execute("select centre_code, labels from marts.centres").fetchall()),
        [Unverified(*row) for row in connection.execute(_UNVERIFIED).fetchall()],
        [Beside(*row) for row in connection.execute(_BESIDE).fetchall()],
    )


def render(content: Content, site: Site) -> str:
    """Make the page."""
    environment = templates()
    body = environment.get_template("checks.html")
    return site.framed(
        environment,
        {name: site.title("checks", Words(name)) for name in LANGUAGES},
        {name: body.render(_context(content, site, Words(name))) for name in LANGUAGES},
        styles=("report.css", "checks.css"),
    )


def _context(content: Content, site: Site, words: Words) -> Mapping[str, Any]:
    language = words.language

    def text(key: str, **values: object) -> Markup:
        from markupsafe import Markup

        return Markup(TEXTS[key][language]).format(**values)  # noqa: S704 - the sentence is ours

    def limits(rule: Rule) -> Markup:
        low, high = (_plain(value, language) for value in (rule.low, rule.high))
        key = "between" if low and high else "at_least" if low else "at_most"
        return text(key, low=low, high=high)

    def group(row: str) -> str:
        """Name a group as the ledger does, in words: ``centre:c1`` as *Health centre Mopuya*."""
        kind, _, code = row.partition(":")
        known = str(text(f"group_{kind}")) if f"group_{kind}" in TEXTS else kind
        if kind == "centre":
            code, _, rest = code.partition(" ")
            code = " ".join(filter(None, (words.label(content.centres.get(code), code), rest)))
        return f"{known} {code}".strip()

    return {
        **site.context("checks", words),
        "title": site.title("checks", words),
        "content": content,
        "c": text,
        "limits": limits,
        "group": group,
        "groups_shown": GROUPS_SHOWN,
        "expectations": _expectations,
        "parts": _parts,
        "kinds": tuple(TEXTS),
    }


def _plain(value: float | None, language: str) -> str:
    """Write a limit with no more decimals than it has, three at most."""
    if value is None:
        return ""
    digits = next(digits for digits in range(4) if digits == 3 or round(value, digits) == value)
    return numbers.decimal(value, language, digits)


def _expectations(rules: Iterable[Rule]) -> list[str]:
    return sorted({rule.expectation for rule in rules})


def _parts(code: str) -> list[str]:
    """Take a name apart where a line may break."""
    return code.split("__")

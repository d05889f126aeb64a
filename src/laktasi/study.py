"""schemas/study.yml: which questions play which role in the analysis. The only place where a study is named."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from laktasi.errors import StudyError
from laktasi.yamlfile import read_yaml

TOP_KEYS = {
    "study",
    "title",
    "form",
    "citation",
    "synthetic",
    "roles",
    "special",
    "population",
    "variables",
    "analyses",
    "adjust_for",
    "paired",
    "tables",
}
NEEDED = ("study", "title", "form", "roles", "variables", "analyses")
ROLES = ("centre", "enumerator", "subject", "consent", "position")
SPECIAL = ("dont_know", "refused", "other")
"""Choices that are no answer to what was asked, by what they mean."""
COLUMN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
"""A name that can be part of a column's name in every program that reads a release."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of the questions (path, or last part of it where unique) that play a part in every study."""

    centre: str
    enumerator: str | None = None
    subject: str | None = None
    """The study code of the respondent."""
    consent: str | None = None
    position: str | None = None
    """A geopoint: where the health centre lies."""


@dataclass(frozen=True, slots=True)
class Variable:
    """An ordered categorical variable of the analysis."""

    name: str
    question: str
    levels: tuple[str, ...]
    """Choice values, lowest first: the order that Kendall's tau uses."""
    labels: Mapping[str, str]
    """By language; empty means the question's own label."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One exposure × outcome question to be answered for every centre."""

    exposure: str
    outcome: str


@dataclass(frozen=True, slots=True)
class PairedMeasure:
    """A number that was measured twice in the same person, before something and after it."""

    name: str
    before: str
    """Question, as are the two that follow."""
    after: str
    unit: str | None = None
    """The answer that says in which unit both numbers are; only numbers of one unit are analysed together."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """By language; empty means the name."""


@dataclass(frozen=True, slots=True)
class Study:
    """What schemas/study.yml says, read and checked for its own consistency."""

    name: str
    title: Mapping[str, str]
    form_id: str
    roles: Roles
    consent_value: str | None
    """The answer to the consent question that means yes; None where a study asks no consent."""
    include: str | None
    """Which consenting records the analysis counts: an XPath expression with ``${question}``, as in the form."""
    variables: Mapping[str, Variable]
    analyses: tuple[Pair, ...]
    tables: tuple[str, ...]
    """Variables tabulated for each centre, in the order of the report's tables."""
    citation: str = ""
    synthetic: Mapping[str, str] | None = None
    """A notice, by language, that the data are synthetic; shown wherever a person sees them."""
    special: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Choices, by what they mean, of those in :data:`SPECIAL`."""
    adjust_for: tuple[str, ...] = ()
    """Variables that may stand behind an association, see :meth:`covariates`."""
    paired: tuple[PairedMeasure, ...] = ()

    def covariates(self, pair: Pair) -> tuple[str, ...]:
        """Give the variables to hold equal in an analysis: those of `adjust_for` that are not part of it themselves."""
        return tuple(name for name in self.adjust_for if name not in (pair.exposure, pair.outcome))


def read_study(path: Path) -> Study | None:
    """Read study.yml.

    Returns
    -------
    Study or None
        None where there is no such file: the project then has no Kendall part.

    Raises
    ------
    StudyError
        The file is not YAML, a key is unknown or missing, a value has the wrong shape, or a name used in one place is
        not defined in another.
    """
    if not path.exists():
        return None
    return _Reader(path).study(read_yaml(path, _wrong))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes what YAML gave apart, and says of each value that does not fit where it stands."""

    path: Path

    def study(self, value: Any) -> Study:
        data = self.mapping("it", value, known=TOP_KEYS, needed=NEEDED)
        roles = self.mapping("'roles'", data["roles"], known=ROLES, needed=("centre",), kind="role")
        consent = None
        if "consent" in roles:
            keys = ("question", "value")
            consent = self.mapping("role 'consent'", roles.pop("consent"), known=keys, needed=keys)
        population = self.mapping("'population'", data.get("population") or {}, known=("include",))
        variables = self.variables(data["variables"])
        special = self.special(data.get("special") or {})
        study = Study(
            name=self.text("'study'", data["study"]),
            title=self.texts("'title'", data["title"]),
            form_id=self.text("'form'", data["form"]),
            roles=Roles(
                **{name: self.text(f"role {name!r}", question) for name, question in roles.items()},
                consent=self.text("the question of role 'consent'", consent["question"]) if consent else None,
            ),
            consent_value=self.text("the value of role 'consent'", consent["value"]) if consent else None,
            include=self.text("'include' of 'population'", population["include"]) if population else None,
            variables=variables,
            analyses=self.analyses(data["analyses"]),
            tables=tuple(self.sequence("'tables'", data.get("tables") or [])),
            citation=self.text("'citation'", data["citation"]) if data.get("citation") else "",
            synthetic=self.texts("'synthetic'", data["synthetic"]) if data.get("synthetic") else None,
            special=special,
            adjust_for=tuple(self.sequence("'adjust_for'", data.get("adjust_for") or [])),
            paired=self.paired(data.get("paired") or [], variables),
        )
        used = {name for pair in study.analyses for name in (pair.exposure, pair.outcome)} | set(study.tables)
        if unknown := sorted(used - set(variables)):
            raise self.wrong(f"{unknown[0]!r} is analysed or tabulated but not among the variables")
        if unknown := [name for name in study.adjust_for if name not in variables]:
            raise self.wrong(f"'adjust_for' names {unknown[0]!r}, which is not among the variables")
        if twice := [name for name in study.adjust_for if study.adjust_for.count(name) > 1]:
            raise self.wrong(f"'adjust_for' names {twice[0]!r} twice")
        return study

    def special(self, value: Any) -> dict[str, tuple[str, ...]]:
        given = self.mapping("'special'", value, known=SPECIAL)
        special = {name: tuple(self.sequence(f"{name!r} of 'special'", choices)) for name, choices in given.items()}
        everything = [choice for choices in special.values() for choice in choices]
        if twice := [choice for choice in everything if everything.count(choice) > 1]:
            raise self.wrong(f"the choice {twice[0]!r} stands twice under 'special'")
        return special

    def variables(self, value: Any) -> dict[str, Variable]:
        variables: dict[str, Variable] = {}
        for name, given in self.mapping("'variables'", value).items():
            # They become columns, of which SQL does not tell great letters from small.
            if alike := [other for other in variables if other.lower() == name.lower()]:
                raise self.wrong(f"variables {alike[0]!r} and {name!r} differ in great and small letters only")
            what = f"variable {name!r}"
            entry = self.mapping(what, given, known=("question", "levels", "labels"), needed=("question", "levels"))
            variables[name] = Variable(
                name=name,
                question=self.text(f"the question of {what}", entry["question"]),
                levels=self.levels(name, entry["levels"]),
                labels=self.texts(f"'labels' of {what}", entry["labels"]) if entry.get("labels") else {},
            )
        return variables

    def levels(self, name: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise self.wrong(f"levels of {name!r} must be a list, lowest first, such as [few, some, many]")
        if any(not isinstance(level, str) for level in value):
            # YAML reads a bare yes or no as a truth value; the choice is called yes or no.
            raise self.wrong(f"levels of {name!r} must be text: write 'yes' and 'no' in quotes, and numbers too")
        if len(set(value)) != len(value) or len(value) < 2:
            raise self.wrong(f"levels of {name!r} must be two or more, each once")
        return tuple(value)

    def analyses(self, value: Any) -> tuple[Pair, ...]:
        if not isinstance(value, list):
            raise self.wrong("'analyses' must be a list of pairs, such as - {exposure: NAME, outcome: NAME}")
        pairs: list[Pair] = []
        for number, given in enumerate(value, start=1):
            what, keys = f"analysis number {number}", ("exposure", "outcome")
            entry = self.mapping(what, given, known=keys, needed=keys)
            pair = Pair(*(self.text(f"{key!r} of {what}", entry[key]) for key in keys))
            if pair.exposure == pair.outcome:
                raise self.wrong(f"{what} sets {pair.exposure!r} against itself")
            if pair in pairs:
                raise self.wrong(f"{what} stands there twice: {pair.exposure!r} and {pair.outcome!r}")
            pairs.append(pair)
        return tuple(pairs)

    def paired(self, value: Any, variables: Collection[str]) -> tuple[PairedMeasure, ...]:
        if not isinstance(value, list):
            raise self.wrong("'paired' must be a list, such as - {name: NAME, before: QUESTION, after: QUESTION}")
        needed = ("name", "before", "after")
        measures: list[PairedMeasure] = []
        for number, given in enumerate(value, start=1):
            at = f"paired measure number {number}"
            entry = self.mapping(at, given, known=(*needed, "unit", "labels"), needed=needed)
            name = self.text(f"'name' of {at}", entry["name"])
            if not COLUMN_NAME.fullmatch(name):
                raise self.wrong(
                    f"the name {name!r} of {at} must be up to 40 letters a to z, digits and _, a letter first"
                )
            # It becomes part of columns' names, beside the variables, and SQL does not tell great letters from small.
            others = [*variables, *(measure.name for measure in measures)]
            if alike := [other for other in others if other.lower() == name.lower()]:
                raise self.wrong(f"{at} is called {name!r}, and there is {alike[0]!r} already")
            what = f"paired measure {name!r}"
            before, after = (self.text(f"{key!r} of {what}", entry[key]) for key in ("before", "after"))
            if before == after:
                raise self.wrong(f"{what} compares {before!r} with itself")
            measures.append(
                PairedMeasure(
                    name=name,
                    before=before,
                    after=after,
                    unit=self.text(f"'unit' of {what}", entry["unit"]) if "unit" in entry else None,
                    labels=self.texts(f"'labels' of {what}", entry["labels"]) if entry.get("labels") else {},
                )
            )
        return tuple(measures)

    def mapping(
        self,
        what: str,
        value: Any,
        *,
        known: Collection[str] = (),
        needed: Collection[str] = (),
        kind: str = "key",
    ) -> dict[str, Any]:
        """Give a mapping whose keys are text; of `known` keys only, unless there are none."""
        if not isinstance(value, dict):
            raise self.wrong(f"{what} must be a mapping of keys to values")
        of = "" if what == "it" else f"{what}: "
        if strange := [key for key in value if not (isinstance(key, str) and key.strip())]:
            raise self.wrong(f"{of}the {kind} {strange[0]!r} must be text: write it in quotes")
        if known and (unknown := sorted(set(value) - set(known))):
            raise self.wrong(f"{of}unknown {kind} {unknown[0]!r}; known are {', '.join(sorted(known))}")
        if missing := [key for key in needed if key not in value]:
            raise self.wrong(f"{of}{missing[0]!r} is missing")
        return dict(value)

    def texts(self, what: str, value: Any) -> dict[str, str]:
        if not isinstance(value, dict):
            raise self.wrong(f"{what} must be texts by language, such as {{en: Tea}}")
        texts = self.mapping(what, value)
        return {language: self.text(f"{what} in {language!r}", text) for language, text in texts.items()}

    def sequence(self, what: str, value: Any) -> list[str]:
        if not isinstance(value, list):
            raise self.wrong(f"{what} must be a list of names, such as [one, another]")
        return [self.text(f"an entry of {what}", entry) for entry in value]

    def text(self, what: str, value: Any) -> str:
        if isinstance(value, bool):
            raise self.wrong(f"{what} must be text: write 'yes' or 'no' in quotes")
        if not isinstance(value, str) or not value.strip():
            hint = "there is none" if value is None or value == "" else "write it in quotes"
            raise self.wrong(f"{what} must be text: {hint}")
        return value

    def wrong(self, what: str) -> StudyError:
        return _wrong(self.path, what)


def _wrong(path: Path, what: str) -> StudyError:
    return StudyError(f"{path.name}: {what}", next_step=f"edit {path} and run the command again")

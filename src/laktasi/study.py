"""schemas/study.yml: which questions play which role in the analysis. The only place where a study is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from laktasi.errors import StudyError

TOP_KEYS = {
    "study",
    "title",
    "form",
    "citation",
    "synthetic",
    "roles",
    "population",
    "variables",
    "analyses",
    "tables",
}
ROLES = ("centre", "enumerator", "subject", "consent")


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of the questions (path, or last part of it where unique) that play a part in every study."""

    centre: str
    enumerator: str | None = None
    subject: str | None = None
    """The study code of the respondent."""
    consent: str | None = None


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


def read_study(path: Path) -> Study | None:
    """Read study.yml.

    Returns
    -------
    Study or None
        None where there is no such file: the project then has no Kendall part.

    Raises
    ------
    StudyError
        The file is not YAML, a key is unknown or missing, or a name used in one place is not defined in another.
    """
    if not path.exists():
        return None
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise _wrong(path, f"not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise _wrong(path, "it must be a mapping of keys to values")
    if unknown := sorted(set(map(str, data)) - TOP_KEYS):
        raise _wrong(path, f"unknown key {unknown[0]!r}; known are {', '.join(sorted(TOP_KEYS))}")
    try:
        return _build(path, data)
    except KeyError as error:
        raise _wrong(path, f"{error.args[0]!r} is missing") from error
    except (TypeError, AttributeError) as error:
        raise _wrong(path, f"a value has the wrong shape ({error})") from error


def _build(path: Path, data: Mapping[str, Any]) -> Study:
    roles_data = dict(data["roles"])
    if unknown := sorted(set(roles_data) - set(ROLES)):
        raise _wrong(path, f"unknown role {unknown[0]!r}; known are {', '.join(ROLES)}")
    consent = roles_data.pop("consent", None)
    variables = {
        name: Variable(
            name=name,
            question=str(entry["question"]),
            levels=_levels(path, name, entry["levels"]),
            labels=dict(entry.get("labels") or {}),
        )
        for name, entry in data["variables"].items()
    }
    study = Study(
        name=str(data["study"]),
        title=dict(data["title"]),
        form_id=str(data["form"]),
        roles=Roles(**roles_data, consent=consent["question"] if consent else None),
        consent_value=str(consent["value"]) if consent else None,
        include=(data.get("population") or {}).get("include"),
        variables=variables,
        analyses=tuple(Pair(entry["exposure"], entry["outcome"]) for entry in data["analyses"]),
        tables=tuple(data.get("tables") or ()),
        citation=str(data.get("citation") or ""),
        synthetic=dict(data["synthetic"]) if data.get("synthetic") else None,
    )
    used = {name for pair in study.analyses for name in (pair.exposure, pair.outcome)} | set(study.tables)
    if unknown := sorted(used - set(variables)):
        raise _wrong(path, f"{unknown[0]!r} is analysed or tabulated but not among the variables")
    return study


def _levels(path: Path, name: str, levels: Any) -> tuple[str, ...]:
    # YAML reads a bare yes or no as a truth value; the choice is called yes or no.
    if any(not isinstance(level, str) for level in levels):
        raise _wrong(path, f"levels of {name!r} must be text: write 'yes' and 'no' in quotes")
    if len(set(levels)) != len(levels) or len(levels) < 2:
        raise _wrong(path, f"levels of {name!r} must be two or more, each once")
    return tuple(levels)


def _wrong(path: Path, what: str) -> StudyError:
    return StudyError(f"{path.name}: {what}", next_step=f"edit {path} and run the command again")

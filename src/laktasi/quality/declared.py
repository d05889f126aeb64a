"""schemas/checks.yml: the checks that a form cannot say, written by hand.

docs/checks.md tells of each kind what it asks and what it needs; :mod:`laktasi.quality.kinds` holds them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from laktasi.errors import CheckError
from laktasi.quality.kinds import KINDS
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Severity, questions_in
from laktasi.questionnaire.model import Texts
from laktasi.questionnaire.predicates import NAME
from laktasi.yamlfile import read_yaml

__all__ = ["DeclaredCheck", "make_check", "read_checks"]

COMMON = ("id", "kind", "form", "where", "severity", "message", "adverse_event")
"""Keys that every check may have."""
_ID = re.compile(r"[a-z][a-z0-9_]*")
_LANGUAGES = ("id", "en")


def read_checks(path: Path) -> tuple[DeclaredCheck, ...]:
    """Read checks.yml.

    Returns
    -------
    tuple of DeclaredCheck
        In the order of the file; empty where there is no such file.

    Raises
    ------
    CheckError
        The file is not YAML, has a key twice, or a check has an unknown key, kind or severity, lacks something it
        needs, or has the id of another. A check that is not understood must not look like one that passes.
    """
    if not path.exists():
        return ()
    data = read_yaml(path, _wrong)
    if not isinstance(data, dict) or set(data) != {"checks"} or not isinstance(data["checks"] or [], list):
        raise _wrong(path, "it must hold one key, 'checks', with a list of checks")
    checks: dict[str, DeclaredCheck] = {}
    for number, entry in enumerate(data["checks"] or [], start=1):
        try:
            check = make_check(entry)
        except ValueError as error:
            named = isinstance(entry, dict) and isinstance(entry.get("id"), str) and _ID.fullmatch(entry["id"])
            raise _wrong(
                path, f"check {entry['id']!r}: {error}" if named else f"check number {number} {error}"
            ) from None
        if check.id in checks:
            raise _wrong(path, f"check {check.id!r} stands there twice")
        checks[check.id] = check
    return tuple(checks.values())


def make_check(entry: Any) -> DeclaredCheck:
    """Make a check of what stands in checks.yml for it.

    Parameters
    ----------
    entry
        What YAML gave: a mapping of keys to values.

    Raises
    ------
    ValueError
        It is not understood; says how, without the check's name.
    """
    if not isinstance(entry, Mapping):
        raise ValueError("must be a mapping of keys to values")
    check_id = entry.get("id")
    if not isinstance(check_id, str) or not _ID.fullmatch(check_id):
        raise ValueError("needs an id of lower-case letters, digits and _")
    kind = KINDS[_one_of(entry, "kind", tuple(KINDS))]
    known = (*COMMON, *(parameter.name for parameter in kind.parameters))
    if unknown := sorted(set(map(str, entry)) - set(known)):
        raise ValueError(f"unknown key {unknown[0]!r}; a {kind.name} check knows {', '.join(known)}")
    for key in ("form", "where"):
        if key in entry and not (isinstance(entry[key], str) and entry[key].strip()):
            raise ValueError(f"{key!r} must be text")
    is_adverse_event = entry.get("adverse_event", False)
    if not isinstance(is_adverse_event, bool):
        raise ValueError("'adverse_event' must be true or false")
    if is_adverse_event and kind.level == "group":
        raise ValueError(f"'adverse_event' is about a record, and a {kind.name} check is about groups")
    where: str | None = entry.get("where")
    check = DeclaredCheck(
        id=check_id,
        kind=kind.name,
        severity=_severity(entry),
        messages=_messages(entry.get("message")),
        form=entry.get("form"),
        where=where,
        parameters=_parameters(kind, entry),
        is_adverse_event=is_adverse_event,
    )
    if kind.verify is not None:
        kind.verify(check)
    names = tuple(dict.fromkeys((*kind.names(check), *questions_in(where or ""))))
    if not names and check.form is None:
        raise ValueError("it asks for no question; write questions as ${name}, or say which 'form' it is about")
    return replace(check, names=names)


def _parameters(kind: Kind, entry: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for parameter in kind.parameters:
        if parameter.name not in entry:
            if parameter.required:
                raise ValueError(f"a {kind.name} check needs {parameter.name!r}")
            values[parameter.name] = parameter.default
            continue
        try:
            values[parameter.name] = parameter.read(entry[parameter.name])
        except ValueError as error:
            raise ValueError(f"{parameter.name!r} {error}") from None
    return values


def _severity(entry: Mapping[str, Any]) -> Severity:
    said = _one_of(entry, "severity", get_args(Severity))
    return "error" if said == "error" else "warning"


def _one_of(entry: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
    value = entry.get(key)
    if value not in known:
        found = f"unknown {key} {value!r}" if key in entry else f"{key!r} is missing"
        raise ValueError(f"{found}; known are {', '.join(known)}")
    return str(value)


def _messages(value: Any) -> Texts:
    missing = [
        language
        for language in _LANGUAGES
        if not (isinstance(value, dict) and isinstance(value.get(language), str) and value[language].strip())
    ]
    if missing:
        raise ValueError(f"its message is missing in {' and '.join(missing)}")
    if any(NAME.search(str(text)) for text in value.values()):
        raise ValueError("its message quotes an answer (${…}); a finding never holds one")
    return {str(language): str(text).strip() for language, text in value.items()}


def _wrong(path: Path, what: str) -> CheckError:
    return CheckError(f"{path.name}: {what}", next_step=f"edit {path} and run the command again")

"""schemas/checks.yml: the checks that a form cannot say, written by hand.

A *row* check is an XPath expression about one record (true means good); a *unique* check says that the answers to some
questions, taken together, stand in one record only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from laktasi.errors import CheckError
from laktasi.questionnaire.model import Texts
from laktasi.yamlfile import read_yaml

Kind = Literal["row", "unique"]
Severity = Literal["error", "warning"]

_KEYS = ("id", "kind", "form", "expression", "questions", "where", "severity", "message")
_NEEDED = {"row": ("expression",), "unique": ("questions",)}
_ALLOWED = {"row": ("form", "expression"), "unique": ("form", "questions", "where")}
_ID = re.compile(r"[a-z][a-z0-9_]*")
_NAME = re.compile(r"\$\{\s*([^}]+?)\s*\}")
_LANGUAGES = ("id", "en")


@dataclass(frozen=True, slots=True)
class DeclaredCheck:
    """One check of checks.yml."""

    id: str
    """Lower-case letters, digits and ``_``; findings are known by it, so it must never be used again for another."""
    kind: Kind
    severity: Severity
    """An open error keeps the record out of the accepted population; a warning does not."""
    messages: Texts
    """What a person should know or do, by language; never an answer."""
    expression: str | None = None
    """Of a row check: XPath with ``${question}``; true means good."""
    questions: tuple[str, ...] = ()
    """Of a unique check: the questions whose answers together must not come twice."""
    where: str | None = None
    """Of a unique check: XPath with ``${question}``; only records for which it is true are compared."""
    form: str | None = None
    """The form it is about; None means every form that asks these questions."""

    @property
    def names(self) -> tuple[str, ...]:
        """The questions it needs, each once, in the order in which they are named."""
        found = [*self.questions, *_NAME.findall(self.expression or ""), *_NAME.findall(self.where or "")]
        return tuple(dict.fromkeys(found))


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
        check = _check(path, number, entry)
        if check.id in checks:
            raise _wrong(path, f"check {check.id!r} stands there twice")
        checks[check.id] = check
    return tuple(checks.values())


def _check(path: Path, number: int, entry: Any) -> DeclaredCheck:
    if not isinstance(entry, dict):
        raise _wrong(path, f"check number {number} must be a mapping of keys to values")
    check_id = entry.get("id")
    if not isinstance(check_id, str) or not _ID.fullmatch(check_id):
        raise _wrong(path, f"check number {number} needs an id of lower-case letters, digits and _")
    name = f"check {check_id!r}"
    if unknown := sorted(set(map(str, entry)) - set(_KEYS)):
        raise _wrong(path, f"{name}: unknown key {unknown[0]!r}; known are {', '.join(_KEYS)}")
    kind = _one_of(path, name, entry, "kind", get_args(Kind))
    severity = _one_of(path, name, entry, "severity", get_args(Severity))
    for key in _NEEDED[kind]:
        if key not in entry:
            raise _wrong(path, f"{name}: a {kind} check needs {key!r}")
    if foreign := sorted(set(entry) - {"id", "kind", "severity", "message", *_ALLOWED[kind]}):
        raise _wrong(path, f"{name}: {foreign[0]!r} has no meaning in a {kind} check")
    for key in ("form", "expression", "where"):
        if key in entry and not (isinstance(entry[key], str) and entry[key].strip()):
            raise _wrong(path, f"{name}: {key!r} must be text")
    questions = entry.get("questions", [])
    if kind == "unique" and not (
        isinstance(questions, list) and questions and all(isinstance(item, str) for item in questions)
    ):
        raise _wrong(path, f"{name}: 'questions' must be a list of one or more names")
    if len(set(questions)) != len(questions):
        raise _wrong(path, f"{name}: a question stands twice in 'questions'")
    check = DeclaredCheck(
        id=check_id,
        kind=cast(Kind, kind),
        severity=cast(Severity, severity),
        messages=_messages(path, name, entry.get("message")),
        expression=entry.get("expression"),
        questions=tuple(questions),
        where=entry.get("where"),
        form=entry.get("form"),
    )
    if not check.names:
        raise _wrong(path, f"{name}: its expression asks for no question; write questions as ${{name}}")
    return check


def _one_of(path: Path, name: str, entry: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
    value = entry.get(key)
    if value not in known:
        found = f"unknown {key} {value!r}" if key in entry else f"{key!r} is missing"
        raise _wrong(path, f"{name}: {found}; known are {', '.join(known)}")
    return str(value)


def _messages(path: Path, name: str, value: Any) -> Texts:
    missing = [
        language
        for language in _LANGUAGES
        if not (isinstance(value, dict) and isinstance(value.get(language), str) and value[language].strip())
    ]
    if missing:
        raise _wrong(path, f"{name}: its message is missing in {' and '.join(missing)}")
    if any(_NAME.search(str(text)) for text in value.values()):
        raise _wrong(path, f"{name}: its message quotes an answer (${{…}}); a finding never holds one")
    return {str(language): str(text).strip() for language, text in value.items()}


def _wrong(path: Path, what: str) -> CheckError:
    return CheckError(f"{path.name}: {what}", next_step=f"edit {path} and run the command again")

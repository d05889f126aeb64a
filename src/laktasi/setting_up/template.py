"""laktasi.toml as it is written for people: every setting, what it means, and commented out if default.

It is made of the settings' own definitions, so one that is added there stands here.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from laktasi.settings import PREFIX, CentralSettings, Settings

GIVEN_OTHERWISE = ("project",)
"""Fields of the settings that are not read from the file: ``--project`` gives it."""

EXAMPLES: Mapping[str, Any] = {
    "key_file": "~/laktasi.key",
    "phones": ["phones"],
    "central.url": "https://central.example.org",
    "central.project": 1,
    "central.forms": ["household_visit"],
    "central.email": "manager@example.org",
    "backup.folder": "../backups",
    "lake.catalog": "postgres://laktasi@database.example.org/laktasi",
    "lake.data": "../lake",
    "lake.files": "../lake-files",
    "lake.s3_region": "ap-southeast-3",
    "lake.s3_endpoint": "store.example.org:9000",
    "lake.s3_use_ssl": True,
    "up.timezone": "Asia/Makassar",
}
"""What stands behind the mark of a comment where the default is nothing, by name of the setting."""

_HEAD = """\
# The settings of this project, for laktasi. What begins with # is a remark, or a setting with its default (with an
# example where it has none): take the # away to change it. `laktasi doctor` says whether all is well.
#
# No password stands here: this file is copied and shared. Passwords and keys come from the environment, or from the
# project's private file, whose place `laktasi init` and `laktasi doctor` name.
"""
_MORE_CENTRALS = """\
# Several projects or servers: one part like this for each, with a name of yours.
#[central.north]
#url = "https://north.example.org"
#project = 2
"""


def settings_text(values: Mapping[str, Any]) -> str:
    """Write laktasi.toml.

    Parameters
    ----------
    values
        The settings that are not left to their defaults, as the file holds them: a table is a mapping.
    """
    simple = {name: field for name, field in Settings.model_fields.items() if _table_of(field) is None}
    tables = {name: table for name, field in Settings.model_fields.items() if (table := _table_of(field)) is not None}
    parts = [_HEAD, *_fields("", {n: f for n, f in simple.items() if n not in GIVEN_OTHERWISE}, values)]
    for name, table in tables.items():
        parts += _table(name, Settings.model_fields[name], table, values.get(name, {}))
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def toml_value(value: Any) -> str:
    """Write a value as TOML does."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{json.dumps(str(name))} = {toml_value(item)}' for name, item in value.items())} }}"
    text = value.as_posix() if isinstance(value, Path) else str(value)
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _table(name: str, field: FieldInfo, table: type[BaseModel], given: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n{_remark(field.description)}[{name}]\n"
    shared = {key: value for key, value in given.items() if not isinstance(value, Mapping)}
    yield from _fields(f"{name}.", table.model_fields, shared)
    if table is CentralSettings:
        yield _MORE_CENTRALS
    for key, value in given.items():
        if isinstance(value, Mapping):
            lines = "".join(f"{inner} = {toml_value(item)}\n" for inner, item in value.items())
            yield f"[{name}.{key}]\n{lines}"


def _fields(above: str, fields: Mapping[str, FieldInfo], given: Mapping[str, Any]) -> Iterator[str]:
    for name, field in fields.items():
        dotted = above + name
        if _is_secret(field):
            variable = f"{PREFIX}{dotted.upper().replace('.', '__')}"
            said = (field.description or "").removeprefix(variable).lstrip(":; ")
            said = f" ({said.rstrip('.')})" if said else ""
            yield _remark(f"{name}{said} never stands here: {variable} in the environment or the private file.")
        elif given.get(name) not in (None, [], ()):
            yield f"{_remark(field.description)}{name} = {toml_value(given[name])}"
        else:
            yield f"{_remark(field.description)}#{name} = {toml_value(_shown(dotted, field))}"


def _shown(dotted: str, field: FieldInfo) -> Any:
    """Give the default, or where that is nothing an example: one of ours, else the first of the values it may have."""
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    if default not in (None, (), [], {}):
        return default
    named = [kind for kind in (field.annotation, *get_args(field.annotation)) if get_origin(kind) is Literal]
    return EXAMPLES.get(dotted, get_args(named[0])[0] if named else "")


def _remark(text: str | None) -> str:
    lines = textwrap.wrap(text or "", 116)
    return "".join(f"# {line}\n" for line in lines)


def _is_secret(field: FieldInfo) -> bool:
    return field.annotation is SecretStr or SecretStr in get_args(field.annotation)


def _table_of(field: FieldInfo) -> type[BaseModel] | None:
    """Give the settings that a field holds as a table, if it does."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None

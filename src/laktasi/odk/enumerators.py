"""Enumerators as Central's app users: a list in a CSV file, and Central made to agree with it.

On Central an app user is called by the enumerator's code and nothing else: Central cannot rename one, shows the name to
everyone who may read the project, and hands it on with each submission. Names of people stay in the manager's file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from laktasi.errors import SettingsError
from laktasi.odk.collect_settings import LANGUAGES
from laktasi.odk.connection import AnsweredError
from laktasi.odk.publish import published_forms

if TYPE_CHECKING:
    from laktasi.odk.connection import Connection

COLUMNS = ("code", "name", "language", "active")
OPTIONAL_COLUMNS = ("forms",)
TRUTH = {"yes": True, "ya": True, "true": True, "no": False, "tidak": False, "false": False}
"""The last of each are what spreadsheet programs make of a box that is ticked."""
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,19}")
_SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
"""The line by which Excel is told what stands between the columns, and which it leaves in the file."""
ROLE = "app-user"


@dataclass(frozen=True, slots=True)
class Enumerator:
    """A line of the file."""

    code: str
    name: str = field(repr=False)
    language: str
    forms: tuple[str, ...]
    """Form ids; every published form of the project, if none."""
    is_active: bool
    line: int


@dataclass(frozen=True, slots=True)
class AppUser:
    """An app user who has access."""

    actor_id: int
    name: str
    token: str = field(repr=False)
    last_used: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do on Central."""

    action: Literal["make", "assign", "unassign", "revoke"]
    code: str
    form_id: str | None = None
    user: AppUser | None = None
    """None for one who is not there yet."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is, and what is to be done."""

    users: Mapping[str, AppUser]
    """Those of the file that have access now, by code."""
    steps: tuple[Step, ...]
    unlisted: tuple[str, ...]
    """App users with access that the file does not name, and second ones of the same code."""


def read_enumerators(path: Path) -> tuple[Enumerator, ...]:
    """Read the list of enumerators.

    Columns: `code`, `name`, `language` (id or en), `active` (yes or no, ya or tidak, true or false) and, if wanted,
    `forms` (form ids with spaces between them). Commas, semicolons or tabs between the columns, as spreadsheet programs
    write them, with empty columns behind the last and with Excel's line ``sep=;`` on top.

    Raises
    ------
    SettingsError
        It cannot be read, or names nobody; the message names line and column, and no person.
    """
    lines = _cells(path)
    try:
        top, header = next(lines)
    except StopIteration:
        raise _wrong(path, "it is empty") from None
    columns = [name.lower() for name in header]
    if missing := [name for name in COLUMNS if name not in columns]:
        raise _wrong(path, f"line {top}: there is no column {missing[0]!r}")
    for name in columns:
        if name not in (*COLUMNS, *OPTIONAL_COLUMNS) or columns.count(name) > 1:
            raise _wrong(
                path, f"line {top}, column {name!r}: is not one of {', '.join((*COLUMNS, *OPTIONAL_COLUMNS))}, once"
            )
    found: dict[str, Enumerator] = {}
    for line, cells in lines:
        if not cells:
            continue
        if len(cells) > len(columns):
            raise _wrong(path, f"line {line}: has {len(cells)} cells under {len(columns)} columns")
        row = dict(zip(columns, cells + [""] * len(columns), strict=False))
        one = _enumerator(path, line, row)
        if (other := found.get(one.code.lower())) is not None:
            raise _wrong(path, f"line {line}, column 'code': {one.code!r} stands in line {other.line} already")
        found[one.code.lower()] = one
    if not found:
        # A list that was lost on the way would take everybody's access away.
        raise _wrong(path, "it names nobody")
    return tuple(found.values())


def is_code(text: str) -> bool:
    """Say whether a text can be an enumerator's code, and so a file's name. App users can be called anything."""
    return _CODE.fullmatch(text) is not None


def plan(connection: Connection, enumerators: Iterable[Enumerator], *, revoke_missing: bool = False) -> Plan:
    """See what is to be done so that Central agrees with the list. Nothing is changed.

    Raises
    ------
    SettingsError
        The list names a form that is not published.
    """
    enumerators = tuple(enumerators)
    published = published_forms(connection)
    for one in enumerators:
        if unknown := [form_id for form_id in one.forms if form_id not in published]:
            raise SettingsError(
                f"line {one.line}, column 'forms': {unknown[0]!r} is not published in project "
                f"{connection.project.rpartition('/')[2]} on {connection.host}",
                next_step=f"correct the line (published: {', '.join(published) or 'none'}), or: laktasi forms publish",
            )
    users, seconds = _users(connection)
    assigned: dict[int, set[str]] = {}
    given = connection.json(f"{connection.project}/assignments/forms/{ROLE}")
    for row in connection.objects(given, "actorId", "xmlFormId"):
        assigned.setdefault(row["actorId"], set()).add(row["xmlFormId"])
    steps: list[Step] = []
    for one in enumerators:
        user = users.get(one.code)
        if not one.is_active:
            steps += [Step("revoke", one.code, user=user)] if user else []
            continue
        steps += [] if user else [Step("make", one.code)]
        wanted = set(one.forms or published)
        has = assigned.get(user.actor_id, set()) if user else set()
        steps += [Step("assign", one.code, form_id, user) for form_id in sorted(wanted - has)]
        steps += [Step("unassign", one.code, form_id, user) for form_id in sorted(has - wanted)]
    codes = {one.code for one in enumerators}
    others = [*(user for name, user in users.items() if name not in codes), *seconds]
    if revoke_missing:
        steps += [Step("revoke", user.name, user=user) for user in others]
    active = {one.code for one in enumerators if one.is_active}
    return Plan(
        users={name: user for name, user in users.items() if name in active},
        steps=tuple(steps),
        unlisted=() if revoke_missing else tuple(user.name for user in others),
    )


def carry_out(
    connection: Connection, planned: Plan, done: Callable[[Step], None] = lambda _: None
) -> Mapping[str, AppUser]:
    """Do what was planned. Broken off anywhere, a new plan has what is left.

    Parameters
    ----------
    done
        Called with each step once Central has it.

    Returns
    -------
    mapping
        Those of the file that have access, by code.
    """
    users = dict(planned.users)
    for step in planned.steps:
        if step.action == "make":
            made = connection.send("POST", f"{connection.project}/app-users", json={"displayName": step.code})
            users[step.code] = _user(made)
        elif step.action == "revoke":
            _revoke(connection, step.user or users[step.code])
        else:
            user = step.user or users[step.code]
            _assign(connection, user, str(step.form_id), away=step.action == "unassign")
        done(step)
    return users


def _assign(connection: Connection, user: AppUser, form_id: str, *, away: bool) -> None:
    path = f"{connection.project}/forms/{connection.quote(form_id)}/assignments/{ROLE}/{user.actor_id}"
    try:
        connection.send("DELETE" if away else "POST", path)
    except AnsweredError as error:
        # Somebody was faster: it is as it should be.
        if error.status != (404 if away else 409):
            raise


def _revoke(connection: Connection, user: AppUser) -> None:
    # What was sent goes on to bear its name; the key and the rights end.
    try:
        connection.send("DELETE", f"{connection.project}/app-users/{user.actor_id}")
    except AnsweredError as error:
        if error.status != 404:
            raise


def _users(connection: Connection) -> tuple[dict[str, AppUser], list[AppUser]]:
    """Give the app users with access by name, and those that share the name of one.

    An answer of the server that was lost may have left a second one: the one that has sent something stays.
    """
    users: dict[str, AppUser] = {}
    seconds: list[AppUser] = []
    listed = connection.json(f"{connection.project}/app-users", extended=True)
    for row in connection.objects(listed, "id", "displayName", "token"):
        if not row["token"]:  # revoked on Central's own page
            continue
        user = _user(row)
        other = users.get(user.name)
        if other is not None:
            first, second = sorted((user, other), key=lambda one: (one.last_used, -one.actor_id), reverse=True)
            seconds.append(second)
            user = first
        users[user.name] = user
    return users, seconds


def _user(row: Mapping[str, Any]) -> AppUser:
    return AppUser(int(row["id"]), str(row["displayName"]), str(row["token"]), str(row.get("lastUsed") or ""))


def _cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Give each line's number and its cells, without the empty ones behind the last."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong(path, "it is not UTF-8 text", next_step="save it again as CSV UTF-8") from None
    except OSError as error:
        raise _wrong(path, f"it cannot be opened ({error.strerror})", next_step="check the path") from None
    said = _SEPARATOR.match(text)
    delimiter = said.group(1) if said else max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            if not (said and reader.line_num == 1):
                yield reader.line_num, cells
    except csv.Error:
        raise _wrong(path, f"line {reader.line_num}: a quotation mark is not closed, or stands alone") from None


def _enumerator(path: Path, line: int, row: Mapping[str, str]) -> Enumerator:
    def refuse(column: str, what: str) -> SettingsError:
        return _wrong(path, f"line {line}, column {column!r}: {what}")

    if not is_code(row["code"]):
        raise refuse("code", "write letters, digits, . _ and - only, 20 at most")
    if not row["name"]:
        raise refuse("name", "is empty")
    language = row["language"].lower()
    if language not in LANGUAGES:
        raise refuse("language", f"write one of {', '.join(LANGUAGES)}")
    active = TRUTH.get(row["active"].lower())
    if active is None:
        raise refuse("active", "write yes or no")
    forms = tuple(dict.fromkeys(re.split(r"[\s,;]+", row.get("forms", "")))) if row.get("forms") else ()
    return Enumerator(row["code"], row["name"], language, tuple(filter(None, forms)), active, line)


def _wrong(path: Path, what: str, *, next_step: str = "") -> SettingsError:
    return SettingsError(f"{path.name}: {what}", next_step=next_step or f"correct {path.name}; nothing was changed")

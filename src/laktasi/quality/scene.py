"""What a check over the set can ask the warehouse for: questions, rows, groups and lists, by the names people use.

Rows are those of the typed tables of schema staging, alias ``r``, beside who asked whom, where and when
(marts.interviews, alias ``i``), and for a repeat also the row of the form itself (alias ``f``).
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.errors import CheckError
from laktasi.quality.asked import NUMBERS, Asked, as_type, widened, with_ending
from laktasi.quality.where import find_field, holding
from laktasi.questionnaire.model import Privacy, Questionnaire, ValueType
from laktasi.questionnaire.predicates import lacking
from laktasi.store.columns import Column
from laktasi.store.forms import versions_of
from laktasi.store.sql import identifier, literal
from laktasi.store.staging import type_of
from laktasi.study import Study

if TYPE_CHECKING:
    import duckdb

    from laktasi.quality.kinds.model import DeclaredCheck

ROLES = {"centre": "i.centre_code", "enumerator": "i.enumerator_code", "subject": "i.subject_code"}
TIMES = {
    "day": "i.day",
    "week": "strftime(i.day, '%G-W%V')",
    "month": "strftime(i.day, '%Y-%m')",
}
GROUPS = {**ROLES, "device": "i.device", "form_version": "i.form_version", **TIMES, "all": "''"}
"""What rows can be grouped by beside the answers to a question, and its SQL."""

RIGHT_CLOCK = "i.is_clock_behind is not true and i.is_clock_ahead is not true"
"""SQL: nothing says that the phone's clock was wrong."""
PAST_DAY = f"{RIGHT_CLOCK} and i.day <= cast(i.landed_at at time zone 'UTC' as date) + 1"
"""SQL: the day is known and can be true. A day after that of the landing cannot, but for the date line between both; a
form that keeps no times has no other sign of a clock that is ahead, and one such record must not move the calendar."""


def questions_by(by: str | None) -> tuple[str, ...]:
    """Give the question that a check groups by; none where it groups by a role, a time or nothing."""
    return () if by is None or by in GROUPS else (by,)


@dataclass(frozen=True, slots=True)
class Listed:
    """A CSV file in schemas/."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Texts without spaces around them."""

    def sql(self, columns: Sequence[str]) -> str:
        """Give a select of some columns, as text; an empty cell is NULL."""
        lists = (", ".join(literal(row[self.columns.index(column)] or None) for row in self.rows) for column in columns)
        return "select " + ", ".join(
            f"unnest([{cells}]::varchar[]) as {identifier(column)}"
            for cells, column in zip(lists, columns, strict=True)
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A form version, or a question of a check that names none, into which the check does not look; and why."""

    form_id: str
    version: str | None
    """None: all of them."""
    reason: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One form as a check sees it, in the versions that have all questions of the check."""

    con: duckdb.DuckDBPyConnection | None
    """The warehouse; None where only a plan is made."""
    form_id: str
    versions: Sequence[Questionnaire]
    """Oldest first."""
    study: Study | None
    folder: Path | None
    """schemas/, where checks.yml and its lists stand."""
    questionnaires: Mapping[tuple[str, str], Questionnaire] = field(default_factory=dict)
    """Every form version at hand, for checks across forms."""
    error_rules: Collection[str] = ()
    """The row rules of this form whose findings are errors."""
    left_out: list[LeftOut] = field(default_factory=list)
    """What a check could not look into, as it is met; :meth:`other` and :meth:`where_they_stayed` fill it."""

    @property
    def form_table(self) -> str:
        """The form's own table."""
        return self.versions[-1].tables[0].name

    def question(self, name: str, table: str | None = None, *, numbers: bool = False) -> Asked:
        """Find a question.

        Parameters
        ----------
        name
            Its path, its column, or the last part of its path where that is unique.
        table
            The table whose rows are looked at, if not the question's own.
        numbers
            Only an integer or a decimal will do.

        Raises
        ------
        CheckError
            No version asks it, it could be several, it stands in different tables, in a repeat that is not `table`, or
            is not of the type asked for.
        """
        found = [(item.version, find_field(item, name)) for item in self.versions]
        fields = {version: item for version, item in found if item is not None}
        if not fields:
            raise CheckError(
                f"checks.yml: no version of the form {self.form_id!r} asks {name!r}",
                why="A check of it would look at nothing and seem to pass.",
                next_step="correct the name in schemas/checks.yml",
            )
        newest = list(fields.values())[-1]
        if len({item.table for item in fields.values()}) > 1:
            raise CheckError(
                f"checks.yml: {name!r} stands in different tables in the versions of {self.form_id!r}",
                next_step="compare a question that has stayed where it was",
            )
        alias = "r"
        if table is not None and newest.table != table:
            if newest.table != self.form_table:
                raise CheckError(
                    f"checks.yml: {name!r} stands in a repeat, and the rows that are compared do not",
                    why="Answers can only be compared together where they stand in one row.",
                    next_step="name questions of the form itself, or of one repeat, in schemas/checks.yml",
                )
            alias = "f"
        columns = {item.column.lower(): item.column for item in fields.values()}
        stored = {column: self._stored(newest.table, column) for column in columns.values()}
        kind = widened([item.type for item in fields.values()], set(stored.values()))
        if numbers and kind not in NUMBERS:
            raise CheckError(
                f"checks.yml: {name!r} is of type {kind.value}, and a number is needed",
                next_step="name an integer or a decimal in schemas/checks.yml",
            )
        parts = [f"{alias}.{identifier(column)}" for column in stored]
        if kind is ValueType.GEOPOINT:
            lat, lon = (
                f"coalesce({', '.join(with_ending(part, end) for part in parts)})" for end in ("__lat", "__lon")
            )
            return Asked(newest.table, newest.column, newest, kind, f"({lat} || ' ' || {lon})", tuple(parts))
        typed = [as_type(part, of, kind) for part, of in zip(parts, stored.values(), strict=True)]
        sql = f"coalesce({', '.join(typed)})" if len(typed) > 1 else typed[0]
        return Asked(newest.table, newest.column, newest, kind, sql, tuple(parts))

    def _stored(self, table: str, column: str) -> ValueType:
        """Give what staging keeps a column as, which depends on every version of the form."""
        versions = versions_of(self.questionnaires, self.form_id) or self.versions
        fields = {
            version.version: item
            for version in versions
            for item in version.fields_of(table)
            if item.column.lower() == column.lower()
        }
        return type_of(Column(column, fields))

    def questions(self, names: Sequence[str]) -> list[Asked]:
        """Find several questions that must stand in one table; that of a repeat, where one of them stands in it."""
        tables = {self.question(name).table for name in names}
        inner = tables - {self.form_table}
        if len(inner) > 1:
            raise CheckError(
                f"checks.yml: {', '.join(names)} stand in different repeats: {', '.join(sorted(inner))}",
                why="Answers can only be compared together where they stand in one row.",
                next_step="name questions of the form itself, or of one repeat, in schemas/checks.yml",
            )
        table = inner.pop() if inner else self.form_table
        return [self.question(name, table) for name in names]

    def where_they_stayed(self, paths: Iterable[str]) -> list[Asked]:
        """Find questions that a check has not named: those that moved between tables are left out."""
        asked = []
        for path in paths:
            if len({item.table for version in self.versions if (item := find_field(version, path))}) > 1:
                reason = f"{path!r} stands in different tables in the versions"
                self.left_out.append(LeftOut(self.form_id, None, reason))
            else:
                asked.append(self.question(path))
        return asked

    def rows(self, table: str | None = None) -> str:
        """Give a FROM clause: the rows of a table (the form's own by default) and what is known of their interviews."""
        table = table or self.form_table
        joined = f"{identifier('staging', table)} as r"
        if table != self.form_table:
            joined += (
                f" inner join {identifier('staging', self.form_table)} as f on r._submission_id = f._submission_id"
            )
        return (
            f"{joined} inner join marts.interviews as i"
            f" on i.form_id = {literal(self.form_id)} and r._submission_id = i.submission_id"
        )

    def by(self, name: str, table: str | None = None, *, named: bool = False) -> tuple[str, str]:
        """Give what rows are grouped by: SQL (text; NULL where it is not known), and what the group is called.

        Parameters
        ----------
        name
            ``centre``, ``enumerator``, ``subject``, ``device``, ``form_version``, ``day``, ``week``, ``month``,
            ``all``, or a question. Without a study, and for other forms than the study's, ``centre`` and the other
            roles are the questions called so.
        table
            The table whose rows are looked at; the form's own by default.
        named
            The group's code will stand in findings, as it does at group level, so it may be no direct identifier.
        """
        is_role = name in ROLES and self.study is not None and self.study.form_id == self.form_id
        if is_role and self.study is not None and getattr(self.study.roles, name) is None:
            raise CheckError(
                f"checks.yml: groups by {name!r}, and study.yml has no such role",
                next_step=f"add the role {name!r} to schemas/study.yml, or group by a question",
            )
        if name in GROUPS and (name not in ROLES or is_role):
            return f"cast({GROUPS[name]} as varchar)", name
        asked = self.question(name, table or self.form_table)
        if asked.type in (ValueType.GEOPOINT, ValueType.SELECT_MULTIPLE, ValueType.RANK):
            raise CheckError(
                f"checks.yml: rows cannot be grouped by {name!r}, which has several values at once",
                next_step="group by a question with one value",
            )
        if named and asked.field.privacy is Privacy.DIRECT:
            raise CheckError(
                f"checks.yml: groups by {name!r}, which is marked as a direct identifier, or not marked at all",
                why="The group's code stands in findings, and a finding never holds such an answer.",
                next_step="group by another question, or mark it in the column bind::laktasi:privacy of the XLSForm",
            )
        return f"cast({asked.sql} as varchar)", name

    def where(self, check: DeclaredCheck, table: str | None = None) -> str:
        """Give the SQL condition on ``r`` that a row of a table, the form's by default, takes part in a check."""
        versions = ", ".join(literal(item.version) for item in self.versions)
        condition = f"r._form_version in ({versions})"
        return f"{condition} and {self.holds(check, check.where, table)}" if check.where is not None else condition

    def holds(self, check: DeclaredCheck, expression: str, table: str | None = None) -> str:
        """Give the SQL condition on ``r`` that an XPath expression is true of a row of a table; see :func:`holding`."""
        return holding(check, self.versions, expression, table or self.form_table, "r.")

    def listed(self, file: str, columns: Sequence[str]) -> Listed:
        """Read a CSV file in schemas/.

        Parameters
        ----------
        columns
            Those that it must have.

        Raises
        ------
        CheckError
            It is not there, is not UTF-8, has no rows, or lacks a column.
        """
        return read_list(self.folder, file, columns)

    def other(self, check: DeclaredCheck, form_id: str, where: str | None = None) -> Scene:
        """Give another form as the same check sees it.

        Parameters
        ----------
        where
            XPath: which of its records count. Versions that lack a question of it have none, and are left out.

        Raises
        ------
        CheckError
            No version of it is known.
        """
        versions = versions_of(self.questionnaires, form_id)
        if not versions:
            raise CheckError(
                f"checks.yml: check {check.id!r} compares with the form {form_id!r}, of which no version is known",
                why="Such a check would look at nothing.",
                next_step="correct the form in schemas/checks.yml, or put its XLSForm into xlsforms/",
            )
        lacks = {item.version: names for item in versions if (names := lacking(item, where or ""))}
        self.left_out.extend(
            LeftOut(form_id, version, f"this version does not ask {names[0]!r}") for version, names in lacks.items()
        )
        # Where none has it, the expression itself will say so.
        asked = [item for item in versions if item.version not in lacks] or versions[-1:]
        return Scene(self.con, form_id, asked, self.study, self.folder, self.questionnaires)


def read_list(folder: Path | None, file: str, columns: Sequence[str]) -> Listed:
    """Read a CSV file in schemas/; see :meth:`Scene.listed`."""

    def wrong(what: str, why: str = "") -> CheckError:
        return CheckError(f"schemas/{file}: {what}", why=why, next_step=f"mend schemas/{file}, and run again")

    path = (folder or Path("schemas")) / file
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            lines = [[cell.strip() for cell in line] for line in csv.reader(opened) if any(map(str.strip, line))]
    except FileNotFoundError:
        raise wrong("a check needs this file, and it is not there") from None
    except OSError as error:
        raise wrong(f"cannot be opened ({error.strerror})") from None
    except UnicodeDecodeError:
        raise wrong("not UTF-8 text: save it again as CSV UTF-8") from None
    except csv.Error as error:
        raise wrong(f"not CSV: {error}") from None
    if len(lines) < 2:
        raise wrong("it has no rows", "A check against an empty list would accuse all or nobody.")
    header = lines[0]
    if missing := [column for column in columns if column not in header]:
        raise wrong(f"it has no column {missing[0]!r}; its columns are {', '.join(header)}")
    if crooked := [number for number, line in enumerate(lines[1:], start=2) if len(line) != len(header)]:
        raise wrong(f"row {crooked[0]} has not as many cells as the first row")
    return Listed(file, tuple(header), tuple(tuple(line) for line in lines[1:]))

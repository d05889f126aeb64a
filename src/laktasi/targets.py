"""schemas/targets.csv: how many records each health centre is to bring in, and until when."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from laktasi.errors import CheckError

COLUMNS = ("centre", "target", "until")
NEEDED = ("centre", "target")
_NUMBER = re.compile(r"[1-9][0-9]{0,6}")
"""More digits than any health centre's records have would be a slip."""


@dataclass(frozen=True, slots=True)
class Target:
    """What one health centre is to bring in."""

    centre: str
    """Code of the health centre, as the form offers it."""
    records: int
    """Records that fit the study: 1 or more."""
    until: date | None = None
    line: int = 0
    """Line of the file, for errors."""


def read_targets(path: Path) -> tuple[Target, ...]:
    """Read targets.csv: columns `centre`, `target` and, if wanted, `until` (a day such as 2026-11-30).

    Commas, semicolons or tabs stand between the columns, as spreadsheet programs write them.

    Returns
    -------
    tuple of Target
        In the order of the file; empty where there is no such file.

    Raises
    ------
    CheckError
        The file cannot be read, a column is unknown or missing, a line has no centre, or one that stands there twice,
        or a target that is no whole number of 1 or more, or a day that is none. The message names the line.
    """
    if not path.exists():
        return ()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong(path, "not UTF-8 text: save it again as CSV UTF-8") from None
    except OSError as error:
        raise _wrong(path, f"cannot be opened ({error.strerror})") from None
    lines = _cells(path, text)
    _, header = next(lines, (1, []))
    columns = [name.lower() for name in header]
    for name in columns:
        if name not in COLUMNS or columns.count(name) > 1:
            raise _wrong(path, f"the column {name!r} is not one of {', '.join(COLUMNS)}, once each")
    if missing := [name for name in NEEDED if name not in columns]:
        raise _wrong(path, f"there is no column {missing[0]!r}")
    found: dict[str, Target] = {}
    for number, cells in lines:
        if len(cells) > len(columns):
            raise _wrong(path, f"line {number} has {len(cells)} cells under {len(columns)} columns")
        row = dict(zip(columns, cells + [""] * len(columns), strict=False))
        one = _target(path, number, row)
        if one.centre in found:
            raise _wrong(path, f"line {one.line}: {one.centre!r} stands in line {found[one.centre].line} already")
        found[one.centre] = one
    return tuple(found.values())


def _cells(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Give number and cells of each line that holds anything; empty cells behind the last count for nothing."""
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in lines:
            given = [cell.strip() for cell in cells]
            while given and not given[-1]:
                given.pop()
            if given:
                yield lines.line_num, given
    except csv.Error as error:
        raise _wrong(path, f"line {lines.line_num}: {error}") from None


def _target(path: Path, line: int, row: Mapping[str, str]) -> Target:
    if not row["centre"]:
        raise _wrong(path, f"line {line} names no centre")
    number = row["target"]
    if not _NUMBER.fullmatch(number):
        raise _wrong(path, f"line {line}: the target {number!r} is not a whole number of 1 or more")
    until = row.get("until", "")
    try:
        return Target(row["centre"], int(number), date.fromisoformat(until) if until else None, line)
    except ValueError:
        raise _wrong(path, f"line {line}: {until!r} is not a day such as 2026-11-30") from None


def _wrong(path: Path, what: str) -> CheckError:
    return CheckError(f"{path.name}: {what}", next_step=f"edit {path} and run the command again")

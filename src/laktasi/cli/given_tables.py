"""Contingency tables that a person types or has in a file: read into counts, and refused where they are none."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from laktasi.errors import LaktasiError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLUMNS = ("stratum", "x", "y", "count")
SEPARATORS = (",", ";", "\t")
BLANK = ",;\t \r\n"
MOST_LEVELS = 100
"""A variable with more is a measurement, not an ordered choice."""
MOST_CELLS = 1_000_000
"""Cells over all strata; beyond, the memory of a laptop is in danger."""
LONGEST_HEADING = 1_000
MOST_RECORDS = 999_999_999
"""Records that one table may hold."""
MOST_RECORDS_TOGETHER = 2_000_000_000
"""Records that all tables together may hold: the pooled results add up their squares."""

COUNT = re.compile(r"[0-9]+(?:\.(?:0{1,2}|0{4,}))?")
"""A number of records; 7.0 is one too, as some spreadsheets write it."""
THOUSANDS = re.compile(r"[0-9]+(?:[.,][0-9]{3})+")
"""1.000 may be one or, to an Indonesian spreadsheet, a thousand."""
NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
"""A level that is sorted as a number. Python would also take 1_0, 1e1 and digits of other scripts for one."""

MOST_SAMPLED = 200_000_000
"""Cells times draws to sample for one table: one or two minutes, and 800 megabytes."""
MOST_SAMPLED_TOGETHER = 10_000_000_000
"""The same for all tables, an hour or two: as many as `MOST_CELLS` allows, with the draws there are by default."""
LONG_SAMPLED = 20_000_000
"""The same from which on somebody who waits is told why: some seconds."""

TABLE_NEXT = "write rows from low to high exposure, with ; between them, like --table '7,4,0;0,8,6'"
FILE_NEXT = "write a line for each cell, like: north,1,2,7 under the heading stratum,x,y,count"


@dataclass(frozen=True, slots=True)
class Given:
    """Tables of one shape."""

    strata: Sequence[str]
    """Name of each table."""
    x: Sequence[str]
    """Levels of the exposure, lowest first, as they are written."""
    y: Sequence[str]
    """Levels of the outcome, lowest first."""
    counts: NDArray[np.int64]
    """Shape (strata, levels of x, levels of y)."""


def read_table(text: str) -> NDArray[np.int64]:
    """Read a table that stands in one line: cells with commas between them, rows with semicolons.

    Returns
    -------
    ndarray of int, shape (1, rows, columns)

    Raises
    ------
    LaktasiError
        The rows are not equally long, or a cell is empty or no whole number of records.
    """
    import numpy as np

    rows = [row.split(",") for row in text.strip().strip(";").split(";")]
    if max(len(rows), *map(len, rows)) > MOST_LEVELS:
        raise LaktasiError(f"--table has more than {MOST_LEVELS} levels on a side", next_step=TABLE_NEXT)
    counts = [
        [_whole(cell, f"--table: row {at}, cell {place}", TABLE_NEXT) for place, cell in enumerate(row, 1)]
        for at, row in enumerate(rows, 1)
    ]
    lengths = [len(row) for row in counts]
    for at, length in enumerate(lengths, 1):
        if length != lengths[0]:
            raise LaktasiError(
                f"--table is ragged: row 1 has {lengths[0]} cells, row {at} has {length}", next_step=TABLE_NEXT
            )
    return _checked(np.array([counts], dtype=np.int64))


def read_tables(path: Path) -> Given:
    """Read tables from a file of cells: columns stratum, x, y and count, in any order, separated by , or ; or tab.

    A cell that has no line holds nobody. Strata stand in the order in which they come. Levels that are all numbers
    are sorted as numbers; texts keep the order in which they come.

    Raises
    ------
    LaktasiError
        The file cannot be read, lacks a column or has one more, or a line does not fit, comes twice or is no count; or
        the tables are too large.
    """
    import numpy as np

    lines = list(_lines(path))
    strata = list(dict.fromkeys(line[0] for _, line in lines))
    levels = [_levels([line[part] for _, line in lines], COLUMNS[part], path) for part in (1, 2)]
    shape = len(strata), *(max(places.values()) + 1 for places in levels)
    if shape[0] * shape[1] * shape[2] > MOST_CELLS:
        raise LaktasiError(
            f"{path}: {shape[0]:,} strata of {shape[1]} × {shape[2]} levels are more than {MOST_CELLS:,} cells",
            next_step="give fewer strata at a time",
        )
    counts = np.zeros(shape, dtype=np.int64)
    place = {stratum: at for at, stratum in enumerate(strata)}
    seen: dict[tuple[int, int, int], int] = {}
    for number, (stratum, x, y, count) in lines:
        cell = place[stratum], levels[0][x], levels[1][y]
        if cell in seen:
            raise LaktasiError(
                f"{path}, line {number}: the same cell as in line {seen[cell]}",
                why="Which of the two counts, or both, cannot be told.",
                next_step="leave one line for each cell of each stratum",
            )
        seen[cell] = number
        counts[cell] = _whole(count, f"{path}, line {number}: count", FILE_NEXT)
    # Of numbers that are written in two ways, 1 and 1.0, the one that comes first names the level.
    names = [[next(text for text, at in places.items() if at == level) for level in range(max(places.values()) + 1)]
             for places in levels]  # fmt: skip
    return Given(strata, names[0], names[1], _checked(counts))


def _lines(path: Path) -> Iterator[tuple[int, tuple[str, str, str, str]]]:
    """Yield where each record begins, as an editor counts lines, and what stands in it, in the order of `COLUMNS`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            before, heading = 0, file.readline(LONGEST_HEADING)
            while heading and not heading.strip(BLANK):
                before, heading = before + 1, file.readline(LONGEST_HEADING)
            separator = max(SEPARATORS, key=heading.count)
            columns = [name.strip().lower() for name in next(csv.reader([heading], delimiter=separator), [])]
            _check_columns(columns, path)
            order = [columns.index(name) for name in COLUMNS]
            found = 0
            reader = csv.reader(file, delimiter=separator)
            next_number = before + 2
            for fields in reader:
                number, next_number = next_number, before + 2 + reader.line_num
                values = [field.strip() for field in fields]
                if not any(values):
                    continue
                if len(values) != len(COLUMNS):
                    raise LaktasiError(
                        f"{path}, line {number}: {len(values)} fields instead of {len(COLUMNS)}",
                        next_step=FILE_NEXT,
                    )
                for name, at in zip(COLUMNS, order, strict=True):
                    if not values[at]:
                        raise LaktasiError(f"{path}, line {number}: {name} is empty", next_step=FILE_NEXT)
                found += 1
                if found > MOST_CELLS:
                    raise LaktasiError(
                        f"{path} has more than {MOST_CELLS:,} lines", next_step="give fewer strata at a time"
                    )
                yield number, (values[order[0]], values[order[1]], values[order[2]], values[order[3]])
    except OSError as error:
        raise LaktasiError(
            f"{path}: cannot be opened ({error.strerror})", next_step="name a file that is there and may be read"
        ) from None
    except UnicodeDecodeError:
        raise LaktasiError(f"{path}: not UTF-8 text", next_step="save it again with the encoding UTF-8") from None
    except csv.Error as error:
        raise LaktasiError(f"{path}: not a CSV file ({error})", next_step=FILE_NEXT) from None
    if not found:
        raise LaktasiError(f"{path} holds no cell", next_step=FILE_NEXT)


def _check_columns(columns: Sequence[str], name: Path) -> None:
    missing = [column for column in COLUMNS if column not in columns]
    others = [column for column in columns if column not in COLUMNS]
    if missing:
        raise LaktasiError(f"{name}: column {', '.join(missing)} is missing", next_step=FILE_NEXT)
    if others or len(columns) > len(COLUMNS):
        raise LaktasiError(
            f"{name}: columns other than {', '.join(COLUMNS)}, each once",
            why="What they say would be passed over: a second stratum, for example.",
            next_step="take them out, or join them to the name of the stratum",
        )


def _levels(texts: Sequence[str], column: str, name: Path) -> dict[str, int]:
    """Give each level its place, lowest first."""
    different = list(dict.fromkeys(texts))
    numbers = {text: number for text in different if (number := _number(text)) is not None}
    if numbers and len(numbers) < len(different):
        raise LaktasiError(
            f"{name}: some levels of {column} are numbers and some are texts",
            why="In which order they stand cannot be told.",
            next_step="write all levels as numbers, from low to high",
        )
    _check_points(list(numbers), column, name)
    values = sorted(set(numbers.values()))
    if max(len(values), 0 if numbers else len(different)) > MOST_LEVELS:
        raise LaktasiError(
            f"{name}: {column} has more than {MOST_LEVELS} levels", next_step="group them into ordered categories"
        )
    if numbers:
        place = {value: at for at, value in enumerate(values)}
        return {text: place[number] for text, number in numbers.items()}
    return {text: at for at, text in enumerate(different)}


def _check_points(numbers: Sequence[str], column: str, name: Path) -> None:
    """Refuse 900 beside 1.000, whose order rests on what the point means; 0.5 beside 1.250 shows that."""
    pointed = [number for number in numbers if "." in number]
    if 0 < len(pointed) < len(numbers) and all(THOUSANDS.fullmatch(number.lstrip("+-")) for number in pointed):
        raise LaktasiError(
            f"{name}: levels of {column} have a point before three digits",
            why="It may stand for a thousand or for a decimal, and the order of the levels rests on it.",
            next_step="write a thousand as 1000, and one as 1",
        )


def _number(text: str) -> float | None:
    from math import isfinite

    number = float(text) if NUMBER.fullmatch(text) else None
    return number if number is not None and isfinite(number) else None


def _whole(text: str, what: str, next_step: str) -> int:
    """Read a number of records."""
    text = text.strip()
    if not text:
        raise LaktasiError(f"{what} is empty", why="A cell in which there is nobody has a 0.", next_step=next_step)
    if not COUNT.fullmatch(text):
        if THOUSANDS.fullmatch(text):
            raise LaktasiError(
                f"{what} has a point or a comma before three digits",
                why="It may stand for a thousand or for a decimal.",
                next_step="write a thousand as 1000, and one as 1",
            )
        if NUMBER.fullmatch(text.replace(",", ".")):
            wrong = "is negative" if text.startswith("-") else "is no whole number of records"
            raise LaktasiError(f"{what} {wrong}", next_step=next_step)
        raise LaktasiError(
            f"{what} is no number",
            why="A count is written in the digits 0 to 9 and nothing else: 1000, not 1e3 or 1_000.",
            next_step=next_step,
        )
    digits = text.partition(".")[0].lstrip("0")
    if len(digits) > len(str(MOST_RECORDS)) or int(digits or "0") > MOST_RECORDS:
        raise LaktasiError(f"{what} is more than {MOST_RECORDS:,} records", next_step=next_step)
    return int(digits or "0")


def _checked(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    if int(counts.sum(axis=(1, 2)).max()) > MOST_RECORDS:
        raise LaktasiError(
            f"a table holds more than {MOST_RECORDS:,} records", next_step="see whether its cells are counts of records"
        )
    if int(counts.sum()) > MOST_RECORDS_TOGETHER:
        raise LaktasiError(
            f"all tables together hold more than {MOST_RECORDS_TOGETHER:,} records",
            next_step="see whether their cells are counts of records, or give fewer tables at a time",
        )
    return counts


def check_sampling(counts: NDArray[np.int64], draws: int) -> None:
    """Refuse what would take too much time or memory to sample; tell somebody who has to wait.

    Raises
    ------
    LaktasiError
        More than `MOST_SAMPLED` or `MOST_SAMPLED_TOGETHER` cells.
    """
    from laktasi.analysis.exact import cells_to_sample

    sampled = cells_to_sample(counts) * draws
    limits = ((sampled.max(initial=0), MOST_SAMPLED, "a table"), (sampled.sum(), MOST_SAMPLED_TOGETHER, "all tables"))
    for much, most, of in limits:
        if much > most:
            raise LaktasiError(
                f"{draws:,} draws of {of} are {much:,} cells to sample, more than {most:,}",
                next_step="give fewer --draws, or group the levels",
            )
    if sampled.sum() > LONG_SAMPLED:
        click.echo(f"… sampling {draws:,} arrangements for each p: this takes a while", err=True)

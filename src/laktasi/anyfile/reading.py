"""A data file (CSV, Parquet, SPSS, Stata) as columns of text, one row for each record.

Text stays as it stands, so that leading zeros survive. Numbers, days and moments become the text that a phone would
write; what the file itself declares missing becomes missing, and is counted.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

_DIGITS_OF_32_BITS = 9
"""As many as tell every number of 32 bits from the next."""
NAME_LIMITS = {"sav": 64, "dta": 32}
"""How long a name can be in the file, by kind; exports cut longer ones."""
_DELIMITERS = ",;\t|"
_BLANK = re.compile(rb"\A[\r\n]|\n\r?\n|\r\r")
_MOST_EXACT = 2**53
"""Whole numbers up to this are exact as a double."""


@dataclass(frozen=True, slots=True)
class DataColumn:
    """One column of a data file."""

    name: str
    values: pa.Array
    """Text; NULL where there is nothing."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What the file calls its codes, by code as text."""
    declared_missing: int = 0
    """Values that the file itself declares missing (SPSS user-missing, Stata's .a to .z); `values` lacks them."""
    is_single: bool = False
    """Its numbers have 32 bits: seven digits or so, and what was computed with more has lost the rest."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file, whole."""

    name: str
    kind: str
    """csv, parquet, sav or dta."""
    columns: tuple[DataColumn, ...]
    rows: int
    first_line: int
    """Line of the first record, as a spreadsheet counts: below the header of a CSV file 2, elsewhere 1."""
    unreadable: tuple[str, ...] = ()
    """Columns that hold something other than one value in each row."""
    lines: tuple[int, ...] = ()
    """Line of each record, where blank ones stand between."""

    def line(self, row: int) -> int:
        """Give the line of a record as a spreadsheet counts, by its number from 0."""
        return self.lines[row] if self.lines else row + self.first_line


def read_data(path: Path) -> DataFile:
    """Read a data file by the ending of its name.

    Raises
    ------
    SourceError
        It is none of these kinds, is damaged, is not UTF-8 text, or a line has more or fewer values than the header.
    """
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise SourceError(
            f"{path.name}: a data file must end in {', '.join(_KINDS)}",
            next_step="save it as one of these; from a spreadsheet, as CSV UTF-8",
        )
    if not path.is_file():
        raise SourceError(f"{path.name}: there is no such file", next_step="check the path of the data file")
    return _READERS[kind](path)


def mapped(values: pa.Array, function: Callable[[str], str | None]) -> pa.Array:
    """Apply a function to every text, once for each that differs."""
    import pyarrow as pa

    encoded = values.dictionary_encode()
    words = pa.array([function(word) for word in encoded.dictionary.to_pylist()], pa.string())
    return words.take(encoded.indices)


def number_text(value: float) -> str | None:
    """Write a number as a phone would: a whole one without a fraction; None for NaN."""
    if math.isnan(value):
        return None
    if math.isfinite(value) and value == math.trunc(value) and abs(value) < _MOST_EXACT:
        return str(int(value))
    return repr(float(value))


def _damaged(path: Path, kind: str, error: Exception) -> SourceError:
    # Not chained, not quoted: what a reader says of a broken file can hold a value of it.
    return SourceError(
        f"{path.name} cannot be read as {kind} ({type(error).__name__})",
        why="It is damaged, or not what its name says.",
        next_step="save or export it again",
    )


# CSV


def _read_csv(path: Path) -> DataFile:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    content = _utf8(path)
    if not content.endswith(b"\n"):
        content += b"\n"  # a header alone is none to Arrow where its line does not end
    header, delimiter = _header(path, content)
    wrong: list[Any] = []

    def note(row: Any) -> str:
        wrong.append(row)
        return "skip"

    numbered = [f"f{position}" for position in range(len(header))]
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(content),
            read_options=arrow_csv.ReadOptions(autogenerate_column_names=True, use_threads=False),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(numbered, pa.string()), null_values=[""], strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid as error:
        raise _damaged(path, "CSV", error) from None
    lines = _lines(content, delimiter, table.num_rows + len(wrong))
    if wrong:
        first = wrong[0]
        raise SourceError(
            f"{path.name}: row {lines[first.number - 1] if lines else first.number} has {first.actual_columns} values,"
            f" and the header has {len(header)}" + (f"; so {len(wrong)} rows" if len(wrong) > 1 else ""),
            why="Its values could belong to any column.",
            next_step="quote values that hold the separator or a line break, and try again",
        )
    records = table.slice(1)
    columns = [
        DataColumn(name.strip() or f"column {at + 1}", records.column(at).combine_chunks())
        for at, name in enumerate(header)
        # what stands behind the last separator of every line is no column
        if name.strip() or records.column(at).null_count < records.num_rows
    ]
    return DataFile(path.name, "csv", tuple(columns), records.num_rows, 2, lines=lines[1:])


def _lines(content: bytes, delimiter: str, rows: int) -> tuple[int, ...]:
    """Give the line of each row, the header's first, as a spreadsheet counts; nothing where no line is blank."""
    if not _BLANK.search(content):
        return ()
    text = io.StringIO(content.decode(), newline="")
    try:
        found = tuple(at for at, row in enumerate(csv.reader(text, delimiter=delimiter), 1) if row)
    except csv.Error:
        return ()
    return found if len(found) == rows else ()


def _utf8(path: Path) -> bytes:
    content = path.read_bytes()
    encoding = "utf-16" if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    try:
        return content.decode(encoding).encode()
    except UnicodeDecodeError:
        raise SourceError(
            f"{path.name} is not UTF-8 text",
            why="Letters such as é would be read wrongly.",
            next_step="save it as CSV UTF-8",
        ) from None


def _header(path: Path, content: bytes) -> tuple[list[str], str]:
    text = content.decode()
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text)
    header = next((row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row), [])
    if not any(name.strip() for name in header):
        raise SourceError(f"{path.name} is empty", next_step="export it again, with a header")
    return header, delimiter


def _delimiter(text: str) -> str:
    first = re.sub('"[^"]*"', "", text.lstrip().split("\n", 1)[0])
    return max(_DELIMITERS, key=first.count)


# Parquet


def _read_parquet(path: Path) -> DataFile:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, "Parquet", error) from None
    columns, unreadable = [], []
    for name, values in zip(table.column_names, table.columns, strict=True):
        try:
            text = _arrow_text(values.combine_chunks())
        except (pa.ArrowException, OverflowError, ValueError):
            # Not chained: what is said of a value can quote it.
            raise SourceError(
                f"{path.name}: column {name!r} holds what cannot be written as text, such as a day after the year 9999",
                next_step="correct these values, or leave the column out",
            ) from None
        if text is None:
            unreadable.append(name)
        else:
            columns.append(DataColumn(name, text, is_single=pa.types.is_float32(values.type)))
    return DataFile(path.name, "parquet", tuple(columns), table.num_rows, 1, tuple(unreadable))


def _arrow_text(values: Any) -> Any:
    """Give an Arrow array as text; None where its values are no single values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_dictionary(kind):
        return _arrow_text(values.dictionary_decode())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        if not pa.types.is_string(kind.value_type):
            return None
        # a choice of several, as the phone writes it
        return pa.array([_tokens(item) for item in values.to_pylist()], pa.string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        text = pc.cast(values, pa.string())
        return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind) or pa.types.is_boolean(kind):
        return pc.cast(values, pa.string())
    if pa.types.is_floating(kind):
        # The shortest text of a float of 32 bits is not that of the same number in 64.
        return mapped(pc.cast(values, pa.string()), lambda word: number_text(float(word)))
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return pa.array([None if item is None else _moment_text(item) for item in values.to_pylist()], pa.string())
    return None


def _tokens(words: Sequence[str | None] | None) -> str | None:
    return " ".join(word for word in words if word) or None if words else None


def _moment_text(value: date | datetime | time) -> str:
    """Write a day, a moment or a time of day; a moment with its offset, if it has one."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value.isoformat(timespec="milliseconds") if isinstance(value, time) else value.isoformat()


# SPSS and Stata


def _read_labelled(path: Path) -> DataFile:
    import pyreadstat

    kind = "dta" if path.suffix.lower() == ".dta" else "sav"
    read = pyreadstat.read_dta if kind == "dta" else pyreadstat.read_sav
    try:
        data, meta = read(path, user_missing=True, output_format="dict")
    except (pyreadstat.ReadstatError, ValueError, OverflowError, UnicodeError, OSError) as error:
        raise _damaged(path, "SPSS" if kind == "sav" else "Stata", error) from None
    columns = []
    for name in meta.column_names:
        ranges = (meta.missing_ranges or {}).get(name, [])
        letters = (meta.missing_user_values or {}).get(name, [])
        column = _labelled(name, data[name], meta.variable_value_labels.get(name, {}), ranges, letters)
        if _were_32_bits(data[name]):
            column = replace(column, values=mapped(column.values, _of_32_bits), is_single=True)
        columns.append(column)
    rows = len(data[meta.column_names[0]]) if meta.column_names else 0
    return DataFile(path.name, kind, tuple(columns), rows, 1)


def _labelled(
    name: str,
    values: Sequence[Any],
    labels: Mapping[Any, str],
    ranges: Sequence[Any],
    letters: Sequence[Any],
) -> DataColumn:
    import pyarrow as pa

    missing = 0
    texts: list[str | None] = []
    for value in values:
        is_missing = value in letters or any(_within(value, span) for span in ranges)
        missing += is_missing
        texts.append(None if is_missing else _single_text(value))
    named = {text: label for code, label in labels.items() if (text := _single_text(code)) is not None}
    return DataColumn(name, pa.array(texts, pa.string()), named, missing)


def _were_32_bits(values: Sequence[Any]) -> bool:
    """Say whether numbers have been through 32 bits: all fit there, and fractions have digits only because of that."""
    import numpy as np

    numbers = np.array([value for value in values if isinstance(value, float) and math.isfinite(value)])
    with np.errstate(over="ignore"):
        fit = bool(numbers.size) and bool((numbers == numbers.astype(np.float32)).all())
    fractions = [value for value in numbers.tolist() if not value.is_integer()]
    return fit and any(len(repr(value).strip("-0.")) > _DIGITS_OF_32_BITS + 1 for value in fractions)


def _of_32_bits(word: str) -> str | None:
    """Write a number that was read with 64 bits as short as its 32 bits allow."""
    import numpy as np

    return number_text(float(str(np.float32(word))))


def _within(value: Any, span: Any) -> bool:
    low, high = span["lo"], span["hi"]
    if value is None or isinstance(value, str) != isinstance(low, str):
        return False
    return bool(low <= value <= high) if isinstance(value, str | int | float) else False


def _single_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value.rstrip() or None if value else None
    if isinstance(value, datetime):
        # SPSS and Stata count seconds and milliseconds in floating point, and lose the last digits.
        rounded = datetime.fromtimestamp(round(value.replace(tzinfo=UTC).timestamp(), 3), UTC)
        return _moment_text(rounded.replace(tzinfo=None))
    if isinstance(value, date | time):
        return _moment_text(value)
    return number_text(value)


_KINDS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".sav": "sav", ".zsav": "sav", ".dta": "dta"}
_READERS: Mapping[str, Callable[[Path], DataFile]] = {
    "csv": _read_csv,
    "parquet": _read_parquet,
    "sav": _read_labelled,
    "dta": _read_labelled,
}

"""Reading a release back: the records of all formats held against each other, and private values looked for."""

from __future__ import annotations

import csv
import mmap
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from laktasi.errors import ReleaseError
from laktasi.release.documents import SUMS, files_of
from laktasi.release.files import CSV, DTA, DUCKDB, PARQUET, RESULTS, SAV
from laktasi.release.rule import CATEGORY, Rule
from laktasi.store.sql import identifier
from laktasi.study import Study

RECORD, WITHHELD = "record", "withheld"

Records = Mapping[str, Sequence[str]]
"""Values by column, as the CSV file writes them."""

_UUID = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_WORDS = re.compile(rb"[A-Za-z0-9]+")
_JOINED = re.compile(rb"[A-Za-z0-9_:.-]+")
_GAP = re.compile(rb"[^A-Za-z0-9_:.-]")
_BLOCK = 1 << 20
"""Bytes whose words are looked up at a time; a block ends where no word goes on."""
_ROWS = 10_000
_TEXTS = """
select schema_name, table_name, column_name from duckdb_columns()
where not internal and not regexp_matches(data_type, '^(TINYINT|INTEGER|BIGINT|DOUBLE|DATE|TIMESTAMP.*)$')
"""
"""Columns of a DuckDB file in which a code could stand."""
_CODE = "a code of a submission, respondent, enumerator or phone"
_BY_CHANCE = 1e-4
"""How many of the values that are looked for in the bytes of a file may be expected there by chance."""
_SHORT, _LONG = 3, 10
"""Characters below which a code says nothing by itself, and from which it is looked for without a digit in it."""


def _differs(name: str, column: str = "") -> ReleaseError:
    of = f", column {column}" if column else ""
    return ReleaseError(
        f"the release was refused: {name}{of} is not what {CSV} has",
        why="All formats hold the same records; nothing was written.",
        next_step="report this as a fault of laktasi",
    )


def same_in_all(folder: Path, columns: Mapping[str, Mapping[str, Any]]) -> Records:
    """Read the records from every format, and see that all say the same.

    Parameters
    ----------
    columns
        By name, as the manifest tells them: no file may have another one.

    Raises
    ------
    ReleaseError
        A file differs.
    """
    with (folder / CSV).open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        if header != list(columns):
            raise _differs("manifest.json")
        records: dict[str, list[str]] = {name: [] for name in header}
        appenders = [values.append for values in records.values()]
        once: dict[str, str] = {}  # equal texts are kept once: there are few different ones among very many
        for row in rows:
            for append, value in zip(appenders, row, strict=True):
                append(once.setdefault(value, value))
    for name, names, column_of in _others(folder, columns):
        if names != header:
            raise _differs(name)
        for column, texts in records.items():
            kind = columns[column]["kind"]
            found = column_of(column)
            if len(found) != len(texts) or any(
                _as_text(value, kind) != text for value, text in zip(found, texts, strict=True)
            ):
                raise _differs(name, column)
    return records


def _others(
    folder: Path, columns: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, list[str], Callable[[str], list[Any]]]]:
    """Give each other file with the names of its columns, and what reads one of them."""
    import pyarrow.parquet as pq
    import pyreadstat

    parquet = pq.ParquetFile(folder / PARQUET)
    yield PARQUET, parquet.schema_arrow.names, lambda name: parquet.read([name]).column(0).to_pylist()
    with duckdb.connect(str(folder / DUCKDB), read_only=True) as con:
        tables = {f"{schema}.{table}" for schema, table in _tables(con)}
        results = {f"{RESULTS}.{path.stem}" for path in (folder / RESULTS).iterdir()}
        if tables != {"main.records", "main.codebook", "main.choices", *results}:
            raise _differs(DUCKDB)
        names = [name for (name,) in con.execute("select column_name from (describe records)").fetchall()]
        yield (
            DUCKDB,
            names,
            lambda name: con.execute(f"select {identifier(name)} from records").to_arrow_table().column(0).to_pylist(),
        )
        for path in (folder / RESULTS).iterdir():
            with path.open(encoding="utf-8", newline="") as file:
                told = sorted(tuple(row) for row in list(csv.reader(file))[1:])
            there = con.execute(f"from {identifier(RESULTS, path.stem)}").to_arrow_table().to_pylist()
            if sorted(tuple(_as_text(value, "") for value in row.values()) for row in there) != told:
                raise _differs(DUCKDB, path.stem)
        choices: dict[str, dict[float, str]] = {}
        for name, code, value in con.execute("select name, code, value from choices").fetchall():
            choices.setdefault(name, {})[float(code)] = value
    for name, read in ((SAV, pyreadstat.read_sav), (DTA, pyreadstat.read_dta)):
        frame, _ = read(folder / name)

        def worded(column: str, frame: Any = frame, file: str = name) -> list[Any]:
            values = [None if value != value else value for value in frame[column].tolist()]
            if columns[column]["kind"] != "category":
                return values
            known = choices.get(column, {})
            if any(value is not None and value not in known for value in values):
                raise _differs(file, column)
            return [None if value is None else known[value] for value in values]

        yield name, list(frame.columns), worded


def _tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return con.execute("select schema_name, table_name from duckdb_tables() where not internal").fetchall()


def _as_text(value: Any, kind: str) -> str:
    """Write a value as the CSV file does."""
    if value is None:
        return ""
    if kind == "whole":
        return str(int(value))
    if kind == "date" and isinstance(value, datetime):
        value = value.date()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def day_number(text: str) -> int:
    """Give the day of a date or moment as the number of days since 1970."""
    return (date.fromisoformat(text[:10]) - date(1970, 1, 1)).days


def private_values(con: duckdb.DuckDBPyConnection, study: Study, rule: Rule) -> set[str]:
    """Give every value that names a submission, a respondent, an enumerator or a phone, and could be told by itself.

    Codes that a form offers for a released question, or that name a centre, are no secret.
    """
    queries = [
        "select submission_id from staging.submissions union select instance_id from staging.submissions",
        "select subject_code from marts.submissions union select enumerator_code from marts.submissions",
    ]
    for table, column in con.execute(
        """
        select codebook.table_name, codebook.column_name from staging.codebook as codebook
        semi join duckdb_columns() as columns
            on columns.schema_name = 'staging' and columns.table_name = codebook.table_name
            and columns.column_name = codebook.column_name and columns.data_type = 'VARCHAR'
        where codebook.type = 'text' and codebook.privacy <> 'none' and codebook.path not in (select unnest(?))
        """,
        [[path for path, treatment in rule.treat.items() if treatment.kind == CATEGORY]],
    ).fetchall():
        queries.append(f"select distinct {identifier(column)} from {identifier('staging', table)}")
    values = {str(value) for query in queries for (value,) in con.execute(query).fetchall() if value}
    values |= {value.removeprefix("uuid:") for value in values}
    # Read from the form's lists, not from the release: a code that came into it by mistake must not excuse itself.
    names = con.execute(
        """
        select value from staging.choices
        where form_id = $form and list_name in (
            select list_name from staging.codebook where form_id = $form and privacy = 'none'
        )
        union select centre_code from marts.centres
        """,
        {"form": study.form_id},
    ).fetchall()
    return {value for value in values if _can_be_told(value)} - {value for (value,) in names}


def _can_be_told(value: str) -> bool:
    """Say whether a value is told from ordinary words and numbers when it stands in a file."""
    has_digit = any(map(str.isdigit, value))
    has_letter = any(map(str.isalpha, value))
    return len(value) >= _LONG or (len(value) >= _SHORT and has_digit and has_letter) or (len(value) >= 6 and has_digit)


def search(folder: Path, private: set[str], key: bytes) -> None:
    """Look for private values in every file, as bytes and as cells, and for the project's secret.

    The cells of the other formats are those of the CSV file (:func:`same_in_all`).

    Raises
    ------
    ReleaseError
        There is one; names the file, never the value.
    """
    names = _Private(private)
    for path in [*files_of(folder), folder / SUMS]:
        name = path.relative_to(folder).as_posix()
        with mapped(path) as content:
            if re.search(re.escape(key), content) or re.search(key.hex().encode(), content, re.I):
                raise _found(name, "the project's secret")
            if _UUID.search(content):
                raise _found(name, "the id of a submission")
            looked_for = names.not_by_chance_in(len(content)) if name in _WORDED else names
            if looked_for.are_in(content):
                raise _found(name, _CODE)
    for name, words in _WORDED.items():
        if any(names.are_in(text.encode()) for text in words(folder / name)):
            raise _found(name, _CODE)
    with duckdb.connect(str(folder / DUCKDB), read_only=True) as con:
        for schema, table, column in con.execute(_TEXTS).fetchall():
            name, place = identifier(column), identifier(schema, table)
            con.execute(f"select distinct cast({name} as varchar) from {place} where {name} is not null")
            while rows := con.fetchmany(_ROWS):
                for (value,) in rows:
                    if value in private or names.are_in(value.encode()):
                        raise _found(f"{DUCKDB}, table {table}", _CODE)


@contextmanager
def mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    """Give the bytes of a file as the system pages them in: a release can be larger than the memory."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield content


class _Private:
    """Private values, as they can stand in a file."""

    def __init__(self, values: Iterable[str]) -> None:
        self.values = {value.encode() for value in values}

    def not_by_chance_in(self, size: int) -> _Private:
        """Give those that chance would not bring: a large compressed file has any three letters somewhere."""
        of_length = Counter(map(len, self.values))
        return _Private(
            value.decode() for value in self.values if size * of_length[len(value)] / 256 ** len(value) < _BY_CHANCE
        )

    def are_in(self, content: bytes | mmap.mmap) -> bool:
        """Say whether one of them stands somewhere, between characters that no code has."""
        start = 0
        while start < len(content):
            gap = _GAP.search(content, start + _BLOCK)
            end = gap.start() if gap else len(content)
            if any(not self.values.isdisjoint(words.findall(content, start, end)) for words in (_WORDS, _JOINED)):
                return True
            start = end
        return False


def _words_of_parquet(path: Path) -> Iterator[str]:
    """Give all that a Parquet file says besides its cells."""
    with duckdb.connect() as con:
        found = con.execute(
            """
            select name from parquet_schema($file)
            union all
            select unnest([decode(key), decode(value)]) from parquet_kv_metadata($file)
            """,
            {"file": str(path)},
        )
        yield from (text for (text,) in found.fetchall() if text)


def _words_of_duckdb(path: Path) -> Iterator[str]:
    """Give all that a DuckDB file says besides its cells."""
    with duckdb.connect(str(path), read_only=True) as con:
        found = con.execute(
            """
            select unnest([schema_name, table_name, column_name, column_default, comment]) from duckdb_columns()
            where not internal
            union all
            select unnest([sql, comment]) from duckdb_views() where not internal
            union all
            select unnest([sql, comment]) from duckdb_tables()
            union all
            select comment from duckdb_schemas() where not internal
            """
        )
        yield from (text for (text,) in found.fetchall() if text)


def _words_of_statistics(path: Path) -> Iterator[str]:
    """Give all that a file for SPSS or Stata says besides its cells."""
    import pyreadstat

    read = pyreadstat.read_sav if path.suffix == Path(SAV).suffix else pyreadstat.read_dta
    _, told = read(path, metadataonly=True)
    yield from filter(None, (told.file_label, told.table_name, *told.column_names, *told.column_labels, *told.notes))
    for labels in told.variable_value_labels.values():
        for value, label in labels.items():
            yield from (str(value), str(label))


_WORDED: Mapping[str, Callable[[Path], Iterator[str]]] = {
    PARQUET: _words_of_parquet,
    DUCKDB: _words_of_duckdb,
    SAV: _words_of_statistics,
    DTA: _words_of_statistics,
}
"""Files whose bytes are not text, and what gives the words in them."""


def _found(name: str, what: str) -> ReleaseError:
    return ReleaseError(
        f"the release was refused: {name} holds {what}",
        why="Nothing was written: what stood there before is as it was.",
        next_step="see which question it comes from, and drop that in schemas/release.yml",
    )

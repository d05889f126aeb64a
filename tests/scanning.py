"""Looking for words in every file of a folder, however the file keeps them."""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import duckdb


def texts_of(path: Path) -> Iterator[bytes]:
    """Give what a file holds: its name, its bytes, those without the zeros of UTF-16, and what is packed in it."""
    content = path.read_bytes()
    yield from (path.name.encode(), content, content.replace(b"\0", b""))
    if zipfile.is_zipfile(path):  # workbooks too
        with zipfile.ZipFile(path) as packed:
            yield from (packed.read(name) for name in packed.namelist())
    if content.startswith(b"SQLite format 3"):
        with closing(sqlite3.connect(path)) as database:
            yield "\n".join(database.iterdump()).encode()
    if content.startswith(b"PAR1"):
        yield _rows(duckdb.connect(), f"from '{path}'")
    if content[8:12] == b"DUCK":
        # Compressed pages hide a text from who only looks at bytes. An encrypted file is not opened.
        with suppress(duckdb.CatalogException), duckdb.connect(str(path), read_only=True) as con:
            for schema, table in con.execute("select schema_name, table_name from duckdb_tables()").fetchall():
                yield _rows(con, f'from "{schema}"."{table}"')


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> bytes:
    return "\n".join(map(str, con.execute(query).fetchall())).encode()


def holding(root: Path, has: Callable[[str], bool]) -> set[str]:
    """Give the files below a folder in whose text something is found."""
    return {
        path.relative_to(root).as_posix()
        for path in sorted(root.rglob("*"))
        if path.is_file() and any(has(text.decode("utf-8", "replace")) for text in texts_of(path))
    }

"""Are the files still there that the warehouse knows of? Nobody but a person takes them away."""

from __future__ import annotations

import duckdb

from laktasi.paths import DataFolder
from laktasi.store.shelf import attachment_place


def missing_attachments(con: duckdb.DuckDBPyConnection, folder: DataFolder) -> int:
    """Count the contents of attachments that landed and are not in the data folder any more."""
    landed = con.execute("select distinct sha256 from raw.attachments where sha256 is not null").fetchall()
    there = {path.name for path in folder.attachments.rglob("*") if path.is_file()}
    return sum(attachment_place(folder, sha256).name not in there for (sha256,) in landed)

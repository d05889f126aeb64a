"""The same tests on a lake: with ``LAKTASI_TEST_LAKE`` every data folder of a test has one, beside it.

``LAKTASI_TEST_LAKE=file`` puts the catalogue into a DuckDB file; ``LAKTASI_TEST_LAKE=postgres://user@host/database``
into that database, in schemas that begin with ``test_`` and are dropped at the end (the password from PGPASSWORD or
PGPASSFILE). Folders that are derived from another one are files, as they are for users.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laktasi.paths import DataFolder, Lake
from laktasi.settings import LakeSettings
from laktasi.store import lake as lakes
from laktasi.store import warehouse

WHERE = os.environ.get("LAKTASI_TEST_LAKE")
"""The kind of lake that the whole run is to be on; None: warehouses are files."""

IS_POSTGRES = WHERE is not None and WHERE != "file"

FROM_NOTHING = False
"""Whether new lakes are made by their migrations, see the fixture of that name."""

of_files = pytest.mark.skipif(WHERE is not None, reason="about warehouses that are files")
needs_postgres = pytest.mark.skipif(not IS_POSTGRES, reason="LAKTASI_TEST_LAKE=postgres://… names a database to try in")

_CLONE = """
do $$
declare name text;
begin
    for name in select tablename from pg_tables where schemaname = '{template}' loop
        execute format('create table {schema}.%I (like {template}.%I including all)', name, name);
        execute format('insert into {schema}.%I select * from {template}.%I', name, name);
    end loop;
end $$
"""


def lake_at(root: Path, where: str | None = WHERE) -> Lake:
    """Give a lake of its own for what stands in a folder."""
    name = "test_" + hashlib.sha256(str(root).encode()).hexdigest()[:16]
    in_postgres = where is not None and where != "file"
    catalog = where if in_postgres else str(root / "lake" / "catalogue.duckdb")
    return LakeSettings(catalog=catalog, name=name, data=str(root / "lake" / "data")).place(root)


def tell(lake: Lake, *statements: str) -> None:
    """Do something in the database of a lake's catalogue."""
    with duckdb.connect() as con:
        lakes.attach_catalogue(con, lake, "there")
        for statement in statements:
            con.execute(f"call postgres_execute('there', '{statement.replace(chr(39), chr(39) * 2)}')")


@dataclass
class Lakes:
    """Lakes of a run of tests: new ones are copies of one that has all migrations."""

    folder: DataFolder
    ready: set[str] = field(default_factory=set)
    is_ready: bool = False

    def prepare(self, lake: Lake) -> None:
        """Make a lake, unless it is there."""
        if lake.schema in self.ready:
            return
        self.ready.add(lake.schema)
        data = Path(lake.data)
        if data.exists() or FROM_NOTHING:
            data.parent.mkdir(parents=True, exist_ok=True)
            return
        template = self._template()
        data.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(template.data, data)
        moved = f"update ducklake_metadata set value = '{lake.data}/' where key = 'data_path'"
        if lake.is_postgres:
            tell(
                lake,
                f"create schema {lake.schema}",
                _CLONE.format(schema=lake.schema, template=template.schema),
                moved.replace("ducklake_metadata", f"{lake.schema}.ducklake_metadata"),
            )
            return
        shutil.copyfile(template.catalog, lake.catalog)
        with duckdb.connect(lake.catalog) as con:
            con.execute(moved)

    def _template(self) -> Lake:
        assert self.folder.lake is not None
        if not self.is_ready:
            self.is_ready = True
            self.ready.add(self.folder.lake.schema)
            Path(self.folder.lake.data).parent.mkdir(parents=True)
            with warehouse.open_warehouse(self.folder):
                pass
        return self.folder.lake


@pytest.fixture(scope="session", autouse=True)
def _on_lakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    if WHERE is None:
        yield
        return
    attach, make = lakes.attach_lake, DataFolder.__init__
    root = tmp_path_factory.mktemp("migrated_lake")
    made = Lakes(DataFolder(root, lake=lake_at(root)))

    def attach_lake(con: duckdb.DuckDBPyConnection, folder: DataFolder, name: str) -> None:
        assert folder.lake is not None
        if folder.key is None:
            made.prepare(folder.lake)
        else:
            Path(folder.lake.data).parent.mkdir(parents=True, exist_ok=True)
        attach(con, folder, name)

    def begin(
        self: DataFolder, root: Path, origin: Path | None = None, key: Any = None, lake: Lake | None = None
    ) -> None:
        is_derived = origin is not None or root.name == "building" or "as-of" in root.parts
        make(self, root, origin, key, lake or (None if is_derived else lake_at(root)))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(warehouse, "attach_lake", attach_lake)
        patched.setattr(DataFolder, "__init__", begin)
        yield
    if IS_POSTGRES:
        for schema in made.ready:
            tell(lake_at(root), f"drop schema if exists {schema} cascade")

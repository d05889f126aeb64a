"""Warehouses that older versions wrote: today's code brings them up to date, or leaves them as they were."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import SecretStr

from laktasi import pipeline
from laktasi.errors import WarehouseError
from laktasi.paths import HOUSE, DataFolder
from laktasi.reproducing import verify
from laktasi.settings import Settings, read_settings
from laktasi.store import migrating
from laktasi.store.sealing import is_encrypted
from laktasi.store.sql import migrations
from laktasi.store.warehouse import attach_file, open_warehouse, session
from tests import mini

pytestmark = pytest.mark.slow

UPGRADES = HOUSE / "tests" / "upgrades"
VERSIONS = {"main-job": 5, "mirror": 8, "quality": 11, "analysis": 14}
"""Data folders in tests/upgrades/, and the last migration that each has seen."""

KEPT = (
    *("raw.", "analysis.", "quality.decisions", "quality.feedback", "quality.finding_events"),
    *("quality.back_check_draws", "meta.runs", "meta.changes", "meta.result_changes"),
)
"""Tables that are only appended to, by how their names begin."""

ENDED = {"status", "finished_at"}
"""Columns of meta.runs that the next run fills for one that was killed."""

Tables = Mapping[str, tuple[tuple[str, ...], Counter[tuple[str, ...]]]]
"""Columns and rows of tables, rows as text."""


def unpack(version: str, folder: Path) -> Settings:
    """Unpack what an older version left; give the settings that read its project."""
    with tarfile.open(UPGRADES / f"{version}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return read_settings(folder / "project", data=folder / "data", phones=(folder / "phone",))


def rows_of(con: duckdb.DuckDBPyConnection) -> Tables:
    """Give what is kept for ever."""
    found = {}
    for schema, table in con.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
    ).fetchall():
        name = f"{schema}.{table}"
        if name.startswith(KEPT):
            asked = con.execute(f"from {schema}.{table}")
            columns = tuple(column[0] for column in asked.description or ())
            found[name] = columns, Counter(tuple(repr(said(value)) for value in row) for row in asked.fetchall())
    return found


def said(value: Any) -> Any:
    """Leave out of structures what is empty: a part that came later is."""
    if isinstance(value, dict):
        return {name: said(part) for name, part in value.items() if part is not None}
    return [said(part) for part in value] if isinstance(value, list) else value


def rows_in(path: Path) -> Tables:
    with duckdb.connect(str(path), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        return rows_of(con)


def lost(before: Tables, after: Tables) -> dict[str, int]:
    """Count the rows that are not there any more, in the columns that both have."""
    missing = {}
    for name, (columns, rows) in before.items():
        now_columns, now = after[name]
        both = [column for column in columns if column in now_columns and column not in ENDED]
        was, places = [columns.index(column) for column in both], [now_columns.index(column) for column in both]
        old = Counter(tuple(row[place] for place in was) for row in rows.elements())
        new = Counter(tuple(row[place] for place in places) for row in now.elements())
        if gone := old - new:
            missing[name] = gone.total()
    return missing


def seen(path: Path) -> int:
    """Give the number of the newest migration that a file has seen."""
    with duckdb.connect(str(path), read_only=True) as con:
        (newest,) = con.execute("select max(number) from meta.migrations").fetchall()
    return int(newest[0])


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def catalogue(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """Give every column, table and view, with all that is said of them."""
    columns = con.execute(
        """
        select schema_name, table_name, column_name, column_index, data_type, is_nullable, comment
        from duckdb_columns() where database_name = current_database() and not internal
        """
    ).fetchall()
    tables = con.execute(
        """
        select schema_name, table_name, 'table', comment, list_sort(list(constraint_text)) from duckdb_tables()
        left join duckdb_constraints() using (database_name, schema_name, table_name)
        where database_name = current_database() group by all
        union all
        select schema_name, view_name, 'view', comment || sql, null
        from duckdb_views() where database_name = current_database() and not internal
        """
    ).fetchall()
    return {tuple(row[:3]): tuple(row[3:]) for row in (*columns, *tables)}


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let there be one more migration, which fails on what people said."""
    broken = tmp_path / "9999_broken.sql"
    broken.write_text(
        f"create table raw.half as select 1 as a; delete from raw.submissions; select cast('{mini.SECRET}' as integer);"
    )
    with_it = [*migrations(), (9999, "9999_broken", broken)]
    monkeypatch.setattr("laktasi.store.migrating.migrations", lambda: with_it)


def test_there_is_a_data_folder_of_each_version() -> None:
    assert {path.name.removesuffix(".tar.xz") for path in UPGRADES.glob("*.tar.xz")} == set(VERSIONS)


@pytest.mark.parametrize(("version", "newest"), VERSIONS.items())
def test_an_older_warehouse_is_brought_up_to_date_and_keeps_its_rows(version: str, newest: int, tmp_path: Path) -> None:
    folder = unpack(version, tmp_path / "older").data_folder
    assert seen(folder.warehouse) == newest
    before = rows_in(folder.warehouse)
    assert before["raw.submissions"][1].total() > 10
    names = set(files(folder.root))
    with open_warehouse(DataFolder(tmp_path / "new")) as con:
        as_new = catalogue(con)
    with open_warehouse(folder) as con:
        after = rows_of(con)
        as_older = {name: about for name, about in catalogue(con).items() if name in as_new}
    assert lost(before, after) == {}
    assert {name: rows.total() for name, (_, rows) in after.items() if name in before} == {
        name: rows.total() for name, (_, rows) in before.items()
    }
    assert as_older == as_new, "a migration that was released has another text now"
    assert seen(folder.warehouse) == migrations()[-1][0]
    assert set(files(folder.root)) == names
    if sys.platform != "win32":
        assert stat.S_IMODE(folder.warehouse.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "version",
    [
        pytest.param("main-job"),
        *(pytest.param(version, marks=pytest.mark.slow) for version in list(VERSIONS)[1:]),
    ],
)
def test_a_run_goes_on_from_what_an_older_version_left(version: str, tmp_path: Path) -> None:
    settings = unpack(version, tmp_path)
    folder = settings.data_folder
    before = rows_in(folder.warehouse)
    earlier = sorted(folder.manifests.glob("*.json"))
    mini.put(tmp_path / "phone", "new", mini.xml(mini.person(40), "uuid:new"))
    done = pipeline.walk(settings, pipeline.WAY, door="cli")
    assert done.told["phones"]["new"] == 1, "what landed before is known"
    assert lost(before, rows_in(folder.warehouse)) == {}
    with duckdb.connect(str(folder.warehouse), read_only=True) as con:
        known = con.execute("select count(*) from raw.attachments where sha256 is not null").fetchall()
        assert con.execute("select status from meta.runs order by run_id").fetchall()[-2:] == [
            ("interrupted",),
            ("finished",),
        ]
        assert con.execute("select max(number) from meta.migrations").fetchall() == [(migrations()[-1][0],)]
        # decisions of then still hold
        if version in ("quality", "analysis"):
            states = "select decision_id, state from quality.decision_states order by all"
            assert con.execute(states).fetchall()[0] == ("a", "applied")
    assert known[0][0] > 0
    with duckdb.connect(str(folder.research), read_only=True) as con:
        analysed = con.execute("select count(*), count(distinct centre_code) from marts.analysed").fetchone()
        assert analysed is not None
        assert analysed[0] > 10
        assert con.execute("select count(distinct centre_code) from analysis.kendall_latest").fetchall() == [(3,)]
        assert con.execute("from meta.latest_run").fetchall() == [(done.run_id,)]
    assert folder.report.exists()
    for manifest in earlier:
        assert verify(settings, manifest).wrong == ()


@pytest.mark.usefixtures("fails")
@pytest.mark.parametrize("version", ["main-job", "analysis"])
def test_a_migration_that_fails_leaves_the_file_byte_for_byte(version: str, tmp_path: Path) -> None:
    folder = unpack(version, tmp_path / "older").data_folder
    before = files(folder.root)
    with pytest.raises(WarehouseError, match="migration 9999_broken failed") as caught, open_warehouse(folder):
        pass
    assert mini.SECRET not in repr(caught.getrepr(style="long"))
    assert "as it was" in caught.value.why
    assert files(folder.root) == before


@pytest.mark.usefixtures("fails")
def test_after_a_migration_that_failed_the_mended_one_goes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = unpack("mirror", tmp_path / "older").data_folder
    before = rows_in(folder.warehouse)
    with pytest.raises(WarehouseError, match="failed"), open_warehouse(folder):
        pass
    monkeypatch.undo()
    with open_warehouse(folder) as con:
        assert lost(before, rows_of(con)) == {}


def test_where_the_disk_has_no_room_for_a_copy_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = unpack("main-job", tmp_path).data_folder
    before = files(folder.root)
    usage = shutil.disk_usage(tmp_path)._replace(free=folder.warehouse.stat().st_size)
    monkeypatch.setattr("laktasi.store.migrating.shutil.disk_usage", lambda _path: usage)
    with pytest.raises(WarehouseError, match=r"has 11 MiB left, and 27 MiB are needed"), open_warehouse(folder):
        pass
    assert files(folder.root) == before


def test_a_file_that_somebody_writes_to_meanwhile_keeps_what_they_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = unpack("main-job", tmp_path).data_folder
    apply = migrating.apply_lacking

    def slowly(con: duckdb.DuckDBPyConnection, name: str) -> None:
        apply(con, name)
        with duckdb.connect(str(folder.warehouse)) as other:
            other.execute("create table raw.theirs as select 1 as a")

    monkeypatch.setattr("laktasi.store.warehouse.apply_lacking", slowly)
    with pytest.raises(WarehouseError, match="changed by another process"), open_warehouse(folder):
        pass
    assert seen(folder.warehouse) == VERSIONS["main-job"]
    assert rows_in(folder.warehouse)["raw.theirs"][1].total() == 1


@pytest.mark.parametrize(
    ("seen_by_it", "told"),
    [((9999, "9999_from_the_future"), "9999_from_the_future"), ((2, "0002_of_another_branch"), "of_another_branch")],
)
def test_a_file_of_newer_code_is_refused_and_left_byte_for_byte(
    seen_by_it: tuple[int, str], told: str, tmp_path: Path
) -> None:
    folder = unpack("analysis", tmp_path).data_folder
    with duckdb.connect(str(folder.warehouse)) as con:
        con.execute("delete from meta.migrations where number = $1", [seen_by_it[0]])
        con.execute("insert into meta.migrations values (?, ?, now())", seen_by_it)
    before = files(folder.root)
    with pytest.raises(WarehouseError, match="newer laktasi") as caught, open_warehouse(folder):
        pass
    assert told in caught.value.why
    assert files(folder.root) == before


def test_a_file_that_is_no_warehouse_is_refused_and_left_byte_for_byte(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with duckdb.connect(str(folder.warehouse)) as con:
        con.execute("create schema meta; create table meta.runs as select 'somebody else' as who")
    before = files(tmp_path)
    with pytest.raises(WarehouseError, match="holds tables") as caught, open_warehouse(folder):
        pass
    assert caught.value.next_step
    assert files(tmp_path) == before


def test_an_encrypted_warehouse_is_brought_up_to_date_and_stays_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = unpack("main-job", tmp_path / "plain").data_folder
    before = rows_in(plain.warehouse)
    folder = DataFolder(tmp_path / "sealed", key=SecretStr("k" * 40))
    folder.make()
    with session(folder) as con:
        attach_file(con, plain.warehouse, None, "plain")
        attach_file(con, folder.warehouse, folder.key, "warehouse")
        con.execute("copy from database plain to warehouse")
    names: list[str] = []
    apply = migrating.apply_lacking

    def looked_at(con: duckdb.DuckDBPyConnection, name: str) -> None:
        apply(con, name)
        con.execute("checkpoint")
        for file, content in files(folder.root).items():
            names.append(file)
            assert mini.SECRET.encode() not in content, file

    monkeypatch.setattr("laktasi.store.warehouse.apply_lacking", looked_at)
    with open_warehouse(folder) as con:
        assert lost(before, rows_of(con)) == {}
    assert any(name.endswith(migrating.SUFFIX) for name in names)
    assert is_encrypted(folder.warehouse)
    assert mini.SECRET.encode() not in folder.warehouse.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_what_a_killed_run_of_the_older_version_left_in_its_log_is_kept(tmp_path: Path) -> None:
    folder = unpack("quality", tmp_path).data_folder
    code = (
        f"import duckdb, os, signal; con = duckdb.connect({str(folder.warehouse)!r});"
        "con.execute(\"insert into quality.decisions by name (select * replace ('late' as decision_id)"
        ' from quality.decisions limit 1)"); os.kill(os.getpid(), signal.SIGKILL)'
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert Path(f"{folder.warehouse}.wal").stat().st_size > 0
    with open_warehouse(folder) as con:
        assert con.execute("select count(*) from quality.decisions where decision_id = 'late'").fetchall() == [(1,)]
    assert not Path(f"{folder.warehouse}.wal").exists()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks of itself: needs Linux or macOS")
def test_killed_at_any_point_there_is_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    unpack("main-job", tmp_path / "older")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.integration.migration_kill_driver",
            str(tmp_path / "older" / "data"),
            str(tmp_path / "killed"),
        ],
        capture_output=True,
        text=True,
        cwd=HOUSE,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    states = done.stdout.split()
    newest = migrations()[-1][0]
    assert len(states) > 20
    assert set(states) == {str(VERSIONS["main-job"]), str(newest)}
    assert states == sorted(states, key=int), "once it has the new one, it keeps it"

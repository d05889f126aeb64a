"""A warehouse as a lake, its catalogue in a file: what it cannot hold itself, and that nothing is left behind.

``LAKTASI_TEST_LAKE`` runs the other suites of the store on lakes (:mod:`tests.lakes`).
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import SecretStr

from laktasi import moving, pipeline
from laktasi.errors import SettingsError, WarehouseError
from laktasi.paths import DataFolder
from laktasi.reproducing import verify
from laktasi.settings import LakeSettings, Settings, read_settings
from laktasi.store.as_of import marks
from laktasi.store.lake import check_constraints, declared_comments, tidy, without_checks
from laktasi.store.warehouse import WAREHOUSE, open_warehouse
from tests import mini
from tests.lakes import lake_at, of_files
from tests.s3_store import s3_store
from tests.warehouse_fixture import contents, form, submission, warehouse

pytestmark = of_files
"""Both kinds stand side by side here, whatever the run is on."""

SECRET = "Rahasianingsih"
KEY = SecretStr("k" * 40)


def on_lake(root: Path, key: SecretStr | None = None) -> DataFolder:
    root.mkdir(parents=True, exist_ok=True)
    (root / "lake").mkdir(exist_ok=True)
    return DataFolder(root, key=key, lake=lake_at(root, "file"))


def layout(con: duckdb.DuckDBPyConnection) -> tuple[list[Any], list[Any]]:
    """Give what a warehouse declares: columns with types and comments, and comments of tables and views."""
    columns = con.execute(
        """
        select schema_name, table_name, column_name, data_type, is_nullable, comment from duckdb_columns()
        where database_name = current_database() order by all
        """
    ).fetchall()
    missing = declared_comments(con)
    told = [(*row[:5], row[5] or missing.get((row[0], row[1], row[2]))) for row in columns]
    relations = con.execute(
        """
        select schema_name, table_name, comment from duckdb_tables() where database_name = current_database()
        union all
        select schema_name, view_name, comment from duckdb_views()
        where database_name = current_database() and not internal
        order by all
        """
    ).fetchall()
    return told, relations


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """A lake that has been made, for tests that leave it as it is."""
    folder = on_lake(tmp_path_factory.mktemp("made"))
    with open_warehouse(folder):
        pass
    return folder


@pytest.mark.slow
def test_a_lake_declares_what_a_file_does(made: DataFolder, tmp_path: Path) -> None:
    with open_warehouse(made) as lake, open_warehouse(DataFolder(tmp_path)) as file:
        on_the_lake, in_the_file = layout(lake), layout(file)
    assert on_the_lake[1] == in_the_file[1]
    assert on_the_lake[0] == in_the_file[0]
    assert all(comment for *_, comment in on_the_lake[0])


@pytest.mark.slow
def test_rows_that_a_constraint_refuses_in_a_file_are_found_in_a_lake(made: DataFolder, tmp_path: Path) -> None:
    row = "insert into meta.runs (run_id, started_at, status) values ('x', now(), 'asleep')"
    with open_warehouse(DataFolder(tmp_path)) as con, pytest.raises(duckdb.ConstraintException):
        con.execute(row)
    with open_warehouse(made) as con:
        check_constraints(con)
        con.execute(row)
        with pytest.raises(WarehouseError, match=r"meta\.runs has 1"):
            check_constraints(con)
        con.execute("delete from meta.runs")
        check_constraints(con)


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("create table t (a int check (a in (1, (2))), b int)", "create table t (a int, b int)"),
        ("create table t (a text CHECK(a <> ')' and a <> ''''), b int)", "create table t (a text, b int)"),
        ("create table t (a int check (a > 0) check (a < 9))", "create table t (a int)"),
        ("comment on table t is 'a check (of it)'", "comment on table t is 'a check (of it)'"),
        ('create table t (check_up int, "check (" int)', 'create table t (check_up int, "check (" int)'),
        ("create table t (a int, -- check (what)\n b int)", "create table t (a int, -- check (what)\n b int)"),
    ],
)
def test_constraints_are_left_out_and_nothing_else(statement: str, left: str) -> None:
    assert without_checks(statement) == left


def test_the_same_submissions_become_the_same_tables(tmp_path: Path) -> None:
    first = submission(
        "a", {"consent": "yes", "centre": "c1", "massage": "no", "observed": "good", "signs": "wet calm"}
    )
    items = (
        form(),
        first,
        submission("b", {"consent": "yes", "centre": "c2", "massage": "yes", "observed": "poor", "place": "1 2 3 4"}),
        submission("c", {"consent": "yes", "centre": "c2", "massage": "no", "observed": "fair"}, deprecated="b"),
        submission("d", {"consent": "no", "weight": "x"}),
    )
    found = []
    for root, lake in ((tmp_path / "file", None), (tmp_path / "lake", on_lake(tmp_path / "lake").lake)):
        with warehouse(root, lake=lake) as house:
            house.take(*items).marts()
            house.take(first, *items)  # again: nothing is new
            assert house.rows("select count(*), count(distinct landed_at) from raw.submissions") == [(4, 4)]
            hashes = contents(house.con)
            found.append(
                {
                    name: hashes[name]
                    for name in hashes
                    if name.startswith(("answers.", "staging.visit", "marts.analysed"))
                }
            )
    assert len(found[0]) > 5
    assert found[0] == found[1]


def called(nickname: str) -> str:
    return f"<consent>yes</consent><mother><nickname>{nickname}</nickname></mother>"


@pytest.mark.slow
def test_what_is_deleted_is_in_no_file_once_the_lake_is_tidy(tmp_path: Path) -> None:
    folder = on_lake(tmp_path)
    assert folder.lake is not None
    with warehouse(tmp_path, lake=folder.lake) as house:
        house.take(form(), submission("a", called(SECRET)), submission("b", {"consent": "yes"}))
        for table in ("raw.submissions", "answers.visit", "staging.visit"):
            column = "instance_id" if table.startswith("raw") else "_submission_id"
            house.con.execute(f"delete from {table} where {column} = 'a'")
        assert holds(house.con, folder, SECRET)
        tidy(house.con, folder.lake, 0)
        assert not holds(house.con, folder, SECRET)
        assert house.rows("select instance_id from raw.submissions where payload is not null") == [("b",)]
        # Bounds in the catalogue say nothing now, and are true of what lands later.
        house.take(submission("c", called("Aan")))
        assert house.rows("select _submission_id from answers.visit where mother__nickname = 'Aan'") == [("c",)]
        assert house.rows("select min(instance_id), max(instance_id) from raw.submissions") == [("b", "c")]


def holds(con: duckdb.DuckDBPyConnection, folder: DataFolder, text: str) -> bool:
    """Say whether a text stands in a Parquet file, or in the catalogue, as it is or in hexadecimal digits."""
    assert folder.lake is not None
    found = []
    for table in ("ducklake_file_column_stats", "ducklake_table_column_stats"):
        stats = f"from __ducklake_metadata_{WAREHOUSE}.{table}"
        found += con.execute(f"select min_value, max_value {stats} where min_value is not null").fetchall()
    told = [part for bounds in found for part in bounds]
    if any(text in part or text.encode().hex().upper() in part for part in told):
        return True
    with duckdb.connect() as reading:
        for path in Path(folder.lake.data).rglob("*.parquet"):
            for column, *_ in reading.execute(f"describe from '{path}'").fetchall():
                query = f"""select count(*) from '{path}' where contains("{column}"::varchar, ?)"""
                if reading.execute(query, [text]).fetchone() != (0,):
                    return True
    return False


@pytest.mark.slow
def test_files_may_lie_in_a_store_of_objects(tmp_path: Path) -> None:
    with s3_store() as store:
        lake = {"catalog": "catalogue.duckdb", "data": "s3://bucket/study", "s3_endpoint": store.endpoint}
        options = {"s3_use_ssl": False, "s3_url_style": "path", "s3_key_id": "ME", "s3_secret": "geheim"}
        settings = Settings(project=tmp_path, warehouse="ducklake", lake=LakeSettings.model_validate(lake | options))
        folder = settings.data_folder
        assert folder.lake is not None
        with open_warehouse(folder) as con:
            con.execute("create table answers.people as select 'p' || range as name from range(10)")
            con.execute("delete from answers.people where name = 'p3'")
            before = set(store.objects)
            tidy(con, folder.lake, 0)
        assert store.signed_by == {"ME"}
        assert all(key.startswith("bucket/study/laktasi/") for key in store.objects)
        assert set(store.objects) - before
        assert len(store.objects) < len(before)
        with open_warehouse(folder) as con:
            assert con.execute("select count(*) from answers.people").fetchone() == (9,)
        other = LakeSettings.model_validate(lake | options | {"catalog": "another.duckdb"})
        elsewhere = settings.model_copy(update={"lake": other}).data_folder
        with pytest.raises(WarehouseError, match="files of another one"), open_warehouse(elsewhere):
            pass


@pytest.mark.slow
def test_with_a_key_no_file_can_be_read(tmp_path: Path) -> None:
    folder = on_lake(tmp_path, KEY)
    assert folder.lake is not None
    with open_warehouse(folder) as con:
        con.execute("create table answers.people as select ? as name", [SECRET])
        assert con.execute("from answers.people").fetchall() == [(SECRET,)]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".parquet" for path in files)
    assert not any(SECRET.encode() in path.read_bytes() for path in files)
    for wrong in (None, SecretStr("w" * 40)):
        with pytest.raises(WarehouseError), open_warehouse(replace(folder, key=wrong)):
            pass


@pytest.mark.slow
def test_a_key_for_a_lake_that_is_plain_is_refused(made: DataFolder) -> None:
    with pytest.raises(WarehouseError), open_warehouse(replace(made, key=KEY)):
        pass


def settings_on_lake(root: Path) -> Settings:
    (root / "laktasi.toml").write_text(
        'warehouse = "ducklake"\n[lake]\ncatalog = "catalogue.duckdb"\ndata = "lake"\nfiles = "shared"\n',
        encoding="utf-8",
    )
    return read_settings(root)


def test_moving_needs_a_lake_and_a_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="name no lake"):
        moving.move_to_lake(read_settings(tmp_path))
    with pytest.raises(WarehouseError, match="could be moved"):
        moving.move_to_lake(settings_on_lake(tmp_path))


@pytest.mark.slow
def test_a_file_moves_into_a_lake_and_back(tmp_path: Path) -> None:
    with warehouse(tmp_path / "data") as house:
        house.take(form(), submission("a", {"consent": "yes"}), submission("b", {"consent": "no"})).marts()
        before, hashes = marks(house.con), contents(house.con, without=("meta.migrations",))
    (tmp_path / "data" / "attachments" / "ab").mkdir(parents=True)
    (tmp_path / "data" / "attachments" / "ab" / "abcd").write_bytes(b"photo")
    (tmp_path / "data" / "secret.key").write_text("f" * 64)
    settings = settings_on_lake(tmp_path)
    moved = moving.move_to_lake(settings)
    folder = settings.data_folder
    assert (folder.attachments / "ab" / "abcd").read_bytes() == b"photo"
    assert folder.attachments.parent == tmp_path / "shared"
    assert folder.secret.read_text() == "f" * 64
    with open_warehouse(folder) as con:
        assert marks(con) == before
        counts = " union all ".join(f"select count(*) as n from {name}" for name in hashes)
        assert con.execute(f"select sum(n)::bigint from ({counts})").fetchone() == (moved.rows,)
    before_lake = folder.before_lake
    assert {path.name for path in before_lake.iterdir()} == {"attachments", "refused", "secret.key", "warehouse.duckdb"}
    with pytest.raises(WarehouseError, match="into the lake already"):
        moving.move_to_lake(settings)
    (before_lake / "warehouse.duckdb").rename(tmp_path / "data" / "warehouse.duckdb")  # as if killed between two moves
    with pytest.raises(WarehouseError, match="into the lake already"):
        moving.move_to_lake(settings)
    shutil.copyfile(before_lake / "warehouse.duckdb", tmp_path / "data" / "warehouse.duckdb")
    with pytest.raises(WarehouseError, match="from an earlier move"):
        moving.move_to_lake(settings)
    shutil.rmtree(before_lake)
    with pytest.raises(WarehouseError, match="is something in"):
        moving.move_to_lake(settings)
    moving.save_lake(settings, tmp_path / "saved.duckdb")
    with pytest.raises(WarehouseError, match="exists already"):
        moving.save_lake(settings, tmp_path / "saved.duckdb")
    (tmp_path / "back").mkdir()
    (tmp_path / "saved.duckdb").rename(tmp_path / "back" / "warehouse.duckdb")
    with open_warehouse(DataFolder(tmp_path / "back")) as con:
        assert contents(con, without=("meta.migrations",)) == hashes
        told = con.execute("select comment from duckdb_tables() where table_name = 'visit' and schema_name = 'answers'")
        assert "One row per submission" in told.fetchall()[0][0]


@pytest.mark.slow
def test_what_did_not_arrive_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from laktasi.store import moving as rows

    with warehouse(tmp_path / "data") as house:
        house.take(form(), submission("a", {"consent": "yes"}))
    digest, lost = rows._digest, {WAREHOUSE: 1}

    def lose(con: Any, database: str, table: Any, columns: Any) -> tuple[int, int]:
        count, total = digest(con, database, table, columns)
        return count - (lost.get(database, 0) if table == ("raw", "submissions") else 0), total

    monkeypatch.setattr(rows, "_digest", lose)
    with pytest.raises(WarehouseError, match=r"raw\.submissions did not arrive as it was"):
        moving.move_to_lake(settings_on_lake(tmp_path))


@pytest.mark.slow
def test_the_whole_way_gives_the_same_on_both(tmp_path: Path) -> None:
    found = []
    for kind in ("file", "lake"):
        root = tmp_path / kind
        root.mkdir()
        mini.make_project(root)
        if kind == "lake":
            settings_on_lake(root)
        settings = read_settings(root, phones=[mini.fill_phone(root / "phone", 40)])
        for _ in range(2):
            run = pipeline.walk(settings, pipeline.WAY, door="cli")
        latest = max(settings.data_folder.manifests.glob("*.json"))
        assert verify(settings, latest).wrong == ()
        with duckdb.connect(str(settings.data_folder.research), read_only=True) as con:
            views = con.execute(
                "select schema_name, view_name, comment from duckdb_views() where not internal order by all"
            )
            bare = "select count(*) from duckdb_columns() where not internal and comment is null"
            found.append(
                (
                    run.told["analyse"],
                    {name: count for name, count in run.told["check"].items() if isinstance(count, int)},
                    views.fetchall(),
                    con.execute(bare).fetchall(),
                    con.execute("select * exclude (run_id) from analysis.kendall_latest order by all").fetchall(),
                )
            )
    assert found[0] == found[1]

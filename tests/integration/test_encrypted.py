"""A data folder with a key, from phones to the report: nothing in it says who was asked; and another key for it."""

from __future__ import annotations

import logging
import re
import shlex
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from laktasi import pipeline, sealing
from laktasi.cli import main
from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.reproducing import analyse_as_of, moment_of, verify
from laktasi.secret import key_of
from laktasi.settings import Settings, read_settings
from laktasi.settings.key_file import make_key_file, read_key_file
from laktasi.store import copied, rekeying
from laktasi.store.rekeying import change_key
from laktasi.store.shelf import attachment_place, read_kept, refused_place
from laktasi.store.warehouse import open_warehouse
from tests import mini, scanning
from tests.warehouse_fixture import contents

pytestmark = pytest.mark.slow

PHOTO = b"photo of Siti Rahasia Sekali"
REFUSED = f"<data id='tea' version='1'><name>{mini.SECRET}".encode()
AUDIT = f"event,node,start,end,old-value,new-value\nquestion,/data/name,1,2,,{mini.SECRET}\n"


def told(_what: str, _done: int, _total: int | None) -> None:
    """Say nothing."""


def key_at(path: Path) -> SecretStr:
    return read_key_file(path, path.parent / "nowhere")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A study with photos, audit logs and a refused file, run without a key."""
    return _run(tmp_path_factory.mktemp("plain"), key=None)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The same study, run with a key."""
    root = tmp_path_factory.mktemp("sealed")
    return _run(root, key=make_key_file(root / "key", root / "x", root / "y"))


def _run(root: Path, key: Path | None) -> Settings:
    phone = mini.fill_phone(root / "phone", 12)
    for folder in sorted((phone / "instances").iterdir())[:3]:
        (folder / "photo.jpg").write_bytes(PHOTO + folder.name.encode())
        (folder / "audit.csv").write_text(AUDIT, encoding="utf-8")
    (phone / "instances" / "torn.xml").write_bytes(REFUSED)
    with zipfile.ZipFile(root / "phone.zip", "w") as packed:
        mini.put(root / "second", "zipped", mini.xml(mini.person(77), "uuid:zipped"))
        for path in (root / "second").rglob("*.*"):
            packed.write(path, path.relative_to(root / "second"))
    settings = read_settings(mini.make_project(root / "project"), phones=(phone, root / "phone.zip"), key_file=key)
    pipeline.walk(settings, pipeline.WAY, door="cli")
    key_of(settings.data_folder)  # what decisions about direct identifiers make
    return settings


def holding(root: Path, *words: str) -> set[str]:
    """Give the files below a folder that hold one of the words."""
    return scanning.holding(root, lambda text: any(word in text for word in words))


@pytest.fixture
def folder(sealed: Settings, tmp_path: Path) -> DataFolder:
    """A data folder that is encrypted, to do with as one likes."""
    return _copied(sealed, tmp_path)


def _copied(settings: Settings, tmp_path: Path) -> DataFolder:
    root = tmp_path / "project" / "data"
    shutil.copytree(settings.data_folder.root, root)
    return DataFolder(root, key=settings.data_folder.key)


def new_key(tmp_path: Path, name: str = "new.key") -> SecretStr:
    return key_at(make_key_file(tmp_path / name, tmp_path / "x", tmp_path / "y"))


def read_all(folder: DataFolder) -> tuple[dict[str, str], dict[str, bytes], bytes]:
    """Give what a data folder holds, by whatever key it has: rows of every table, kept files, and the secret."""
    with open_warehouse(folder) as con:
        rows = contents(con, without=())
        wanted = con.execute("select sha256 from raw.attachments where sha256 is not null").fetchall()
        kept = {sha256: read_kept(attachment_place(folder, sha256), folder.key) for (sha256,) in wanted}
        for (sha256,) in con.execute("select sha256 from raw.refused where sha256 is not null").fetchall():
            kept[sha256] = read_kept(refused_place(folder, sha256), folder.key)
    return rows, kept, key_of(folder)


# A run.


def test_the_scan_sees_what_is_plain(plain: Settings) -> None:
    found = holding(plain.data_folder.root, mini.SECRET)
    assert "warehouse.duckdb" in found
    assert {name.split("/")[0] for name in found} == {"warehouse.duckdb", "attachments", "refused"}


def test_with_a_key_no_file_says_who_was_asked(sealed: Settings) -> None:
    root = sealed.data_folder.root
    assert holding(root, mini.SECRET, "Siti Rahasia") == set()
    key = sealed.data_folder.key
    assert key is not None
    assert holding(root, key.get_secret_value(), key.get_secret_value().upper()) == set()
    assert {"warehouse.duckdb", "research.duckdb", "attachments", "refused"} <= {path.name for path in root.iterdir()}


def test_what_people_read_is_the_same_with_and_without(plain: Settings, sealed: Settings) -> None:
    found = []
    for settings in (plain, sealed):
        with duckdb.connect(str(settings.data_folder.research), read_only=True) as con:
            found.append(
                (
                    con.execute("select * exclude (run_id) from analysis.kendall order by all").fetchall(),
                    con.execute("select landed, refused, staged from meta.runs").fetchall(),
                    con.execute("select submission_id, rule_id from quality.findings order by all").fetchall(),
                )
            )
    assert found[0] == found[1]
    assert found[0][1] == [(13, 1, 13)]


def test_what_landed_comes_back_as_it_came(plain: Settings, sealed: Settings) -> None:
    _, files, _ = read_all(plain.data_folder)
    _, same, _ = read_all(sealed.data_folder)
    assert files == same
    assert REFUSED in files.values()
    assert sum(PHOTO in content for content in files.values()) == 3


def test_audit_logs_are_read_through_the_seal(sealed: Settings) -> None:
    with open_warehouse(sealed.data_folder) as con:
        assert con.execute("select count(*), count(problem) from audit_log.files").fetchone() == (3, 0)
        assert con.execute("select distinct new_value from audit_log.events").fetchall() == [(mini.SECRET,)]


@pytest.mark.slow
def test_an_earlier_analysis_and_verify_work_and_say_nothing(sealed: Settings, tmp_path: Path) -> None:
    settings = sealed.model_copy(update={"data": _copied(sealed, tmp_path).root})
    with open_warehouse(settings.data_folder) as con:
        (until,) = con.execute("select max(landed_at) from raw.submissions").fetchone() or (None,)
    run = analyse_as_of(settings, moment_of(f"{until:%Y-%m-%dT%H:%M:%S.%f+00:00}"))
    assert run.settings.data_folder.key == settings.key
    (manifest,) = settings.data_folder.manifests.glob("*.json")
    assert verify(settings, manifest).wrong == ()
    assert list(settings.data_folder.as_of.rglob("warehouse.duckdb"))
    assert holding(settings.data_folder.root, mini.SECRET) == set()


def test_what_does_not_fit_into_memory_is_encrypted_too(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laktasi.store.warehouse.MEMORY_LIMIT", 40 * 2**20)
    rows = f"select '{mini.SECRET}' || range as name, random() as r from range(1500000)"
    with open_warehouse(folder) as con:
        con.execute("set threads = 1")
        con.execute(f"create temp table big as {rows}")
        spilled = list((folder.root / "warehouse.duckdb.tmp").iterdir())
        assert spilled, "else this test says nothing"
        assert not any(mini.SECRET.encode() in path.read_bytes() for path in spilled)


def test_the_log_beside_the_warehouse_is_encrypted_too(folder: DataFolder) -> None:
    with open_warehouse(folder) as con:
        con.execute(f"create table meta.x as select '{mini.SECRET}' || range as name from range(1000)")
        log = folder.root / "warehouse.duckdb.wal"
        assert log.stat().st_size > 1000
        assert mini.SECRET.encode() not in log.read_bytes()


# Keys that do not fit.


def test_without_the_key_and_with_another_one_sentence_says_so(folder: DataFolder, plain: Settings) -> None:
    assert folder.key is not None
    wrong = ((None, "is encrypted, and no key is given"), (SecretStr("z" * 64), "encrypted with another key"))
    for key, words in wrong:
        with pytest.raises(WarehouseError, match=words) as caught, open_warehouse(DataFolder(folder.root, key=key)):
            pass
        assert caught.value.next_step
        assert "zzz" not in f"{caught.value} {caught.value.__cause__}"
    with (
        pytest.raises(WarehouseError, match="is not encrypted, and a key is given") as caught,
        open_warehouse(DataFolder(plain.data_folder.root, key=folder.key)),
    ):
        pass
    assert "laktasi key change --to FILE" in caught.value.next_step


def test_no_error_and_no_log_holds_the_key(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """DuckDB's errors quote statements; so the key must be in none."""
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    connect = duckdb.connect

    class Listening:
        def __init__(self, con: Any) -> None:
            self._con = con

        def execute(self, statement: str, *given: Any) -> Any:
            said.append(statement)
            return self._con.execute(statement, *given)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._con, name)

    monkeypatch.setattr(duckdb, "connect", lambda *given, **named: Listening(connect(*given, **named)))
    with open_warehouse(folder) as con:
        options = con.execute("select * from duckdb_databases()").fetchall()
        settings = con.execute("select * from duckdb_settings()").fetchall()
    assert folder.key is not None
    text = " ".join((*said, str(options), str(settings), caplog.text))
    assert "attach" in text
    for word in (folder.key.get_secret_value(), sealing.derive(folder.key, "warehouse").hex()):
        assert word not in text


def test_a_secret_that_is_put_back_plain_does_not_stay_so(folder: DataFolder) -> None:
    secret = key_of(folder)
    assert sealing.is_sealed(folder.secret.read_bytes())
    folder.secret.write_text(secret.hex() + "\n", encoding="ascii")
    assert key_of(folder) == secret
    assert sealing.is_sealed(folder.secret.read_bytes())
    with pytest.raises(WarehouseError, match="encrypted, and no key is given"):
        key_of(DataFolder(folder.root))


# Another key.


@pytest.mark.parametrize(("before", "after"), [("plain", "a"), ("a", "b"), ("a", "plain")])
def test_a_change_of_the_key_leaves_all_as_it_was(
    before: str, after: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    settings: Settings = request.getfixturevalue("plain" if before == "plain" else "sealed")
    folder = _copied(settings, tmp_path)
    held = read_all(folder)
    new = None if after == "plain" else new_key(tmp_path)
    made = change_key(folder, [folder.key] if folder.key else [], new, told)
    assert (made.tables, made.rows > 0) == (len(held[0]), True)
    assert made.files == len(held[1])
    changed = DataFolder(folder.root, key=new)
    assert read_all(changed) == held
    assert {place for place in holding(folder.root, mini.SECRET) if new is not None} == set()
    # Nothing of the old key is left.
    kept = [path for shelf in (folder.attachments, folder.refused) for path in shelf.rglob("*") if path.is_file()]
    assert len(kept) == len(held[1])
    assert not list(folder.root.glob("warehouse.duckdb?*"))
    if folder.key is not None:
        with pytest.raises(WarehouseError), open_warehouse(folder):
            pass


def test_the_same_key_again_changes_nothing(folder: DataFolder) -> None:
    held = read_all(folder)
    assert folder.key is not None
    assert change_key(folder, [folder.key], folder.key, told) == rekeying.Changed(0, 0, 0, ())
    assert read_all(folder) == held


@pytest.mark.slow
def test_analyses_of_earlier_days_do_not_stay_plain(plain: Settings, tmp_path: Path) -> None:
    folder = _copied(plain, tmp_path)
    settings = plain.model_copy(update={"data": folder.root})
    with open_warehouse(folder) as con:
        (until,) = con.execute("select max(landed_at) from raw.submissions").fetchone() or (None,)
    moment = moment_of(f"{until:%Y-%m-%dT%H:%M:%S.%f+00:00}")
    analyse_as_of(settings, moment)
    new = new_key(tmp_path)
    change_key(folder, [], new, told)
    assert holding(folder.root, mini.SECRET) == set()
    analyse_as_of(settings.model_copy(update={"key": new}), moment)
    assert holding(folder.root, mini.SECRET) == set()


class KilledError(BaseException):
    """As if the process were killed: nothing catches it."""


def _dying(monkeypatch: pytest.MonkeyPatch, at: int) -> Callable[[], int]:
    """Let the `at`-th write, move or removal of a change of the key be the last thing this process does."""
    passed = 0

    def before(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            nonlocal passed
            passed += 1
            if passed == at:
                raise KilledError
            return call(*given, **named)

        return counted

    for name in ("replace", "unlink", "write_text"):
        monkeypatch.setattr(Path, name, before(getattr(Path, name)))
    for name in ("sync", "_write", "_write_kept", "contents"):
        monkeypatch.setattr(rekeying, name, before(getattr(rekeying, name)))
    return lambda: passed


def _points(settings: Settings, tmp_path: Path) -> int:
    folder = _copied(settings, tmp_path)
    with pytest.MonkeyPatch.context() as patched:
        passed = _dying(patched, 0)
        change_key(folder, [folder.key] if folder.key else [], new_key(tmp_path), told)
        return passed()


def _kill_and_finish(settings: Settings, tmp_path: Path, at: int) -> None:
    folder, new = _copied(settings, tmp_path), new_key(tmp_path)
    old = [folder.key] if folder.key else []
    held = read_all(folder)
    with pytest.MonkeyPatch.context() as patched:
        _dying(patched, at)
        with pytest.raises(KilledError):
            change_key(folder, old, new, told)
    if folder.key_change.exists():
        # Whichever key one tries: it is told, and nothing is made that neither key would open.
        for key in (folder.key, new):
            with pytest.raises(WarehouseError, match="broken off") as caught:
                open_warehouse(DataFolder(folder.root, key=key)).__enter__()
            assert "laktasi key change" in caught.value.next_step
    change_key(folder, old, new, told)
    assert read_all(DataFolder(folder.root, key=new)) == held, at
    assert holding(folder.root, mini.SECRET) == set(), at
    assert not folder.key_change.exists()


@pytest.mark.parametrize("part", [0.3, 0.97])
def test_a_change_that_is_killed_is_finished_by_the_next(plain: Settings, tmp_path: Path, part: float) -> None:
    _kill_and_finish(plain, tmp_path / "killed", max(1, round(part * _points(plain, tmp_path / "counted"))))


@pytest.mark.slow
@pytest.mark.parametrize(("which", "step"), [("plain", 3), ("sealed", 11)])
def test_killed_at_any_point_it_is_finished_by_the_next(
    which: str, step: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    settings: Settings = request.getfixturevalue(which)
    points = _points(settings, tmp_path / "counted")
    assert points > 50
    for at in range(points, 0, -step):
        _kill_and_finish(settings, tmp_path / str(at), at)
        shutil.rmtree(tmp_path / str(at))


@pytest.mark.parametrize("fault", ["_write_kept", "contents", "_write"])
def test_a_full_disk_leaves_all_as_it_was(folder: DataFolder, tmp_path: Path, fault: str) -> None:
    assert folder.key is not None
    held, there = read_all(folder), sorted(folder.root.rglob("*"))

    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rekeying, fault, full)
        with pytest.raises(WarehouseError, match="No space left") as caught:
            change_key(folder, [folder.key], new_key(tmp_path), told)
    assert "Nothing is lost" in caught.value.why
    assert read_all(folder) == held
    assert {path for path in folder.root.rglob("*") if path.is_file()} == {path for path in there if path.is_file()}


def test_a_copy_that_differs_is_not_taken(folder: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder.key is not None
    held = read_all(folder)
    contents_of, seen = copied.contents, []

    def differs(con: duckdb.DuckDBPyConnection, database: str) -> Any:
        seen.append(database)
        found = contents_of(con, database)
        return found if len(seen) == 1 else {**found, "raw.submissions": (12, 0, 0)}

    monkeypatch.setattr(rekeying, "contents", differs)
    with pytest.raises(WarehouseError, match="does not hold what it should"):
        change_key(folder, [folder.key], new_key(tmp_path), told)
    assert len(seen) == 2
    assert read_all(folder) == held


def test_too_little_room_is_told_before_anything_is_written(
    folder: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder.key is not None
    there = sorted(folder.root.rglob("*"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    with pytest.raises(WarehouseError, match="MiB are needed"):
        change_key(folder, [folder.key], new_key(tmp_path), told)
    assert sorted(folder.root.rglob("*")) == there


# The commands.


@pytest.fixture
def laktasi(plain: Settings, tmp_path: Path) -> Callable[..., Any]:
    """Give a copy of the plain project, and how one types a command in it."""
    shutil.copytree(plain.project, tmp_path / "project")

    def say(*words: str) -> Any:
        return CliRunner().invoke(main, [*words, "--project", str(tmp_path / "project")], catch_exceptions=False)

    return say


def steps_of(output: str) -> list[str]:
    return re.findall(r"^  \d\. (.+)$", output, flags=re.M)


def test_a_new_key_says_what_is_to_be_done_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing has come in yet there is nothing to encrypt; where the settings name it, nothing to write."""
    project = mini.make_project(tmp_path / "new project")
    monkeypatch.delenv("LAKTASI_KEY", raising=False)

    def steps(file: Path) -> list[str]:
        result = CliRunner().invoke(main, ["key", "make", str(file), "--project", str(project)])
        assert result.exit_code == 0, result.output
        assert key_at(file).get_secret_value() not in result.output
        return steps_of(result.output)

    _, write = steps(tmp_path / "a")
    assert write.endswith(f'key_file = "{tmp_path / "a"}"')
    (project / "laktasi.toml").write_text('key_file = "../b"\n', encoding="utf-8")
    (copy,) = steps(tmp_path / "b")
    assert copy.startswith("Copy it now")


def test_the_commands_from_plain_to_encrypted_and_back(laktasi: Callable[..., Any], tmp_path: Path) -> None:
    data, keys = tmp_path / "project" / "data", tmp_path / "keys"
    assert laktasi("status").exit_code == 0
    made = laktasi("key", "make", str(keys / "a"))
    assert made.exit_code == 0, made.output
    copy, change, write, *_ = steps_of(made.output)
    assert "apart from the data and the backups" in copy
    command, _, _ = change.partition("    ")
    assert shlex.split(command)[:5] == ["laktasi", "key", "change", "--to", str(keys / "a")]
    assert f'Now write in laktasi.toml, above its first line in [brackets]: key_file = "{keys / "a"}"' in write
    assert laktasi("key", "make", str(keys / "a")).exit_code == 2
    assert laktasi("key", "make", str(data / "key")).exit_code == 2
    changed = laktasi("key", "change", "--to", str(keys / "a"))
    assert changed.exit_code == 0, changed.output
    assert f'key_file = "{keys / "a"}"' in changed.output
    assert key_at(keys / "a").get_secret_value() not in made.output + changed.output
    assert holding(data, mini.SECRET) == set()

    refused = laktasi("run", "--no-prefect")
    assert refused.exit_code == WarehouseError.exit_code
    assert "no key is given" in refused.output
    (tmp_path / "project" / "laktasi.toml").write_text(f'key_file = "{keys / "a"}"\n', encoding="utf-8")
    assert laktasi("run", "--no-prefect").exit_code == 0
    assert holding(data, mini.SECRET) == set()

    laktasi("key", "make", str(keys / "b"))
    assert laktasi("key", "change", "--to", str(keys / "b")).exit_code == 0
    assert "another key" in laktasi("run", "--no-prefect").output
    # Typed again, with the new key in the settings or not, it has nothing left to do.
    assert laktasi("key", "change", "--to", str(keys / "b")).exit_code == 0
    unknown = laktasi("key", "change", "--off")
    assert unknown.exit_code == WarehouseError.exit_code
    assert "--from FILE" in unknown.output
    off = laktasi("key", "change", "--off", "--from", str(keys / "b"))
    assert off.exit_code == 0, off.output
    assert "whoever has the folder can read names" in off.output
    assert "warehouse.duckdb" in holding(data, mini.SECRET)


def test_the_key_may_stand_in_the_settings_before_the_data_are_encrypted(
    laktasi: Callable[..., Any], tmp_path: Path
) -> None:
    key = tmp_path / "key"
    (tmp_path / "project" / "laktasi.toml").write_text(f'key_file = "{key}"\n', encoding="utf-8")
    assert "laktasi key make" in laktasi("status").output
    assert laktasi("key", "make", str(key)).exit_code == 0
    told_so = laktasi("run", "--no-prefect")
    assert told_so.exit_code == WarehouseError.exit_code
    assert "laktasi key change --to FILE" in told_so.output
    changed = laktasi("key", "change", "--to", str(key))
    assert changed.exit_code == 0, changed.output
    assert "Now write" not in changed.output
    assert holding(tmp_path / "project" / "data", mini.SECRET) == set()


def test_either_a_file_or_off(laktasi: Callable[..., Any]) -> None:
    assert laktasi("key", "change").exit_code == 2
    assert laktasi("key", "change", "--off", "--to", "x").exit_code == 2

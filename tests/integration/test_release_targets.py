"""Where a release is written: what is never replaced, and what is refused before anything is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyreadstat
import pytest
from filelock import FileLock

from laktasi import releasing
from laktasi.errors import ReleaseError, WarehouseError
from laktasi.questionnaire.xlsform import convert_markdown
from laktasi.release import files
from laktasi.release.target import beside, check_replaceable, place_of
from laktasi.settings import Settings
from tests import release_world


@pytest.fixture
def out(released: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(released, tmp_path / "out"))


@pytest.fixture
def edited(released_world: Settings, tmp_path: Path) -> Settings:
    """Give the same data with a project that may be edited."""
    project = Path(shutil.copytree(released_world.project, tmp_path / "project"))
    return released_world.model_copy(update={"project": project, "data": released_world.data_folder.root})


def put(folder: Path, name: str, text: str = "mine") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


# What is replaced


def test_a_release_as_it_was_written_may_be_replaced(out: Path) -> None:
    check_replaceable(out)


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("LICENSE", "LICENSE"),
        (".git/HEAD", ".git/"),
        ("notes/deep/thesis.docx", "notes/"),
        ("results/mine.csv", "results/mine.csv"),
        ("results/mine/more.csv", "results/mine/"),
        # the owner is told to add authors to it
        ("README.md", "README.md"),
    ],
)
def test_what_people_put_there_is_named_and_kept(out: Path, name: str, named: str) -> None:
    path = put(out, name)
    with pytest.raises(ReleaseError) as refused:
        check_replaceable(out)
    assert refused.value.what.endswith(f": {named}") or f": {named}, " in refused.value.what
    assert path.read_text(encoding="utf-8") == "mine"


def test_many_files_are_counted(out: Path) -> None:
    for number in range(9):
        put(out, f"a{number}.txt")
    with pytest.raises(ReleaseError, match=r"a0\.txt, a1\.txt, a2\.txt, a3\.txt, a4\.txt and 4 more\n"):
        check_replaceable(out)


@pytest.mark.parametrize("manifest", ['{"laktasi_release": 1}', '"laktasi_release"', "5", "[]", "{", "null"])
def test_a_manifest_alone_makes_no_release(tmp_path: Path, manifest: str) -> None:
    put(tmp_path, "out/manifest.json", manifest)
    thesis = put(tmp_path, "out/thesis.docx")
    with pytest.raises(ReleaseError):
        check_replaceable(tmp_path / "out")
    assert thesis.exists()


def test_links_are_no_files_of_a_release(out: Path, tmp_path: Path) -> None:
    (tmp_path / "codebook.html").write_bytes((out / "codebook.html").read_bytes())
    (out / "codebook.html").unlink()
    (out / "codebook.html").symlink_to(tmp_path / "codebook.html")
    with pytest.raises(ReleaseError, match=r": codebook\.html\n"):
        check_replaceable(out)


def test_what_was_put_there_while_the_release_was_written_is_kept(out: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="LICENSE"), beside(out):
        put(out, "LICENSE")
    assert (out / "LICENSE").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_whole_release_refuses_before_it_begins(released_world: Settings, out: Path) -> None:
    put(out, "LICENSE")
    with pytest.raises(ReleaseError, match="LICENSE"):
        releasing.release(released_world, to=out)


def test_a_link_stays_and_its_folder_is_replaced(out: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(out, target_is_directory=True)
    with beside(place_of(link)) as folder:
        put(folder, "new.txt")
    assert link.is_symlink()
    assert [path.name for path in out.iterdir()] == ["new.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "out"]
    assert [path.name for path in link.parent.iterdir()] == ["link"]


@pytest.mark.parametrize("to", ["gone", "link"])
def test_a_link_to_nothing_is_refused(tmp_path: Path, to: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / to)
    with pytest.raises(ReleaseError, match="leads nowhere"):
        place_of(tmp_path / "link")


def test_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "file")
    with pytest.raises(ReleaseError, match="cannot be made"), beside(place_of(tmp_path / "file" / "out")):
        pass


def test_only_one_release_is_written_to_a_place(tmp_path: Path) -> None:
    with beside(tmp_path / "out") as first:
        put(first, "first.txt")
        with pytest.raises(ReleaseError, match="another release is being written"), beside(tmp_path / "out"):
            pass
        assert (first / "first.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_lock_that_a_killed_release_left_holds_nobody(tmp_path: Path) -> None:
    put(tmp_path, ".out.lock", "")
    put(tmp_path, ".out.new-killed/part.txt")
    with beside(tmp_path / "out"), pytest.raises(TimeoutError):
        FileLock(tmp_path / ".out.lock").acquire(timeout=0)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


# The key


def test_a_trial_makes_no_key(edited: Settings, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(edited.data_folder.root, data, ignore=shutil.ignore_patterns("release"))
    settings = edited.model_copy(update={"data": data})
    settings.data_folder.secret.unlink(missing_ok=True)
    told = releasing.release(settings, is_trial=True, language="en")
    assert not settings.data_folder.secret.exists()
    assert not settings.data_folder.release.exists()
    assert told.told["records"] == len(release_world.people())


def test_no_new_key_is_made_where_one_was_used(edited: Settings, out: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(edited.data_folder.root, data, ignore=shutil.ignore_patterns("release"))
    settings = edited.model_copy(update={"data": data})
    settings.data_folder.secret.unlink(missing_ok=True)
    with pytest.raises(ReleaseError, match="was made with one"):
        releasing.release(settings, to=out)
    decision = {
        "id": "a",
        "action": "replace",
        "form": "tea",
        "submission": "uuid:1",
        "question": "name",
        "expected": "hmac:" + "0" * 64,
        "value": "x",
        "reason": "r",
        "reporter": "p",
        "date": "2026-10-01",
    }
    put(edited.folders.corrections, "a.yml", json.dumps({"decisions": [decision]}))
    with pytest.raises(WarehouseError, match=r"secret\.key is not in the data folder"):
        releasing.release(settings, to=tmp_path / "other")
    assert not settings.data_folder.secret.exists()


# A research copy of something else


@pytest.mark.parametrize(
    ("name", "edit", "said"),
    [
        ("schemas/study.yml", lambda text: text.replace("[few, some, many]", "[many, some, few]"), "schemas/study.yml"),
        (
            "schemas/study.yml",
            # a variable that the research copy has no column of
            lambda text: text.replace("analyses:", '  helped: {question: helped, levels: ["no", "yes"]}\nanalyses:'),
            "schemas/study.yml",
        ),
        ("schemas/gates.yml", lambda _: "", "schemas/gates.yml"),
        ("xlsforms/fielded/tea.xml", lambda text: text.replace('version="1"', 'version="2"'), "version 2 of the form"),
        (
            "xlsforms/fielded/tea.xml",
            lambda _: convert_markdown(
                release_world.FORM.replace("| Sugar | | | none |", "| Sugar | | | direct |")
            ).xform.decode(),
            "still calls itself version 1",
        ),
        (
            "xlsforms/fielded/tea.xml",
            lambda _: convert_markdown(
                release_world.FORM.replace("| | cups | many |", "| | cups | most | Banyak | Most |\n| | cups | many |")
            ).xform.decode(),
            "still calls itself version 1",
        ),
    ],
)
def test_what_was_edited_since_the_run_is_noticed(
    edited: Settings, name: str, edit: Callable[[str], str], said: str
) -> None:
    path = edited.folders.root / name
    before = path.read_text(encoding="utf-8") if path.exists() else None
    after = edit(before or "")
    assert after != before
    path.write_text(after, encoding="utf-8")
    with pytest.raises(ReleaseError) as refused:
        releasing.release(edited, is_trial=True)
    assert said in refused.value.what
    assert "laktasi run" in refused.value.next_step


def test_the_same_questionnaire_in_other_bytes_is_the_same(edited: Settings) -> None:
    path = edited.folders.xlsforms / "fielded" / "tea.xml"
    path.write_bytes(path.read_bytes() + b"\n<!-- written anew -->\n")
    assert releasing.release(edited, is_trial=True).told["records"] == len(release_world.people())


# A disk that has no room


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        duckdb.TransactionException("TransactionContext Error: Failed to commit"),
        duckdb.FatalException("FATAL Error: Failed to create checkpoint"),
        duckdb.IOException("IO Error: Could not write file"),
        pyreadstat.ReadstatError("Unable to write data"),
    ],
)
def test_a_full_disk_is_one_error(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(ReleaseError) as refused, releasing._writing(tmp_path / "out"):
        raise error
    assert "cannot be written" in refused.value.what
    assert "the disk has room" in refused.value.next_step


def test_a_release_that_finds_no_room_leaves_nothing(
    released_world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write_parquet", full)
    with pytest.raises(ReleaseError, match="No space left on device"):
        releasing.release(released_world, to=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []

"""The power goes while results are published: people have what was there before, or what is new, and never nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from laktasi.durable import MANY, sync_all
from laktasi.paths import HOUSE
from laktasi.report import write as writing
from laktasi.store import publish
from laktasi.store.warehouse import POINTER_SUFFIX, newest_research
from tests.warehouse_fixture import form, warehouse

pytestmark = pytest.mark.slow


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks of itself: needs Linux or macOS")
def test_killed_at_any_rename_the_old_copy_and_pages_are_there_or_the_new(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.publish_kill_driver", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=HOUSE,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    before = told["before"]
    assert before["records"] == 6
    assert before["pages"] > 5
    for step in ("publish", "report"):
        killed = [seen for seen in told[step] if "is_mended" not in seen]
        mended = [seen for seen in told[step] if "is_mended" in seen]
        assert len(killed) == len(mended) >= 3
        assert {seen["records"] for seen in killed} <= {6, 7}
        assert {seen["records"] for seen in mended} == {7}
        assert all(not seen["torn"] and seen["pages"] == before["pages"] for seen in (*killed, *mended))


def test_bytes_are_on_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power cut forgets cannot be tried here: that nothing is named before it was waited for can."""
    done: list[tuple[str, str]] = []
    replace = Path.replace

    def renamed(self: Path, target: Path) -> Path:
        done.append(("named", self.name))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", renamed)
    monkeypatch.setattr(publish, "sync", lambda path: done.append(("waited for", path.name)))
    monkeypatch.setattr(writing, "sync_all", lambda paths: done.extend(("waited for", path.name) for path in paths))
    with warehouse(tmp_path / "data", form()) as house:
        done.clear()
        publish.publish_research(house.con, house.folder, house.questionnaires)
    (new,) = {name for _, name in done}
    assert new.startswith("research.duckdb.tmp-")
    with writing._Drafts() as drafts:
        for name in ("b.html", "a.html"):
            drafts.add(tmp_path / name, "<html></html>")
        drafts.settle()
    page_b, page_a = (f".{name}.html{writing.DRAFT}{os.getpid()}" for name in "ba")
    assert done == [
        ("waited for", new),
        ("named", new),
        *(("waited for", page) for page in (page_b, page_a)),
        *(("named", page) for page in (page_b, page_a)),
    ]


def test_many_files_are_waited_for_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(os, "sync", lambda: called.append("all"), raising=False)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: called.append("one"))
    paths = [tmp_path / str(number) for number in range(MANY)]
    for path in paths:
        path.touch()
    sync_all(paths[:2])
    sync_all(paths)
    assert called == ["one", "one", "all"]


def test_drafts_of_a_killed_report_are_swept_and_those_of_another_one_are_not(tmp_path: Path) -> None:
    old, new = tmp_path / f".index.html{writing.DRAFT}1", tmp_path / f".index.html{writing.DRAFT}2"
    for draft in (old, new):
        draft.write_text("half", encoding="utf-8")
    long_ago = time.time() - writing.DRAFTS_LAST - 60
    os.utime(old, (long_ago, long_ago))
    writing._sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [new]


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\x00", b"research-gone.duckdb"])
def test_a_pointer_that_a_power_cut_spoiled_is_passed_over(content: bytes, tmp_path: Path) -> None:
    research = tmp_path / "research.duckdb"
    research.with_name(research.name + POINTER_SUFFIX).write_bytes(content)
    assert newest_research(research) == research

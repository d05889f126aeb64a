"""What must outlive a power cut is on the disk before it has its name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from laktasi.durable import write_whole


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "state.json"
    write_whole(path, "first")
    return path


def test_the_bytes_are_on_the_disk_before_they_have_the_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            synced.append(Path(f"/dev/fd/{descriptor}").read_text(encoding="utf-8"))
            assert path.read_text(encoding="utf-8") == "first"
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    write_whole(path, "second")
    assert synced == ["second"]
    assert path.read_text(encoding="utf-8") == "second"


def test_a_full_disk_leaves_what_was_there_and_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"second")
    assert path.read_text(encoding="utf-8") == "first"
    assert list(path.parent.iterdir()) == [path]


def test_it_is_its_owners_alone_unless_something_else_is_said(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    write_whole(path, "second", 0o644)
    assert path.stat().st_mode & 0o777 == 0o644

"""Private values are found in files of any size, wherever they stand, and nothing else is taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from laktasi.release import readback

CODE = "TEA-0007-Q"


def is_found(path: Path) -> bool:
    with readback.mapped(path) as content:
        return readback._Private({CODE}).are_in(content)


@pytest.mark.parametrize("before", [0, 3, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 127, 128, 129, 500])
def test_a_code_is_found_wherever_a_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int) -> None:
    monkeypatch.setattr(readback, "_BLOCK", 64)
    path = tmp_path / "file"
    path.write_bytes(b"\xff" * before + b"," + CODE.encode() + b"\n" + b"word " * 40)
    assert is_found(path)
    # as a part of a longer word it is another word
    path.write_bytes(b" " * before + b"x" + CODE.encode() + b"9" + b" word" * 40)
    assert not is_found(path)
    path.write_bytes(b"word " * 40 + CODE.encode())
    assert is_found(path)


def test_a_word_may_be_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readback, "_BLOCK", 4)
    path = tmp_path / "file"
    path.write_bytes(b"long" * 50 + b" " + CODE.encode())
    assert is_found(path)


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not is_found(tmp_path / "file")

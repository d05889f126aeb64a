"""A shelf of files that several workers of a lake may fill at once."""

import io
import os
from pathlib import Path

import pytest

from laktasi.store.shelf import LEFT_SECONDS, PART, Shelf


def test_a_worker_leaves_alone_what_another_one_is_keeping(tmp_path: Path) -> None:
    one = Shelf(tmp_path, digits=2, is_shared=True)
    sha256, _ = one.keep(io.BytesIO(b"a photo"))
    Shelf(tmp_path, digits=2, is_shared=True)
    one.settle({sha256})
    assert (tmp_path / sha256[:2] / sha256).read_bytes() == b"a photo"


def test_what_a_killed_run_left_is_swept_once_it_is_old(tmp_path: Path) -> None:
    left = tmp_path / f"{PART}left"
    left.write_bytes(b"half a photo")
    os.utime(left, (left.stat().st_mtime - LEFT_SECONDS - 60,) * 2)
    Shelf(tmp_path, is_shared=True)
    assert not left.exists()


def test_whoever_is_alone_sweeps_at_once_and_drops_what_breaks_off(tmp_path: Path) -> None:
    (tmp_path / f"{PART}left").write_bytes(b"half a photo")
    shelf = Shelf(tmp_path)
    assert list(tmp_path.iterdir()) == []

    class Torn(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() and self.seeks:
                raise MemoryError
            return super().read(size)

        seeks = 0

        def seek(self, offset: int, whence: int = 0, /) -> int:
            self.seeks += 1
            return super().seek(offset, whence)

    shelf.keep(io.BytesIO(b"a photo"))
    with pytest.raises(MemoryError):
        shelf.keep(Torn(b"another photo"))
    assert len(list(tmp_path.iterdir())) == 2
    shelf.drop()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_wanted_leaves_nothing(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.keep(io.BytesIO(b"a photo"))
    shelf.settle(set())
    assert list(tmp_path.iterdir()) == []

"""Sealed files, the file with the key, and temporary files that say nothing."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from laktasi import scratch
from laktasi.errors import SettingsError, WarehouseError
from laktasi.paths import DataFolder
from laktasi.sealing import CHUNK, HEADER_BYTES, Sealer, derive, is_sealed, is_sealed_by, seal, unseal
from laktasi.settings import read_settings
from laktasi.settings.key_file import make_key_file, read_key_file
from laktasi.store.shelf import Shelf, attachment_place, read_kept, refused_place

KEY, OTHER = SecretStr("k" * 64), SecretStr("o" * 64)
SECRET = b"Siti Rahasia Sekali"


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7])
def test_what_is_sealed_comes_back(size: int) -> None:
    data = os.urandom(size)
    sealed = seal(data, KEY, "photo")
    assert unseal(sealed, KEY, "photo") == data
    assert is_sealed(sealed)
    assert is_sealed_by(sealed, KEY)
    assert not is_sealed_by(sealed, OTHER)
    assert not is_sealed(data)


def test_nothing_of_it_shows_and_no_two_are_alike() -> None:
    first, second = seal(SECRET * 9, KEY, "photo"), seal(SECRET * 9, KEY, "photo")
    assert SECRET not in first
    assert KEY.get_secret_value().encode() not in first
    assert first[HEADER_BYTES:] != second[HEADER_BYTES:]


def test_written_in_pieces_it_is_the_same_file() -> None:
    data = os.urandom(2 * CHUNK + 100)
    whole = io.BytesIO()
    with Sealer(whole, KEY, "photo") as sealer:
        for start in range(0, len(data), 99_991):
            sealer.write(data[start : start + 99_991])
    assert unseal(whole.getvalue(), KEY, "photo") == data


def test_another_key_and_another_purpose_open_nothing() -> None:
    sealed = seal(SECRET, KEY, "photo")
    with pytest.raises(WarehouseError, match="another key") as caught:
        unseal(sealed, OTHER, "photo")
    assert "LAKTASI_KEY" in caught.value.next_step
    with pytest.raises(WarehouseError, match="torn, or was changed"):
        unseal(sealed, KEY, "token")
    with pytest.raises(WarehouseError, match="not sealed"):
        unseal(SECRET, KEY, "photo")


@pytest.mark.parametrize("at", [8, 15, 16, 31, 32, 40, CHUNK, CHUNK + 48, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    sealed = bytearray(seal(bytes(CHUNK + 1000), KEY, "photo"))
    sealed[at] ^= 1
    with pytest.raises(WarehouseError):
        unseal(bytes(sealed), KEY, "photo")


@pytest.mark.parametrize("kept", [8, 20, 32, 40, 32 + CHUNK + 16, 32 + 2 * (CHUNK + 16), -1])
def test_a_torn_file_is_noticed_also_between_chunks(kept: int) -> None:
    sealed = seal(bytes(2 * CHUNK + 1000), KEY, "photo")[:kept]
    with pytest.raises(WarehouseError):
        unseal(sealed, KEY, "photo")


def test_chunks_cannot_change_places_or_be_added() -> None:
    sealed = seal(os.urandom(CHUNK) + os.urandom(CHUNK) + b"end", KEY, "photo")
    size = CHUNK + 16
    head, one, two, end = (
        sealed[:32],
        sealed[32 : 32 + size],
        sealed[32 + size : 32 + 2 * size],
        sealed[32 + 2 * size :],
    )
    for wrong in (head + two + one + end, head + one + end, head + one + two + end + end, head + one + one + two + end):
        with pytest.raises(WarehouseError, match="torn, or was changed"):
            unseal(wrong, KEY, "photo")


def test_what_one_purpose_gives_away_says_nothing_of_another() -> None:
    derived = {derive(KEY, purpose) for purpose in ("warehouse", "key id", "sealed photo", "names of kept files")}
    assert len(derived) == 4
    assert derive(SecretStr(f" {KEY.get_secret_value()}\n"), "warehouse") in derived, "blanks are no part of a key"


# The shelf.


@pytest.mark.parametrize("key", [None, KEY])
def test_a_shelf_keeps_a_file_once_and_gives_it_back(tmp_path: Path, key: SecretStr | None) -> None:
    folder = DataFolder(tmp_path, key=key)
    shelf = Shelf(folder.attachments, 2, key)
    kept = [shelf.keep(io.BytesIO(content)) for content in (SECRET, b"", SECRET)]
    shelf.settle({sha256 for sha256, _ in kept})
    assert kept[0] == kept[2] == (hashlib.sha256(SECRET).hexdigest(), len(SECRET))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 2
    assert attachment_place(folder, kept[0][0]) in files
    assert read_kept(attachment_place(folder, kept[0][0]), key) == SECRET
    assert read_kept(attachment_place(folder, kept[1][0]), key) == b""
    assert any(SECRET in path.read_bytes() for path in files) is (key is None)
    assert any(kept[0][0] in path.name for path in files) is (key is None), "a plain hash proves a guess"
    assert Shelf(folder.attachments, 2, key).keep(io.BytesIO(SECRET)) == kept[0]
    assert len(list(tmp_path.rglob("*"))) == len(files) + 3, "it is there: nothing is written again"


def test_a_kept_file_that_is_torn_is_told(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path, key=KEY)
    shelf = Shelf(folder.refused, key=KEY)
    sha256, _ = shelf.keep(io.BytesIO(SECRET))
    shelf.settle({sha256})
    place = refused_place(folder, sha256)
    place.write_bytes(place.read_bytes()[:-1])
    with pytest.raises(WarehouseError, match="torn"):
        read_kept(place, KEY)


# Temporary files.


def test_a_temporary_file_says_nothing_and_is_read_as_it_came(tmp_path: Path) -> None:
    data = os.urandom(100_000) + SECRET
    path = tmp_path / "0"
    with scratch.Writer(path, "xb") as file:
        for start in range(0, len(data), 997):
            file.write(data[start : start + 997])
    assert SECRET not in path.read_bytes()
    assert scratch.size_of(path) == len(data)
    assert scratch.read(path) == data
    with path.open("rb") as opened:
        plain = scratch.plainly(opened)
        assert plain.read(50) == data[:50]
        plain.seek(0)
        assert plain.read() == data
        plain.seek(12_345)
        assert plain.read(10) == data[12_345:12_355]


@pytest.mark.parametrize("first", [0, 1, 15, 16, 17, 4000])
def test_a_temporary_file_is_gone_on_with_where_it_broke_off(tmp_path: Path, first: int) -> None:
    data, path = os.urandom(5000), tmp_path / "0"
    with scratch.Writer(path, "wb") as file:
        file.write(data[:first])
    with scratch.Writer(path, "ab") as file:
        file.write(data[first:])
    assert scratch.read(path) == data


def test_other_files_are_read_as_they_are(tmp_path: Path) -> None:
    for number, data in enumerate((b"", b"short", os.urandom(1000))):
        path = tmp_path / str(number)
        path.write_bytes(data)
        assert scratch.read(path) == data


# The file with the key.


def test_a_key_is_made_once_private_and_read_back(tmp_path: Path) -> None:
    path = make_key_file(tmp_path / "keys" / "a", tmp_path / "data", tmp_path / "project")
    key = read_key_file(path, tmp_path / "data")
    assert len(key.get_secret_value()) == 64
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(SettingsError, match="is there already") as caught:
        make_key_file(path, tmp_path / "data", tmp_path / "project")
    assert read_key_file(path, tmp_path / "data") == key
    assert key.get_secret_value() not in str(caught.value)
    other = make_key_file(tmp_path / "keys" / "b", tmp_path / "data", tmp_path / "project")
    assert read_key_file(other, tmp_path / "data") != key


@pytest.mark.parametrize("inside", ["data", "project"])
def test_a_key_does_not_lie_with_what_it_opens(tmp_path: Path, inside: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / inside)
    for place in (tmp_path / inside / "key", tmp_path / "link" / "deep" / "key"):
        with pytest.raises(SettingsError, match="lies in"):
            make_key_file(place, tmp_path / "data", tmp_path / "project")
        assert not place.exists()


@pytest.mark.parametrize("text", ["", "short", "two words " + "x" * 64, "é" * 64])
def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="holds no key") as caught:
        read_key_file(path, tmp_path / "data")
    assert not text or text not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such bits")
def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = make_key_file(tmp_path / "key", tmp_path / "data", tmp_path / "project")
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="can be read or written by others") as caught:
        read_key_file(path, tmp_path / "data")
    assert "chmod 600" in caught.value.next_step


def test_a_key_that_is_lost_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is not there"):
        read_key_file(tmp_path / "key", tmp_path / "data")


def test_the_settings_find_the_key_and_never_show_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    project.mkdir()
    path = make_key_file(tmp_path / "key", project / "data", project)
    key = read_key_file(path, project / "data")
    (project / "laktasi.toml").write_text('key_file = "../key"\n', encoding="utf-8")
    settings = read_settings(project)
    assert settings.data_folder.key == key
    assert key.get_secret_value() not in repr(settings) + repr(settings.data_folder) + settings.model_dump_json()
    monkeypatch.setenv("LAKTASI_KEY", key.get_secret_value())
    assert read_settings(project).data_folder.key is not None
    monkeypatch.setenv("LAKTASI_KEY", "z" * 64)
    with pytest.raises(SettingsError, match="another key") as caught:
        read_settings(project)
    assert "zzz" not in str(caught.value)
    assert key.get_secret_value() not in str(caught.value)
    monkeypatch.setenv("LAKTASI_KEY", "short")
    with pytest.raises(SettingsError, match="'key'") as caught:
        read_settings(project)
    assert "short" not in str(caught.value).replace("should", "")


def test_a_key_has_no_place_in_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "laktasi.toml").write_text(f'key = "{"z" * 64}"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="'key' has no place") as caught:
        read_settings(tmp_path)
    assert "zzz" not in str(caught.value)

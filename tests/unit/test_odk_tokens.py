"""Sessions that are kept between runs: private, and only for the same server, user and password."""

import json
import os
from pathlib import Path

import pytest

from laktasi.odk.tokens import TokenFile

SERVER, USER, PASSWORD = "https://central.example.org/v1/", "manager@example.org", "s3cret"
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "tokens"


def kept(folder: Path) -> TokenFile:
    file = TokenFile(folder, SERVER, USER, PASSWORD)
    file.write("token-1")
    return file


def test_keeps_a_token_and_drops_it(folder: Path) -> None:
    file = TokenFile(folder, SERVER, USER, PASSWORD)
    assert file.read() is None
    file.write("token-1")
    assert TokenFile(folder, SERVER, USER, PASSWORD).read() == "token-1"
    file.write("token-2")
    assert file.read() == "token-2"
    assert [path.name for path in folder.iterdir()] == [file.path.name]
    file.drop()
    assert file.read() is None
    file.drop()


@posix
def test_is_private_from_the_first_moment(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o755)
    file = kept(folder)
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_says_neither_password_nor_whose_it_is_by_its_name(folder: Path) -> None:
    file = kept(folder)
    assert PASSWORD not in file.path.read_text(encoding="utf-8")
    assert "token-1" not in file.path.read_text(encoding="utf-8")
    assert "manager" not in file.path.name
    assert "example" not in file.path.name


@pytest.mark.parametrize(
    ("server", "user", "password"),
    [
        ("https://other.example.org/v1/", USER, PASSWORD),
        ("http://central.example.org/v1/", USER, PASSWORD),
        (SERVER, "other@example.org", PASSWORD),
        (SERVER, USER, "wrong"),
    ],
)
def test_is_of_no_use_to_another(folder: Path, server: str, user: str, password: str) -> None:
    mine = kept(folder)
    other = TokenFile(folder, server, user, password)
    assert other.read() is None
    # Not even where the file is put in the other's place.
    mine.path.rename(other.path) if other.path != mine.path else None
    assert other.read() is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b'{"token": "t"}',
        json.dumps({"server": SERVER, "user": USER, "token": "t", "salt": "zz", "password": "0"}).encode(),
        json.dumps({"server": SERVER, "user": USER, "token": "t", "salt": 5, "password": None}).encode(),
    ],
)
def test_a_corrupt_file_is_passed_over_and_replaced(folder: Path, content: bytes) -> None:
    file = kept(folder)
    file.path.write_bytes(content)
    assert file.read() is None
    file.write("token-2")
    assert file.read() == "token-2"


@posix
def test_a_file_that_others_could_read_is_made_private(folder: Path) -> None:
    file = kept(folder)
    file.path.chmod(0o644)
    assert file.read() == "token-1"
    assert file.path.stat().st_mode & 0o777 == 0o600


@posix
@pytest.mark.parametrize("mode", [0o666, 0o620])
def test_a_file_that_others_could_write_is_not_believed(folder: Path, mode: int) -> None:
    file = kept(folder)
    file.path.chmod(mode)
    assert file.read() is None
    file.write("token-2")
    assert file.read() == "token-2"
    assert file.path.stat().st_mode & 0o777 == 0o600


@posix
def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    file = kept(folder)
    elsewhere = tmp_path / "elsewhere.json"
    file.path.rename(elsewhere)
    file.path.symlink_to(elsewhere)
    assert file.read() is None


def test_where_it_cannot_be_kept_nothing_breaks(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("a file has the folder's name", encoding="utf-8")
    file = TokenFile(tmp_path / "tokens", SERVER, USER, PASSWORD)
    file.write("token-1")
    assert file.read() is None
    file.drop()


def test_a_write_that_fails_leaves_the_old_token_and_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = kept(folder)

    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    file.write("token-2")
    assert file.read() == "token-1"
    assert [path.name for path in folder.iterdir()] == [file.path.name]

"""The file with the key of a data folder: made once, readable by its owner alone, and kept apart from what it opens."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from laktasi.errors import SettingsError
from laktasi.settings.private_file import check_private

SHORTEST = 32
"""Letters of a key at least: it is not stretched, so it must be one that nobody can guess."""


def read_key_file(path: Path, data: Path) -> SecretStr:
    """Read the key of a data folder.

    Parameters
    ----------
    data
        The data folder, in which the key must not lie: whoever copies the folder would have both.

    Raises
    ------
    SettingsError
        There is no such file, others may read it, it lies in the data folder, or holds no key. What it holds is never
        shown.
    """
    path = path.expanduser()
    _refuse_inside(path, data, "the data folder, which it is to protect")
    try:
        check_private(path)
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise SettingsError(
            f"the key file {path} is not there",
            why="What the data folder holds can be read with that key only.",
            next_step=f"bring it back from where you kept a copy; for a new data folder: laktasi key make {path}",
        ) from None
    except OSError as error:
        raise SettingsError(
            f"the key file {path} cannot be read ({error.strerror})", next_step="see that it is a file of yours"
        ) from None
    except UnicodeDecodeError:
        text = ""
    if len(text) < SHORTEST or len(text.split()) != 1:
        raise SettingsError(
            f"{path} holds no key",
            why=f"A key is one word of at least {SHORTEST} letters and digits.",
            next_step="name the file that laktasi key make wrote",
        )
    return SecretStr(text)


def make_key_file(path: Path, data: Path, project: Path) -> Path:
    """Make a key, 256 bits from the system's source of chance, in a file that is not there yet.

    Parameters
    ----------
    data, project
        The data folder and the project, which are copied and shared: the key must lie in neither.

    Returns
    -------
    Path
        The file, whole and on disk.

    Raises
    ------
    SettingsError
        It is there already, would lie where it must not, or cannot be written.
    """
    path = path.expanduser()
    _refuse_inside(path, data, "the data folder, which it is to protect")
    _refuse_inside(path, project, "the project, which is copied and shared")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SettingsError(
            f"{path} is there already, and is left as it is",
            why="A key that is written over is lost, and with it all that it opens.",
            next_step="name another file",
        ) from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be made ({error.strerror})", next_step="name another file") from None
    with os.fdopen(descriptor, "w", encoding="ascii", newline="\n") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path


def _refuse_inside(path: Path, folder: Path, what: str) -> None:
    if path.resolve().is_relative_to(folder.resolve()):
        raise SettingsError(
            f"the key file {path} lies in {what}",
            next_step="keep it elsewhere, in your home or on a stick, and a copy of it in a second place",
        )

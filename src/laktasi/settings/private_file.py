"""A project's private settings: passwords and keys, in a file of the user's own, outside the project.

A project's folder is copied, shared and kept in version control; so what must not travel with it stands in the user's
configuration folder, which on every system is the user's alone. Its lines are those of an environment file,
``LAKTASI_CENTRAL__PASSWORD="…"``, which systemd reads too.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path

from laktasi.durable import write_whole
from laktasi.errors import SettingsError

_HEAD = "# Passwords and keys of a laktasi project. Nobody but you may read this file.\n"


def private_environment(project: Path) -> Path:
    """Give the private file of a project, whether it is there or not.

    It lies in the user's configuration folder (``$XDG_CONFIG_HOME`` or ``~/.config``; on Windows ``%APPDATA%``) and is
    called after the project's folder and its place: two studies called ``survey`` have two.
    """
    root = project.resolve()
    mark = hashlib.sha256(os.path.normcase(root).encode()).hexdigest()[:8]
    return configuration() / f"{_plainly(root.name)}-{mark}.env"


def configuration() -> Path:
    """Give the folder of the private files of all projects."""
    named = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", "")
    if Path(named).is_absolute():
        return Path(named) / "laktasi"
    return Path("~/.config/laktasi").expanduser()


def read_private_environment(project: Path) -> dict[str, str]:
    """Read the private file of a project; nothing where there is none.

    Raises
    ------
    SettingsError
        Others may read it, it cannot be read, or a line of it is none. Values are never shown.
    """
    from io import StringIO

    from dotenv import dotenv_values

    try:
        path = private_environment(project)
        if not path.exists():
            return {}
    except (OSError, RuntimeError):  # no home, or one that is somebody else's
        return {}
    try:
        check_private(path)
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be opened ({error.strerror})", next_step="see that it is a file of yours"
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8 text", next_step="save it again with the encoding UTF-8") from None
    # It would log the number of a line that it cannot read; here that is an error.
    logging.getLogger("dotenv.main").setLevel(logging.CRITICAL)
    found = dotenv_values(stream=StringIO(text), interpolate=False)
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(found) != len(lines) or None in found.values():
        raise SettingsError(
            f"{path.name}: not every line is a NAME and a value, or one stands twice",
            why='Lines look like LAKTASI_CENTRAL__PASSWORD="…", with a backslash before any " or \\ in it.',
            next_step=f"edit {path}",
        )
    return {name: value for name, value in found.items() if value is not None}


def check_private(path: Path) -> None:
    """Refuse a file of secrets that others may read. Windows has no such bits: there, what is in a home is private.

    Raises
    ------
    SettingsError
        Others may read or write it.
    OSError
        It cannot be looked at.
    """
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise SettingsError(
            f"{path} can be read or written by others",
            why="It holds a password or a key.",
            next_step=f"chmod 600 {path}",
        )


def write_private_environment(project: Path, given: Mapping[str, str | None]) -> Path:
    """Write settings into the private file, beside those that stand there already; of a name, the newer value stands.

    None takes a name out. The file is made whole, mode 0600, before it has its name.

    Raises
    ------
    SettingsError
        What is there cannot be read, or a value holds a line break.
    OSError
        It cannot be written.
    """
    path = private_environment(project)
    for name, value in given.items():
        if value is not None and any(letter in value for letter in "\r\n\0"):
            raise SettingsError(f"{name} holds a line break", next_step="give it as one line")
    kept = {**read_private_environment(project), **given}
    text = _HEAD + f"# Project: {_in_ascii(project.resolve())}\n"
    text += "".join(f'{name}="{_escaped(value)}"\n' for name, value in kept.items() if value is not None)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, text)
    return path


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _plainly(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "project"


def _in_ascii(path: Path) -> str:
    return str(path).encode("unicode_escape").decode("ascii")

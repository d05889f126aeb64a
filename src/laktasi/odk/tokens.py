"""Sessions on Central, kept between runs: one private file for each server and user.

A token is as good as a password for a day. So the file is readable by its owner alone, and it is used only for the same
server, the same user and the same password: a wrong password never works because somebody logged in before.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

MAX_BYTES = 10_000


class TokenFile:
    """The token of one user on one server. Trouble with the file is no trouble: one logs in again.

    Parameters
    ----------
    folder
        Made private (0700) where it does not exist or is open to others.
    server
        The server's address, with its scheme and port.
    user, password
        What one logs in with. The password is kept only as a salted hash.
    """

    def __init__(self, folder: Path, server: str, user: str, password: str) -> None:
        self._key = {"server": server, "user": user}
        self._password = password
        name = hashlib.sha256(json.dumps(self._key, sort_keys=True).encode()).hexdigest()
        self.path = folder / f"{name[:32]}.json"

    def read(self) -> str | None:
        """Give the token, if the file is ours, whole, and for this server, user and password."""
        try:
            known = json.loads(self._content())
            same = {name: known[name] for name in self._key} == self._key
            same = same and hmac.compare_digest(_hash(self._password, known["salt"]), known["password"])
            return str(known["token"]) if same else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, token: str) -> None:
        """Keep the token, in place of what is there; where that cannot be, the next run logs in again."""
        salt = secrets.token_hex(16)
        content = {**self._key, "salt": salt, "password": _hash(self._password, salt), "token": token}
        with suppress(OSError):
            self._replace(json.dumps(content))

    def drop(self) -> None:
        """Forget the token: its session has ended."""
        with suppress(OSError):
            self.path.unlink()

    def _content(self) -> bytes:
        descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            is_ours = stat.S_ISREG(found.st_mode) and found.st_uid == getattr(os, "getuid", lambda: found.st_uid)()
            # What others may write may hold a session of theirs; Windows knows no such bits.
            if not is_ours or (os.name == "posix" and found.st_mode & 0o022):
                raise ValueError("not our own file")
            if os.name == "posix" and found.st_mode & 0o077:
                os.fchmod(descriptor, 0o600)
            return file.read(MAX_BYTES)

    def _replace(self, content: str) -> None:
        folder = self.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix" and folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
        descriptor, name = tempfile.mkstemp(dir=folder)  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _hash(password: str, salt: Any) -> str:
    # Slow on purpose: whoever copies the file must not find the password from it.
    return hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=2**13, r=8, p=1).hex()

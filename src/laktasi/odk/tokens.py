"""Sessions on Central, kept between runs: one private file for each server and user.

A token is as good as a password for a day. So the file is readable by its owner alone, and the token in it is sealed
with the password: it is used only for the same server, the same user and the same password. A wrong password never
works because somebody logged in before, and whoever copies the file has nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from laktasi.durable import write_whole
from laktasi.errors import WarehouseError
from laktasi.sealing import seal, unseal

MAX_BYTES = 10_000
PURPOSE = "session"
"""What a token is sealed for."""


class TokenFile:
    """The token of one user on one server. Trouble with the file is no trouble: one logs in again.

    Parameters
    ----------
    folder
        Made private (0700) where it does not exist or is open to others.
    server
        The server's address, with its scheme and port.
    user, password
        What one logs in with. The password is not kept.
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
            if {name: known[name] for name in self._key} != self._key:
                return None
            return unseal(bytes.fromhex(known["token"]), self._sealing_key(known["salt"]), PURPOSE).decode()
        except (OSError, ValueError, KeyError, TypeError, WarehouseError):
            return None

    def write(self, token: str) -> None:
        """Keep the token, in place of what is there; where that cannot be, the next run logs in again."""
        salt = secrets.token_hex(16)
        sealed = seal(token.encode(), self._sealing_key(salt), PURPOSE)
        content = {**self._key, "salt": salt, "token": sealed.hex()}
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
        write_whole(self.path, content)

    def _sealing_key(self, salt: str) -> SecretStr:
        # Slow on purpose: whoever copies the file must not find the password from it.
        made = hashlib.scrypt(self._password.encode(), salt=bytes.fromhex(salt), n=2**13, r=8, p=1)
        return SecretStr(made.hex())

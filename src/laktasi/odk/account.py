"""Who we are to a Central: user name and password, pyodk's client, and the session's token."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.errors import SourceError
from laktasi.odk.refusals import VARIABLES
from laktasi.odk.tokens import TokenFile
from laktasi.settings import CentralSettings, address_of

if TYPE_CHECKING:
    from pyodk._utils.config import CentralConfig as PyodkCentral
    from pyodk.client import Client


class Account:
    """A user of one server, and pyodk's client for it.

    Parameters
    ----------
    central
        Where it has no user name and password, pyodk's own configuration is read, and used only if it is for the same
        server, and for the same user where one is named.
    tokens
        Folder of the sessions that are kept between runs.
    timeout
        Seconds to connect, and to wait for the next bytes.

    Raises
    ------
    SourceError
        There is no user name and password for this server.
    """

    def __init__(self, central: CentralSettings, tokens: Path, timeout: tuple[float, float]) -> None:
        email, password = _credentials(central)
        self.client = _client(central.url, email, password, timeout)
        self._file = TokenFile(tokens, self.client.session.base_url, email, password)
        self._lock = threading.Lock()
        self._token: str | None = None

    def token(self, stale: str | None = None) -> str:
        """Give the session's token: the known one, or that of a new session where the known one is `stale`.

        Several threads may find the same session ended; one of them begins the next. Raises what pyodk raises.
        """
        with self._lock:
            if stale is not None and stale == self._token:
                self._file.drop()
                self._token = self._log_in()
            if self._token is None:
                self._token = self._file.read() or self._log_in()
            return self._token

    def _log_in(self) -> str:
        from pyodk.errors import PyODKError

        self._token = None
        session = self.client.session
        session.headers.pop("Authorization", None)  # pyodk takes a token that stands there for a good one
        try:
            token = str(session.auth.login()).removeprefix("Bearer ")
        except TypeError:  # the answer was JSON, and nothing like a session
            raise PyODKError("no token in the answer") from None
        self._file.write(token)
        return token


def _client(url: str, email: str, password: str, timeout: tuple[float, float]) -> Client:
    from http.cookiejar import DefaultCookiePolicy

    from pyodk._utils.config import CentralConfig, Config
    from pyodk._utils.session import Adapter, Session
    from pyodk.client import Client

    # pyodk logs an error before it raises it, with the server's answer, which may repeat the password; we say it once.
    logging.getLogger("pyodk").setLevel(logging.CRITICAL)
    session = Session(url, "v1", email, password, cache_path=None)
    for scheme in ("https://", "http://"):
        session.mount(scheme, Adapter(timeout=timeout, max_retries=0))
    # The token says who we are; a browser's cookie beside it would outlive it.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return Client(config=Config(CentralConfig(url, email, password)), session=session)


def _credentials(central: CentralSettings) -> tuple[str, str]:
    if central.email and central.password:
        return central.email, central.password.get_secret_value()
    from pyodk._utils.config import get_config_path, objectify_config, read_toml
    from pyodk.errors import PyODKError

    path = get_config_path()
    try:
        found = objectify_config(read_toml(path)).central if path.exists() else None
    except (PyODKError, KeyError, TypeError, ValueError):
        found = None
    if found is None or not _is_for(central, found):
        whom = f" and {central.email}" if central.email else ""
        raise SourceError(
            f"no user name and password for {central.host}",
            why=f"Neither the environment nor pyodk's configuration ({path.name}) has both for {central.url}{whom}.",
            next_step=f"set {VARIABLES}",
        )
    return str(found.username), str(found.password)


def _is_for(central: CentralSettings, found: PyodkCentral) -> bool:
    """Say whether an account is for this very server, and is the one that was asked for, if one was.

    A password is never sent to another server, nor unencrypted where it was given for an encrypted one; and nobody's
    account is used in the place of another's.
    """
    try:
        is_same_server = address_of(str(found.base_url)) == central.url
    except ValueError:
        return False
    if central.email is None:
        return is_same_server and central.password is None  # a password alone is half of another account
    return is_same_server and str(found.username).casefold() == central.email.casefold()

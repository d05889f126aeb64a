"""One project on one ODK Central, through pyodk: requests that answer, or say in words why not.

pyodk logs in and makes the addresses. Its own retries, timeouts and token cache are not used: it has none for plain
http, tries again what a client's mistake caused (Central answers some with 500), waits as long as a server asks, and
keeps the token readable by everyone for whatever server and user. What is tried again here, and what is not:

- reading: no connection, a timeout, an answer that breaks off or is a web page, 429, 502, 503, 504;
- writing: only where it is certain that nothing was done: no connection at all, or 429 or 503 with Retry-After;
- either, once: 401. The session has ended, and another is begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from laktasi import scratch
from laktasi.errors import SourceError
from laktasi.odk import refusals
from laktasi.odk.account import Account
from laktasi.odk.envelope import MAX_BYTES
from laktasi.odk.refusals import AnsweredError
from laktasi.settings import CentralSettings

if TYPE_CHECKING:
    from requests import Response

__all__ = ["AnsweredError", "Connection", "Downloaded", "connect", "source_of"]

TIMEOUT = (10, 60)
"""Seconds to connect, and to wait for the next bytes."""
TRIES = 3
PAUSES = (1, 3)
"""Seconds between the tries, where the server does not say how long to wait."""
PATIENCE = 60.0
CHUNK = 1 << 16
"""Bytes: what is lost, at most, of a download that broke off."""
UNWELL = (429, 502, 503, 504)
"""Statuses that pass. Not 500: Central answers it to mistakes of the client."""

Read = TypeVar("Read")
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What came of a download."""

    status: Literal["new", "same", "gone"]
    """`same`: the server still has what the ETag names, and nothing was written. `gone`: it has no such file."""
    etag: str | None
    """What the server calls this content."""


class _PassingError(Exception):
    """A fault that may be gone at the next try.

    Parameters
    ----------
    told
        What to say if it is not.
    wait
        Seconds that the server asks to wait, if it does.
    is_undone
        It is certain that the server did nothing.
    """

    def __init__(self, told: SourceError, *, wait: float | None = None, is_undone: bool = False) -> None:
        super().__init__(told.what)
        self.told = told
        self.wait = wait
        self.is_undone = is_undone


def source_of(central: CentralSettings) -> str:
    """Give the source's name in the warehouse: ``central:<host[:port]>/<project>``."""
    return central.source


@contextmanager
def connect(central: CentralSettings, tokens: Path, *, patience: float = PATIENCE) -> Iterator[Connection]:
    """Open a project on a Central. Nothing is asked of the server yet.

    Parameters
    ----------
    central
        Server and project. Where it has no user name and password, pyodk's own configuration is read, and used only if
        it is for the same server.
    tokens
        Folder of the sessions that are kept between runs.
    patience
        Seconds that one request may wait in all, between its tries or because the server asks to.

    Raises
    ------
    SourceError
        There is no user name and password for this server.
    """
    account = Account(central, tokens, TIMEOUT)
    with account.client.session:
        yield Connection(account, central, patience)


class Connection:
    """One project on one Central. Reading is safe from several threads at once.

    Every method raises :class:`SourceError` where the server cannot be reached, refuses the account, or answers as no
    Central does; its text never holds what the server answered.
    """

    def __init__(self, account: Account, central: CentralSettings, patience: float) -> None:
        self.source = source_of(central)
        self.host = central.host
        self.project = f"projects/{central.project}"
        self._account = account
        self._patience = patience
        self._words = refusals.Words(self.host, central.project)

    @staticmethod
    def quote(part: str) -> str:
        """Write an id or a name as a part of a path, as Central reads it."""
        from pyodk._utils.session import Session

        return str(Session.urlquote(part))

    def json(self, path: str, params: Mapping[str, str] | None = None, *, extended: bool = False) -> Any:
        """Read JSON.

        Parameters
        ----------
        path
            Below ``/v1/``, its parts quoted.
        params
            The query, not encoded yet.
        extended
            Ask for Central's extended metadata: names of people beside their numbers.

        Raises
        ------
        AnsweredError
            The server has no such thing, or does not let this account read it.
        """
        headers = {"X-Extended-Metadata": "true"} if extended else {}
        return self._get(path, self._read_json, params=params, headers=headers)

    def objects(self, answer: Any, *keys: str) -> list[Answer]:
        """Give an answer that should be a list of objects which have at least these keys."""
        if not isinstance(answer, list) or not all(isinstance(row, dict) and row.keys() >= {*keys} for row in answer):
            raise self._words.no_central()
        return answer

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Take parts out of an answer: one of another shape is no Central's."""
        try:
            yield
        except (LookupError, TypeError, ValueError, AttributeError):
            raise self._words.no_central() from None

    def may(self, path: str, params: Mapping[str, str] | None = None) -> Any | None:
        """Read JSON; None where this account may not, or there is no such thing."""
        try:
            return self.json(path, params)
        except AnsweredError as error:
            if error.status in (403, 404):
                return None
            raise

    def listing(
        self, path: str, params: Mapping[str, str] | None = None, etag: str | None = None
    ) -> tuple[list[Answer] | None, str | None]:
        """Read a list of objects, unless it is still the one that `etag` names.

        Returns
        -------
        tuple
            The list, or None where the server says that nothing changed; and the ETag of the answer.
        """

        def read(response: Response) -> tuple[list[Answer] | None, str | None]:
            answered = response.headers.get("ETag")
            if response.status_code == 304:
                return None, answered or etag
            return self.objects(self._read_json(response)), answered

        return self._get(path, read, params=params, headers={"If-None-Match": etag} if etag else {})

    def document(self, path: str) -> bytes | None:
        """Read an XML document; None where it is gone.

        Of a document that is larger than any submission, only so much is given that its reader sees that. What is empty
        or of another kind comes from something in between, or of a bad moment, and is asked for again.
        """

        def read(response: Response) -> bytes:
            self._expect_file(response)
            if "xml" not in response.headers.get("Content-Type", "").lower():
                raise _PassingError(self._words.no_central())
            content = bytearray()
            for chunk in response.iter_content(CHUNK):
                content += chunk
                if len(content) > MAX_BYTES:
                    break
            if not content.strip():
                raise _PassingError(self._words.no_central())
            return bytes(content[: MAX_BYTES + 1])

        return self._unless_gone(lambda: self._get(path, read))

    def download(self, path: str, target: Path, etag: str | None = None) -> Downloaded:
        """Write a file to `target`, unless it is still the one that `etag` names; :mod:`laktasi.scratch` reads it.

        It is written beside its place first: under its own name there is the whole file, or none. A download that
        broke off goes on where it stopped, if the server can do that (Central itself cannot and sends the whole file
        again; the object storage that it may send us to can).

        Raises
        ------
        OSError
            It cannot be written: the disk is full.
        """
        part = target.with_name(f"{target.name}.part")
        begun: list[str] = []

        def headers() -> dict[str, str]:
            plain = {"Accept-Encoding": "identity"}  # so that the server's bytes are the file's
            if begun and part.exists() and (size := scratch.size_of(part)):
                return {**plain, "Range": f"bytes={size}-", "If-Range": begun[0]}
            return {**plain, "If-None-Match": etag} if etag else plain

        def read(response: Response) -> Downloaded:
            answered = response.headers.get("ETag")
            if response.status_code == 304:
                return Downloaded("same", answered or etag)
            self._expect_file(response)
            goes_on = response.status_code == 206
            if goes_on and not response.headers.get("Content-Range", "").startswith(f"bytes {scratch.size_of(part)}-"):
                part.unlink()
                raise _PassingError(self._words.no_central())
            # A weak ETag does not say that every byte is the same.
            begun[:] = [answered] if answered and not answered.startswith("W/") else []
            with scratch.Writer(part, "ab" if goes_on else "wb") as file:
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)
            part.replace(target)
            return Downloaded("new", answered)

        try:
            return self._unless_gone(lambda: self._get(path, read, headers=headers)) or Downloaded("gone", None)
        finally:
            part.unlink(missing_ok=True)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> Any:
        """Write: POST, PUT, PATCH or DELETE. Give the JSON of the answer.

        Parameters
        ----------
        json
            What to send, as JSON; or else `data`.
        data
            What to send, as it is.
        content_type
            Of `data`.

        Raises
        ------
        AnsweredError
            The server refuses: see its status and Central's own code.
        SourceError
            Anything else. Unless it says so, the server may have done it.
        """
        given = {**(headers or {}), **({"Content-Type": content_type} if content_type else {})}
        content = {"json": json} if data is None else {"data": data}
        return self._try(method, lambda: self._ask(method, path, self._read_json, params, given, **content))

    # One request, and its tries.

    def _get(
        self,
        path: str,
        read: Callable[[Response], Read],
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | Callable[[], Mapping[str, str]] | None = None,
    ) -> Read:
        def ask() -> Read:
            given = headers() if callable(headers) else headers
            return self._ask("GET", path, read, params, given or {})

        return self._try("GET", ask)

    def _try(self, method: str, ask: Callable[[], Read]) -> Read:
        patience = self._patience
        for number in range(TRIES):
            try:
                return ask()
            except _PassingError as fault:
                wait = PAUSES[min(number, len(PAUSES) - 1)] if fault.wait is None else fault.wait
                if fault.wait is not None and wait > patience:
                    raise self._words.later(wait) from None
                if number == TRIES - 1 or not (method == "GET" or fault.is_undone):
                    raise fault.told from None
                wait = min(wait, patience)
                patience -= wait
            time.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _ask(
        self,
        method: str,
        path: str,
        read: Callable[[Response], Read],
        params: Mapping[str, str] | None,
        headers: Mapping[str, str],
        **content: Any,
    ) -> Read:
        with refusals.in_words(self._words, _PassingError):
            token = self._account.token()
            for is_last in (False, True):
                signed = {**headers, "Authorization": f"Bearer {token}"}
                with self._send(method, path, params, signed, content) as found:
                    if found.status_code == 401 and not is_last:
                        token = self._account.token(stale=token)
                        continue
                    self._judge(method, path, found)
                    return read(found)
        raise AssertionError("the last answer is judged")

    @contextmanager
    def _send(
        self, method: str, path: str, params: Mapping[str, str] | None, headers: dict[str, str], content: dict[str, Any]
    ) -> Iterator[Response]:
        # A redirected POST would be sent as a GET.
        with self._account.client.session.request(
            method, path, params=params, headers=headers, stream=True, allow_redirects=method == "GET", **content
        ) as found:
            yield found

    def _judge(self, method: str, path: str, found: Response) -> None:
        status = found.status_code
        if status in (200, 201, 204, 206) or (status == 304 and "If-None-Match" in found.request.headers):
            return
        if status in UNWELL:
            wait = refusals.seconds_to_wait(found)
            is_undone = wait is not None and status in (429, 503)
            raise _PassingError(self._words.unwell(status), wait=wait, is_undone=is_undone)
        if 400 <= status < 500:
            raise self._words.refused(status, refusals.code_of(found), path, is_reading=method == "GET")
        raise self._words.unwell(status) if status >= 500 else self._words.no_central()

    # Reading an answer.

    def _read_json(self, response: Response) -> Any:
        if response.status_code == 204:
            return None
        return response.json()

    def _expect_file(self, response: Response) -> None:
        """Refuse a web page in place of a file, and a file whose end could not be told from a break."""
        headers = response.headers
        # An attachment may be a web page of its own; Central then says that it is an attachment.
        if "html" in headers.get("Content-Type", "") and "Content-Disposition" not in headers:
            raise _PassingError(self._words.no_central())
        if "Content-Length" not in headers and "chunked" not in headers.get("Transfer-Encoding", ""):
            raise _PassingError(self._words.broke_off("no length"))

    @staticmethod
    def _unless_gone(get: Callable[[], Read]) -> Read | None:
        try:
            return get()
        except AnsweredError as error:
            if error.status == 404:
                return None
            raise

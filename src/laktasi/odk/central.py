"""ODK Central: a plain full pull of one form, through pyodk.

Every published version of the form with its media, and every version of every submission, exact XML and attachments. An
edit made in Central or in Collect names the version it replaces, as it does in a phone's folder; so both doors give the
same record, and the store knows a version it has by form, instance and hash.

pyodk's own cache of session tokens is not used (it is readable by everyone and knows neither server nor user): the
token stays in memory. Its retries and timeouts are mounted for http too, where it has none.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from laktasi.errors import SourceError
from laktasi.odk.envelope import MAX_BYTES, RefusedError, read_envelope
from laktasi.odk.files import check_name, printable
from laktasi.records import Attachment, FieldedForm, Refused, Status, Submission
from laktasi.settings import CentralSettings

if TYPE_CHECKING:
    from pyodk.client import Client

Item = Submission | Refused | FieldedForm
Progress = Callable[[str, int, int | None], None]

TIMEOUT = (10, 60)
"""Seconds to connect, and to wait for the next bytes."""
RETRIES = 2
RETRY_AFTER = (429, 502, 503, 504)
"""Not 500: Central answers it to mistakes of the client."""
MAX_MEDIA_BYTES = 64 * 2**20
CHUNK = 1 << 20
NO_VERSION = "___"
"""How Central's addresses write a form version that is empty."""


def source_of(settings: CentralSettings) -> str:
    """Give the source's name in the warehouse: ``central:<host>/<project>``."""
    parts = urlsplit(settings.url)
    port = f":{parts.port}" if parts.port else ""
    return f"central:{parts.hostname}{port}/{settings.project}"


def fetch_all(settings: CentralSettings, *, progress: Progress | None = None) -> Iterator[Item]:
    """Read one form from Central, whole: its versions first, then its submissions, the oldest first.

    Submissions that were deleted on the server are not given. Files of an item are there until the next item is asked
    for.

    Parameters
    ----------
    settings
        Server, project and form. Where it has no user name and password, pyodk's own configuration is read, and used
        only if it is for the same server.
    progress
        Called with what is being done, how many submissions were read, and how many there are.

    Raises
    ------
    SourceError
        The server cannot be reached, refuses the user, has no such form, or answers as no Central does. What was given
        before stands: a later pull gives it again, and lands it once.
    """
    server = _Server(settings)
    yield from _forms(server)
    listed = server.table(f"{server.form}.svc/Submissions")
    for number, row in enumerate(reversed(listed), start=1):
        yield from _submission(server, row)
        if progress:
            progress(f"pulling from {server.host}", number, len(listed))


def _forms(server: _Server) -> Iterator[Item]:
    for version in reversed(server.entries(f"{server.form}/versions", "version")):
        place = f"{server.form}/versions/{server.quote(str(version['version'] or NO_VERSION))}"
        xform = server.document(f"{place}.xml")
        media = {}
        for file in server.entries(f"{place}/attachments", "name", "exists"):
            name = str(file["name"])
            try:
                check_name(name)
                content = server.content(f"{place}/attachments/{server.quote(name)}") if file["exists"] else None
            except RefusedError as refusal:
                yield Refused(Path(), f"{server.source}/{printable(name)}", refusal.reason)
                continue
            if content is not None:
                media[name] = content
        if xform is not None:
            yield FieldedForm(xform=xform, media=media, source=server.source)


def _submission(server: _Server, row: dict[str, Any]) -> Iterator[Item]:
    root, system = str(row["__id"]), row["__system"]
    place = f"{server.form}/submissions/{server.quote(root)}/versions"
    if system["edits"]:
        versions = [
            (str(version["instanceId"]), version["createdAt"], True)
            for version in reversed(server.entries(place, "instanceId", "createdAt"))
        ]
    else:
        # The usual case: what the table says is enough, and saves two requests a submission.
        versions = [(root, system["submissionDate"], bool(system["attachmentsPresent"]))]
    for instance_id, created_at, has_files in versions:
        with tempfile.TemporaryDirectory(prefix="laktasi-") as scratch:  # mode 0700
            yield from _version(
                server, f"{place}/{server.quote(instance_id)}", instance_id, created_at, has_files, scratch
            )


def _version(
    server: _Server, place: str, instance_id: str, created_at: str, has_files: bool, scratch: str
) -> Iterator[Item]:
    payload = server.document(f"{place}.xml")
    if payload is None:
        return  # deleted since it was listed
    name = f"{server.source}/{printable(instance_id)}.xml"
    try:
        envelope = read_envelope(payload, known_as=instance_id)
    except RefusedError as refusal:
        path = Path(scratch) / "refused"
        path.write_bytes(payload)
        yield Refused(path, name, refusal.reason)
        return
    attachments = []
    for number, file in enumerate(server.entries(f"{place}/attachments", "name", "exists") if has_files else []):
        if not file["exists"]:
            continue
        try:
            check_name(str(file["name"]))
        except RefusedError as refusal:
            yield Refused(Path(), f"{name}/{printable(str(file['name']))}", refusal.reason)
            continue
        # A neutral name on this disk, whatever the attachment is called.
        path = Path(scratch) / str(number)
        if server.download(f"{place}/attachments/{server.quote(file['name'])}", path):
            attachments.append(Attachment(str(file["name"]), path))
    yield Submission(
        form_id=envelope.form_id,
        form_version=envelope.form_version,
        instance_id=envelope.instance_id,
        deprecated_id=envelope.deprecated_id,
        payload=payload,
        status=Status.FINALISED,  # Central takes in nothing else
        source=server.source,
        changed_at=datetime.fromisoformat(created_at).astimezone(UTC),
        attachments=tuple(attachments),
    )


class _Server:
    """One form on one server: requests that answer, or say in words why not."""

    def __init__(self, settings: CentralSettings) -> None:
        self.host = urlsplit(settings.url).hostname or settings.url
        self.source = source_of(settings)
        self.form = f"projects/{settings.project}/forms/{self.quote(settings.form)}"
        self._settings = settings
        self._client = _client(settings, self.host)

    @staticmethod
    def quote(part: str) -> str:
        from pyodk._utils.session import Session

        return str(Session.urlquote(part))

    def table(self, path: str) -> list[dict[str, Any]]:
        """Read ids and ``__system`` of an OData table; Central gives all its rows in one answer."""
        answer = self._json(path, {"$select": "__id,__system"})
        if not isinstance(answer, dict) or answer.get("@odata.nextLink"):
            raise self._no_central()
        rows = self._rows(answer.get("value"), "__id", "__system")
        self._rows([row["__system"] for row in rows], "submissionDate", "edits", "attachmentsPresent")
        return rows

    def entries(self, path: str, *keys: str) -> list[dict[str, Any]]:
        """Read a list of objects that have at least these keys."""
        return self._rows(self._json(path, {}), *keys)

    def _rows(self, answer: Any, *keys: str) -> list[dict[str, Any]]:
        if not isinstance(answer, list) or not all(isinstance(row, dict) and row.keys() >= {*keys} for row in answer):
            raise self._no_central()
        return answer

    def document(self, path: str) -> bytes | None:
        """Read an XML document; None where it is gone."""
        with self._get(path, {}, may_be_gone=True) as response:
            if response is None:
                return None
            if "html" in response.headers.get("Content-Type", ""):
                raise self._no_central()
            return self._read(response, MAX_BYTES + 1)  # one too many: the envelope's reader then refuses it

    def content(self, path: str) -> bytes | None:
        """Read a form's media file; None where it is gone."""
        with self._get(path, {}, may_be_gone=True) as response:
            if response is None:
                return None
            content = self._read(response, MAX_MEDIA_BYTES + 1)
        if len(content) > MAX_MEDIA_BYTES:
            raise RefusedError(f"larger than {MAX_MEDIA_BYTES >> 20} MB")
        return content

    def download(self, path: str, target: Path) -> bool:
        """Write an attachment to a file; False where it is gone."""
        with self._get(path, {}, may_be_gone=True) as response:
            if response is None:
                return False
            with target.open("wb") as file:
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)
        return True

    @staticmethod
    def _read(response: Any, limit: int) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(CHUNK):
            content += chunk
            if len(content) >= limit:
                break
        return bytes(content[:limit])

    def _json(self, path: str, parameters: dict[str, str]) -> Any:
        with self._get(path, parameters) as response:
            return response.json()

    @contextmanager
    def _get(self, path: str, parameters: dict[str, str], *, may_be_gone: bool = False) -> Iterator[Any]:
        with self._in_words():
            response = self._client.get(path, params=parameters, stream=True)
            if response.status_code == 401:
                # The session has ended; pyodk keeps its token for ever unless it is taken away.
                response.close()
                self._client.session.headers.pop("Authorization", None)
                response = self._client.get(path, params=parameters, stream=True)
            with response:
                if response.status_code == 404 and may_be_gone:
                    yield None
                    return
                if response.status_code != 200:
                    raise self._refusal(response.status_code)
                yield response

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        # `from None`: what these errors carry may quote the server's answer, and with it a person's data or a secret.
        from pyodk.errors import PyODKError
        from requests import exceptions

        try:
            yield
        except exceptions.JSONDecodeError:
            raise self._no_central() from None
        except PyODKError as error:  # it logs in by itself, and raises this when that fails
            status = getattr(error.args[1] if len(error.args) > 1 else None, "status_code", None)
            raise (self._refusal(status) if status and status != 404 else self._no_central()) from None
        except exceptions.SSLError:
            raise SourceError(
                f"{self.host} cannot prove who it is",
                why="Its certificate is not valid, or something on the way answers in its place.",
                next_step="check the url and this machine's clock; on a network with a login page, log in first",
            ) from None
        except (exceptions.MissingSchema, exceptions.InvalidSchema, exceptions.InvalidURL):
            raise SourceError(
                f"{self._settings.url!r} is no address of a server",
                next_step="set central.url in laktasi.toml to one like https://central.example.org",
            ) from None
        except exceptions.RequestException as error:
            raise SourceError(
                f"{self.host} cannot be reached, or broke off ({type(error).__name__})",
                why="What has landed before stays, and a run goes on with it.",
                next_step="connect to the network, and run again: laktasi run",
            ) from None

    def _refusal(self, status: int) -> SourceError:
        if status == 401:
            return SourceError(
                f"{self.host} does not accept the user name or password",
                next_step="set LAKTASI_CENTRAL__EMAIL and LAKTASI_CENTRAL__PASSWORD in the environment, and run again",
            )
        if status == 403:
            return SourceError(
                f"this user may not read project {self._settings.project} on {self.host}",
                next_step="ask the server's administrator for the role Project Viewer in this project",
            )
        if status == 404:
            return SourceError(
                f"{self.host} has no form {self._settings.form!r} in project {self._settings.project}",
                next_step="check central.project and central.form in laktasi.toml (both stand in the form's address)",
            )
        return SourceError(
            f"{self.host} answers with HTTP status {status}",
            why="The server is not well, or something on the way answers in its place.",
            next_step="run again later: laktasi run",
        )

    def _no_central(self) -> SourceError:
        return SourceError(
            f"{self.host} does not answer as ODK Central does",
            why="It sent a web page or something else where data should be: another site, or a network's login page.",
            next_step="open the server's address in a browser and look; check central.url in laktasi.toml",
        )


def _client(settings: CentralSettings, host: str) -> Client:
    from pyodk._utils.config import CentralConfig, Config
    from pyodk._utils.session import Adapter, Session
    from pyodk.client import Client
    from urllib3.util import Retry

    # pyodk logs an error before it raises it, with the server's answer, which may repeat the password; we say it once.
    logging.getLogger("pyodk").setLevel(logging.CRITICAL)
    email, password = _credentials(settings, host)
    session = Session(settings.url, "v1", email, password, cache_path=None)
    retry = Retry(total=RETRIES, backoff_factor=1, status_forcelist=RETRY_AFTER)
    for scheme in ("https://", "http://"):
        session.mount(scheme, Adapter(timeout=TIMEOUT, max_retries=retry))
    return Client(config=Config(CentralConfig(settings.url, email, password)), session=session)


def _credentials(settings: CentralSettings, host: str) -> tuple[str, str]:
    if settings.email and settings.password:
        return settings.email, settings.password.get_secret_value()
    from pyodk._utils.config import get_config_path, objectify_config, read_toml
    from pyodk.errors import PyODKError

    path = get_config_path()
    try:
        central = objectify_config(read_toml(path)).central if path.exists() else None
    except (PyODKError, KeyError, TypeError, ValueError):
        central = None
    # A password is for one server: never send it to another.
    if central is None or urlsplit(central.base_url).hostname != host:
        raise SourceError(
            f"no user name and password for {host}",
            why=f"Neither the environment nor pyodk's configuration ({path.name}) has them for this server.",
            next_step="set LAKTASI_CENTRAL__EMAIL and LAKTASI_CENTRAL__PASSWORD in the environment",
        )
    return str(central.username), str(central.password)

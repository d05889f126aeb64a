"""What is said where a Central does not give what was asked: in words, and never with what it answered.

What these errors carry may quote the server's answer, and with it a person's data or a secret; so each is raised
``from None``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

from laktasi.errors import SourceError

if TYPE_CHECKING:
    from requests import RequestException, Response

VARIABLES = (
    "LAKTASI_CENTRAL__EMAIL and LAKTASI_CENTRAL__PASSWORD in the environment"
    " (LAKTASI_CENTRAL__NAME__EMAIL and …__PASSWORD for a source that is called name)"
)
AGAIN = "run the same command again later"
OF_MANAGERS = ("app-users", "assignments")
"""What Central shows to a project's managers only."""


class AnsweredError(SourceError):
    """Central understood, and refuses: there is no such thing, this account may not, or something is in the way."""

    def __init__(self, what: str, status: int, code: float | None, *, why: str = "", next_step: str = "") -> None:
        super().__init__(what, why=why, next_step=next_step)
        self.status = status
        """HTTP's."""
        self.code = code
        """Central's own, 409.3 for example; None where it gives none."""


@dataclass(frozen=True, slots=True)
class Words:
    """The texts for one project on one server."""

    host: str
    project: int

    def refused(self, status: int, code: float | None, path: str, *, is_reading: bool) -> AnsweredError:
        """Say why an answer is a 4xx."""
        thing = self._thing(path)
        if status == 401:
            return AnsweredError(
                f"{self.host} does not accept the user name or password", status, code, next_step=f"set {VARIABLES}"
            )
        if status == 403:
            doing = "read" if is_reading else "change"
            role = "Viewer" if is_reading and not _is_of_managers(path) else "Manager"
            return AnsweredError(
                f"this user may not {doing} {thing} on {self.host}",
                status,
                code,
                next_step=f"ask the server's administrator for the role Project {role} in project {self.project}",
            )
        if status == 404:
            return AnsweredError(
                f"{self.host} has no {thing}, or not what was asked of it",
                status,
                code,
                next_step="check the central part of laktasi.toml (project and form stand in the form's address)",
            )
        central = "" if code is None else f" ({code})"
        return AnsweredError(
            f"{self.host} refuses what was asked of {thing}: status {status}{central}",
            status,
            code,
            next_step="see docs/central.md; if it does not say, this is a fault of laktasi",
        )

    def unwell(self, status: int) -> SourceError:
        """Say that an answer is a 5xx, or that there were too many requests."""
        return SourceError(
            f"{self.host} answers with HTTP status {status}",
            why="The server is not well, or something on the way answers in its place.",
            next_step=AGAIN,
        )

    def later(self, seconds: float) -> SourceError:
        """Say when the server wants to be asked again, if that is later than anyone waits."""
        with suppress(OverflowError):
            when = (datetime.now(UTC) + timedelta(seconds=seconds)).astimezone()
            return SourceError(
                f"{self.host} has too much to do, and asks not to be asked before {when:%Y-%m-%d %H:%M}",
                next_step="run the same command again after that",
            )
        return SourceError(f"{self.host} asks to wait for longer than there are years", next_step=AGAIN)

    def no_central(self) -> SourceError:
        """Say that this cannot be a Central."""
        return SourceError(
            f"{self.host} does not answer as ODK Central does",
            why="It sent a web page or something else where data should be: another site, or a network's login page.",
            next_step="open the server's address in a browser and look; check central.url in laktasi.toml",
        )

    def broke_off(self, how: str) -> SourceError:
        """Say that there is no connection, or that it did not last."""
        return SourceError(
            f"{self.host} cannot be reached, or broke off ({how})",
            why="What was done before stays as it is.",
            next_step="connect to the network, then run the same command again: it goes on where this one stopped",
        )

    def unproven(self) -> SourceError:
        """Say that the server is not who it should be."""
        return SourceError(
            f"{self.host} cannot prove who it is",
            why="Its certificate is not valid, or something on the way answers in its place.",
            next_step="check the url and this machine's clock; on a network with a login page, log in first",
        )

    def no_address(self) -> SourceError:
        """Say that the address is none."""
        return SourceError(
            f"{self.host} is no address of a server",
            next_step="set central.url in laktasi.toml to one like https://central.example.org",
        )

    def _thing(self, path: str) -> str:
        if _is_of_managers(path):
            return f"the app users of project {self.project}"
        parts = [unquote(part) for part in path.split("/")]
        for folder, name in (("forms", "form"), ("datasets", "entity list")):
            if folder in parts[:-1]:
                found = parts[parts.index(folder) + 1].removesuffix(".svc")
                return f"{name} {found!r} in project {self.project}"
        return f"project {self.project}"


def _is_of_managers(path: str) -> bool:
    return path.split("/")[2:3] in ([folder] for folder in OF_MANAGERS)


@contextmanager
def in_words(words: Words, passing: Callable[..., Exception]) -> Iterator[None]:
    """Turn what requests and pyodk raise into our errors; `passing` is made of what may be gone at the next try."""
    from pyodk.errors import PyODKError
    from requests import exceptions

    try:
        yield
    except exceptions.JSONDecodeError:
        raise passing(words.no_central()) from None
    except PyODKError as error:  # it logs in by itself, and raises this when that fails
        found = error.args[1] if len(error.args) > 1 else None
        raise _login_failed(words, found, passing) from None
    except exceptions.SSLError:
        raise words.unproven() from None
    except (exceptions.MissingSchema, exceptions.InvalidSchema, exceptions.InvalidURL):
        raise words.no_address() from None
    except exceptions.RequestException as error:
        raise passing(words.broke_off(type(error).__name__), is_undone=_was_never_sent(error)) from None


def _login_failed(words: Words, found: Response | None, passing: Callable[..., Exception]) -> Exception:
    status = getattr(found, "status_code", None)
    if found is None or status is None or status == 404:
        return words.no_central()
    if status in (429, 502, 503, 504):
        # Nothing was asked yet but to be let in.
        return passing(words.unwell(status), wait=seconds_to_wait(found), is_undone=True)
    if status >= 500:
        return words.unwell(status)
    return words.refused(401, code_of(found), "", is_reading=True)


def _was_never_sent(error: RequestException) -> bool:
    from requests.exceptions import ConnectTimeout
    from urllib3.exceptions import NewConnectionError

    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, ConnectTimeout) or isinstance(reason, NewConnectionError)


def seconds_to_wait(found: Response) -> float | None:
    """Read Retry-After: seconds, or a time by the server's own clock. None where there is none, or it is neither."""
    text = found.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    with suppress(ValueError, TypeError):
        now = parsedate_to_datetime(found.headers["Date"]) if "Date" in found.headers else datetime.now(UTC)
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    return None


def code_of(found: Response) -> float | None:
    """Read Central's own code of an error, and nothing else of the answer."""
    with suppress(ValueError, TypeError, KeyError, OSError):
        return float(found.json()["code"])
    return None

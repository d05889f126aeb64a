"""What people have been told, and the messages that wait to be sent: one small private file in the data folder.

Told and waiting stand in one file, which is replaced whole. So whatever is killed, an event is either still to be told
or has its message waiting here, never both and never neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from filelock import FileLock

from laktasi.durable import write_whole
from laktasi.paths import DataFolder

PATIENCE_SECONDS = 60
KEPT_FOR = timedelta(days=30)
"""A message that could not be sent for so long is given up: what it tells has long been seen elsewhere."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that waits for some addresses."""

    message_id: str
    """Stands in the subject: whoever gets a message twice sees by it that it is one."""
    made_at: str
    """ISO 8601, UTC."""
    kinds: tuple[str, ...]
    """What it tells of, see :data:`laktasi.settings.Matter`."""
    keys: tuple[str, ...]
    """Of what it tells and would be told again after a while: not while this one waits."""
    subject: str
    body: str
    to: tuple[str, ...]
    """Keys of the addresses that have not got it yet."""


@dataclass(slots=True)
class State:
    """What people have been told, and what waits."""

    told_until: dict[str, str] = field(default_factory=dict)
    """By kind of finding: the moment in the ledger of findings up to which all has been told (ISO 8601)."""
    told_at: dict[str, str] = field(default_factory=dict)
    """By key: when it was last told of what lasts, such as a failure that comes every hour (ISO 8601, UTC)."""
    summary_at: str | None = None
    """When the last summary was made (ISO 8601, UTC)."""
    summary_day: str | None = None
    """And on which day, here."""
    looked_since: str | None = None
    """Since when backups are looked for (ISO 8601, UTC): one that was never made is too old after a while."""
    made: list[str] = field(default_factory=list)
    """When messages were made, in the last day."""
    waiting: list[Message] = field(default_factory=list)


class Outbox:
    """The file, and the two locks beside it: one for changing it, one for sending."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder.messages
        self._path = self._folder / "messages.json"

    @contextmanager
    def changing(self) -> Iterator[State]:
        """Hold the file; what was changed in the state is written at the end, if the block ends well.

        Raises
        ------
        OSError
            The folder or the file cannot be written: the disk is full, say.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(self._folder / "lock", timeout=PATIENCE_SECONDS, thread_local=False):
            state = self._read()
            before = asdict(state)
            yield state
            if asdict(state) != before:
                self._write(state)

    def read(self) -> State:
        """Give the state as it is; an empty one where there is none."""
        return self._read()

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Hold the right to send: of two at once, each would send the other's messages too.

        Raises
        ------
        TimeoutError
            Another process goes on sending.
        """
        with FileLock(self._folder / "sending.lock", timeout=PATIENCE_SECONDS, thread_local=False):
            yield

    def delivered(self, message_id: str, address: str) -> None:
        """Remember that an address has got a message."""
        with self.changing() as state:
            state.waiting = [
                left
                for message in state.waiting
                for left in ([_without(message, address)] if message.message_id == message_id else [message])
                if left.to
            ]

    def tidy(self, addresses: tuple[str, ...], now: datetime) -> list[Message]:
        """Give up what is too old, or waits only for addresses that are no longer there; give what was given up."""
        if not self._path.exists():
            return []
        with self.changing() as state:
            kept, given_up = [], []
            for message in state.waiting:
                to = tuple(key for key in message.to if key in addresses)
                is_old = now - datetime.fromisoformat(message.made_at) > KEPT_FOR
                if to and not is_old:
                    kept.append(message if to == message.to else Message(**{**asdict(message), "to": to}))
                else:
                    given_up.append(message)
            state.waiting = kept
        return given_up

    def _read(self) -> State:
        """Read the file. One that is torn counts as none: then what is open is told again, rather than never."""
        try:
            found: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
            waiting = [Message(**{**one, **_tuples(one)}) for one in found.pop("waiting")]
            return State(**found, waiting=waiting)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return State()

    def _write(self, state: State) -> None:
        write_whole(self._path, json.dumps(asdict(state), ensure_ascii=False, indent=1))


def _tuples(one: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(one[name]) for name in ("kinds", "keys", "to")}


def _without(message: Message, address: str) -> Message:
    return Message(**{**asdict(message), "to": tuple(key for key in message.to if key != address)})

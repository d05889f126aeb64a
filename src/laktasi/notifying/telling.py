"""The way of a message: written, put down beside what has been told, sent, and remembered as sent."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filelock import Timeout

from laktasi.errors import LaktasiError
from laktasi.notifying.addresses import Address, Unusable, Work, read_addresses, send, send_all
from laktasi.notifying.composing import Backup, Composer, finished, remember
from laktasi.notifying.facts import Facts, read_facts
from laktasi.notifying.outbox import Message, Outbox, State
from laktasi.notifying.texts import said
from laktasi.study import read_study

if TYPE_CHECKING:
    from laktasi.settings import Settings

SECONDS = 60.0
"""How long all addresses together may take. What is late waits for the next run."""
_LOG = logging.getLogger("laktasi.notifying")


def tell(settings: Settings, run_id: str | None, error: Exception | None, *, is_guessed: bool = False) -> None:
    """Write the message of a run, if there is one, and send it with all that waits.

    Parameters
    ----------
    is_guessed
        The settings could not be read: nothing is made where the data folder may not be.
    """
    addresses = _addresses(settings)
    if not addresses:  # then nothing is noted as told either
        return
    outbox = Outbox(settings.data_folder)
    to = tuple(address.key for address in addresses)
    try:
        if not settings.data_folder.root.exists():
            if is_guessed:
                raise FileNotFoundError(settings.data_folder.root)
            settings.data_folder.make()
        with outbox.changing() as state:
            facts = read_facts(settings, run_id, state.told_until, state.summary_at)
            message = _write(settings, state, facts, error, to)
    except (OSError, Timeout, LaktasiError) as why:
        if error is None:  # nothing is lost: the next run tells
            _LOG.warning("what people have been told cannot be written down: %s", type(why).__name__)
            return
        # The disk is full, say: better told again with the next run than not at all.
        _LOG.warning("what people are told now cannot be written down: %s", type(why).__name__)
        # Of the rest, everything would be news.
        unremembered = _write(settings, State(), None, error, to)
        if unremembered is not None:
            _say(addresses, send_all(addresses, _sending(unremembered), SECONDS))
        return
    if message is not None:
        _LOG.info("message %s: %s", message.message_id, ", ".join(message.kinds))
    _deliver(outbox, addresses)


def flush(settings: Settings) -> None:
    """Send what waits, and write nothing new."""
    outbox = Outbox(settings.data_folder)
    if outbox.read().waiting and (addresses := _addresses(settings)):
        _deliver(outbox, addresses)


def test(settings: Settings) -> tuple[list[tuple[Address, str | None]], list[Unusable]]:
    """Send a test message to every address; give what came of each, and the addresses that cannot be used."""
    addresses, unusable = read_addresses(settings.notify.to)
    message_id = _new_id()
    language = settings.language
    matters = ", ".join(said(f"matter.{matter}", language) for matter in settings.notify.on)
    message = Message(
        message_id=message_id,
        made_at=datetime.now(UTC).isoformat(),
        kinds=("test",),
        keys=(),
        subject=f"[laktasi] {_name(settings)}: {said('test.head', language)} #{message_id}",
        body=said("test", language, matters=matters) + "\n",
        to=(),
    )
    results = send_all(addresses, _sending(message), SECONDS)
    return [(address, results[address.key]) for address in addresses], unusable


@dataclass(frozen=True, slots=True)
class Shown:
    """What would be sent, to whom."""

    addresses: Sequence[Address]
    unusable: Sequence[Unusable]
    waiting: Sequence[Message]
    message: Message | None
    """What a run that ended now would tell."""


def show(settings: Settings) -> Shown:
    """Say what would be sent if a run ended well now. Nothing is sent, and nothing counts as told."""
    addresses, unusable = read_addresses(settings.notify.to)
    state = Outbox(settings.data_folder).read()
    facts = read_facts(settings, None, state.told_until, state.summary_at)
    if facts is not None:
        facts = replace(facts, is_published=facts.published_at is not None)
    message = _write(settings, deepcopy(state), facts, None, ())
    return Shown(addresses, unusable, state.waiting, message)


def _addresses(settings: Settings) -> list[Address]:
    addresses, unusable = read_addresses(settings.notify.to)
    for one in unusable:
        _LOG.warning("address %d of LAKTASI_NOTIFY__TO is not used: %s", one.number, one.why)
    return addresses


def _write(
    settings: Settings, state: State, facts: Facts | None, error: Exception | None, to: tuple[str, ...]
) -> Message | None:
    now = datetime.now(UTC)
    composer = Composer(settings, state, now)
    draft = composer.write(facts, error, _backup(settings, state, now))
    if draft is None:
        return None
    message = finished(draft, settings, _name(settings), _new_id(), now, to)
    remember(draft, message, state, now)
    return message


def _backup(settings: Settings, state: State, now: datetime) -> Backup | None:
    """Say how old the newest backup is; None where the settings name no place for backups."""
    from laktasi.backing_up import newest_backup

    if settings.backup.folder is None:
        return None
    state.looked_since = state.looked_since or now.isoformat()
    newest = newest_backup(settings.data_folder)
    return Backup(newest[0] if newest else datetime.fromisoformat(state.looked_since), newest is not None)


def _name(settings: Settings) -> str:
    try:
        study = read_study(settings.folders.study)
    except LaktasiError:
        study = None
    return study.name if study else settings.project.name


def _new_id() -> str:
    return secrets.token_hex(4)


def _deliver(outbox: Outbox, addresses: Sequence[Address]) -> None:
    """Send what waits, to all addresses side by side, the oldest message first."""
    for given_up in outbox.tidy(tuple(address.key for address in addresses), datetime.now(UTC)):
        _LOG.warning("message %s is given up: nobody could be sent it", given_up.message_id)
    if not outbox.read().waiting:
        return

    def work(address: Address, over: threading.Event) -> str | None:
        for message in outbox.read().waiting:
            if address.key not in message.to:
                continue
            if over.is_set():
                return None
            if why := send(address, message.subject, message.body, is_urgent=message.kinds != ("daily",)):
                return why
            outbox.delivered(message.message_id, address.key)
        return None

    with outbox.sending():
        _say(addresses, send_all(addresses, work, SECONDS))


def _sending(message: Message) -> Work:
    return lambda address, _over: send(address, message.subject, message.body, is_urgent=True)


def _say(addresses: Iterable[Address], results: dict[str, str | None]) -> None:
    for address in addresses:
        if why := results[address.key]:
            _LOG.warning("no message to %s: %s; it goes with a later run", address.shown, why)

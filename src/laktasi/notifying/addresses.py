"""The addresses that messages go to, and the sending: Apprise, kept from doing anything that was not asked for.

What it was shown to do and is told not to: name a picture on its own site in messages, so that whoever shows them
fetches it; follow a redirect, which would carry a token elsewhere; make keys for PGP. It reads no configuration of the
user's and loads no plugins from elsewhere unless told to, and is not told to. Imported only where something is sent.
"""

from __future__ import annotations

import copy
import hashlib
import ipaddress
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
from apprise.plugins.email.base import NotifyEmail

if TYPE_CHECKING:
    from pydantic import SecretStr

CONNECT_SECONDS = 15.0
READ_SECONDS = 30.0
"""Apprise's own 4 s are short for a village's network."""

_LOGGER = logging.getLogger("apprise")
# Its lines name whole addresses; what they tell is told in our words.
_LOGGER.propagate = False


def _asset() -> AppriseAsset:
    asset = AppriseAsset(storage_mode="memory", secure_logging=True)
    asset.app_id = asset.app_desc = "laktasi"
    asset.app_url = asset.image_url_mask = asset.image_url_logo = ""
    asset.http_redirects = asset.pgp_autogen = asset.pem_autogen = False
    return asset


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message goes: one person's mailbox, or one chat."""

    key: str
    """Tells it from the others, whatever their order; made without the password or token."""
    shown: str
    """What a person may read of it."""
    service: Any
    """Of Apprise."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """What stands among the addresses and cannot be used."""

    number: int
    """Its place among the addresses, from 1: it cannot be shown."""
    why: str


def read_addresses(given: SecretStr | None) -> tuple[list[Address], list[Unusable]]:
    """Read the addresses: Apprise's URLs, with white space between them.

    An address of mail with several recipients is several addresses: what one of them refuses must not come to the
    others twice.

    Returns
    -------
    tuple
        Those that can be used, and what is wrong with the others.
    """
    found: list[Address] = []
    unusable = []
    for number, url in enumerate(given.get_secret_value().split() if given else [], start=1):
        service = Apprise.instantiate(url, asset=_asset()) if "://" in url else None
        if service is None:
            unusable.append(Unusable(number, "it is no address that Apprise understands; see docs/notifications.md"))
        elif why := _unsafe(url.partition("://")[0].lower(), service):
            unusable.append(Unusable(number, why))
        else:
            found += _single(service)
    same = Counter(one.shown for one in found)
    seen: Counter[str] = Counter()
    keys: Counter[str] = Counter()
    addresses = []
    for one in found:
        keys[one.key] += 1
        if isinstance(one.service, NotifyEmail) and keys[one.key] > 1:
            continue  # the same mailbox twice
        seen[one.shown] += 1
        shown = f"{one.shown} ({seen[one.shown]})" if same[one.shown] > 1 else one.shown
        # Two chats may look alike without their tokens.
        addresses.append(Address(f"{one.key}{keys[one.key] if keys[one.key] > 1 else ''}", shown, one.service))
    return addresses, unusable


def _single(service: Any) -> Iterator[Address]:
    service.socket_connect_timeout = CONNECT_SECONDS
    service.socket_read_timeout = READ_SECONDS
    if not isinstance(service, NotifyEmail):
        plain = service.url(privacy=True).partition("?")[0]
        scheme, _, rest = plain.partition("://")
        yield Address(_key(plain), f"{service.service_name} ({scheme}://{rest[:1]}…)", service)
        return
    service.notify_format = NotifyFormat.TEXT
    copied = service.cc | service.bcc
    for at, target in enumerate(service.targets):
        one = copy.copy(service)
        one.targets = [target]
        if at:  # or who is to have a copy would have one of each
            one.cc, one.bcc = set(), set()
        user, _, domain = target[1].rpartition("@")
        more = f" and {len(copied)} copied" if copied and not at else ""
        shown = f"mail to {user[:1]}…@{domain}{more} through {service.smtp_host}:{service.port}"
        yield Address(_key(f"{target[1]} {service.smtp_host}:{service.port}"), shown, one)


def _key(of: str) -> str:
    return hashlib.sha256(of.encode()).hexdigest()[:12]


def _unsafe(scheme: str, service: Any) -> str:
    """Say why an address would let a password or a message be read on the way; nothing where it would not."""
    host = getattr(service, "smtp_host", None) or service.host or ""
    if _is_here(host):
        return ""
    if not service.verify_certificate:
        return "verify=no lets anybody on the way read the password; it is taken of this machine only"
    if isinstance(service, NotifyEmail):
        is_plain = service.secure_mode == "insecure"
    else:
        # Many services know one scheme only, and mean https by it.
        is_plain = not service.secure and scheme in _names(service.protocol) and bool(_names(service.secure_protocol))
    if not is_plain:
        return ""
    secure = next(iter(_names(service.secure_protocol)))
    return f"{scheme}:// goes unencrypted, which is taken of this machine only; write {secure}://"


def _names(protocol: Any) -> tuple[str, ...]:
    return (protocol,) if isinstance(protocol, str) else tuple(protocol or ())


def _is_here(host: str) -> bool:
    name = host.strip("[]").lower()
    if name in ("localhost", "localhost.localdomain"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def send(address: Address, subject: str, body: str, *, is_urgent: bool) -> str | None:
    """Send one message; None where the service took it, else in words why it did not. Takes as long as it takes."""
    apprise = Apprise(asset=address.service.asset)
    apprise.add(address.service)
    with _listening() as heard:
        try:
            kind = NotifyType.WARNING if is_urgent else NotifyType.INFO
            if apprise.notify(body, title=subject, notify_type=kind, body_format=NotifyFormat.TEXT):
                return None
        except Exception as error:
            # A plugin of any service may raise anything; its words can hold a token.
            return f"the service's part of Apprise failed ({type(error).__name__})"
    return _in_words("\n".join(heard))


Work = Callable[[Address, threading.Event], str | None]
"""What is done with an address; gives in words what went wrong. The event is set once nobody waits any more."""


def send_all(addresses: Iterable[Address], work: Work, seconds: float) -> dict[str, str | None]:
    """Do something with all addresses side by side, for no longer than some seconds.

    Returns
    -------
    dict
        By key of the address what `work` gave.
    """
    results: dict[str, str | None] = {}
    over = threading.Event()

    def do(address: Address) -> None:
        try:
            results[address.key] = work(address, over)
        except Exception as error:
            results[address.key] = f"it could not be remembered or sent ({type(error).__name__})"

    # Daemons: a service that hangs must not keep a run from ending.
    threads = {one.key: threading.Thread(target=do, args=(one,), daemon=True) for one in addresses}
    for thread in threads.values():
        thread.start()
    until = time.monotonic() + seconds
    for thread in threads.values():
        thread.join(max(0.0, until - time.monotonic()))
    over.set()
    late = f"it did not answer within {seconds:g} seconds"
    return {key: results.get(key, late) for key in threads}


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Hear what Apprise logs in this thread: only there it says why it could not send."""
    me, heard = threading.get_ident(), []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said = record.getMessage()
            # Others quote the message itself, whose words would be taken for the reason.
            if record.thread == me and (record.levelno >= logging.WARNING or said.startswith("Socket Exception")):
                heard.append(said)

    ear = Ear(logging.DEBUG)
    _LOGGER.addHandler(ear)
    _LOGGER.setLevel(logging.DEBUG)
    try:
        yield heard
    finally:
        _LOGGER.removeHandler(ear)


_WORDS = (
    (r"certificate|wrong version number|\[SSL", "its certificate is not trusted, or it speaks no TLS on that port"),
    (r"STARTTLS extension not supported", "it does not speak STARTTLS on that port"),
    (r"\(5(30|34|35), |\(454, |[Aa]uthentication", "it does not take the user name and password"),
    (r"timed? ?out", "it did not answer in time"),
    (r"[Nn]ame or service not known|getaddrinfo|name resolution|nodename nor servname", "its name is not known here"),
    (r"[Rr]efused\b.{0,40}$|Errno 111|Errno 61|WinError 10061", "nothing answers on that port"),
    (r"unreachable|Errno 101|Errno 113", "there is no network that leads to it"),
    (r"\(55\d, |\(45\d, |\(50\d, |\(42\d, ", "it does not take a message for that recipient, or from this sender"),
    (r"closed|reset|aborted|EOF", "it broke off"),
)


def _in_words(heard: str) -> str:
    """Say why, in words of ours: those of a service can hold an address or a token."""
    for pattern, said in _WORDS:
        if re.search(pattern, heard, re.MULTILINE):
            return said
    if status := re.search(r"error=(\d{3})\b", heard):
        return f"it answered with error {status[1]}"
    return "it did not take the message"

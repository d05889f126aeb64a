"""A real SMTP server on loopback, and what it was given: for the tests of messages."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

HOST = "127.0.0.1"


@dataclass
class Post:
    """A server's mailboxes, and how it behaves."""

    port: int
    received: list[tuple[str, EmailMessage]] = field(default_factory=list)
    """Recipient and message, in the order in which they came."""
    refused: set[str] = field(default_factory=set)
    """Recipients that it does not take."""
    logins: list[Any] = field(default_factory=list)

    def address(self, to: str, *, scheme: str = "mailto", more: str = "") -> str:
        return f"{scheme}://{HOST}:{self.port}?from=laktasi@example.org&to={to}{more}"

    def texts(self, to: str | None = None) -> list[str]:
        """Give subject and body of each message, all of them or those to one recipient."""
        return [
            f"{message['Subject']}\n{message.get_content()}".replace("\r\n", "\n")
            for name, message in self.received
            if to in (None, name)
        ]

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd's
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received += [(recipient, message) for recipient in envelope.rcpt_tos]
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def open_post(port: int | None = None, *, certificate: Path | None = None) -> Iterator[Post]:
    """Run a server; with a certificate it takes nothing before STARTTLS."""
    post = Post(port or free_port())
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def log_in(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        post.logins.append(given)
        return AuthResult(success=True)

    controller = Controller(
        post,
        hostname=HOST,
        port=post.port,
        tls_context=context,
        require_starttls=certificate is not None,
        authenticator=log_in,
    )
    controller.start()
    try:
        yield post
    finally:
        controller.stop()


def self_signed(folder: Path) -> Path:
    """Make a certificate for loopback that nobody vouches for."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "loopback.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path

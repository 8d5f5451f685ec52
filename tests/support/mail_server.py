"""Real mail servers on loopback, and a certificate that they can show.

``MailBox`` is a whole SMTP server (aiosmtpd) that keeps what it takes and can be told to refuse;
``broken_server`` speaks so much of the protocol as it is given, and then falls silent or hangs up.
"""

from __future__ import annotations

import contextlib
import datetime
import email
import email.policy
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class MailBox:
    """Keeps mails, and refuses what it is told to."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.answers: dict[str, str] = {}
        """Recipient -> answer to RCPT."""
        self.data_answers: list[str] = []
        """Answers to the next messages; then all are taken."""
        self.is_encrypted: list[bool] = []
        self.logins: list[tuple[bytes, bytes]] = []

    @property
    def mails(self) -> list[EmailMessage]:
        parsed = []
        for envelope in self.taken:
            assert isinstance(envelope.content, bytes)
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            parsed.append(message)
        return parsed

    @property
    def recipients(self) -> list[str]:
        return [one for envelope in self.taken for one in envelope.rcpt_tos]

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.data_answers:
            answer = self.data_answers.pop(0)
            if not answer.startswith("2"):
                return answer
        self.is_encrypted.append(session.ssl is not None)
        self.taken.append(envelope)
        return "250 taken"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)


@contextmanager
def mail_server(box: MailBox, **options: Any) -> Iterator[int]:
    """Run a server for a mail box; yields its port. ``options`` are aiosmtpd's."""
    controller = Controller(
        box, hostname="127.0.0.1", port=0, ready_timeout=10, server_hostname="box", **options
    )
    with socket.socket() as probe:
        # aiosmtpd connects to its own port to see whether it runs, so it must be known before.
        probe.bind(("127.0.0.1", 0))
        controller.port = probe.getsockname()[1]
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def broken_server(*lines: bytes, hang_seconds: float = 0, drip: bytes = b"") -> Iterator[int]:
    """Answer each line of a client with the next of ``lines`` (the first unasked), then no more.

    With ``hang_seconds`` it keeps the connection open so long and says nothing. While it is in a
    message it answers only the end of it. ``drip`` follows without end.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    stopping = threading.Event()

    def serve() -> None:
        while not stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as reader:
                is_in_message = False
                for line in lines:
                    connection.sendall(line + b"\r\n")
                    is_in_message = line.startswith(b"354")
                    while (got := reader.readline()) and is_in_message and got != b".\r\n":
                        pass
                    if not got:
                        break
                with contextlib.suppress(OSError):
                    while drip and not stopping.wait(0.05):
                        connection.sendall(drip)
                stopping.wait(hang_seconds)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stopping.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for 127.0.0.1 that nobody knows.

    Return its file and a server's context.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "box")])
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "box.pem", folder / "box.key"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context

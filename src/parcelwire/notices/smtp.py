"""Hands mails to a mail server: the standard library's SMTP, in a thread, with time limits.

What an answer means is for the caller to act on; the line between "not taken" and "nobody knows"
is drawn where the end of the message was sent: from then on the server may have it, so it is never
sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import smtplib
import ssl
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from parcelwire.domain.redaction import SecretMask
from parcelwire.notices.addresses import one_line
from parcelwire.notices.posting import Mail
from parcelwire.notices.settings import MailServer
from parcelwire.notices.smtp_client import Client, Exchange, TlsClient

STEPS: Final = 6
"""A whole conversation may take so many times what one step of it may."""
_LINE_START_DOT: Final = re.compile(rb"(?m)^\.")
_ADDRESS: Final = re.compile(r"[^\s<>]+@[^\s<>]+")


class Result(StrEnum):
    """What became of a mail."""

    SENT = "sent"
    REFUSED = "refused"
    """For good: a 5xx answer."""
    LATER = "later"
    """Not now: a 4xx answer, or the server could not be spoken to."""
    UNKNOWN = "unknown"
    """The connection broke when the whole mail had gone out: perhaps it was taken."""


class Delivery(msgspec.Struct, frozen=True):
    """A result and one line about it, without anybody's address."""

    result: Result
    detail: str = ""


class Mailer(Protocol):
    """Somebody who sends mails."""

    async def send(self, mail: Mail) -> Delivery:
        """Send one mail. Never raises for what a server does."""
        ...


class SmtpMailer:
    """Sends through one server, a connection a mail: notices are few, and a server's own limits on
    a connection are then none of ours.
    """

    def __init__(self, server: MailServer) -> None:
        """Prepare; nothing is connected yet.

        Raises:
            OSError: the file of authorities cannot be read.
        """
        self._server = server
        self._context = ssl.create_default_context(cafile=server.ca_file or None)
        self._mask = SecretMask([server.password])

    async def send(self, mail: Mail) -> Delivery:
        """See ``Mailer``."""
        state = Exchange()
        seconds = STEPS * self._server.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                delivery = await asyncio.to_thread(self._send, mail, state)
        except TimeoutError:
            # A server that says a little again and again never exceeds the time of a step.
            state.abort()
            result = Result.UNKNOWN if state.is_handed_over else Result.LATER
            return Delivery(result, f"{state.step}: timed out after {seconds:g} s")
        # A server may repeat what it was sent, a login included.
        return msgspec.structs.replace(delivery, detail=self._mask.text(delivery.detail))

    def _send(self, mail: Mail, state: Exchange) -> Delivery:
        try:
            self._converse(mail, state)
        except smtplib.SMTPResponseException as error:
            return _judge(error, state)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            what = one_line(str(error)) or type(error).__name__
            result = Result.UNKNOWN if state.is_handed_over else Result.LATER
            return Delivery(result, _redacted(f"{state.step}: {what}"))
        return Delivery(Result.SENT)

    def _converse(self, mail: Mail, state: Exchange) -> None:
        server = self._server
        client = self._connect(mail.sender.rpartition("@")[2], state)
        try:
            client.ehlo_or_helo_if_needed()
            if server.security == "starttls":
                # Raises when the server does not offer it: nothing goes over an open line.
                state.step = "STARTTLS"
                client.starttls(context=self._context)
                client.ehlo()
            if server.username:
                state.step = "login"
                client.login(server.username, server.password)
            state.step = "sender"
            _expect(client.mail(mail.sender), 250)
            state.step = "recipient"
            _expect(client.rcpt(mail.recipient), 250, 251)
            state.step = "message"
            _expect(client.docmd("DATA"), 354)
            body = mail.data if mail.data.endswith(b"\r\n") else mail.data + b"\r\n"
            client.send(_LINE_START_DOT.sub(b"..", body))
            state.is_handed_over = True
            client.send(b".\r\n")
            _expect(client.getreply(), 250)
            # Taken: what the server says to our farewell changes nothing.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                client.quit()
        finally:
            client.close()

    def _connect(self, own_name: str, state: Exchange) -> smtplib.SMTP:
        server = self._server
        if server.security == "tls":
            return TlsClient(
                state,
                server.host,
                server.port,
                own_name,
                timeout=server.timeout_seconds,
                context=self._context,
            )
        return Client(state, server.host, server.port, own_name, timeout=server.timeout_seconds)


def _expect(reply: tuple[int, bytes], *wanted: int) -> None:
    if reply[0] not in wanted:
        raise smtplib.SMTPResponseException(*reply)


def _judge(error: smtplib.SMTPResponseException, state: Exchange) -> Delivery:
    """Return what an answer other than yes means.

    A 5xx about recipient or message is final. Before that it is about us (a password that changed,
    a sender that may not send): the operator will mend it, and the mail is still wanted.
    """
    said = error.smtp_error
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    detail = _redacted(one_line(f"{state.step}: {error.smtp_code} {text}"))
    if error.smtp_code < 0:
        # The server hung up instead of answering.
        return Delivery(Result.UNKNOWN if state.is_handed_over else Result.LATER, detail)
    is_final = error.smtp_code >= 500 and state.step in {"recipient", "message"}
    return Delivery(Result.REFUSED if is_final else Result.LATER, detail)


def _redacted(text: str) -> str:
    return _ADDRESS.sub("…", text[:500])

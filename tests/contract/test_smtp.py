"""Mails handed to real servers on loopback: taken, refused, slow, silent, encrypted or not."""

from __future__ import annotations

import asyncio
import base64
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parcelwire.notices.posting import Mail
from parcelwire.notices.settings import MailServer
from parcelwire.notices.smtp import Delivery, Result, SmtpMailer
from tests.support.mail_server import MailBox, broken_server, mail_server, make_certificate

MAIL = Mail(
    sender="noreply@shop.example",
    recipient="jo@customer.example",
    data=b"Subject: news\r\n\r\n.dots\r\nbody\r\n.\r\nend\r\n",
)


@pytest.fixture
def box() -> MailBox:
    return MailBox()


@pytest.fixture
def port(box: MailBox) -> Iterator[int]:
    with mail_server(box) as port:
        yield port


async def send(port: int, mail: Mail = MAIL, **settings: Any) -> Delivery:
    defaults: dict[str, Any] = {"security": "none", "timeout_seconds": 2}
    server = MailServer(host="127.0.0.1", port=port, **{**defaults, **settings})
    return await SmtpMailer(server).send(mail)


async def test_a_mail_arrives_as_it_was_sent(box: MailBox, port: int) -> None:
    assert await send(port) == Delivery(Result.SENT)
    (envelope,) = box.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == (MAIL.sender, [MAIL.recipient])
    assert envelope.content == MAIL.data


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("550 5.1.1 no such user jo@customer.example", Result.REFUSED),
        ("552 5.2.2 mailbox full", Result.REFUSED),
        ("451 4.7.1 greylisted, try again", Result.LATER),
        ("421 too many connections", Result.LATER),
    ],
)
async def test_what_is_said_to_the_recipient(
    box: MailBox, port: int, answer: str, result: Result
) -> None:
    box.answers[MAIL.recipient] = answer
    delivery = await send(port)
    assert delivery.result is result
    assert answer[:3] in delivery.detail
    assert "customer.example" not in delivery.detail
    assert box.taken == []


@pytest.mark.parametrize(
    ("answer", "result"),
    [("554 5.7.1 spam", Result.REFUSED), ("452 4.3.1 no room", Result.LATER)],
)
async def test_what_is_said_to_the_message(
    box: MailBox, port: int, answer: str, result: Result
) -> None:
    box.data_answers = [answer]
    assert (await send(port)).result is result
    assert (await send(port)).result is Result.SENT


async def test_nobody_there() -> None:
    with broken_server() as port:
        pass
    assert (await send(port)).result is Result.LATER


@pytest.mark.parametrize("hang_seconds", [0, 20])
@pytest.mark.parametrize(
    ("lines", "result"),
    [
        ([], Result.LATER),
        ([b"220 hi"], Result.LATER),
        ([b"220 hi", b"250 box", b"250 ok"], Result.LATER),
        ([b"220 hi", b"250 box", b"250 ok", b"250 ok"], Result.LATER),
        # The whole message has gone out: nobody knows.
        ([b"220 hi", b"250 box", b"250 ok", b"250 ok", b"354 go"], Result.UNKNOWN),
        # It was taken; only the farewell fails.
        ([b"220 hi", b"250 box", b"250 ok", b"250 ok", b"354 go", b"250 taken"], Result.SENT),
        ([b"554 go away"], Result.LATER),
        ([b"this is no mail server"], Result.LATER),
        ([b"220 hi", b"250 box", b"530 log in first"], Result.LATER),
    ],
)
async def test_servers_that_fall_silent_or_hang_up(
    lines: list[bytes], result: Result, hang_seconds: float
) -> None:
    with broken_server(*lines, hang_seconds=hang_seconds) as port:
        delivery = await send(port, timeout_seconds=0.3)
    assert delivery.result is result
    assert delivery.detail or result is Result.SENT
    assert "\n" not in delivery.detail


async def test_starttls(box: MailBox, tmp_path: Path) -> None:
    authority, context = make_certificate(tmp_path)
    with mail_server(box, tls_context=context, require_starttls=True) as port:
        trusting = await send(port, security="starttls", ca_file=str(authority))
        assert trusting.result is Result.SENT
        stranger = await send(port, security="starttls")
        assert stranger.result is Result.LATER
        assert "certificate" in stranger.detail.lower()
        # A name that the certificate does not have.
        other = MailServer(host="localhost", port=port, ca_file=str(authority), timeout_seconds=2)
        assert (await SmtpMailer(other).send(MAIL)).result is Result.LATER
    assert box.is_encrypted == [True]


async def test_nothing_goes_over_an_open_line_when_starttls_is_wanted(
    box: MailBox, port: int
) -> None:
    delivery = await send(port, security="starttls", username="shop", password="right")
    assert delivery.result is Result.LATER
    assert "STARTTLS" in delivery.detail
    assert (box.taken, box.logins) == ([], [])


async def test_login(box: MailBox, tmp_path: Path) -> None:
    authority, context = make_certificate(tmp_path)
    options = {"authenticator": box.authenticate, "auth_required": True, "tls_context": context}
    with mail_server(box, **options) as port:
        common: dict[str, Any] = {
            "security": "starttls",
            "ca_file": str(authority),
            "username": "shop",
        }
        wrong = await send(port, password="wr0ng-secret", **common)
        # The operator will mend it: the mail is still wanted.
        assert wrong.result is Result.LATER
        assert "wr0ng-secret" not in wrong.detail
        assert (await send(port, **common, password="right")).result is Result.SENT
    assert {password for _, password in box.logins} == {b"wr0ng-secret", b"right"}
    assert "right" not in repr(MailServer(host="box", password="right"))


@pytest.mark.parametrize(
    "echo",
    [
        base64.b64encode(b"\0shop\0wr0ng-secret"),
        base64.b64encode(b"wr0ng-secret"),
        b"wr0ng-secret",
        b"wr0ng%2Dsecret",
    ],
)
async def test_a_server_that_repeats_the_password_is_not_quoted(echo: bytes) -> None:
    lines = [b"220 hi", b"250-box\r\n250 AUTH PLAIN", b"535 5.7.8 bad credentials " + echo]
    with broken_server(*lines) as port:
        delivery = await send(port, username="shop", password="wr0ng-secret")
    assert delivery.result is Result.LATER
    assert "535 5.7.8 bad credentials" in delivery.detail
    assert delivery.detail.rstrip("=").endswith("[secret]")
    assert echo.decode() not in delivery.detail


@pytest.mark.parametrize(
    ("lines", "result"),
    [
        ([], Result.LATER),
        ([b"220 hi"], Result.LATER),
        ([b"220 hi", b"250 box", b"250 ok", b"250 ok"], Result.LATER),
        ([b"220 hi", b"250 box", b"250 ok", b"250 ok", b"354 go"], Result.UNKNOWN),
    ],
)
@pytest.mark.parametrize("drip", [b"250-x\r\n" * 1_000, b"x"], ids=["lines", "bytes"])
async def test_an_answer_without_end_is_broken_off(
    lines: list[bytes], result: Result, drip: bytes
) -> None:
    with broken_server(*lines, drip=drip) as port:
        delivery = await send(port, timeout_seconds=0.3)
        assert delivery.result is result
        # Nobody is left behind who would go on with the mail.
        until = time.monotonic() + 30
        while any("asyncio" in one.name and is_sending(one) for one in threading.enumerate()):
            assert time.monotonic() < until
            await asyncio.sleep(0.05)


def is_sending(thread: threading.Thread) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        if frame.f_code.co_filename.endswith("smtplib.py"):
            return True
        frame = frame.f_back
    return False

"""Whatever a shop writes, a mail has the headers that we give it and no other."""

from __future__ import annotations

import random
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

import pytest

from parcelwire.notices.addresses import mail_address
from parcelwire.notices.letters import Letter
from parcelwire.notices.posting import OwnAddresses, make_mail

SENDER: Final = "parcels@track.example"
PIECES: Final = (
    *("\r\n", "\n", "\r", "\x0b", "\u2028", "\u202e", "\0", "\t", " "),
    *("Bcc: x@evil.example", "From: y@evil.example", "\r\n\r\n<b>", "<", ">", '"', "\\", ",", ";"),
    *("=?utf-8?q?=0D=0ABcc:_x@evil.example?=", "@", "x@evil.example", "(c)", "ü", "お店", "😀"),
    *("evil.com ", "a" * 70, "\ud800", ":", "-- ", "%0d%0a", "&#13;"),
)
HEADERS: Final = {
    *("from", "to", "subject", "date", "message-id", "mime-version", "auto-submitted"),
    *("x-auto-response-suppress", "content-type", "content-language", "sender", "reply-to"),
}


@pytest.mark.parametrize(
    "text",
    [
        "=?utf-8?q?=0D=0ABcc:_x@evil.example?=",
        "=?utf-8?b?DQpCY2M6IHhAZXZpbC5leGFtcGxl?=",
        "Hallo =?utf-8?q?=0D=0ABcc:_x@evil.example?= ü",
        "=?utf-8?q?=0ABcc:_x?= =?utf-8?q?=0ABcc:_y?=",
        "==??utf-8?q?=0D=0ABcc:_x?=",
        "＝？utf-8？q？=0D=0ABcc:_x？＝",  # noqa: RUF001  # plain once it is normalised
    ],
)
def test_encoded_words_hide_no_header(text: str) -> None:
    """Python 3.11.7 writes the line break that is hidden in them into the head (CVE-2024-6923)."""
    letter = Letter(
        language="en", subject=text, shop=text, headline=text, link="https://x", link_text="x"
    )
    mail = make_mail(
        letter, "jo@customer.example", sender=SENDER, name=text, mail_id="0" * 32, at=0
    )
    read = message_from_bytes(mail.data, policy=SMTP)
    assert set(map(str.lower, read)) <= HEADERS
    assert mail_address(f"{text}@customer.example") is None


def test_a_head_that_is_not_ours_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of the whole, without that of each part."""
    monkeypatch.setattr("parcelwire.notices.posting.one_line", lambda text, longest=200: text)
    letter = Letter(
        language="en",
        subject="=?utf-8?q?=0D=0ABcc:_x@evil.example?=",
        shop="x",
        headline="x",
        link="https://x",
        link_text="x",
    )
    try:
        mail = make_mail(
            letter, "jo@customer.example", sender=SENDER, name="x", mail_id="0" * 32, at=0
        )
    except ValueError:
        return
    # A library that is patched does not write it to begin with.
    assert b"\nbcc:" not in mail.data.lower()


def a_text(chance: random.Random) -> str:
    text = "".join(chance.choice(PIECES) for _ in range(chance.randrange(8)))
    return text.encode("utf-8", "replace").decode()


def test_no_name_makes_a_header_or_another_sender() -> None:
    chance = random.Random(20260301)
    own_ones = 0
    for number in range(1_500):
        name, subject = a_text(chance), a_text(chance)
        own_text = mail_address(a_text(chance) + "@shop.example") or ""
        own = OwnAddresses(
            mail_from=chance.choice(("", "sales@shop.example", own_text)),
            reply_to=chance.choice(("", "help@shop.example", own_text)),
        )
        own_ones += bool(own.mail_from)
        letter = Letter(
            language="en",
            subject=subject,
            shop=name,
            headline=name,
            link="https://x",
            link_text="x",
        )
        mail = make_mail(
            letter,
            "jo@customer.example",
            sender=SENDER,
            name=name,
            own=own,
            mail_id=f"{number:032x}",
            at=0,
        )
        assert mail.data.isascii()
        read = message_from_bytes(mail.data, policy=SMTP)
        assert isinstance(read, EmailMessage)
        names = [one.lower() for one in read]
        assert set(names) <= HEADERS, (name, names)
        assert len(names) == len(set(names))
        (shown,) = read["From"].addresses
        assert isinstance(shown, Address)
        assert shown.addr_spec == (own.mail_from or SENDER)
        assert "@" not in shown.display_name
        assert "evil.com" not in shown.display_name
        assert [one.addr_spec for one in read["To"].addresses] == ["jo@customer.example"]
        assert (read["Reply-To"] or "") == own.reply_to
    assert own_ones > 300

"""From words to the bytes of a mail (RFC 5322, MIME), with the headers that good mail has."""

from __future__ import annotations

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from typing import Final

import msgspec
from jinja2 import Environment, PackageLoader, Template, select_autoescape

from parcelwire.domain.clock import SECOND, Instant
from parcelwire.notices.addresses import display_name, mail_address, one_line
from parcelwire.notices.letters import Letter, Logo

# A mail is 7 bit through and through: no server on its way can refuse or change it.
_POLICY: Final = SMTP.clone(cte_type="7bit", max_line_length=78)
_HEADERS: Final = frozenset(
    {b"message-id", b"from", b"sender", b"to", b"reply-to", b"subject", b"date", b"auto-submitted"}
    | {b"x-auto-response-suppress", b"list-unsubscribe", b"list-unsubscribe-post"}
    | {b"mime-version", b"content-type", b"content-language"}
)


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail to one recipient, ready to be sent."""

    sender: str
    """Whom bounces go to."""
    recipient: str
    data: bytes
    """The message as it goes over the wire."""


class OwnAddresses(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses of the shop that it has confirmed; empty: there is none."""

    mail_from: str = ""
    """Stands in ``From`` instead of the installation's."""
    reply_to: str = ""


def make_mail(
    letter: Letter,
    recipient: str,
    *,
    sender: str,
    name: str,
    mail_id: str,
    at: Instant,
    own: OwnAddresses | None = None,
    logo: Logo | None = None,
) -> Mail:
    """Return a mail.

    ``sender`` is the installation's address, ``name`` the shop's name as it was written down.

    Raises:
        ValueError: ``sender``, ``recipient`` or one of ``own`` is no address.
    """
    own = own or OwnAddresses()
    for address in (sender, recipient, *filter(None, (own.mail_from, own.reply_to))):
        if mail_address(address) is None:
            msg = "not an e-mail address"
            raise ValueError(msg)
    shown = own.mail_from or sender
    # Written by hand: the library would encode an address that is longer than a line.
    head = f"Message-ID: <{mail_id}@{sender.rpartition('@')[2]}>\r\n"
    message = EmailMessage(policy=_POLICY)
    message["From"] = _named(display_name(name, shown), shown)
    if shown != sender:
        message["Sender"] = sender
    message["To"] = recipient
    if own.reply_to:
        message["Reply-To"] = own.reply_to
    message["Subject"] = one_line(letter.subject)
    message["Date"] = format_datetime(datetime.fromtimestamp(at // SECOND, UTC))
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if letter.end_link:
        # RFC 2369 and RFC 8058: the mail program shows a button, and one POST ends it.
        head += f"List-Unsubscribe: <{letter.end_link}>\r\n"
        head += "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    message.set_content(letter.text, charset="utf-8", cte=_encoding(letter.text))
    dressed = msgspec.structs.replace(letter, has_logo=logo is not None)
    html = _template().render(letter=dressed)
    message.add_alternative(html, subtype="html", charset="utf-8", cte=_encoding(html))
    if logo is not None:
        body = message.get_payload()
        maintype, _, subtype = logo.media_type.partition("/")
        body[1].add_related(  # type: ignore[index,union-attr]  # the HTML part, added just now
            logo.data, maintype, subtype, cid=f"<{letter.logo_id}>", disposition="inline"
        )
    # At last: making it multipart moves what begins with Content- into the first part.
    message["Content-Language"] = letter.language
    data = head.encode("ascii") + message.as_bytes()
    _check_head(data)
    return Mail(sender=sender, recipient=recipient, data=data)


def _check_head(data: bytes) -> None:
    """Check that a mail has no header but ours, whatever a library made of what strangers wrote.

    Raises:
        ValueError: it has.
    """
    lines = data.partition(b"\r\n\r\n")[0].split(b"\r\n")
    names = [line.partition(b":")[0].lower() for line in lines if not line[:1].isspace()]
    if not _HEADERS.issuperset(names) or len(set(names)) != len(names):
        msg = "the mail would have unexpected headers"
        raise ValueError(msg)


def _named(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(display_name=name, username=local, domain=domain)


def _encoding(text: str) -> str:
    """Return the shorter of the two encodings that keep lines short."""
    return "quoted-printable" if sum(map(str.isascii, text)) * 4 > len(text) * 3 else "base64"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("parcelwire.notices"), autoescape=select_autoescape(default=True)
    )
    return environment.get_template("letter.html")

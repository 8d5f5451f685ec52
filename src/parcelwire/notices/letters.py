"""What a mail says, in the reader's language and the shop's dress. Pure.

A mail holds what the tracking page would show in one glance and the link to it: no name, no
address, nothing that is fetched from elsewhere when it is opened.
"""

from __future__ import annotations

from datetime import date

import msgspec

from parcelwire.domain.brand import Brand, Font
from parcelwire.domain.languages import choose_language
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.notices.addresses import one_line
from parcelwire.tracking.words import Words

_FONTS = {
    Font.SYSTEM: "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif",
    Font.SERIF: "Georgia, 'Times New Roman', serif",
    Font.ROUNDED: "ui-rounded, Quicksand, system-ui, sans-serif",
    Font.MONO: "ui-monospace, Menlo, Consolas, monospace",
}
_OWN_COLOR = "#0b6bcb"
_HELD_UP = frozenset({Status.UNDELIVERED, Status.EXCEPTION, Status.EXPIRED, Status.DELIVERED})


class Logo(msgspec.Struct, frozen=True):
    """The shop's picture, sent along with the mail."""

    media_type: str
    data: bytes


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """Where a mail leads."""

    page: str
    """The tracking page."""
    subscription: str
    """Confirms or ends it."""

    @property
    def end(self) -> str:
        """Asks whether to end the subscription; a POST to it ends it at once."""
        return f"{self.subscription}?do=end"


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One mail's words, ready to be put into text and HTML."""

    language: str
    subject: str
    shop: str
    headline: str
    link: str
    link_text: str
    opening: tuple[str, ...] = ()
    paragraphs: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    closing: tuple[str, ...] = ()
    small: tuple[str, ...] = ()
    end_link: str = ""
    end_text: str = ""
    color: str = _OWN_COLOR
    font: str = _FONTS[Font.SYSTEM]
    has_logo: bool = False
    logo_id: str = "logo"
    logo_alt: str = ""

    @property
    def text(self) -> str:
        """The mail as plain text."""
        facts = "\n".join(f"{name}: {value}" for name, value in self.facts)
        end = f"{self.end_text}:\n{self.end_link}" if self.end_link else ""
        parts = [
            *self.opening,
            self.headline,
            *self.paragraphs,
            f"{self.link_text}:\n{self.link}",
            facts,
            *self.closing,
            "-- ",
            self.shop,
            *self.small,
            end,
        ]
        return "\n\n".join(part for part in parts if part) + "\n"


def news_letter(
    tracking: Tracking,
    say: Words,
    links: Links,
    *,
    brand: Brand,
    carrier: str,
    is_automatic: bool = False,
) -> Letter:
    """Return the mail that tells where a parcel stands."""
    headline = _headline(tracking, say)
    shop = one_line(brand.name)
    return Letter(
        language=say.tag,
        subject=f"{shop}: {headline}" if shop else headline,
        shop=shop,
        headline=headline,
        opening=(own_text(brand, "greeting", say) or say.say("notice.greeting") + ",",),
        paragraphs=_filled(
            _promise(tracking, say),
            _advice(tracking, say),
            own_text(brand, tracking.status.value, say),
        ),
        link=links.page,
        link_text=say.say("notice.link"),
        facts=(
            (say.say("facts.number"), one_line(tracking.number)),
            (say.say("facts.carrier"), one_line(carrier)),
        ),
        closing=_filled(own_text(brand, "help", say), own_text(brand, "footer", say)),
        small=(say.say("notice.why_order" if is_automatic else "notice.why"),),
        end_link=links.end,
        end_text=say.say("notice.end"),
        color=brand.primary_color or _OWN_COLOR,
        font=_FONTS[brand.font],
        logo_alt=brand.logo_alt or shop,
    )


def confirm_letter(say: Words, links: Links, *, brand: Brand) -> Letter:
    """Return the mail that asks an address's owner whether they want news.

    It names no parcel: whoever typed the address may have mistyped it.
    """
    shop = one_line(brand.name)
    subject = say.say("notice.confirm_subject")
    return Letter(
        language=say.tag,
        subject=f"{shop}: {subject}" if shop else subject,
        shop=shop,
        headline=subject,
        opening=(say.say("notice.greeting") + ",",),
        paragraphs=(say.say("notice.confirm_text"),),
        link=links.subscription,
        link_text=say.say("notice.confirm"),
        small=(say.say("notice.confirm_ignore"),),
        color=brand.primary_color or _OWN_COLOR,
        font=_FONTS[brand.font],
        logo_alt=brand.logo_alt or shop,
    )


def sender_confirmation_letter(say: Words, *, account: str, code: str, link: str) -> Letter:
    """Return the mail with the code that shows that an account may send under an address.

    Nothing in it is the shop's to write: it may go to somebody who knows nothing of the shop.
    """
    return Letter(
        language=say.tag,
        subject="Confirm your sender address",
        shop="Parcelwire",
        headline="Confirm your sender address",
        opening=("Hello,",),
        paragraphs=(
            f"The account {one_line(account)} wants to use this e-mail address for its tracking"
            " mails: as their sender, or for replies to them.",
            "If this is what you want, enter this code on the dashboard's Brand page, or pass it on"
            " to whoever manages the account. It is valid for 7 days.",
        ),
        facts=(("Code", code),),
        link=link,
        link_text="Open the Brand page",
        small=(
            "If you do not know this account, ignore this mail. Without the code, your address will"
            " not be used.",
        ),
    )


def own_text(brand: Brand, name: str, say: Words) -> str:
    """Return what the shop says in a place, in the reader's language, else in English."""
    tags = [tag for tag, texts in brand.texts.items() if texts.get(name)]
    chosen = choose_language(say.asked, tags) or choose_language("en", tags)
    return brand.texts[chosen][name] if chosen is not None else ""


def _filled(*texts: str) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _headline(tracking: Tracking, say: Words) -> str:
    finer = f"finer.{tracking.substatus.value}" if tracking.substatus else ""
    return say.find(finer, f"headline.{tracking.status.value}")


def _advice(tracking: Tracking, say: Words) -> str:
    finer = f"advice.{tracking.substatus.value}" if tracking.substatus else ""
    return say.find(finer, f"advice.{tracking.status.value}")


def _promise(tracking: Tracking, say: Words) -> str:
    window = tracking.promise
    if window is None or tracking.status in _HELD_UP:
        return ""
    first, last = (
        say.full_day(date.fromisoformat(one[:10])) for one in (window.earliest, window.latest)
    )
    if first == last:
        return say.say("headline.arrives", when=last)
    return say.say("headline.arrives_between", first=first, last=last)

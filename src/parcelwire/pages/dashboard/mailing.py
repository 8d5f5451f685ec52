"""The mails to customers about one parcel: what became of each. No address is shown."""

from __future__ import annotations

from typing import Final

import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.notices.journal import CONFIRM, CONFIRM_SENDER, NOTICE_KIND, notice_of
from parcelwire.notices.subscriptions import KIND, subscription_of
from parcelwire.pages.dashboard.visit import Visit
from parcelwire.pages.dashboard.words import status_word, substatus_word

MOST: Final = 100

MEANINGS: Final = {
    "waiting": ("calm", "Waiting"),
    "sending": ("calm", "On its way"),
    "sent": ("good", "Sent"),
    "refused": ("trouble", "Refused"),
    "failed": ("trouble", "Given up"),
    "unknown": ("warn", "Perhaps sent"),
    "skipped": ("quiet", "Not sent"),
}
"""State of a notice -> tone and word."""


class SentMail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail about a parcel, to one recipient."""

    at: Instant
    """When it came to its state."""
    about: str
    to: str
    """Who got it, without an address."""
    tone: str
    state: str
    why: str


async def mails_about(visit: Visit, tracking: Tracking) -> list[SentMail]:
    """Return the mails about a parcel, newest first."""
    store = visit.house.store
    found = await store.list_records(NOTICE_KIND, tracking.id, limit=MOST)
    asked = {
        digest: subscription_of(document)
        for digest, document in await store.list_records(KIND, tracking.id, limit=MOST)
    }
    mails = []
    for record_id, document in found:
        occasion, _, digest = record_id.partition(".")
        notice, subscription = notice_of(document), asked.get(digest)
        tone, state = MEANINGS[notice.state]
        mails.append(
            SentMail(
                at=notice.at,
                about=occasion_word(occasion),
                to="the parcel's customer"
                if subscription is not None and subscription.is_automatic
                else "somebody who asked",
                tone=tone,
                state=state,
                why=notice.why,
            )
        )
    return sorted(mails, key=lambda one: one.at, reverse=True)


def occasion_word(occasion: str) -> str:
    """Return what a mail is about."""
    if occasion.startswith(CONFIRM_SENDER):
        return "Code for a sender address"
    if occasion.startswith(CONFIRM):
        return "Please confirm"
    known = {one.value for one in Status}
    return status_word(occasion) if occasion in known else substatus_word(occasion)

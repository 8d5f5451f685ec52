"""Mails to customers that did not go as they should."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.domain.account import record_scope
from parcelwire.notices.journal import QUEUE_KIND, TROUBLE_KIND, trouble_of
from parcelwire.notices.limits import ACCOUNT, RATE_KIND, usage_of
from parcelwire.pages.dashboard.mailing import MEANINGS, occasion_word
from parcelwire.pages.dashboard.registry import Page
from parcelwire.pages.dashboard.visit import Visit

MOST: Final = 100
MOST_WAITING: Final = 1_000
"""Waiting mails are counted so far."""


async def show(visit: Visit) -> Response:
    """Show the newest of them."""
    scope, settings = record_scope(visit.world_id), visit.house.settings
    account = str(visit.session.account.number)
    document = await visit.house.store.load_record(RATE_KIND, account, ACCOUNT)
    waiting = await visit.house.store.list_records(
        QUEUE_KIND, str(visit.world_id), limit=MOST_WAITING
    )
    found = await visit.house.store.list_records(TROUBLE_KIND, scope, limit=MOST)
    return await visit.show(
        "mails.html",
        rows=[trouble_of(document) for _, document in found],
        meanings=MEANINGS,
        about=occasion_word,
        most=MOST,
        usage=usage_of(document, visit.now),
        per_minute=settings.mails_per_minute,
        per_day=settings.mails_per_day,
        has_mail_server=settings.has_mail_server,
        waiting=len(waiting),
        most_waiting=MOST_WAITING,
    )


PAGE: Final = Page(
    path="/mails",
    title="Customer mails",
    section="Insight",
    order=40,
    scope="read",
    world=WorldRule.OWN,
    handler=show,
)

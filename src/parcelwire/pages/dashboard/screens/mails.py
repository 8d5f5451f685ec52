"""Mails to customers that did not go as they should."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.domain.account import record_scope
from parcelwire.notices.journal import TROUBLE_KIND, trouble_of
from parcelwire.pages.dashboard.mailing import MEANINGS, occasion_word
from parcelwire.pages.dashboard.registry import Page
from parcelwire.pages.dashboard.visit import Visit

MOST: Final = 100


async def show(visit: Visit) -> Response:
    """Show the newest of them."""
    scope = record_scope(visit.world_id)
    found = await visit.house.store.list_records(TROUBLE_KIND, scope, limit=MOST)
    return await visit.show(
        "mails.html",
        rows=[trouble_of(document) for _, document in found],
        meanings=MEANINGS,
        about=occasion_word,
        most=MOST,
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

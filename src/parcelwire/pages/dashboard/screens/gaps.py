"""Codes and texts of carriers that nobody has mapped yet, as they are counted."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.pages.dashboard.registry import Page
from parcelwire.pages.dashboard.visit import Visit

MOST: Final = 500


async def show(visit: Visit) -> Response:
    """Show the gaps, those seen most first."""
    return await visit.show(
        "gaps.html", gaps=await visit.house.store.list_unmapped_codes(MOST), most=MOST
    )


PAGE: Final = Page(
    path="/gaps",
    title="Unmapped codes",
    section="Carriers",
    order=40,
    is_for_operators=True,
    scope="admin",
    world=WorldRule.INSTALLATION,
    handler=show,
)

"""The settings of the installation, to be looked at: they are changed in file or environment."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.pages.dashboard.registry import Page
from parcelwire.pages.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    """Show what is in force."""
    effective = visit.house.settings.effective
    sections = [
        (section, [(name, value) for _, name, value in rows])
        for section, rows in groupby(effective, key=lambda one: one[0])
    ]
    return await visit.show(
        "settings.html", sections=sections, database=visit.house.store.describe()
    )


PAGE: Final = Page(
    path="/settings",
    title="Settings",
    section="Account",
    order=40,
    scope="admin",
    world=WorldRule.INSTALLATION,
    is_for_operators=True,
    handler=show,
)

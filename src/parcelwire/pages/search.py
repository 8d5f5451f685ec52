"""The lookup page: a number and something that only the parcel's people know."""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from parcelwire.domain.account import world_of
from parcelwire.domain.brand import Brand, LookupField
from parcelwire.pages.house import PageHouse
from parcelwire.pages.limits import source_in
from parcelwire.pages.lookup import Lookup
from parcelwire.pages.parcel import read_form
from parcelwire.pages.rendering import (
    PUBLIC,
    html,
    language_of,
    load_brand,
    logo_of,
    missing,
    style_of,
    unavailable,
)
from parcelwire.tracking.suspension import Suspensions

_ACCOUNT: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
"""Thousands of digits are no number to Python; the pages of account 0 are those of nobody."""


class SearchPages:
    """Everything under ``/track``."""

    def __init__(self, house: PageHouse, suspensions: Suspensions) -> None:
        self._house = house
        self._suspensions = suspensions
        self._lookup = Lookup(house.store, house.clock)

    async def show(self, request: Request) -> Response:
        """Answer the form; ``/track`` alone is that of the only account there is."""
        account = await self._account(request)
        if isinstance(account, Response):
            return account
        brand = await self._brand(account) if account else Brand()
        if brand.lookup is LookupField.NONE:
            return missing(request)
        return self._form(request, account, brand)

    async def find(self, request: Request) -> Response:
        """Lead to the parcel, or say that nothing fits: for every reason the same."""
        account = await self._account(request)
        if isinstance(account, Response):
            return account
        brand = await self._brand(account)
        if brand.lookup is LookupField.NONE:
            return missing(request)
        form = await read_form(request)
        tracking = await self._lookup.find(
            account,
            brand.lookup,
            form.get("number", ""),
            form.get("word", ""),
            source=source_in(request),
        )
        if tracking is None:
            return self._form(request, account, brand, "lookup.nothing")
        return RedirectResponse(f"/t/{tracking.page_token}", 303, PUBLIC)

    async def style(self, request: Request) -> Response:
        """Answer the shop's style rules."""
        account = await self._account(request)
        if isinstance(account, Response):
            return account
        return style_of(await self._brand(account))

    async def logo(self, request: Request) -> Response:
        """Answer the shop's logo."""
        account = await self._account(request)
        if isinstance(account, Response):
            return account
        return await logo_of(self._house.store, _live(account))

    async def _account(self, request: Request) -> int | Response:
        """Return the account's number, 0 for nobody's; or the answer that it is suspended."""
        account = await self._number(request)
        if await self._suspensions.holds(_live(account)):
            return unavailable(request)
        return account

    async def _number(self, request: Request) -> int:
        typed = request.path_params.get("account")
        if typed is not None:
            return int(typed) if _ACCOUNT.fullmatch(typed) else 0
        accounts = await self._house.store.list_accounts()
        return accounts[0].number if len(accounts) == 1 else 0

    async def _brand(self, account: int) -> Brand:
        return await load_brand(self._house.store, _live(account))

    def _form(self, request: Request, account: int, brand: Brand, message: str = "") -> Response:
        # Nothing of what was typed comes back: the answer tells no guess from another.
        say = language_of(request)
        return html(
            "lookup.html",
            say,
            brand=brand,
            base=f"/track/{account}",
            field=brand.lookup.value,
            message=say.say(message) if message else "",
        )


def _live(account: int) -> int:
    """Return the world that is looked up in: nobody looks for simulated parcels."""
    return world_of(account, is_test=False)

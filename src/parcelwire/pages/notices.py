"""Where the links in mails lead: confirm that news is wanted, or say that it is not any more.

Opening a link changes nothing, for programs open links in mails to look at them; the button does,
and so does the one POST that a mail program sends by itself (RFC 8058).
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from parcelwire.domain.brand import Brand
from parcelwire.notices.subscriptions import Subscription
from parcelwire.pages.house import PageHouse
from parcelwire.pages.parcel import read_form
from parcelwire.pages.rendering import html, language_of, load_brand
from parcelwire.pages.words import Words
from parcelwire.tracking.suspension import Suspensions

LONGEST: Final = 100
"""Characters of a link's token."""


class NoticePages:
    """The pages behind ``/n/<token>``."""

    def __init__(self, house: PageHouse, suspensions: Suspensions) -> None:
        """Serve the subscriptions of ``house``."""
        self._house = house
        self._suspensions = suspensions

    async def show(self, request: Request) -> Response:
        """Ask what is wanted."""
        found = await self._find(request)
        if found is None:
            return await self._page(request, language_of(request), "gone", status=404)
        say = language_of(request, found.language)
        if found.ended_at is not None:
            return await self._page(request, say, "ended")
        if found.confirmed_at is None and request.query_params.get("do") != "end":
            return await self._page(request, say, "confirm_text", button="confirm")
        return await self._page(request, say, "ask_end", button="end")

    async def act(self, request: Request) -> Response:
        """Do what the button, or the mail program, says."""
        desk, found = self._house.subscriptions, await self._find(request)
        form = await read_form(request)
        if desk is None or found is None:
            return await self._page(request, language_of(request), "gone", status=404)
        say = language_of(request, found.language)
        token = request.path_params["token"]
        if form.get("do") == "confirm":
            if await desk.confirm(token):
                return await self._page(request, say, "confirmed")
            return await self._page(request, say, "gone", status=410)
        if form.get("do") == "end" or form.get("List-Unsubscribe") == "One-Click":
            await desk.end(token)
            return await self._page(request, say, "ended")
        return await self._page(request, say, "gone", status=400)

    async def _find(self, request: Request) -> Subscription | None:
        desk, token = self._house.subscriptions, request.path_params["token"]
        if desk is None or len(token) > LONGEST or not token.isascii():
            return None
        found = await desk.find(token)
        return None if found is None else found[2]

    async def _page(
        self, request: Request, say: Words, phrase: str, *, button: str = "", status: int = 200
    ) -> Response:
        desk = self._house.subscriptions
        # The shop's dress is found under the parcel's address, which only confirmed readers know.
        parcel = None
        if desk is not None and status == 200:
            parcel = await desk.parcel_of(request.path_params["token"])
        brand, base = Brand(), ""
        if parcel is not None and not await self._suspensions.holds(parcel.world_id):
            brand = await load_brand(self._house.store, parcel.world_id)
            base = f"/t/{parcel.page_token}"
        return html(
            "notice.html",
            say,
            status=status,
            brand=brand,
            base=base,
            text=say.say(f"notice.{phrase}"),
            button=button,
            action=request.scope["path"],
        )

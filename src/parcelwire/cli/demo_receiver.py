"""The demo's shop: an HTTP endpoint that verifies, counts and prints what it receives."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import SECOND, Clock
from parcelwire.signatures.signing import make_secret
from parcelwire.signatures.verify import VerificationError, verify_standard, verify_v2, verify_v4


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What one message tells, whatever its dialect, for one line on the screen."""

    number: str
    courier_code: str
    status: str
    text: str


class Receiver:
    """Receives messages of several endpoints, told apart by the path ``/hook/<name>``."""

    def __init__(self, clock: Clock, email: str, show: Callable[[str, News], None]) -> None:
        """``email`` is the account's address, the key of v2's signature.

        ``show`` is called with an endpoint's dialect and what a verified message told.
        """
        self._clock = clock
        self._email = email
        self._show = show
        self._endpoints: dict[str, Endpoint] = {}
        self.received = 0
        self.verified = 0
        self.refused: dict[str, int] = {}
        """Why messages were refused, and how many."""
        self.message_ids: set[str] = set()

    def expect(self, endpoint: Endpoint) -> None:
        """Take messages of ``endpoint``, verified by its secret."""
        self._endpoints[endpoint.dialect] = endpoint

    def forget_secrets(self, random_bytes: Callable[[int], bytes]) -> None:
        """Verify by wrong secrets from now on, as a shop does that copied one carelessly."""
        for dialect, endpoint in self._endpoints.items():
            self._endpoints[dialect] = replace(endpoint, secret=make_secret(random_bytes(32)))

    def application(self) -> web.Application:
        """Return the HTTP application."""
        application = web.Application()
        application.router.add_post("/hook/{dialect}", self._take)
        return application

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        endpoint = self._endpoints[request.match_info["dialect"]]
        self.received += 1
        self.message_ids.add(headers.get("webhook-id", ""))
        try:
            self._verify(endpoint, body, headers)
        except VerificationError as error:
            why = f"{endpoint.dialect}: {error}"
            self.refused[why] = self.refused.get(why, 0) + 1
            return web.Response(status=401)
        self.verified += 1
        self._show(endpoint.dialect, news_of(endpoint.dialect, body))
        return web.Response(status=204)

    def _verify(self, endpoint: Endpoint, body: bytes, headers: dict[str, str]) -> None:
        now = self._clock.now() / SECOND
        verify_standard(body, headers, endpoint.secret, now=now)
        if endpoint.dialect == "v4":
            verify_v4(headers, endpoint.secret, now=now)
        elif endpoint.dialect == "v2":
            verify_v2(body, self._email, now=now)


def news_of(dialect: str, body: bytes) -> News:
    """Return what a message of a dialect tells."""
    data: dict[str, Any] = json.loads(body)["data"]
    if dialect == "native":
        parcel = data["tracking"]
        texts = [one["text"] for one in parcel["checkpoints"]]
        return News(
            number=parcel["number"],
            courier_code=parcel["courier_code"],
            status=parcel["status"],
            text=texts[-1] if texts else "",
        )
    if dialect == "v2":
        return News(
            number=data["tracking_number"],
            courier_code=data["carrier_code"],
            status=data["status"],
            text=_without_time(data["lastEvent"]),
        )
    return News(
        number=data["tracking_number"],
        courier_code=data["courier_code"],
        status=data["delivery_status"],
        text=_without_time(data["latest_event"]),
    )


def _without_time(sentence: str | None) -> str:
    """Return text and place of TrackingMore's one-line event: ``text,place,time``."""
    return ", ".join((sentence or "").split(",")[:-1])

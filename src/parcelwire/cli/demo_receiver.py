"""The demo's shop: an HTTP endpoint that verifies, counts and prints what it receives."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import SECOND, Clock
from parcelwire.webhooks.verify import VerificationError, verify_standard, verify_v2, verify_v4


class Receiver:
    """Receives messages of several endpoints, told apart by the path ``/hook/<name>``."""

    def __init__(self, clock: Clock, email: str, show: Callable[[str], None]) -> None:
        """``email`` is the account's address, the key of v2's signature; ``show`` prints a line."""
        self._clock = clock
        self._email = email
        self._show = show
        self.endpoints: dict[str, Endpoint] = {}
        self.received = 0
        self.verified = 0
        self.refused: list[str] = []
        self.message_ids: set[str] = set()

    def application(self) -> web.Application:
        """Return the HTTP application."""
        application = web.Application()
        application.router.add_post("/hook/{name}", self._take)
        return application

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        endpoint = self.endpoints[request.match_info["name"]]
        self.received += 1
        self.message_ids.add(headers.get("webhook-id", ""))
        try:
            self._verify(endpoint, body, headers)
        except VerificationError as error:
            self.refused.append(f"{endpoint.dialect}: {error}")
            return web.Response(status=401)
        self.verified += 1
        self._show(f"webhook ({endpoint.dialect:6}) {summary_of(endpoint.dialect, body)}")
        return web.Response(status=204)

    def _verify(self, endpoint: Endpoint, body: bytes, headers: dict[str, str]) -> None:
        now = self._clock.now() / SECOND
        verify_standard(body, headers, endpoint.secret, now=now)
        if endpoint.dialect == "v4":
            verify_v4(headers, endpoint.secret, now=now)
        elif endpoint.dialect == "v2":
            verify_v2(body, self._email, now=now)


def summary_of(dialect: str, body: bytes) -> str:
    """Return number, courier and status that a message tells, for one line on the screen."""
    content: dict[str, Any] = json.loads(body)
    data = content["data"]
    if dialect == "native":
        tracking = data.get("tracking", data)
        return f"{tracking['number']:20} {tracking['courier_code']:15} {tracking['status']}"
    if dialect == "v2":
        return f"{data['tracking_number']:20} {data['carrier_code']:15} {data['status']}"
    status = f"{data['delivery_status']} ({data['substatus']})"
    return f"{data['tracking_number']:20} {data['courier_code']:15} {status}"

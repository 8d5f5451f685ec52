"""A message counts as delivered before it has been sent."""

from __future__ import annotations

import asyncio
from typing import Any

from parcelwire.webhooks.request_builder import WebhookRequest
from parcelwire.webhooks.schedule import Answer
from prove.planted import DELAY_SECONDS, Method, later, spoil_sender


@spoil_sender("send")
def _(send: Method) -> Method:
    async def send_later(sender: Any, request: WebhookRequest) -> Answer:
        async def work() -> None:
            await asyncio.sleep(DELAY_SECONDS)
            await send(sender, request)

        later(work())
        return Answer(status=204)

    return send_later

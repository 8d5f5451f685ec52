"""The receivers of B4, in a process of their own: ``python -m prove.deliveries.crowd``.

Prints where they are, as one line of JSON, and then answers questions on standard input: when which
message arrived, and how often the bad ones were called. Ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from typing import Final

import uvloop

from tests.contract import webhook_receivers as receivers
from tests.contract.webhook_receivers import Behaviour, Received, receiver

BAD: Final[tuple[Behaviour, ...]] = (
    receivers.hang,
    receivers.Huge(),
    receivers.drip_head,
    receivers.answer(302, b"", "Location: http://127.0.0.1:1/"),
    receivers.drip_body,
    receivers.answer(500),
    receivers.hang,
    receivers.close_at_once,
    receivers.Huge(500),
)
"""One server each; beside them stands one that is called with https and speaks no TLS."""


async def main() -> None:
    """Serve until standard input ends."""
    arrived: dict[str, float] = {}

    async def note(request: Received, writer: asyncio.StreamWriter) -> None:
        arrived[request.message_id] = time.monotonic()
        await receivers.answer(204)(request, writer)

    async with AsyncExitStack() as stack:
        good = await stack.enter_async_context(receiver(note))
        bad = [await stack.enter_async_context(receiver(one)) for one in BAD]
        untold = await stack.enter_async_context(receiver(receivers.raw(b"no TLS here")))
        urls = [one.url for one in bad]
        urls.insert(3, untold.url.replace("http://", "https://"))
        bad.append(untold)
        print(json.dumps({"good": good.url, "bad": urls}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line.strip() == "arrivals":
                print(json.dumps(arrived), flush=True)
                arrived.clear()
                good.received.clear()
            else:
                print(sum(one.connections for one in bad), flush=True)


if __name__ == "__main__":
    uvloop.run(main())

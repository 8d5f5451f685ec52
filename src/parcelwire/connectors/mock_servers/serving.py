"""Put a mock server on a port, and the misbehaviours that are no answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def run_mock_server(
    application: web.Application, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve ``application`` while the block runs; yields its base URL, without a slash at the end.

    ``port`` 0 takes any free port.

    Raises:
        OSError: when the port is taken.
    """
    runner = web.AppRunner(
        application, access_log=None, shutdown_timeout=1.0, handler_cancellation=True
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def cut(request: web.Request) -> web.StreamResponse:
    """Promise a thousand bytes, send a few, and drop the connection."""
    answer = web.StreamResponse(
        headers={"Content-Type": "application/json", "Content-Length": "1000"}
    )
    await answer.prepare(request)
    await answer.write(b'{"events": [')
    if request.transport is not None:
        request.transport.abort()
    return answer


async def say_nothing() -> None:
    """Wait until the client goes away, which ends what serves it."""
    await asyncio.Event().wait()

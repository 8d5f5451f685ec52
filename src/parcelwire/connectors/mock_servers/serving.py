"""Put a mock protocol server on a port, and the misbehaviours that are alike for every carrier."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from parcelwire.connectors.mock_servers import Behaviour, Script
from parcelwire.domain.clock import Clock

GATEWAY_PAGE = "<!DOCTYPE html>\n<html><body><h1>One moment, please</h1></body></html>"


@asynccontextmanager
async def run_mock_server(
    application: web.Application, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve ``application`` while the block runs; yields its base URL, without a slash at the end.

    ``port`` 0 takes any free port.

    Raises:
        OSError: when the port is taken.
    """
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def misbehave(
    request: web.Request, behaviour: Behaviour, script: Script, clock: Clock
) -> web.StreamResponse | None:
    """Answer ``request`` as ``behaviour`` demands, or return None to let the carrier's way answer.

    ``FOUND``, ``UNKNOWN`` and ``TOKEN_EXPIRED`` look different at every carrier, so they are the
    caller's; ``SLOW`` waits here and leaves the right answer to the caller.
    """
    match behaviour:
        case Behaviour.FORBIDDEN:
            return web.Response(status=403, text=GATEWAY_PAGE, content_type="text/html")
        case Behaviour.RATE_LIMITED:
            return web.json_response(
                {"message": "too many requests"},
                status=429,
                headers={"Retry-After": script.retry_after},
            )
        case Behaviour.HTML:
            return web.Response(text=GATEWAY_PAGE, content_type="text/html")
        case Behaviour.CUT:
            return await _cut(request)
        case Behaviour.SLOW:
            await clock.sleep(script.slow_seconds)
    return None


async def _cut(request: web.Request) -> web.StreamResponse:
    """Promise a thousand bytes, send a few, and drop the connection."""
    answer = web.StreamResponse(
        headers={"Content-Type": "application/json", "Content-Length": "1000"}
    )
    await answer.prepare(request)
    await answer.write(b'{"events": [')
    if request.transport is not None:
        request.transport.abort()
    return answer

"""The server under measurement: the real door on a real store, beside constants.

    python -m bench.server STORE_URL KEY_FILE

Prints its port, then serves until its standard input closes. ``/constant?size=N`` reads the request
and answers N bytes that
were made before: what this server costs without the program. ``/cpu`` answers the CPU time that
this process has used so far,
in nanoseconds, so that the figure is the server's own whatever the load generator does on the other
core.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time

import uvloop

from parcelwire.api.asgi import ASGIApp, Receive, Scope, Send
from parcelwire.bootstrap import open_installation
from parcelwire.cli.serve import settle_memory
from parcelwire.config import ApiSection, Config, LimitsSection, SecretsSection, StoreSection
from parcelwire.server.connections import ConnectionTable
from parcelwire.server.limits import ServerLimits
from parcelwire.server.proxies import TrustedProxies
from parcelwire.server.runner import LimitedServer


class _Constants(dict[int, bytes]):
    """Answers by their size."""

    def __missing__(self, size: int) -> bytes:
        self[size] = b"{" + b" " * (size - 2) + b"}"
        return self[size]


CONSTANTS = _Constants()


class Measured:
    """Answers ``/constant`` and ``/cpu`` itself and hands the rest to the door."""

    def __init__(self, door: ASGIApp) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path")
        if path == "/constant":
            while (await receive()).get("more_body"):
                pass
            await _send(send, CONSTANTS[int(scope["query_string"].rpartition(b"=")[2])])
        elif path == "/cpu":
            await _send(send, b"%d" % time.process_time_ns())
        else:
            await self._door(scope, receive, send)


async def _send(send: Send, body: bytes) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"application/json; charset=utf-8"),
                (b"content-length", b"%d" % len(body)),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def main(store_url: str, key_file: str) -> None:
    """Serve until standard input closes."""
    config = Config(
        store=StoreSection(url=store_url, pool_size=4),
        secrets=SecretsSection(key_file=key_file),
        # One account asks for all that the server has.
        api=ApiSection(create_per_second=0.0, other_per_second=0.0),
        limits=LimitsSection(test_trackings=0),
    )
    house = await open_installation(config)
    table = ConnectionTable(ServerLimits(), TrustedProxies(()), time.monotonic)
    server = LimitedServer(Measured(house.asgi()), table)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    task = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    settle_memory()
    print(listener.getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await task
    await house.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], sys.argv[2]))

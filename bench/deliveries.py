"""What a webhook costs with everything durable, beside a bare HTTP client that stores nothing.

    python -m bench.deliveries

In one run: aiohttp posts a message's bytes and headers to a receiver in another process, as a
program without a store would; then the real worker claims such messages from a SQLite file, signs
and sends them to the same receiver and writes one durable attempt each. CPU is this process's, both
threads together, per message; bursts of the two alternate and the cheapest of each counts.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import aiohttp
import uvloop

from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.tracking import Tracking
from parcelwire.store.port import Store
from parcelwire.store.sqlite import open_store
from parcelwire.tracking.ports import NewMessage
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.ports import ClaimedMessage, Message, MessageState
from parcelwire.webhooks.request_builder import make_request
from parcelwire.webhooks.sender import HttpSender
from parcelwire.webhooks.settings import WebhookSettings
from parcelwire.webhooks.worker import DeliveryWorker
from tests.contract.store.samples import new_id
from tests.contract.webhook_office import PassingClock
from tests.unit.webhooks.builders import (
    NOW,
    Identifiers,
    make_checkpoint,
    make_endpoint,
    make_event,
    make_tracking,
)

ENDPOINTS = 8
MESSAGES = 2_000
BURSTS = 5
SETTINGS = WebhookSettings(allowed_networks=("127.0.0.0/8",))
AT_ONCE = ENDPOINTS * SETTINGS.max_concurrent_per_endpoint

Figures = dict[str, float]


def run(messages: int = MESSAGES, bursts: int = BURSTS) -> Figures:
    """Measure; return CPU microseconds per message and their ratios."""
    with (
        TemporaryDirectory(prefix="parcelwire-bench-") as folder,
        subprocess.Popen(
            [sys.executable, "-m", "bench.deliveries", "--receive"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as receiver,
    ):
        assert receiver.stdin is not None
        assert receiver.stdout is not None
        url = f"http://127.0.0.1:{int(receiver.stdout.readline())}/hook"
        try:
            return uvloop.run(_measure(url, Path(folder) / "parcelwire.db", messages, bursts))
        finally:
            receiver.stdin.close()
            receiver.wait(10)


async def _measure(url: str, path: Path, messages: int, bursts: int) -> Figures:
    store = await open_store(path, render=_no_rendition, clock=FrozenClock(NOW))
    yard = Yard(store, url)
    await yard.open()
    sample = make_request(yard.sample(), None, NOW)
    bare, alone, durable, latest = [], [], [], 0.0
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        HttpSender(SETTINGS) as sender,
    ):

        async def post() -> None:
            async with session.post(sample.url, data=sample.body, headers=sample.headers) as answer:
                await answer.read()
                assert answer.status == 204

        async def send() -> None:
            assert (await sender.send(sample)).status == 204

        for _ in range(bursts):
            bare.append(await _cpu_us(lambda: _many(post, messages), messages))
            alone.append(await _cpu_us(lambda: _many(send, messages), messages))
            await yard.post(messages)
            began = time.perf_counter()
            durable.append(await _cpu_us(lambda: yard.deliver(sender), messages))
            latest = messages / (time.perf_counter() - began)
    await store.close()
    return {
        "bare_client_us": min(bare),
        "sender_alone_us": min(alone),
        "delivery_us": min(durable),
        "deliveries_per_cpu_second": 1e6 / min(durable),
        "deliveries_per_second": latest,
        "share_of_bare_client": min(bare) / min(durable),
    }


class Yard:
    """Endpoints of one receiver, with messages that wait."""

    def __init__(self, store: Store, url: str) -> None:
        self._store = store
        self._identifiers = Identifiers()
        self._composer = MessageComposer({}, self._identifiers)
        self._endpoints = [
            make_endpoint(id=new_id(), url=f"{url}/{number}") for number in range(ENDPOINTS)
        ]
        self._clock = PassingClock(NOW)
        self._parcels = 0

    async def open(self) -> None:
        for endpoint in self._endpoints:
            await self._store.add_endpoint(endpoint)

    def sample(self) -> ClaimedMessage:
        """Return a message such as ``post`` stores, as it is claimed."""
        new = self._word()
        return ClaimedMessage(
            Message(
                id=new.id,
                endpoint_id=new.endpoint_id,
                world_id=new.world_id,
                tracking_id=new.tracking_id,
                sequence=new.sequence,
                event_id=new.event_id,
                event_type=new.event_type,
                payload=new.payload,
                created_at=new.created_at,
                state=MessageState.PENDING,
                attempts=0,
                due_at=new.created_at,
            ),
            self._endpoints[0],
        )

    async def post(self, count: int) -> None:
        """Store messages of as many parcels."""
        await self._store.add_messages([self._word() for _ in range(count)])

    async def deliver(self, sender: HttpSender) -> None:
        """Run a worker until nothing is pending."""
        worker = DeliveryWorker(
            self._store,
            sender,
            clock=self._clock,
            accounts=_no_account,
            identifiers=self._identifiers,
            random=random.Random(1).random,
            settings=SETTINGS,
        )
        running = asyncio.create_task(worker.run())
        while await self._store.next_message_due() is not None:
            await asyncio.sleep(0.02)
        worker.stop()
        await running

    def _word(self) -> NewMessage:
        self._parcels += 1
        tracking = make_tracking(
            id=new_id(),
            number=f"99{self._parcels:016d}",
            checkpoints=tuple(
                make_checkpoint(local_time=f"2026-02-{day:02}T09:30:00") for day in range(20, 25)
            ),
        )
        event = make_event(tracking, id=new_id())
        endpoint = self._endpoints[self._parcels % ENDPOINTS]
        (message,) = self._composer.compose(event, tracking, [endpoint])
        return message


async def _no_account(world_id: int) -> None:
    return None


def _no_rendition(tracking: Tracking) -> bytes:
    return b""


async def _many(one: Callable[[], Awaitable[None]], count: int) -> None:
    """Do something ``count`` times, ``AT_ONCE`` at a time."""
    left = iter(range(count))

    async def again() -> None:
        for _ in left:
            await one()

    await asyncio.gather(*(again() for _ in range(AT_ONCE)))


async def _cpu_us(work: Callable[[], Awaitable[None]], count: int) -> float:
    before = _cpu_seconds()
    await work()
    return (_cpu_seconds() - before) * 1e6 / count


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class _Receiver(asyncio.Protocol):
    """Answers 204 to every request, and reads no more of it than where it ends."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's derive from nothing
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.index(b"content-length:") + 15
            length = int(head[at:].partition(b"\r\n")[0])
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._transport.write(b"HTTP/1.1 204 No Content\r\nDate: today\r\n\r\n")


async def _receive() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until the one who started it is done


if __name__ == "__main__":
    if "--receive" in sys.argv:
        uvloop.run(_receive())
    else:
        print(json.dumps(run(), indent=2))

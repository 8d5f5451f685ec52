"""In what time, over how many connections, from whom, and what is left when the server stops."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import pytest

from parcelwire.server import unread
from parcelwire.server.connections import CLOSED
from parcelwire.server.limits import MIN_WRITE_PROGRESS, STOP_WRITE_SECONDS
from parcelwire.server.protocol import LimitedProtocol
from parcelwire.server.unread import unread_bytes
from tests.support.limited import GET, POST, Application, Served, serve_limited, status_of

# --- deadlines ----------------------------------------------------------------------------------


def received(served: Served) -> int:
    """Return how many bytes of a head have come over the one connection; 0 when it is gone."""
    return sum(cast(LimitedProtocol, one)._head_bytes for one in served.table._open)


async def test_a_head_has_a_time_that_trickling_does_not_lengthen() -> None:
    async with serve_limited(head_timeout_seconds=10) as served:
        client = await served.open(GET[:10])
        await served.until(lambda: received(served) == 10)
        for count, byte in enumerate(GET[10:16], 11):
            served.pass_time(1.5)
            await client.send(bytes([byte]))
            await served.until(lambda count=count: received(served) == count)
        served.pass_time(1.5)
        assert status_of(await client.rest()) == 408
        assert served.table.refusals.counts["head-timeout"] == 1


async def test_who_says_nothing_is_closed() -> None:
    async with serve_limited(head_timeout_seconds=10) as served:
        client = await served.open()
        await served.until(lambda: len(served.table) == 1)
        served.pass_time(9)
        assert len(served.table) == 1
        served.pass_time(2)
        assert await client.rest() == b""
        await served.until(lambda: len(served.table) == 0)


async def test_a_body_has_a_time_between_its_parts() -> None:
    async with serve_limited(body_idle_timeout_seconds=5) as served:
        client = await served.open(POST % 100 + b"x")
        await served.until(lambda: served.app.seen)
        served.pass_time(6)
        assert status_of(await client.rest()) == 408
        assert served.app.seen[0].body is None


async def test_a_body_that_trickles_has_a_time_in_all() -> None:
    async with serve_limited(body_idle_timeout_seconds=5, body_timeout_seconds=20) as served:
        client = await served.open(POST % 100)
        await served.until(lambda: served.app.seen)
        sent = 0
        while served.table.refusals.counts["body-timeout"] == 0 and sent < 50:
            before = served.table.body_bytes
            await client.send(b"x")
            await served.until(lambda before=before: served.table.body_bytes != before)
            served.pass_time(3)
            sent += 1
        assert 5 <= sent <= 8
        assert status_of(await client.rest()) == 408


async def test_an_answer_may_take_as_long_as_it_takes() -> None:
    async with serve_limited() as served:
        client = await served.open(GET.replace(b"/x", b"/wait"))
        await served.until(lambda: served.app.seen)
        for _ in range(100):
            served.pass_time(60)
        served.app.go.set()
        assert status_of(await client.answer()) == 200


async def test_an_idle_connection_is_closed_without_a_word() -> None:
    async with serve_limited(idle_timeout_seconds=5) as served:
        client = await served.open(GET)
        assert status_of(await client.answer()) == 200
        served.pass_time(6)
        assert await client.rest() == b""
        assert not any(served.table.refusals.counts.values())


@pytest.mark.parametrize("is_told", [True, False], ids=["linux", "elsewhere"])
@pytest.mark.parametrize("header", [b"", b"Connection: close\r\n"])
async def test_a_client_that_does_not_read_is_closed_and_a_slow_one_is_not(
    header: bytes, is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_told:
        monkeypatch.setattr(unread, "_held_by_system", lambda _: 0)
    app = Application(large=32_000_000)
    async with serve_limited(app=app, write_timeout_seconds=10) as served:
        client = await served.open(GET.replace(b"/x", b"/large")[:-2] + header + b"\r\n")

        def is_stuck() -> bool:
            connection = next(iter(served.table._open), None)
            if connection is None:
                return False
            deadlines = (connection.write_deadline, connection.deadline)
            return bool(served.app.seen) and min(deadlines) < float("inf")

        await served.until(is_stuck)
        for _ in range(3):
            await client._reader.readexactly(4_000_000)
            await asyncio.sleep(0.05)
            served.pass_time(11)
            assert len(served.table) == 1
        served.pass_time(11)
        served.pass_time(11)
        await served.until(lambda: len(served.table) == 0)
        assert served.table.refusals.counts["write-timeout"] == 1


@pytest.mark.skipif(
    sys.platform != "linux",
    reason="other systems do not say what they hold for a client; there progress is seen in lumps",
)
async def test_a_client_is_not_closed_while_it_reads_what_the_system_holds() -> None:
    app = Application(large=32_000_000)
    async with serve_limited(app=app, write_timeout_seconds=10) as served:
        client = await served.open(GET.replace(b"/x", b"/large"))
        await served.until(lambda: served.app.seen and served.table._open)
        connection = next(iter(served.table._open))
        transport = cast(LimitedProtocol, connection).transport

        def is_full() -> bool:
            return connection.write_deadline < float("inf")

        await served.until(is_full)
        before, held = -1, unread_bytes(transport)
        while before != held:
            await asyncio.sleep(0.1)
            before, held = held, unread_bytes(transport)
        waiting = transport.get_write_buffer_size()
        served.pass_time(11)
        while unread_bytes(transport) > held - MIN_WRITE_PROGRESS:
            await client._reader.readexactly(50_000)
            await asyncio.sleep(0.01)
        assert transport.get_write_buffer_size() == waiting, "the system wanted more already"
        served.pass_time(11)
        assert not transport.is_closing()
        served.pass_time(11)
        assert transport.is_closing()


# --- full ---------------------------------------------------------------------------------------


async def test_a_source_has_a_limit_of_its_own_and_hears_of_it() -> None:
    async with serve_limited(spare_loopback=False, max_connections_per_source=3) as served:
        clients = [await served.open(GET.replace(b"/x", b"/wait")) for _ in range(3)]
        await served.until(lambda: len(served.app.seen) == 3)
        answer = await served.ask(GET)
        assert status_of(answer) == 503
        assert b"\r\nretry-after: 5\r\n" in answer
        served.app.go.set()
        for client in clients:
            assert status_of(await client.answer()) == 200
        assert status_of(await (await served.open(GET)).answer()) == 200
        assert len(served.table) == 3


async def test_idle_connections_and_half_sent_requests_make_room() -> None:
    async with serve_limited(max_connections=6) as served:
        half = [await served.open(GET[:-2]) for _ in range(2)]
        await served.until(lambda: len(served.table) == 2)
        waiting = await served.open(GET.replace(b"/x", b"/wait"))
        idle = [await served.open(GET) for _ in range(3)]
        for client in idle:
            assert status_of(await client.answer()) == 200
        for _ in range(4):
            served.clock.now += 1
            assert status_of(await (await served.open(GET)).answer()) == 200
        for client in idle:
            assert await client.rest() == b""
        served.clock.now += 1
        busy = [await served.open(GET.replace(b"/x", b"/wait")) for _ in range(5)]
        for client in half:
            assert await client.rest() == b""
        await served.until(lambda: len(served.app.seen) == 13)
        assert served.table.refusals.counts["evicted"] == 2
        served.clock.now += 1
        assert status_of(await served.ask(GET)) == 503
        served.app.go.set()
        for client in [waiting, *busy]:
            assert status_of(await client.answer()) == 200


# --- behind a proxy -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "headers", "client", "scheme"),
    [
        ((), b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https", "127.0.0.1", "http"),
        (
            ("127.0.0.0/8",),
            b"X-Forwarded-For: 6.6.6.6, 192.0.2.7, 127.0.0.9\r\nX-Forwarded-Proto: https",
            "192.0.2.7",
            "https",
        ),
        (("127.0.0.1",), b"X-Forwarded-For: nonsense", "127.0.0.1", "http"),
        (("127.0.0.1",), b"X-Forwarded-Proto: gopher", "127.0.0.1", "http"),
    ],
)
async def test_forwarded_addresses_are_believed_from_trusted_proxies_only(
    proxies: tuple[str, ...], headers: bytes, client: str, scheme: str
) -> None:
    async with serve_limited(proxies=proxies) as served:
        assert (
            status_of(await (await served.open(GET[:-2] + headers + b"\r\n\r\n")).answer()) == 200
        )
        seen = served.app.seen[0]
        assert (seen.client[0], seen.scheme) == (client, scheme)


async def test_one_forwarded_address_has_so_many_requests_in_progress() -> None:
    async with serve_limited(proxies=("127.0.0.1",), max_connections_per_source=2) as served:

        def request(path: bytes, address: bytes) -> bytes:
            return GET.replace(b"/x", path)[:-2] + b"X-Forwarded-For: " + address + b"\r\n\r\n"

        busy = [await served.open(request(b"/wait", b"192.0.2.1")) for _ in range(2)]
        await served.until(lambda: len(served.app.seen) == 2)
        assert status_of(await served.ask(request(b"/x", b"192.0.2.1"))) == 503
        assert status_of(await (await served.open(request(b"/x", b"192.0.2.2"))).answer()) == 200
        busy.pop().close()
        served.app.go.set()
        assert status_of(await busy[0].answer()) == 200
        assert status_of(await (await served.open(request(b"/x", b"192.0.2.1"))).answer()) == 200


async def test_a_proxy_that_is_not_trusted_is_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serve_limited() as served:
        client = await served.open()
        for header in (b"", b"X-Forwarded-For: 192.0.2.7\r\n", b"X-Forwarded-For: 192.0.2.8\r\n"):
            await client.send(GET[:-2] + header + b"\r\n")
            assert status_of(await client.answer()) == 200
    assert len([text for text in caplog.messages if "server.trusted_proxies" in text]) == 1


# --- the end ------------------------------------------------------------------------------------


async def test_a_stop_drops_what_is_half_sent_and_waits_for_what_is_answered() -> None:
    async with serve_limited() as served:
        head = await served.open(GET[:-2])
        body = await served.open(POST % 100 + b"x")
        idle = await served.open(GET)
        assert status_of(await idle.answer()) == 200
        running = await served.open(GET.replace(b"/x", b"/wait"))
        await served.until(lambda: len(served.app.seen) == 3 and len(served.table) == 4)
        served.server.should_exit = True
        assert await head.rest() == b""
        assert status_of(await body.rest()) == 503
        assert await idle.rest() == b""
        served.app.go.set()
        answer = await running.rest()
        assert status_of(answer) == 200
        assert b"connection: close" in answer


async def test_a_client_that_does_not_read_does_not_hold_up_a_stop_and_a_slow_one_may() -> None:
    app = Application(large=32_000_000)
    async with serve_limited(app=app) as served:
        slow, stuck = [await served.open(GET.replace(b"/x", b"/large")) for _ in range(2)]

        def are_waiting() -> bool:
            ends = served.table._open
            return len(ends) == 2 and all(
                min(one.write_deadline, one.deadline) < float("inf") for one in ends
            )

        await served.until(are_waiting)
        served.server.should_exit = True
        await served.until(lambda: all(one.phase == CLOSED for one in served.table._open))
        read = 0
        for _ in range(5):
            read += len(await slow._reader.readexactly(4_000_000))
            await asyncio.sleep(0.05)
            served.pass_time(STOP_WRITE_SECONDS + 0.1)
        await served.until(lambda: len(served.table) == 1)
        read += len(await slow.rest())
        assert read > app.large
        assert len(await stuck.rest()) < app.large
    assert served.table.refusals.counts["write-timeout"] == 1


async def test_a_stop_waits_for_what_is_answered_on_a_connection_that_takes_no_more() -> None:
    async with serve_limited() as served:
        wish = b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
        client = await served.open(GET.replace(b"/x", b"/wait")[:-2] + wish)
        idle = await served.open()
        await served.until(lambda: served.app.seen and len(served.table) == 2)
        served.server.should_exit = True
        assert await idle.rest() == b""
        served.pass_time(10)
        served.app.go.set()
        assert status_of(await client.answer()) == 200

"""Operators are told once of what wants a person, over real channels."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from parcelwire.bootstrap.notices import EndpointAlerts
from parcelwire.domain.account import Account, Connection, Endpoint, world_of
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details
from parcelwire.notices.operators import (
    MOST_TRIES,
    AppriseChannels,
    ChannelError,
    OperatorWatch,
)
from parcelwire.store.port import Store
from parcelwire.tracking.ports import NewTracking
from parcelwire.webhooks.notices import Notice, NoticeType
from tests.contract.store.samples import make_tracking
from tests.support.mail_server import broken_server

# A library of apprise's still imports a module that Python 3.13 has dropped.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")


class Channel:
    """A service that takes notices: apprise's JSON channel leads to it."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.status = 200
        self.url = ""

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.told]


@pytest.fixture
def channel() -> Iterator[Channel]:
    channel = Channel()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            channel.told.append(json.loads(body))
            self.send_response(channel.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    channel.url = f"json://127.0.0.1:{server.server_address[1]}/"
    yield channel
    server.shutdown()
    server.server_close()
    thread.join(5)


async def break_connection(store: Store, clock: FrozenClock, account: Account) -> None:
    """Store a connection whose credentials were refused."""
    broken = Connection(
        id="c1",
        account_number=account.number,
        connector="swiss-post",
        transport="api",
        sealed_credentials=b"canary-credentials",
        broken_since=clock.now(),
        broken_reason="401",
    )
    await store.save_connection(broken)


def watch(store: Store, clock: FrozenClock, channel: Channel) -> OperatorWatch:
    return OperatorWatch(store, AppriseChannels([channel.url]), clock=clock)


async def test_a_broken_connection_is_told_once_by_one_of_two(
    store: Store, clock: FrozenClock, channel: Channel, account: Account, open_another: Any
) -> None:
    await break_connection(store, clock, account)
    first, second = watch(store, clock, channel), watch(await open_another(), clock, channel)
    for _ in range(3):
        await asyncio.gather(first.step(), second.step())
    assert channel.titles == ["Parcelwire: swiss-post refuses its credentials"]
    assert "canary" not in json.dumps(channel.told)


async def test_what_no_channel_took_is_told_again_until_one_does(
    store: Store, clock: FrozenClock, channel: Channel, account: Account, open_another: Any
) -> None:
    await break_connection(store, clock, account)
    first, second = watch(store, clock, channel), watch(await open_another(), clock, channel)
    channel.status = 500
    assert await first.step() + await second.step() == 0
    assert len(channel.told) == 1
    # Not at once: a channel that is ill is left alone for a while, longer each time.
    for _ in range(60):
        clock.advance(60)
        await asyncio.gather(first.step(), second.step())
    assert 5 <= len(channel.told) <= 8
    channel.status, before = 200, len(channel.told)
    for _ in range(120):
        clock.advance(60)
        await asyncio.gather(first.step(), second.step())
    assert len(channel.told) == before + 1


async def test_a_channel_that_never_works_is_given_up(
    store: Store,
    clock: FrozenClock,
    channel: Channel,
    account: Account,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracking = make_tracking(
        "A1", world_id=world_of(account.number, is_test=False), status=Status.EXCEPTION
    )
    await store.create_trackings([NewTracking(tracking=tracking, due_at=None, due_reason="")])
    operators = watch(store, clock, channel)
    channel.status = 500
    for _ in range(13 * 12):
        await operators.step()
        clock.advance(300)
    assert len(channel.told) == MOST_TRIES
    assert "gave up telling the operators after 12 tries: Parcelwire: parcels" in caplog.text


async def test_the_days_problems_are_told_once_a_day_without_anybodys_name(
    store: Store, clock: FrozenClock, channel: Channel, account: Account
) -> None:
    operators = watch(store, clock, channel)
    await operators.step()
    assert channel.told == []
    world_id = world_of(account.number, is_test=False)
    for number, status in enumerate([Status.EXCEPTION, Status.EXCEPTION, Status.EXPIRED]):
        tracking = make_tracking(
            f"CANARY{number}",
            world_id=world_id,
            status=status,
            details=Details(customer_name="Canary"),
        )
        await store.create_trackings([NewTracking(tracking=tracking, due_at=None, due_reason="")])
    for _ in range(3):
        await operators.step()
    (told,) = channel.told
    assert "2 with an exception, 1 without news for long" in told["message"]
    assert "canary" not in json.dumps(told).lower()
    clock.advance(86_400)
    await operators.step()
    assert len(channel.told) == 2


@pytest.mark.parametrize("kind", NoticeType)
async def test_what_happens_to_an_endpoint(
    channel: Channel, clock: FrozenClock, kind: NoticeType
) -> None:
    endpoint = Endpoint(
        id="e" * 32, world_id=2, url="https://x.example/canary", dialect="v4", secret="canary"
    )
    notice = Notice(
        type=kind, endpoint=endpoint, at=clock.now(), failing_since=clock.now(), reason="HTTP 500"
    )
    await EndpointAlerts(AppriseChannels([channel.url])).tell(notice)
    (told,) = channel.told
    assert endpoint.id in told["message"]
    assert "canary" not in json.dumps(told)


async def test_a_channel_that_refuses_is_noticed(channel: Channel) -> None:
    channel.status = 500
    assert not await AppriseChannels([channel.url]).tell("a", "b")


def test_an_address_that_is_none_is_refused_without_its_secret() -> None:
    with pytest.raises(ChannelError) as caught:
        AppriseChannels(["nosuch://secret-word@host"])
    assert "nosuch" in str(caught.value)
    assert "secret-word" not in str(caught.value)


async def test_a_channel_that_drips_holds_one_thread_and_no_others_work() -> None:
    with broken_server(drip=b"HTTP/1.1 100 Continue\r\n\r\n") as port:
        channels = AppriseChannels([f"json://127.0.0.1:{port}/"], seconds=0.3)
        said = await asyncio.gather(*(channels.tell("a", "b") for _ in range(20)))
        assert not any(said)
        threads = [one for one in threading.enumerate() if one.name == "operators-notices"]
        assert len(threads) <= 1
        assert await asyncio.to_thread(lambda: "free") == "free"


async def test_a_system_without_threads_left_loses_no_later_notice(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels = AppriseChannels([channel.url])

    def refuse(thread: threading.Thread) -> None:
        msg = "can't start new thread"
        raise RuntimeError(msg)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert not await channels.tell("one", "text")
    assert await channels.tell("two", "text")


async def test_what_happens_at_the_same_time_is_all_told(channel: Channel) -> None:
    channels = AppriseChannels([channel.url])
    assert all(await asyncio.gather(*(channels.tell(f"t{n}", "b") for n in range(5))))
    assert sorted(channel.titles) == [f"t{n}" for n in range(5)]

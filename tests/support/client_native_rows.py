"""One call and one check for each method of the client that only a Parcelwire has.

``ROWS`` has these and those of ``client_rows``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from parcelwire.client import EventsPrunedError, InvalidRequestError, NotFoundError
from parcelwire.domain.status import Substatus
from parcelwire.store import message_ways
from tests.contract.store.samples import make_message, new_id
from tests.support.client_rows import OTHER, ROWS, Stage, follow, row
from tests.support.house import report
from tests.support.v4 import USPS_NUMBER, point

__all__ = ["ROWS"]


async def deliver(client: Any, stage: Stage) -> Any:
    """Have the carrier deliver what it was asked about an hour ago, and return the tracking."""
    assert stage.house is not None
    stage.house.carriers.script(
        "usps",
        USPS_NUMBER,
        report("", point("2026-03-01T09:30:00", "Delivered", Substatus.DELIVERED)),
    )
    stage.house.clock.advance(3600)
    return await client.trackings.refresh(USPS_NUMBER)


@row("trackings.refresh")
async def _(client: Any, stage: Stage) -> None:
    created = await follow(client)
    assert (await deliver(client, stage)).status == "delivered"
    assert (await client.trackings.refresh(USPS_NUMBER)).id == created.id
    with pytest.raises(NotFoundError):
        await client.trackings.refresh(OTHER)


@row("trackings.get_by_id")
async def _(client: Any, stage: Stage) -> None:
    stage.move()
    created = await follow(client)
    found = await client.trackings.get_by_id(created.id)
    assert (found.tracking_number, found.courier_code) == (USPS_NUMBER, "usps")
    assert (found.status, found.checkpoints[0].text) == ("transit", "Accepted")
    assert found.extra["page_url"]
    with pytest.raises(NotFoundError):
        await client.trackings.get_by_id("0" * 32)


@row("trackings.search")
async def _(client: Any, stage: Stage) -> None:
    created = await follow(client)
    other = await client.trackings.create(OTHER, "usps")

    async def ids(prefix: str, **conditions: Any) -> list[str]:
        return [one.id async for one in client.trackings.search(prefix, **conditions)]

    assert await ids("9400 1118-9922", page_size=1) == [other.id, created.id]
    assert await ids(USPS_NUMBER, courier_code="usps", is_archived=False) == [created.id]
    assert await ids("9400", status=["delivered", "exception"]) == []
    assert await ids("9400", status=created.status, created_date_max="2001-01-01T00:00:00Z") == []
    # Of no statuses there is nothing, whatever the server would make of an empty list.
    assert await ids("9400", status=[]) == []
    with pytest.raises(InvalidRequestError, match="number_prefix"):
        await ids("94")


@row("couriers.candidates")
async def _(client: Any, stage: Stage) -> None:
    best = (await client.couriers.candidates(USPS_NUMBER, destination_country="US"))[0]
    assert best.courier_code == "usps"
    assert best.probability > 0.5
    assert best.reasons
    assert await client.couriers.candidates("XYZ1" * 10) == []
    with pytest.raises(InvalidRequestError):
        await client.couriers.candidates(USPS_NUMBER, origin_country="nowhere")


@row("trackings.events")
async def _(client: Any, stage: Stage) -> None:
    stage.move()
    created = await follow(client)
    await deliver(client, stage)
    told = [event async for event in client.trackings.events(created, page_size=1)]
    assert [(one.sequence, one.data.status) for one in told] == [(2, "delivered"), (1, "transit")]
    assert await client.trackings.events(created.id).all() == told
    with pytest.raises(NotFoundError):
        await client.trackings.events("0" * 32).all()


@row("trackings.polls")
async def _(client: Any, stage: Stage) -> None:
    stage.move()
    created = await follow(client)
    history = await client.trackings.polls(created.id)
    (poll,) = history.items
    assert (poll.outcome, poll.has_changes, poll.connector) == ("found", True, "scripted")
    assert (history.check_count, history.next_check_at > poll.attempted_at) == (1, True)


@row("endpoints.create")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook, statuses=["delivered"], headers={"x-a": "b"})
    assert made.secret.startswith("whsec_")
    assert (made.statuses, made.header_names) == (("delivered",), ("x-a",))


@row("endpoints.list")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    assert [one.id for one in await client.endpoints.list()] == [made.id]


@row("endpoints.get")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    found = await client.endpoints.get(made.id)
    assert (found.url, found.health.pending_count) == (stage.hook, 0)


@row("endpoints.update")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook, concurrency=3)
    changed = await client.endpoints.update(made, description="Shop", concurrency=None)
    assert (changed.description, changed.concurrency) == ("Shop", None)


@row("endpoints.delete")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    await client.endpoints.delete(made)
    with pytest.raises(NotFoundError) as caught:
        await client.endpoints.delete(made.id)
    assert caught.value.code == "endpoint-not-found"


@row("endpoints.pause")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    assert (await client.endpoints.pause(made)).state == "paused"


@row("endpoints.enable")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    await client.endpoints.pause(made)
    assert (await client.endpoints.enable(made)).state == "enabled"


@row("endpoints.rotate_secret")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    assert (await client.endpoints.rotate_secret(made, overlap_seconds=60)).secret != made.secret


@row("endpoints.test")
async def _(client: Any, stage: Stage) -> None:
    # Nobody listens there, which is what the attempt says.
    made = await client.endpoints.create(stage.hook)
    assert (await client.endpoints.test(made)).is_delivered is False


@row("endpoints.replay")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    assert stage.house is not None
    since = (await client.trackings.create(USPS_NUMBER, "usps")).created_at
    result = await client.endpoints.replay(made, created_min=since, states=["delivered"])
    assert (result.replayed_count, result.is_complete) == (0, True)
    # Of no states and no types there is nothing, whatever the server would make of an empty list.
    nobody = "f" * 32
    for name in ("states", "event_types"):
        result = await client.endpoints.replay(nobody, created_min=since, **{name: []})
        assert (result.replayed_count, result.is_complete) == (0, True)
    with pytest.raises(NotFoundError):
        await client.endpoints.replay(nobody, created_min=since)


async def told(client: Any, stage: Stage) -> Any:
    """Have one message stored, and return the endpoint it is for."""
    made = await client.endpoints.create(stage.hook, dialect="v4")
    stage.move()
    await follow(client)
    return made


@row("messages.list")
async def _(client: Any, stage: Stage) -> None:
    made = await told(client, stage)
    (message,) = [one async for one in client.messages.list(endpoint_id=made.id, page_size=1)]
    assert message.state == "pending"
    assert await client.messages.list(states=["dead"]).all() == []
    assert await client.messages.list(states=[]).all() == []
    assert await client.messages.list(event_types=()).all() == []
    assert await client.messages.list(states=None, event_types=None).all() == [message]
    late = client.messages.list(created_min=message.created_at, event_types=["endpoint.failing"])
    assert await late.all() == []
    await behind_many(stage, made.id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(message_ways, "MESSAGES_LOOKED_AT", 5)
        # Pages without a match lead on to the next.
        found = client.messages.list(event_types=["tracking.status_changed"], page_size=1)
        assert await found.all() == [message]


async def behind_many(stage: Stage, endpoint_id: str) -> None:
    """Store messages of another type, younger than all before."""
    assert stage.house is not None
    store, world_id = stage.house.store, stage.house.world_id
    endpoint = await store.load_endpoint(world_id, endpoint_id)
    assert endpoint is not None
    at = stage.house.clock.now() + 1
    await store.add_messages([make_message(endpoint, new_id(at), 1, at) for _ in range(23)])


@row("messages.get")
async def _(client: Any, stage: Stage) -> None:
    await told(client, stage)
    (message,) = await client.messages.list().all()
    found = await client.messages.get(message.id)
    assert (found.attempts, found.payload["delivery_status"]) == ((), "transit")


@row("messages.attempts")
async def _(client: Any, stage: Stage) -> None:
    await client.endpoints.test(await client.endpoints.create(stage.hook))
    (message,) = await client.messages.list().all()
    (attempt,) = await client.messages.attempts(message)
    assert attempt.error.startswith("no connection")
    assert await client.messages.attempts(message.id) == [attempt]
    with pytest.raises(NotFoundError):
        await client.messages.attempts("0" * 32)


@row("messages.resend")
async def _(client: Any, stage: Stage) -> None:
    await told(client, stage)
    (message,) = await client.messages.list().all()
    assert (await client.messages.resend(message)).id == message.id


@row("events.page")
async def _(client: Any, stage: Stage) -> None:
    await told(client, stage)
    page = await client.events.page(limit=5)
    assert [event.data.status for event in page.items] == ["transit"]
    assert (await client.events.page(after=page.next_cursor, wait_seconds=0)).items == ()
    # An event that nobody reads before it is gone.
    assert stage.house is not None
    await deliver(client, stage)
    stage.house.clock.advance(timedelta(days=31).total_seconds())
    await stage.house.store.prune_events(stage.house.clock.now())
    with pytest.raises(EventsPrunedError) as caught:
        await client.events.page(after=page.next_cursor)
    assert (await client.events.page(after=caught.value.first_cursor)).items == ()


@row("events.pages")
async def _(client: Any, stage: Stage) -> None:
    await told(client, stage)
    pages = [page async for page in client.events.pages(limit=1)]
    assert sum(len(page.items) for page in pages) == 1


@row("events.list")
async def _(client: Any, stage: Stage) -> None:
    await told(client, stage)
    (event,) = [event async for event in client.events.list()]
    assert event.type == "tracking.status_changed"
    assert event.data.changes[0]["type"]


@row("events.follow")
async def _(client: Any, stage: Stage) -> None:
    await told(client, stage)
    seen = []
    async for event in client.events.follow():
        seen.append((event.sequence, event.data.status))
        if len(seen) == 2:
            break
        await deliver(client, stage)
    assert seen == [(1, "transit"), (2, "delivered")]


@row("keys.create")
async def _(client: Any, stage: Stage) -> None:
    until = datetime(2099, 1, 1, tzinfo=UTC)
    made = await client.keys.create(label="till", scope="read", expires_at=until)
    assert made.key.startswith("pw_live_")
    assert made.expires_at == until


@row("keys.list")
async def _(client: Any, stage: Stage) -> None:
    assert sum(one.is_current for one in await client.keys.list()) == 1


@row("keys.revoke")
async def _(client: Any, stage: Stage) -> None:
    made = await client.keys.create(label="till")
    await client.keys.revoke(made)
    (found,) = [one for one in await client.keys.list() if one.prefix == made.prefix]
    assert found.revoked_at is not None


@row("account.get")
async def _(client: Any, stage: Stage) -> None:
    await follow(client)
    account = await client.account.get()
    assert (account.email, account.tracking_count) == ("shop@example.com", 1)


@row("account.update")
async def _(client: Any, stage: Stage) -> None:
    assert (await client.account.update(name="Cups & Co.")).name == "Cups & Co."

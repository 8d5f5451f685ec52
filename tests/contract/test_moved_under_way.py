"""A database is dumped after the death of its processes, in the middle of their work, and restored
elsewhere: what was under way is done there, once, or again under its id.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from parcelwire.domain.clock import MINUTE, SECOND, FrozenClock
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.notices.journal import STALE
from parcelwire.polling.worker import PollSettings
from parcelwire.store.port import Store
from parcelwire.tracking.journeys import JourneyFilter
from tests.contract import webhook_receivers as receivers
from tests.contract.notice_office import new, states
from tests.contract.store.moving import Mover, mover
from tests.contract.store.samples import create
from tests.contract.test_moved_database import Reader, Shop, furnish
from tests.contract.test_notice_queue import Crashes, after_following, send_now
from tests.contract.webhook_office import SETTINGS, eventually
from tests.contract.webhook_receivers import Receiver, receiver
from tests.support.mail_server import MailBox

__all__ = ["mover"]

PARCELS = 5
LATE = 3
"""To the parcels from this on something happens after the death of the workers."""
LEASE = round(PollSettings().lease_seconds * SECOND)


def address(number: int) -> str:
    return f"jo{number}@customer.example"


async def die_while_sending(shop: Shop, hook: Receiver, count: int) -> None:
    """Let a worker die while it waits for ``count`` answers of the receiver."""
    hook.behaviour = receivers.hang
    before = len(hook.received)
    working = asyncio.create_task(shop.worker.step())
    await eventually(lambda: len(hook.received) == before + count, seconds=60)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    hook.behaviour = receivers.answer(204)


async def die_while_mailing(shop: Shop, parcel: Tracking, *, is_sent: bool) -> None:
    """Let a worker die with one mail of several claimed: before it goes out, or just after."""
    office = shop.office
    crash = office.worker._mailer = Crashes(office.mailer, is_sent=is_sent)
    queued = (await after_following(office, parcel))[0]
    with pytest.raises(SystemExit):
        await send_now(office, queued)
    assert crash.fired == 1


async def half_mailed(store: Store, parcels: list[Tracking]) -> list[int]:
    """Return the parcels of which a mail is between its claim and its end."""
    return [n for n, one in enumerate(parcels) if "sending" in (await states(store, one)).values()]


@pytest.mark.parametrize("is_sent", [False, True])
async def test_what_was_under_way_at_the_dump_is_told_once(
    mover: Mover, clock: FrozenClock, box: MailBox, port: int, *, is_sent: bool
) -> None:
    store = await mover.open()
    account = await store.add_account("shop@example.com", now=clock.now())
    shop = Shop(store, clock, port, account)
    async with receiver(receivers.answer(204)) as hook:
        await furnish(shop, hook)
        parcels = [await new(store, account, f"N{number}") for number in range(PARCELS)]
        for number, parcel in enumerate(parcels):
            await shop.office.join(box, parcel, address(number))
        clock.advance(60)
        parcels = [await shop.happen(one, Status.TRANSIT) for one in parcels]
        await shop.work()
        clock.advance(3_600)
        parcels = [await shop.happen(one, Status.UNDELIVERED) for one in parcels]
        await die_while_sending(shop, hook, PARCELS)
        await die_while_mailing(shop, parcels[0], is_sent=is_sent)
        (half,) = await half_mailed(store, parcels)
        # Nobody has looked at these events: no cursor, no journey, no attempt, no mail.
        parcels[LATE:] = [await shop.happen(one, Status.DELIVERED) for one in parcels[LATE:]]
        await shop.close()
        await mover.move()

        shop = Shop(await mover.open(), clock, port, account)
        asked_before = len(hook.received)
        await shop.work()
        # The dead worker's leases hold here, too: nobody asks beside it.
        assert len(hook.received) == asked_before
        for _ in range(4):
            clock.advance(max(SETTINGS.lease_seconds, STALE / SECOND, 3_600))
            await shop.work()

        _expect_lines(hook, parcels)
        # On its way, and then not delivered or (where that is past) delivered. A mail goes out once
        # at most: the one that was under way may have gone out, so it is not sent again.
        expected = Counter({address(n): 2 for n in range(PARCELS)})
        expected[address(half)] += is_sent - (half < LATE)
        assert Counter(box.recipients) == expected
        assert (await states(shop.store, parcels[half]))["undelivered"] == "unknown"
        counted = await shop.store.count_journeys(shop.world_id, JourneyFilter(), ["status"])
        assert {status: total for (status,), total in counted} == {
            "undelivered": LATE,
            "delivered": PARCELS - LATE,
        }
        reader = Reader(shop.world_id)
        await reader.read(shop.store)
        assert sorted(reader.seen) == sorted(
            (one.id, n) for one in parcels for n in range(1, one.sequence + 1)
        )
        await shop.close()


def _expect_lines(hook: Receiver, parcels: list[Tracking]) -> None:
    """Check that each event came, in order, and what came again under the id it had."""
    assert hook.lines == {one.id: [1, 2, 2, 3][: one.sequence + 1] for one in parcels}
    ids: dict[Any, set[str]] = {}
    for one in hook.received:
        ids.setdefault(one.line, set()).add(one.message_id)
    assert all(len(found) == 1 for found in ids.values())


async def test_what_a_dead_worker_was_to_ask_about_is_asked_about_when_its_lease_ends(
    mover: Mover, clock: FrozenClock
) -> None:
    store = await mover.open()
    ids = {(await create(store, f"RA12345678{n}CH")).id for n in range(3)}
    now = clock.now()
    claimed = await store.claim_polls(now, lease_until=now + LEASE, limit=2)
    assert len(claimed) == 2
    await store.close()
    await mover.move()
    store = await mover.open()
    taken = []
    for _ in range(2):
        now = clock.now()
        found = await store.claim_polls(now, lease_until=now + 10 * MINUTE, limit=9)
        taken.append({one.tracking_id for one in found})
        clock.advance(LEASE / SECOND)
    assert taken[1] == {one.tracking_id for one in claimed}
    assert taken[0] == ids - taken[1]
    await store.close()

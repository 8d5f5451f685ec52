"""Calls of the store that take several steps, for ``flat_queries``."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.domain.account import ApiKey, Connection, Endpoint
from parcelwire.domain.clock import DAY, HOUR, MINUTE
from parcelwire.domain.status import Status
from parcelwire.polling.ports import Pause
from parcelwire.store.codec import pack
from parcelwire.store.port import Store
from parcelwire.tracking.journeys import Journey
from parcelwire.tracking.ports import Once, PollResult, PollState, RawResponse
from tests.contract.store.bulk_rows import (
    BIG,
    BUSY,
    COURIER,
    ENDPOINTS,
    KIND,
    LATER,
    OFF,
    SMALL,
    TIDY,
    Parcel,
)
from tests.contract.store.samples import (
    NOW,
    advance,
    create,
    make_change,
    make_endpoint,
    make_message,
    make_new,
    make_past,
    new_id,
)
from tests.contract.store.sending import DEAD, DELIVERED, result_of

_DOCUMENT: Final = pack(b"{}")


class Shop(msgspec.Struct, frozen=True):
    """A store that is filled, and with how many trackings."""

    store: Store
    count: int

    def parcel(self, *, endpoint: Endpoint | None = None, skip: int = 0) -> Parcel:
        """Return a tracking of ``BIG`` from the middle of its days, with messages to ``endpoint``
        if given.
        """
        number = self.count // 2 // 10 * 10 + 10 * skip
        offset = {LATER.id: 5, OFF.id: 4}.get(endpoint.id if endpoint else "", 1)
        return Parcel(number + offset, self.count)


async def prepare(store: Store) -> None:
    """Store what the bulk of the rows belongs to."""
    for number in range(1, SMALL[-1] // 2 + 1):
        await store.add_account(f"shop-{number}@example.com", now=NOW)
        await store.add_key(_key(number))
        await store.save_connection(_connection(number))
    for endpoint in ENDPOINTS:
        await store.add_endpoint(endpoint)


def _key(number: int) -> ApiKey:
    return ApiKey(
        digest=number.to_bytes(32, "big"),
        prefix=f"pw_live_{number}",
        account_number=number,
        is_test=False,
        created_at=NOW,
    )


def _connection(number: int) -> Connection:
    return Connection(
        id=f"connection-{number}",
        account_number=number,
        connector="swiss-post",
        transport="rest",
        sealed_credentials=b"sealed",
        created_at=NOW,
    )


def once_of(key: str) -> Once:
    return Once(world_id=BIG, key=key, fingerprint=bytes(32), at=NOW, answer=lambda _: (200, b"{}"))


async def create_some(shop: Shop) -> None:
    new = [make_new(f"NEW{index:04d}", world_id=BIG) for index in range(20)]
    await shop.store.create_trackings(new, quota=10**9, once=once_of("create"))
    await shop.store.create_trackings(new)


async def save(shop: Shop) -> None:
    tracking = await create(shop.store, "SAVED", world_id=BIG)
    endpoints = await shop.store.list_endpoints(BIG)
    for status in (Status.TRANSIT, Status.DELIVERED):
        tracking = await advance(
            shop.store,
            tracking,
            status=status,
            messages=tuple(make_message(one, tracking.id, tracking.version) for one in endpoints),
            poll=PollState(due_at=NOW + HOUR, checked_at=NOW, checks=1),
            raw=RawResponse(at=NOW, connector="dhl", outcome="found", body=b"{}"),
        )
    await shop.store.delete_trackings(BIG, [tracking.id])


async def save_old(shop: Shop) -> None:
    """What is stored of a tracking in the midst of the others is found and changed."""
    old = shop.parcel()
    poll = PollState(due_at=NOW + HOUR, checked_at=NOW, checks=3)
    raw = RawResponse(at=NOW, connector="dhl", outcome="found", body=b"{}")
    result = PollResult(tracking_id=old.id, poll=poll, past=make_past(), raw=raw, lease=0)
    await shop.store.save_polls([result, replace(result, lease=None)])


async def change_courier(shop: Shop) -> None:
    tracking = await create(shop.store, "MISTAKEN", world_id=BIG)
    change = make_change(tracking, courier_code="gls", status=Status.TRANSIT)
    assert await shop.store.change_courier(change) == "saved"


async def delete(shop: Shop) -> None:
    old = [shop.parcel(skip=skip).id for skip in range(10, 20)]
    assert len(await shop.store.delete_trackings(BIG, old)) == 10


async def claim_polls(shop: Shop) -> None:
    lease = NOW + MINUTE
    claims = await shop.store.claim_polls(NOW, lease_until=lease, limit=50)
    skip = [(claim.world_id, claim.courier_code) for claim in claims[:5]]
    claims += await shop.store.claim_polls(NOW, lease_until=lease, limit=50, skip=skip)
    await shop.store.postpone_polls(
        [claim.tracking_id for claim in claims], due_at=NOW + HOUR, due_reason="no budget", at=NOW
    )
    await shop.store.next_poll_due()
    await shop.store.lease_poll(claims[0].tracking_id, lease=0, until=lease)


async def suspended(shop: Shop) -> None:
    await shop.store.suspend_account(TIDY // 2, reason="unpaid", now=NOW)
    await shop.store.suspended_accounts()
    await shop.store.claim_polls(NOW, lease_until=NOW + MINUTE, limit=50)
    await shop.store.resume_account(TIDY // 2)


async def budget(shop: Shop) -> None:
    await shop.store.take_budget("dhl", now=NOW, wanted=3, per_minute=60, per_day=1_000)
    await shop.store.return_budget("dhl", count=1, per_minute=60)
    await shop.store.set_pause("dhl", Pause(until=NOW, failures=1, reason="ill", since=NOW))
    await shop.store.pauses()
    await shop.store.set_pause("dhl", None)


async def endpoint(shop: Shop) -> None:
    endpoint = make_endpoint(BIG)
    await shop.store.add_endpoint(endpoint)
    await shop.store.save_endpoint(replace(endpoint, description="ours"), expected=endpoint)
    await shop.store.load_endpoint(BIG, endpoint.id)
    messages = [make_message(endpoint, new_id(), 1) for _ in range(3)]
    await shop.store.add_messages(messages)
    await shop.store.delete_endpoint(BIG, endpoint.id)


async def send(shop: Shop) -> None:
    """Claim what is due, and tell what became of it."""
    store = shop.store
    lease = NOW + MINUTE
    claims = await store.claim_messages(NOW, lease_until=lease, limit=20, per_endpoint=20)
    assert len(claims) == 20
    results = [result_of(one.message.id, DELIVERED) for one in claims]
    await store.finish_attempts(results)
    again = result_of(claims[0].message.id, DEAD)  # told by somebody who had it before
    await store.finish_attempts([results[0], again])
    await store.claim_messages(
        NOW, lease_until=lease, limit=20, per_endpoint=20, skip_endpoints=[LATER.id]
    )
    await store.next_message_due()


async def skipped(shop: Shop) -> None:
    """Give up a message of a line; the next one names it, and switches the endpoint off."""
    store = shop.store
    endpoint = make_endpoint(BIG)
    await store.add_endpoint(endpoint)
    first, second = (make_message(endpoint, new_id(), sequence) for sequence in (1, 2))
    second = replace(second, tracking_id=first.tracking_id)
    await store.add_messages([first, second])
    await store.finish_attempts([result_of(first.id, DEAD)])
    await store.claim_messages(NOW, lease_until=NOW + MINUTE, limit=50, per_endpoint=5)
    await store.finish_attempts([result_of(second.id, DELIVERED)])
    await store.finish_attempts([result_of(second.id, DEAD, disable_reason="gone")])
    await store.delete_endpoint(BIG, endpoint.id)


async def recall_messages(shop: Shop, *, far_only: bool) -> None:
    ahead = make_message(LATER, new_id(), 1, at=NOW + 40 * DAY)
    await shop.store.add_messages([ahead])
    recall = shop.store.recall_messages
    assert await recall(NOW, beyond=NOW + 30 * DAY, far_only=far_only) == 1


async def recall_polls(shop: Shop, *, far_only: bool) -> None:
    number = f"AHEAD{far_only:d}"
    await create(shop.store, number, world_id=BIG, due_at=NOW + 40 * DAY)
    recall = shop.store.recall_polls
    assert await recall(NOW, beyond=NOW + 30 * DAY, far_only=far_only) == 1


async def fold(shop: Shop) -> None:
    """So many changes that PostgreSQL's counters are folded."""
    new = [make_new(f"MANY{index:04d}", world_id=SMALL[0]) for index in range(300)]
    await shop.store.create_trackings(new)


async def journeys(shop: Shop) -> None:
    rows = [
        Journey(
            tracking_id=shop.parcel(skip=skip).id,
            world_id=BIG,
            version=2,
            created_on="2025-08-01",
            courier_code=COURIER,
            status=Status.DELIVERED,
        )
        for skip in range(20, 30)
    ]
    assert await shop.store.save_journeys(rows) == 10


async def record(shop: Shop) -> None:
    await shop.store.change_record(KIND, str(BIG), "one", lambda _: _DOCUMENT, at=NOW)
    await shop.store.load_record(KIND, str(BIG), "one")
    await shop.store.change_record(
        KIND, str(BIG), "two", lambda _: _DOCUMENT, at=NOW, tracking_id=shop.parcel().id
    )
    await shop.store.change_record(KIND, str(BIG), "two", lambda _: None, at=NOW)
    await shop.store.delete_records(KIND, "nobody")


async def account(shop: Shop) -> None:
    account = await shop.store.add_account("new@example.com", now=NOW)
    await shop.store.save_account(replace(account, name="New"))
    await shop.store.add_key(_key(account.number))
    await shop.store.find_key(_key(account.number).digest)
    await shop.store.list_keys(account.number)
    await shop.store.revoke_key(_key(account.number).prefix, NOW)
    await shop.store.load_account(account.number)
    await shop.store.find_account("NEW@example.com")
    connection = _connection(account.number)
    await shop.store.save_connection(connection)
    await shop.store.save_connection(connection, expected=connection)
    await shop.store.list_connections(account.number)
    await shop.store.delete_connection(account.number, connection.id)


async def everybody(shop: Shop) -> None:
    await shop.store.list_accounts()
    await shop.store.list_keys()
    await shop.store.list_connections()


async def once_only(shop: Shop) -> None:
    once = once_of("twice")
    message = make_message(BUSY, shop.parcel().id, 7)
    await shop.store.add_messages([message], once=once)
    await shop.store.find_idempotency_record(BIG, "twice")
    await shop.store.resend(BIG, message.id, NOW)


async def resend(shop: Shop) -> None:
    old = shop.parcel(skip=31)
    assert await shop.store.load_message(BIG, old.id)
    await shop.store.list_attempts(old.id)
    assert await shop.store.resend(BIG, old.id, NOW)


async def refused(shop: Shop) -> None:
    """What had no effect leaves its key free."""
    once = replace(once_of("refused"), answer=lambda _: None)
    assert not await shop.store.resend(BIG, new_id(), NOW, once=once)


async def feed(shop: Shop) -> None:
    await advance(shop.store, await create(shop.store, "FIRST", world_id=48), status=Status.TRANSIT)
    await shop.store.events_after(48, 0, 100)
    tracking = await create(shop.store, "TOLD", world_id=BIG)
    await advance(shop.store, tracking, status=Status.TRANSIT)
    first = await shop.store.first_cursor(BIG)
    assert first is not None
    await shop.store.events_after(BIG, first + shop.count // 2, 100)
    ends = await shop.store.feed_ends()
    await shop.store.events_after(BIG, ends[BIG] or first, 100)
    await shop.store.events_after(SMALL[3], 0, 100)
    await shop.store.pruned_cursor(BIG)


async def events_of(shop: Shop) -> None:
    old = shop.parcel()
    events = await shop.store.events_of(BIG, old.id)
    await shop.store.events_of(BIG, old.id, before=events[0][0])


async def ready(shop: Shop) -> None:
    assert await shop.store.is_ready()
    await shop.store.try_write()
    await shop.store.database_time()
    await shop.store.sealing_keys()
    shop.store.disk_space()
    shop.store.describe()

"""What a process does while it may be killed at any call to storage, and what it does afterwards.

``make`` opens a new installation and furnishes it. ``work`` creates parcels, polls them, changes
and
erases some, and delivers what there is to tell, some of it at the second try. ``restart`` opens
what
is left, does what is still to do, and returns what it finds. The installation is the real one, with
simulated carriers and a real receiver; only time is moved by hand.
"""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec

from parcelwire.bootstrap import Installation, open_installation
from parcelwire.config import (
    ApiSection,
    CarriersSection,
    Config,
    SecretsSection,
    StoreSection,
    WebhooksSection,
)
from parcelwire.domain.account import Account, Endpoint, world_of
from parcelwire.domain.clock import DAY, FrozenClock
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import AlreadyExistsError
from parcelwire.tracking.ports import Stored, TrackingFilter
from parcelwire.webhooks.ports import MessageFilter, MessageState

DATABASE: Final = "parcelwire.db"
EMAIL: Final = "proof@shop.example"
NUMBERS: Final = ("SIM-NORMAL-0001", "SIM-MISSED-0002", "SIM-CUSTOMS-0003")
RECEIVER_FILE: Final = "receiver"
PROMISES_FILE: Final = "promises"
ROUNDS: Final = 3
LONGEST_RESTART: Final = 200
"""Rounds after which a restart that finds no end has failed."""


class Promise(msgspec.Struct, omit_defaults=True):
    """One line of what a process was asked for, or had promised, when it was killed."""

    what: str
    """``account``, ``endpoint``, ``created``, ``noted``, ``deleting``, ``deleted``."""
    id: str = ""
    text: str = ""


class Findings(msgspec.Struct, kw_only=True):
    """What a restart finds when there is nothing left to do."""

    accounts: list[str] = []
    endpoints: list[str] = []
    trackings: dict[str, str] = {}
    """Id -> number as it was typed."""
    last_sequences: dict[str, int] = {}
    notes: dict[str, str] = {}
    events: dict[str, list[int]] = {}
    """Tracking id -> sequences in the order of the feed, deleted trackings' too."""
    waiting: int = 0
    """Messages that are still not delivered."""
    recreated: list[str] = []
    """What a client heard that asked again for every number: ``created`` or ``exists``."""


class _Promises:
    """Writes lines that outlive the process at once."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(
            folder / PROMISES_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )

    def note(self, what: str, id_: str = "", text: str = "") -> None:
        line = msgspec.json.encode(Promise(what, id_, text)) + b"\n"
        os.write(self._descriptor, line)


def read_promises(folder: Path) -> list[Promise]:
    """Return what was noted down before the process died."""
    file = folder / PROMISES_FILE
    lines = file.read_bytes().splitlines() if file.exists() else []
    return [msgspec.json.decode(line, type=Promise) for line in lines]


@contextlib.asynccontextmanager
async def _opened(folder: Path, clock: FrozenClock) -> AsyncIterator[Installation]:
    config = Config(
        store=StoreSection(url=f"sqlite:{folder / DATABASE}"),
        secrets=SecretsSection(key_file=str(folder / "parcelwire.key")),
        # Polls are made step by step.
        api=ApiSection(fetch_on_create=False, create_per_second=0.0, other_per_second=0.0),
        # A day of a parcel's life passes in a second.
        carriers=CarriersSection(
            simulated_time_scale=86_400.0, registry_file=str(folder / "couriers.json")
        ),
        webhooks=WebhooksSection(allowed_networks=("127.0.0.0/8",), retry_base_seconds=0.5),
    )
    house = await open_installation(config, clock=clock)
    try:
        yield house
    finally:
        await house.close()


async def make(folder: Path) -> None:
    """Open a new installation and furnish it."""
    clock, promises = FrozenClock(), _Promises(folder)
    async with _opened(folder, clock) as house:
        await _furnish(house, promises, (folder / RECEIVER_FILE).read_text())


async def _furnish(house: Installation, promises: _Promises, url: str) -> Account:
    now = house.clock.now()
    owner = await house.store.find_account(EMAIL)
    if owner is None:
        owner = await house.store.add_account(EMAIL, now=now)
        promises.note("account", EMAIL)
    world_id = world_of(owner.number, is_test=True)
    if not await house.store.list_endpoints(world_id):
        endpoint = Endpoint(
            id=house.identifiers.new_id(now),
            world_id=world_id,
            url=url,
            dialect="native",
            secret=f"whsec_{base64.b64encode(os.urandom(32)).decode()}",
            created_at=now,
        )
        await house.store.add_endpoint(endpoint)
        promises.note("endpoint", endpoint.id)
    return owner


async def work(folder: Path) -> None:
    """Create, poll, change, tell, tell again, erase."""
    clock, promises = FrozenClock(), _Promises(folder)
    async with _opened(folder, clock) as house:
        world_id = await _world(house)
        first = await house.service.create(world_id, _draft(NUMBERS[0]))
        promises.note("created", first.tracking.id, NUMBERS[0])
        others = await house.service.create_many(world_id, [_draft(one) for one in NUMBERS[1:]])
        for one, number in zip(others, NUMBERS[1:], strict=True):
            assert one.tracking is not None, one.error  # noqa: S101  # all drafts are right
            promises.note("created", one.tracking.id, number)
        for time in range(ROUNDS):
            await _go_on(house, clock)
            note = f"note {time}"
            promises.note("noting", first.tracking.id, note)
            fresh = await house.service.get(world_id, first.tracking.id)
            await house.service.update(fresh, details={"note": note})
            promises.note("noted", first.tracking.id, note)
        erased = others[0].tracking
        assert erased is not None  # noqa: S101  # as above
        promises.note("deleting", erased.id)
        await house.store.delete_trackings(world_id, [erased.id])
        promises.note("deleted", erased.id)
        for _ in range(ROUNDS):
            await _go_on(house, clock)


async def _world(house: Installation) -> int:
    owner = await house.store.find_account(EMAIL)
    assert owner is not None  # noqa: S101  # ``make`` made it
    return world_of(owner.number, is_test=True)


def _draft(number: str) -> Draft:
    return Draft(number=number, courier_code="dhl")


async def _go_on(house: Installation, clock: FrozenClock, days: int = 1) -> None:
    """Let days of the parcels' lives pass, then ask and tell."""
    clock.advance(days)
    await house.polls.step()
    await house.polls.drain()
    await house.delivery.step()


async def restart(folder: Path, *, recreates: bool) -> Findings:
    """Open what is left, a day later, and go on until there is nothing to do.

    ``recreates``: afterwards ask for every number once more, as a client does that had no answer.
    """
    clock = FrozenClock(FrozenClock().now() + DAY)
    found = Findings()
    async with _opened(folder, clock) as house:
        if not recreates:
            url = (folder / RECEIVER_FILE).read_text()
            found.accounts = [one.email for one in await house.store.list_accounts()]
            owner = await _furnish(house, _Promises(folder), url)
            world_id = world_of(owner.number, is_test=True)
            found.endpoints = [one.id for one in await house.store.list_endpoints(world_id)]
            return found
        world_id = await _world(house)
        for _ in range(LONGEST_RESTART):
            await _go_on(house, clock, days=5)
            stored = await _all(house, world_id)
            waiting = (
                await house.store.list_messages(
                    world_id, MessageFilter(states=(MessageState.PENDING,)), limit=100
                )
            ).messages
            found.waiting = len(waiting)
            if not waiting and all(one.tracking.is_stopped for one in stored):
                break
        await _look(house, world_id, found)
        for number in NUMBERS:
            try:
                await house.service.create(world_id, _draft(number))
                found.recreated.append("created")
            except AlreadyExistsError:
                found.recreated.append("exists")
    return found


async def _all(house: Installation, world_id: int) -> list[Stored]:
    return await house.store.list_trackings(world_id, TrackingFilter(), offset=0, limit=100)


async def _look(house: Installation, world_id: int, found: Findings) -> None:
    for one in await _all(house, world_id):
        tracking = one.tracking
        found.trackings[tracking.id] = tracking.typed_number
        found.last_sequences[tracking.id] = tracking.sequence
        found.notes[tracking.id] = tracking.details.note or ""
    for _, event in await house.store.events_after(world_id, 0, 10_000):
        found.events.setdefault(event.tracking_id, []).append(event.sequence)

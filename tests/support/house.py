"""A house for tests: real use cases, a real SQLite file, a clock that stands, carriers on a script.

    async with open_house(tmp_path, lambda house: [DialectFrame(house, v4_dialect())]) as house:
        house.carriers.script("usps", "9400...", report(...))
        answer = await house.call("POST", "/v4/trackings/create", json={...})
        assert answer.status == 200

Calls go through the ``Door`` as ASGI calls, without a socket. ``serve`` puts the same door behind
the real server on loopback, for client libraries.
"""

from __future__ import annotations

import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec.structs import replace

from parcelwire.accounts.authentication import KeyAuthenticator
from parcelwire.accounts.key_format import digest_of, make_key, prefix_of
from parcelwire.accounts.keys import KeyService
from parcelwire.accounts.service import AccountService
from parcelwire.api.asgi import Dialect, Door
from parcelwire.api.bodies import BodyReader
from parcelwire.api.house import ApiSettings, House
from parcelwire.api.rate_limit import RateLimiter
from parcelwire.api.shares import EventWatch, LongReads, ShareSettings
from parcelwire.api.v2.render import Renderer as V2Renderer
from parcelwire.api.v4.render import Renderer
from parcelwire.bootstrap.webhooks import webhook_services
from parcelwire.connectors.credential_encryption import AesGcmCipher
from parcelwire.couriers.detection import default_detector
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.account import Account, ApiKey, account_of
from parcelwire.domain.air_waybill import AirWaybills
from parcelwire.domain.clock import Clock, FrozenClock, Instant
from parcelwire.domain.tracking import Tracking
from parcelwire.polling.carrier_throttle import CarrierThrottle
from parcelwire.polling.plan import PollPlanner
from parcelwire.store.port import Store
from parcelwire.store.sealing import ValueSealer
from parcelwire.store.sqlite import open_store
from parcelwire.tracking.drafts import Drafting
from parcelwire.tracking.history import CourierHistory
from parcelwire.tracking.ports import Carriers
from parcelwire.tracking.refresh import Refresher
from parcelwire.tracking.service import ServiceSettings, TrackingService
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.sender import HttpSender
from parcelwire.webhooks.settings import WebhookSettings
from parcelwire.webhooks.worker import DeliveryWorker
from tests.support.asgi import Answer, call, nobody, serve
from tests.support.carriers import ScriptedCarriers, report

Render = Callable[[Tracking], bytes]
MakeDialects = Callable[[House], Iterable[Dialect]]
OpenStore = Callable[..., Awaitable[Store]]
MakeCarriers = Callable[[Store, Clock], Carriers]


class SeededIdentifiers:
    """Ids that look like real ones and are the same in every run."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._count = 0

    def new_id(self, now: Instant) -> str:
        # Ascending within one millisecond too: the clock of a test stands.
        self._count += 1
        return f"{now:012x}{self._count:08x}{self._random.getrandbits(48):012x}"

    def new_token(self) -> str:
        return f"{self._random.getrandbits(160):040x}"


class NoNames(AbstractResolver):
    """Knows no name: nothing of a test is asked of the network."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        msg = f"{host} has no address"
        raise OSError(msg)

    async def close(self) -> None:
        """Nothing is open."""


class HouseUnderTest(msgspec.Struct, kw_only=True):
    """The house, its door, and what a test wants to get hold of."""

    house: House
    door: Door
    clock: FrozenClock
    carriers: ScriptedCarriers
    store: Store
    service: TrackingService
    delivery: DeliveryWorker
    """Delivers the messages, step by step."""
    composer: MessageComposer
    sender: HttpSender
    account: Account
    key: str
    """A live key of ``account``."""
    test_key: str
    """A key of the account's test world."""
    key_header: str = "Tracking-Api-Key"

    @property
    def world_id(self) -> int:
        return self.account.number * 2

    async def add_key(self, seed: int = 7, **fields: Any) -> str:
        """Store one more key of ``account`` (``is_test``, ``scope``, ``revoked_at``)."""
        return await self.add_key_of(self.account, seed=seed, **fields)

    async def add_account(self, email: str, *, seed: int = 9, **fields: Any) -> str:
        """Make another account and return a key of it."""
        account = await self.store.add_account(email, now=self.clock.now())
        return await self.add_key_of(account, seed=seed, **fields)

    async def add_key_of(self, account: Account, *, seed: int, **fields: Any) -> str:
        """Store one more key of an account."""
        key = make_key(
            random.Random(seed).randbytes(24), is_test=bool(fields.get("is_test", False))
        )
        await self.store.add_key(key_record(key, account.number, **fields))
        return key

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = msgspec.UNSET,
        body: bytes = b"",
        query: str = "",
        headers: Mapping[str, str] | None = None,
        key: str | None = "",
    ) -> Answer:
        """Make one call. ``json`` is encoded as the body; ``key`` None sends none."""
        sent = dict(headers or {})
        if key is not None:
            sent.setdefault(self.key_header, key or self.key)
        if json is not msgspec.UNSET:
            body = msgspec.json.encode(json)
        return await call(self.door, method, path, body=body, query=query, headers=sent)


def key_record(key: str, account_number: int, **fields: Any) -> ApiKey:
    """Return what is stored of ``key``."""
    return ApiKey(
        digest=digest_of(key),
        prefix=prefix_of(key),
        account_number=account_number,
        **{"is_test": False, **fields},
    )


@asynccontextmanager
async def open_house(
    folder: Path,
    dialects: MakeDialects,
    *,
    render: Render | None = None,
    make_carriers: MakeCarriers | None = None,
    settings: ApiSettings | None = None,
    service_settings: ServiceSettings | None = None,
    quota: int | None = None,
    air_waybills: AirWaybills | None = None,
    key_header: str = "Tracking-Api-Key",
    clock: FrozenClock | None = None,
    webhooks: WebhookSettings | None = None,
    resolver: AbstractResolver | None = None,
    open_one: OpenStore | None = None,
    shares: ShareSettings | None = None,
) -> AsyncIterator[HouseUnderTest]:
    """Open a house on a new SQLite file in ``folder``, with one account and its two keys.

    ``render`` makes the store's renditions (v4's by default). ``make_carriers`` replaces the
    carriers on a script by others, the real gateway for instance. Endpoints may be on loopback
    unless ``webhooks`` says otherwise; names have no addresses unless ``resolver`` knows some.
    ``open_one`` opens another store than the file.
    """
    clock = clock or FrozenClock()
    webhooks = webhooks or WebhookSettings(
        allowed_networks=("127.0.0.0/8",), request_timeout_seconds=5
    )
    settings = settings or ApiSettings()
    registry, detector = default_registry(), default_detector()
    carriers = ScriptedCarriers()
    renderer = Renderer(registry, carriers.phrase)
    sealer = AesGcmCipher([bytes(range(32))], random.Random(5).randbytes)
    if open_one is None:

        async def open_one(sealer: ValueSealer | None = None) -> Store:
            path = folder / "parcelwire.db"
            return await open_store(
                path, render=render or renderer.tracking, clock=clock, sealer=sealer
            )

    store = await open_one(sealer)
    await store.register_first_key(sealer.fingerprints[0], clock.now())
    sender = HttpSender(webhooks, resolver=resolver or NoNames())
    try:
        identifiers = SeededIdentifiers()
        composer = MessageComposer(
            {"v2": V2Renderer(registry, carriers.phrase).payload, "v4": renderer.payload},
            identifiers,
        )
        planner = PollPlanner()
        refresher = Refresher(
            store,
            composer=composer,
            planner=planner,
            registry=registry,
            identifiers=identifiers,
            clock=clock,
        )
        service = TrackingService(
            store,
            carriers=make_carriers(store, clock) if make_carriers else carriers,
            throttle=CarrierThrottle(store, clock),
            planner=planner,
            refresher=refresher,
            drafting=Drafting(registry, detector, identifiers, CourierHistory(store, clock)),
            registry=registry,
            clock=clock,
            settings=service_settings or ServiceSettings(),
        )
        delivery = DeliveryWorker(
            store,
            sender,
            clock=clock,
            accounts=lambda world_id: store.load_account(account_of(world_id)),
            identifiers=identifiers,
            random=random.Random(4).random,
            settings=webhooks,
        )
        random_bytes = random.Random(6).randbytes
        services = webhook_services(
            store,
            composer=composer,
            delivery=delivery,
            guard=sender.guard,
            clock=clock,
            identifiers=identifiers,
            random_bytes=random_bytes,
            settings=webhooks,
            resolver=resolver or NoNames(),
        )
        shares = shares or ShareSettings()
        random_bytes = random.Random(6).randbytes
        house = House(
            service=service,
            accounts=AccountService(store, clock=clock),
            keys=KeyService(store, clock=clock, random_bytes=random_bytes),
            store=store,
            registry=registry,
            authenticator=KeyAuthenticator(store, clock),
            limiter=RateLimiter(
                clock,
                {"create": settings.create_per_second, "other": settings.other_per_second},
            ),
            reads=LongReads(shares),
            events=EventWatch(store, clock, shares, lambda: house.is_closing),
            clock=clock,
            settings=settings,
            endpoints=services.endpoints,
            messages=services.messages,
            test_delivery=services.test_delivery,
            bodies=BodyReader(settings.max_body_bytes, settings.max_bodies_per_key),
            sealer=sealer,
            air_waybills=air_waybills,
        )
        account = await store.add_account("shop@example.com", name="Shop", now=clock.now())
        if quota is not None:
            account = replace(account, tracking_quota=quota)
            await store.save_account(account)
        keys = []
        for seed, is_test in ((11, False), (12, True)):
            key = make_key(random.Random(seed).randbytes(24), is_test=is_test)
            await store.add_key(key_record(key, account.number, is_test=is_test))
            keys.append(key)
        yield HouseUnderTest(
            house=house,
            door=Door(house, dialects(house), nobody),
            clock=clock,
            carriers=carriers,
            store=store,
            service=service,
            delivery=delivery,
            composer=composer,
            sender=sender,
            account=account,
            key=keys[0],
            test_key=keys[1],
            key_header=key_header,
        )
        await service.drain()
    finally:
        await sender.close()
        await store.close()


__all__ = [
    "Answer",
    "HouseUnderTest",
    "ScriptedCarriers",
    "call",
    "key_record",
    "nobody",
    "open_house",
    "report",
    "serve",
]

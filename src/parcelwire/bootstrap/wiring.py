"""The inner parts and how they are joined: who asks carriers, keeps trackings, tells other systems.

    PollWorker ------+--> throttle --> carriers
                     +--> Refresher --> store --> DeliveryWorker --> sender
    TrackingService -+

Whatever touches the world (``Outside``) is handed in: a running installation gives the real
thing, a simulated world its own. The wiring between is the same one, so what is proved of the
one is proved of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from parcelwire.api.v2.render import Renderer as V2Renderer
from parcelwire.api.v4.render import Renderer
from parcelwire.couriers.detection import default_detector
from parcelwire.couriers.registry import Registry
from parcelwire.domain.account import Account, account_of
from parcelwire.domain.clock import Clock
from parcelwire.polling.carrier_throttle import CarrierThrottle
from parcelwire.polling.plan import PollPlanner
from parcelwire.polling.worker import PollSettings, PollWorker
from parcelwire.store.port import Store
from parcelwire.tracking.courier_correction import CourierCorrector
from parcelwire.tracking.courier_detection_retry import CandidateFinder
from parcelwire.tracking.drafts import Drafting
from parcelwire.tracking.history import CourierHistory
from parcelwire.tracking.ports import Carriers, Identifiers
from parcelwire.tracking.refresh import Refresher
from parcelwire.tracking.service import ServiceSettings, TrackingService
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.native import render_native
from parcelwire.webhooks.notices import Notifier
from parcelwire.webhooks.sender import Sender
from parcelwire.webhooks.settings import WebhookSettings
from parcelwire.webhooks.worker import DeliveryWorker


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """What the parts are given from outside."""

    store: Store
    clock: Clock
    identifiers: Identifiers
    random: Callable[[], float]
    """Numbers from 0 to 1, which spread the retries of messages."""
    registry: Registry
    carriers: Carriers
    """As the use cases ask them."""
    polled_carriers: Carriers
    """As the workers ask them."""
    sender: Sender
    renderer: Renderer
    """The one that makes the store's renditions."""
    notifiers: Sequence[Notifier] = ()
    """Are told of endpoints that fail."""


class WiringSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the parts behave."""

    time_scale: float = 1.0
    """How many times faster than planned carriers are asked."""
    polls: PollSettings = PollSettings()
    service: ServiceSettings = ServiceSettings()
    webhooks: WebhookSettings = WebhookSettings()


class Kinds(msgspec.Struct, frozen=True, kw_only=True):
    """Of which classes some parts are made; who plants a bug puts a class of its own in."""

    refresher: type[Refresher] = Refresher
    planner: type[PollPlanner] = PollPlanner
    composer: type[MessageComposer] = MessageComposer


class Wired(msgspec.Struct, frozen=True, kw_only=True):
    """The parts, joined. Nothing of them runs yet."""

    service: TrackingService
    polls: PollWorker
    delivery: DeliveryWorker
    composer: MessageComposer


def wire(outside: Outside, settings: WiringSettings, kinds: Kinds | None = None) -> Wired:
    """Make the parts and join them."""
    kinds = kinds or Kinds()
    store, clock, registry = outside.store, outside.clock, outside.registry

    async def account_of_world(world_id: int) -> Account | None:
        return await store.load_account(account_of(world_id))

    composer = kinds.composer(
        {
            "v2": V2Renderer(registry, outside.carriers.phrase).payload,
            "v4": outside.renderer.payload,
            "native": render_native,
        },
        outside.identifiers,
    )
    delivery = DeliveryWorker(
        store,
        outside.sender,
        clock=clock,
        accounts=account_of_world,
        identifiers=outside.identifiers,
        random=outside.random,
        settings=settings.webhooks,
        notifiers=outside.notifiers,
    )
    planner = kinds.planner(settings.time_scale)
    detector = default_detector()
    history = CourierHistory(store, clock)
    finder = CandidateFinder(
        detector, registry, outside.polled_carriers, history=history, speed=settings.time_scale
    )
    throttle = CarrierThrottle(store, clock)
    refresher = kinds.refresher(
        store,
        composer=composer,
        planner=planner,
        registry=registry,
        identifiers=outside.identifiers,
        clock=clock,
        notify=delivery.notify,
        finder=finder,
    )
    polls = PollWorker(
        store,
        carriers=outside.polled_carriers,
        throttle=throttle,
        refresher=refresher,
        finder=finder,
        corrector=CourierCorrector(
            store,
            finder=finder,
            carriers=outside.polled_carriers,
            planner=planner,
            refresher=refresher,
            clock=clock,
        ),
        clock=clock,
        settings=settings.polls,
    )
    service = TrackingService(
        store,
        carriers=outside.carriers,
        throttle=throttle,
        planner=planner,
        refresher=refresher,
        drafting=Drafting(registry, detector, outside.identifiers, history),
        registry=registry,
        clock=clock,
        settings=settings.service,
        wake_polls=polls.wake,
    )
    return Wired(service=service, polls=polls, delivery=delivery, composer=composer)

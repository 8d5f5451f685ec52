"""The use cases of webhooks, put together for API, pages and commands."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from aiohttp.abc import AbstractResolver

from parcelwire.domain.clock import Clock
from parcelwire.tracking.ports import Identifiers
from parcelwire.webhooks.address import AddressGuard
from parcelwire.webhooks.endpoints import EndpointService
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.messages import MessageService
from parcelwire.webhooks.ports import MessageStore
from parcelwire.webhooks.settings import WebhookSettings
from parcelwire.webhooks.test_delivery import TestDelivery
from parcelwire.webhooks.url_check import UrlChecker
from parcelwire.webhooks.worker import DeliveryWorker


class WebhookServices(msgspec.Struct, frozen=True, kw_only=True):
    """The use cases, and what they hold open."""

    endpoints: EndpointService
    messages: MessageService
    test_delivery: TestDelivery
    urls: UrlChecker
    """To be closed in the end."""


def webhook_services(
    store: MessageStore,
    *,
    composer: MessageComposer,
    delivery: DeliveryWorker,
    guard: AddressGuard,
    clock: Clock,
    identifiers: Identifiers,
    random_bytes: Callable[[int], bytes],
    settings: WebhookSettings,
    resolver: AbstractResolver | None = None,
    is_served: Callable[[], bool] = lambda: False,
    is_closing: Callable[[], bool] = lambda: False,
) -> WebhookServices:
    """Return the use cases; see ``TestDelivery`` and ``UrlChecker`` for what they are given."""
    urls = UrlChecker(guard, dns_threads=settings.dns_threads, resolver=resolver)
    return WebhookServices(
        endpoints=EndpointService(
            store,
            check_url=urls.check,
            clock=clock,
            identifiers=identifiers,
            random_bytes=random_bytes,
            wake=delivery.notify,
        ),
        messages=MessageService(store, clock=clock, wake=delivery.notify),
        test_delivery=TestDelivery(
            store,
            composer=composer,
            deliveries=delivery,
            clock=clock,
            attempt_seconds=settings.request_timeout_seconds,
            is_served=is_served,
            is_closing=is_closing,
        ),
        urls=urls,
    )

"""From the configuration to what single rooms are made with."""

from __future__ import annotations

from parcelwire.accounts.login_throttle import LoginLimits
from parcelwire.api.house import ApiSettings
from parcelwire.api.shares import ShareSettings
from parcelwire.bootstrap.errors import InstallationError
from parcelwire.bootstrap.wiring import WiringSettings
from parcelwire.config import Config
from parcelwire.connectors.catalogue import Catalogue, CatalogueError, load_catalogue
from parcelwire.connectors.routing import GatewaySettings
from parcelwire.connectors.simulated import SimulatedCarrier
from parcelwire.pages.limits import LARGEST_FORM, PageLimits
from parcelwire.polling.worker import PollSettings
from parcelwire.server.limits import ServerLimits
from parcelwire.server.open_files import connections_for
from parcelwire.tracking.fetch import SLOT_SECONDS
from parcelwire.tracking.service import ServiceSettings
from parcelwire.webhooks.housekeeping import KeepingSettings
from parcelwire.webhooks.settings import WebhookSettings


def webhook_settings(config: Config) -> WebhookSettings:
    """Return the webhooks room's own settings.

    Raises:
        InstallationError: the figures contradict each other.
    """
    section = config.webhooks
    try:
        return WebhookSettings(
            max_attempts=section.max_attempts,
            retry_base_seconds=section.retry_base_seconds,
            request_timeout_seconds=section.request_timeout_seconds,
            max_concurrent_deliveries=section.max_concurrent_deliveries,
            max_concurrent_per_endpoint=section.max_concurrent_per_endpoint,
            failing_after_seconds=section.failing_after_seconds,
            disable_after_seconds=section.disable_after_seconds,
            allowed_networks=section.allowed_networks,
            extra_ports=section.extra_ports,
            ca_file=section.ca_file or None,
        )
    except ValueError as error:
        raise InstallationError(str(error)) from None


def wiring_settings(config: Config, webhooks: WebhookSettings) -> WiringSettings:
    """Return how the inner parts behave."""
    polling, api = config.polling, config.api
    return WiringSettings(
        time_scale=polling.time_scale,
        polls=PollSettings(
            claim_size=polling.claim_size,
            concurrency=polling.concurrency,
            lease_seconds=polling.lease_seconds,
            fetch_timeout_seconds=polling.fetch_timeout_seconds,
            slot_seconds=slot_seconds(config),
            idle_seconds=polling.idle_seconds,
        ),
        service=ServiceSettings(
            fetch_wait_seconds=api.fetch_wait_seconds,
            fetch_timeout_seconds=polling.fetch_timeout_seconds,
            slot_seconds=slot_seconds(config),
            fetch_on_create=api.fetch_on_create,
            test_trackings=config.limits.test_trackings,
            realtime_interval_seconds=api.realtime_interval_seconds,
        ),
        webhooks=webhooks,
    )


def api_settings(config: Config) -> ApiSettings:
    """Return how the APIs behave."""
    return ApiSettings(
        max_body_bytes=config.server.max_body_bytes,
        max_bodies_per_key=config.server.max_bodies_per_key,
        create_per_second=config.api.create_per_second,
        other_per_second=config.api.other_per_second,
        v2_disabled_calls=config.api.v2_disabled_calls,
        is_payment_required=config.api.payment_required,
        operators=config.api.operators,
        public_url=config.public_url,
    )


def share_settings(config: Config) -> ShareSettings:
    """Return how much of a process one account may take."""
    limits = config.limits
    return ShareSettings(
        long_reads=limits.long_reads,
        long_reads_per_account=limits.long_reads_per_account,
        long_read_wait_seconds=limits.long_read_wait_seconds,
        event_waits=limits.event_waits,
        event_waits_per_account=limits.event_waits_per_account,
    )


def slot_seconds(config: Config) -> float:
    """Return how long a question waits for a slot among the conversations with its carrier.

    That time and the conversation's own must end before the lease does.
    """
    spare = config.polling.lease_seconds - config.polling.fetch_timeout_seconds
    return min(SLOT_SECONDS, 0.4 * spare)


def gateway_settings(config: Config) -> GatewaySettings:
    """Return how carriers are asked."""
    return GatewaySettings(
        web_connectors=frozenset(config.carriers.unofficial_connectors),
        base_urls=config.carriers.base_urls,
        slot_seconds=slot_seconds(config),
        exchange_seconds=config.polling.fetch_timeout_seconds,
    )


def keeping_settings(config: Config) -> KeepingSettings:
    """Return how long what is kept.

    Raises:
        InstallationError: a figure makes no sense.
    """
    section = config.webhooks
    try:
        return KeepingSettings(
            message_days=section.message_retention_days,
            event_days=section.event_retention_days,
            waiting_days=section.pending_retention_days,
            idempotency_hours=config.api.idempotency_hours,
        )
    except ValueError as error:
        raise InstallationError(str(error)) from None


def server_limits(config: Config, files: int) -> ServerLimits:
    """Return what a server process takes from its clients.

    ``files``: how many files it may have open.
    """
    section = config.server
    outgoing = (
        config.store.pool_size
        + config.webhooks.max_concurrent_deliveries
        + 2 * config.polling.concurrency
    )
    return ServerLimits(
        max_connections=section.max_connections or connections_for(files, outgoing),
        max_connections_per_source=section.max_connections_per_source,
        max_head_bytes=section.max_head_bytes,
        # Beyond every page's and call's own limit, so that they can answer in their own words.
        max_body_bytes=max(LARGEST_FORM, section.max_body_bytes),
        max_body_memory_bytes=section.max_body_memory_bytes,
        head_timeout_seconds=section.head_timeout_seconds,
        body_idle_timeout_seconds=section.body_idle_timeout_seconds,
        body_timeout_seconds=section.body_timeout_seconds,
        idle_timeout_seconds=section.idle_timeout_seconds,
        write_timeout_seconds=section.write_timeout_seconds,
    )


def make_catalogue(config: Config) -> Catalogue:
    """Return the connectors of this installation.

    Raises:
        InstallationError: a setting names a connector or a host of one that is not there, or two
            claim one code.
    """
    try:
        catalogue = load_catalogue(SimulatedCarrier(config.carriers.simulated_time_scale))
        catalogue.check_names(config.carriers.unofficial_connectors)
        for code, urls in config.carriers.base_urls.items():
            catalogue.check_steps(code, urls)
    except CatalogueError as error:
        raise InstallationError(str(error)) from error
    return catalogue


def login_limits(config: Config) -> LoginLimits:
    """Return what logging in to the dashboard is bounded by."""
    limits = config.limits
    return LoginLimits(
        failures_per_source_per_hour=limits.login_failures_per_source_per_hour,
        failures_per_account_per_day=limits.login_failures_per_account_per_day,
        most_waiting=limits.login_queue_size,
    )


def page_limits(config: Config) -> PageLimits:
    """Return what the public pages are bounded by."""
    limits = config.limits
    return PageLimits(
        lookups_per_source_per_minute=limits.lookups_per_source_per_minute,
        forms_per_source_per_minute=limits.forms_per_source_per_minute,
        pages_per_source_per_minute=limits.pages_per_source_per_minute,
        lookups_and_forms_per_minute=limits.lookups_and_forms_per_minute,
        live_per_source=limits.live_streams_per_source,
        live_per_tracking=limits.live_streams_per_tracking,
        live_per_account=limits.live_streams_per_account,
        live=limits.live_streams,
    )

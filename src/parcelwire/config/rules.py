"""What makes no sense in settings, alone or together, though each is of its type."""

from __future__ import annotations

import ipaddress
import math
import re
from typing import Final
from urllib.parse import urlsplit

from parcelwire.config.errors import ConfigError
from parcelwire.config.sections import Config
from parcelwire.pages.limits import LARGEST_FORM

_HOST_NAME: Final = re.compile(r"(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")


def check(config: Config) -> None:
    """Check what no single field's type can tell.

    Raises:
        ConfigError: two settings contradict each other, or a value makes no sense.
    """
    for section in config.__struct_fields__:
        values = getattr(config, section)
        for name in values.__struct_fields__:
            value = getattr(values, name)
            if isinstance(value, float) and not math.isfinite(value):
                msg = f"{section}.{name} must be a finite number"
                raise ConfigError(msg)
    for is_right, what in _rules(config):
        if not is_right:
            raise ConfigError(what)
    for setting, networks in (
        ("webhooks.allowed_networks", config.webhooks.allowed_networks),
        ("server.trusted_proxies", config.server.trusted_proxies),
    ):
        for network in networks:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                msg = f"{setting}: {error}"
                raise ConfigError(msg) from None
    for connector, urls in config.carriers.base_urls.items():
        for step, url in urls.items():
            if not _is_web_address(url):
                msg = (
                    f"carriers.base_urls.{connector}.{step} must begin with https:// or http://,"
                    f" not {url!r}"
                )
                raise ConfigError(msg)


def _rules(config: Config) -> list[tuple[bool, str]]:
    server, store, api = config.server, config.store, config.api
    polling, webhooks = config.polling, config.webhooks
    return [
        (bool(server.host), "server.host must not be empty"),
        (0 <= server.port <= 65_535, "server.port must be a port number"),
        (
            not server.public_url or _is_web_address(server.public_url),
            "server.public_url must begin with https:// or http://",
        ),
        *_server_rules(config),
        (
            store.url.startswith(("sqlite:", "postgresql://", "postgres://")),
            'store.url must begin with "sqlite:" or "postgresql://"',
        ),
        (store.url != "sqlite:", "store.url must name a file: sqlite:FILE"),
        (store.pool_size > 0, "store.pool_size must be positive"),
        (
            store.integrity_check_hours >= 0,
            "store.integrity_check_hours must not be negative (0: never)",
        ),
        (api.idempotency_hours > 0, "api.idempotency_hours must be positive"),
        (api.create_per_second >= 0, "api.create_per_second must not be negative"),
        (api.other_per_second >= 0, "api.other_per_second must not be negative"),
        (api.fetch_wait_seconds >= 0, "api.fetch_wait_seconds must not be negative"),
        (api.realtime_interval_seconds >= 0, "api.realtime_interval_seconds must not be negative"),
        (polling.claim_size > 0, "polling.claim_size must be positive"),
        (polling.concurrency > 0, "polling.concurrency must be positive"),
        (polling.fetch_timeout_seconds > 0, "polling.fetch_timeout_seconds must be positive"),
        (
            polling.fetch_timeout_seconds < polling.lease_seconds,
            "polling.fetch_timeout_seconds must be shorter than polling.lease_seconds,"
            " or two workers ask about one parcel",
        ),
        (polling.idle_seconds > 0, "polling.idle_seconds must be positive"),
        (polling.time_scale >= 1, "polling.time_scale must be at least 1"),
        (webhooks.max_attempts > 0, "webhooks.max_attempts must be positive"),
        (webhooks.retry_base_seconds > 0, "webhooks.retry_base_seconds must be positive"),
        (
            0 < webhooks.request_timeout_seconds <= 30,
            "webhooks.request_timeout_seconds must be more than 0 and at most 30",
        ),
        (
            webhooks.max_concurrent_deliveries > 0,
            "webhooks.max_concurrent_deliveries must be positive",
        ),
        (
            webhooks.max_concurrent_per_endpoint > 0,
            "webhooks.max_concurrent_per_endpoint must be positive",
        ),
        (
            webhooks.failing_after_seconds >= 0,
            "webhooks.failing_after_seconds must not be negative",
        ),
        (
            webhooks.disable_after_seconds == 0
            or webhooks.disable_after_seconds >= webhooks.failing_after_seconds,
            "webhooks.disable_after_seconds must be 0 (never) or at least"
            " webhooks.failing_after_seconds",
        ),
        (webhooks.message_retention_days > 0, "webhooks.message_retention_days must be positive"),
        (
            webhooks.pending_retention_days >= 0,
            "webhooks.pending_retention_days must not be negative",
        ),
        (
            webhooks.event_retention_days >= 30,
            "webhooks.event_retention_days must be at least 30: the events feed promises so much",
        ),
        (
            all(0 < port <= 65_535 for port in webhooks.extra_ports),
            "webhooks.extra_ports must be port numbers",
        ),
        *_notification_rules(config),
        *_limit_rules(config),
        (bool(config.carriers.registry_file), "carriers.registry_file must not be empty"),
        (
            config.carriers.simulated_time_scale > 0,
            "carriers.simulated_time_scale must be positive",
        ),
        (
            config.logging.level in {"DEBUG", "INFO", "WARNING", "ERROR"},
            "logging.level must be DEBUG, INFO, WARNING or ERROR",
        ),
    ]


def _server_rules(config: Config) -> list[tuple[bool, str]]:
    server = config.server
    return [
        (server.max_body_bytes >= 1_000, "server.max_body_bytes must be at least 1000"),
        (
            all(map(_is_host, server.trusted_hosts)),
            "server.trusted_hosts must be host names without scheme, port or path,"
            ' "*.example.com" for all names below one, or "*"',
        ),
        (server.max_connections >= 0, "server.max_connections must not be negative"),
        (
            server.max_connections_per_source > 0,
            "server.max_connections_per_source must be positive",
        ),
        (server.max_head_bytes >= 1_000, "server.max_head_bytes must be at least 1000"),
        (
            server.max_body_memory_bytes >= max(server.max_body_bytes, LARGEST_FORM),
            "server.max_body_memory_bytes must be at least server.max_body_bytes and"
            f" {LARGEST_FORM} (a file that is uploaded in the dashboard)",
        ),
        (server.max_bodies_per_key > 0, "server.max_bodies_per_key must be positive"),
        (server.head_timeout_seconds > 0, "server.head_timeout_seconds must be positive"),
        (server.body_idle_timeout_seconds > 0, "server.body_idle_timeout_seconds must be positive"),
        (server.body_timeout_seconds > 0, "server.body_timeout_seconds must be positive"),
        (server.idle_timeout_seconds > 0, "server.idle_timeout_seconds must be positive"),
        (server.write_timeout_seconds > 0, "server.write_timeout_seconds must be positive"),
    ]


def _notification_rules(config: Config) -> list[tuple[bool, str]]:
    notifications = config.notifications
    has_mail = bool(notifications.smtp_host)
    return [
        (0 < notifications.smtp_port <= 65_535, "notifications.smtp_port must be a port number"),
        (
            notifications.security in {"starttls", "tls", "none"},
            "notifications.security must be starttls, tls or none",
        ),
        (
            not has_mail or notifications.security != "none" or not notifications.username,
            "notifications.username needs notifications.security starttls or tls:"
            " a password goes over no open line",
        ),
        (
            not has_mail or not (notifications.password and notifications.password_file),
            "notifications.password and notifications.password_file: give one of them",
        ),
        (
            not has_mail
            or bool(notifications.username)
            == bool(notifications.password or notifications.password_file),
            "notifications.username and a password (notifications.password or"
            " notifications.password_file) belong together",
        ),
        (
            not has_mail or "@" in notifications.sender,
            "notifications.sender must be an e-mail address when notifications.smtp_host is set",
        ),
        (notifications.timeout_seconds > 0, "notifications.timeout_seconds must be positive"),
        (notifications.per_minute > 0, "notifications.per_minute must be positive"),
        (
            notifications.min_interval_minutes >= 0,
            "notifications.min_interval_minutes must not be negative",
        ),
    ]


_POSITIVE_LIMITS: Final = frozenset(
    {
        "login_failures_per_source_per_hour",
        "login_failures_per_account_per_day",
        "login_queue_size",
        "lookups_per_source_per_minute",
        "forms_per_source_per_minute",
        "pages_per_source_per_minute",
        "lookups_and_forms_per_minute",
        "live_streams_per_source",
        "live_streams_per_tracking",
        "live_streams_per_account",
        "live_streams",
        "long_reads",
    }
)
"""Limits that cannot be 0. Of another one it means no limit, as many as there are, or none at all.
"""


def _limit_rules(config: Config) -> list[tuple[bool, str]]:
    limits = config.limits
    most_of_a_source = max(limits.lookups_per_source_per_minute, limits.forms_per_source_per_minute)
    return [
        *(
            (getattr(limits, name) > 0, f"limits.{name} must be positive")
            if name in _POSITIVE_LIMITS
            else (getattr(limits, name) >= 0, f"limits.{name} must not be negative")
            for name in limits.__struct_fields__
        ),
        (
            10 * most_of_a_source <= limits.lookups_and_forms_per_minute,
            "limits.lookups_and_forms_per_minute must be at least ten times"
            " limits.lookups_per_source_per_minute and limits.forms_per_source_per_minute,"
            " or a few sources can use it up",
        ),
        (
            max(limits.live_streams_per_source, limits.live_streams_per_tracking)
            < limits.live_streams,
            "limits.live_streams must be more than limits.live_streams_per_source and"
            " limits.live_streams_per_tracking, or one of them can use it up",
        ),
    ]


def _is_host(text: str) -> bool:
    if text == "*" or _HOST_NAME.fullmatch(text):
        return True
    try:
        return bool(ipaddress.IPv6Address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        return False


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False

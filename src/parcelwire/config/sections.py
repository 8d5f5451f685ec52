"""The settings: their sections, names, types and defaults."""

from __future__ import annotations

from pathlib import Path

import msgspec


class ServerSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[server]``."""

    host: str = "127.0.0.1"
    port: int = 8787
    public_url: str = ""
    max_body_bytes: int = 2_000_000
    trusted_proxies: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    max_connections: int = 0
    max_connections_per_source: int = 100
    max_head_bytes: int = 32_768
    max_body_memory_bytes: int = 67_108_864
    max_bodies_per_key: int = 16
    head_timeout_seconds: float = 10.0
    body_idle_timeout_seconds: float = 15.0
    body_timeout_seconds: float = 60.0
    idle_timeout_seconds: float = 15.0
    write_timeout_seconds: float = 30.0


class StoreSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[store]``."""

    url: str = "sqlite:parcelwire.db"
    pool_size: int = 8
    behind_pgbouncer: bool = False
    integrity_check_hours: float = 24.0

    @property
    def sqlite_file(self) -> Path | None:
        """The database's file, as ``url`` names it; None for PostgreSQL."""
        scheme, _, file = self.url.partition(":")
        return Path(file) if scheme == "sqlite" else None


class SecretsSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[secrets]``."""

    key_file: str = ""


class ApiSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[api]``."""

    idempotency_hours: float = 24.0
    create_per_second: float = 50.0
    other_per_second: float = 200.0
    fetch_on_create: bool = True
    fetch_wait_seconds: float = 6.0
    realtime_interval_seconds: int = 60
    v2_disabled_calls: tuple[str, ...] = ()
    payment_required: bool = False
    operators: tuple[str, ...] = ()


class PollingSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[polling]``."""

    claim_size: int = 200
    concurrency: int = 32
    lease_seconds: float = 27.0
    fetch_timeout_seconds: float = 22.0
    idle_seconds: float = 2.0
    time_scale: float = 1.0


class WebhooksSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[webhooks]``."""

    max_attempts: int = 15
    retry_base_seconds: float = 30.0
    request_timeout_seconds: float = 15.0
    max_concurrent_deliveries: int = 256
    max_concurrent_per_endpoint: int = 16
    failing_after_seconds: float = 600.0
    disable_after_seconds: float = 432_000.0
    message_retention_days: int = 90
    event_retention_days: int = 90
    pending_retention_days: int = 30
    allowed_networks: tuple[str, ...] = ()
    extra_ports: tuple[int, ...] = ()
    ca_file: str = ""


class CarriersSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[carriers]``."""

    unofficial_connectors: tuple[str, ...] = ()
    contact: str = ""
    registry_file: str = "parcelwire.couriers.json"
    simulated_time_scale: float = 1440.0
    base_urls: dict[str, dict[str, str]] = {}


class NotificationsSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[notifications]``."""

    smtp_host: str = ""
    smtp_port: int = 587
    security: str = "starttls"
    username: str = ""
    password: str = ""
    password_file: str = ""
    ca_file: str = ""
    sender: str = ""
    timeout_seconds: float = 20.0
    per_minute: int = 60
    min_interval_minutes: float = 30.0
    auto_notify_accounts: tuple[str, ...] = ()
    operator_urls: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show nothing that opens anything."""
        return f"NotificationsSection({self.smtp_host}:{self.smtp_port})"


class LimitsSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[limits]``."""

    # Logging in to the dashboard.
    login_failures_per_source_per_hour: int = 30
    login_failures_per_account_per_day: int = 100
    login_queue_size: int = 20
    # The public pages.
    lookups_per_source_per_minute: int = 20
    forms_per_source_per_minute: int = 20
    pages_per_source_per_minute: int = 1_200
    lookups_and_forms_per_minute: int = 3_000
    live_streams_per_source: int = 10
    live_streams_per_tracking: int = 20
    live_streams_per_account: int = 500
    live_streams: int = 1_000
    # Mails to customers.
    mails_per_account_per_minute: int = 30
    mails_per_account_per_day: int = 2_000
    mails_per_address_per_day: int = 20
    mail_confirmations_per_address_per_day: int = 3
    # What one account may take of the installation.
    long_reads: int = 4
    long_reads_per_account: int = 2
    long_read_wait_seconds: float = 10.0
    event_waits: int = 500
    event_waits_per_account: int = 20
    test_trackings: int = 10_000


class LoggingSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[logging]``."""

    level: str = "INFO"


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings."""

    server: ServerSection = ServerSection()
    store: StoreSection = StoreSection()
    secrets: SecretsSection = SecretsSection()
    api: ApiSection = ApiSection()
    polling: PollingSection = PollingSection()
    webhooks: WebhooksSection = WebhooksSection()
    carriers: CarriersSection = CarriersSection()
    notifications: NotificationsSection = NotificationsSection()
    limits: LimitsSection = LimitsSection()
    logging: LoggingSection = LoggingSection()

    @property
    def public_url(self) -> str:
        """How this installation is reached, without a slash at the end."""
        server = self.server
        host = f"[{server.host}]" if ":" in server.host else server.host
        return server.public_url.rstrip("/") or f"http://{host}:{server.port}"

"""The settings: their sections, names, types and defaults."""

from __future__ import annotations

import msgspec


class ServerSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[server]``."""

    host: str = "127.0.0.1"
    port: int = 8787
    public_url: str = ""
    max_body_bytes: int = 2_000_000


class StoreSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[store]``."""

    url: str = "sqlite:parcelwire.db"
    pool_size: int = 8
    behind_pgbouncer: bool = False


class SecretsSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[secrets]``."""

    key_file: str = "parcelwire.key"


class ApiSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[api]``."""

    idempotency_hours: float = 24.0
    create_per_second: float = 50.0
    other_per_second: float = 200.0
    ask_at_create: bool = True
    ask_seconds: float = 6.0
    realtime_interval_seconds: int = 60
    v2_disabled_calls: tuple[str, ...] = ()
    payment_required: bool = False
    suspended_accounts: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()


class PollingSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[polling]``."""

    claim_size: int = 200
    concurrency: int = 32
    lease_seconds: float = 27.0
    ask_timeout_seconds: float = 22.0
    idle_seconds: float = 2.0
    speed: float = 1.0


class WebhooksSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[webhooks]``."""

    attempts: int = 15
    first_delay_seconds: float = 30.0
    total_seconds: float = 15.0
    in_flight: int = 256
    in_flight_per_endpoint: int = 16
    failing_after_seconds: float = 600.0
    disable_after_seconds: float = 432_000.0
    keep_days: int = 90
    keep_events_days: int = 90
    allowed_networks: tuple[str, ...] = ()
    extra_ports: tuple[int, ...] = ()
    ca_file: str = ""


class CarriersSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[carriers]``."""

    web: tuple[str, ...] = ()
    contact: str = ""
    registry_file: str = "parcelwire.couriers.json"
    simulated_speed: float = 1440.0
    base_urls: dict[str, dict[str, str]] = {}


class NoticesSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[notices]``."""

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
    recipient_minutes: float = 30.0
    automatic_accounts: tuple[str, ...] = ("*",)
    operator_urls: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show nothing that opens anything."""
        return f"NoticesSection({self.smtp_host}:{self.smtp_port})"


class LimitsSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[limits]``."""

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
    notices: NoticesSection = NoticesSection()
    limits: LimitsSection = LimitsSection()
    logging: LoggingSection = LoggingSection()

    @property
    def public_url(self) -> str:
        """How this installation is reached, without a slash at the end."""
        server = self.server
        host = f"[{server.host}]" if ":" in server.host else server.host
        return server.public_url.rstrip("/") or f"http://{host}:{server.port}"

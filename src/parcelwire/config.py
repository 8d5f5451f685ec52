"""Settings: one commented file, overridden by the environment, read once.

``config.default.toml`` beside this module is the reference and the default at once: a test keeps
both equal. Nothing but
``load`` reads the file or the environment; ``bootstrap`` hands each room its own small settings
object made from this.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec


class ConfigError(Exception):
    """A setting is wrong; the message is one line that says which and why."""


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

    create_per_second: float = 0.0
    other_per_second: float = 0.0
    ask_at_create: bool = True
    ask_seconds: float = 6.0
    realtime_interval_seconds: int = 60
    v2_disabled_calls: tuple[str, ...] = ()
    payment_required: bool = False
    suspended_accounts: tuple[str, ...] = ()


class PollingSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[polling]``."""

    claim_size: int = 200
    concurrency: int = 32
    lease_seconds: float = 30.0
    ask_timeout_seconds: float = 25.0
    idle_seconds: float = 2.0
    speed: float = 1.0


class WebhooksSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[webhooks]``."""

    attempts: int = 14
    first_delay_seconds: float = 30.0
    total_seconds: float = 15.0
    in_flight: int = 256
    in_flight_per_endpoint: int = 16
    allowed_networks: tuple[str, ...] = ()
    extra_ports: tuple[int, ...] = ()
    ca_file: str = ""


class CarriersSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[carriers]``."""

    web: tuple[str, ...] = ()
    contact: str = ""
    simulated_speed: float = 1440.0
    base_urls: dict[str, dict[str, str]] = {}


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
    logging: LoggingSection = LoggingSection()

    @property
    def public_url(self) -> str:
        """How this installation is reached, without a slash at the end."""
        server = self.server
        return server.public_url.rstrip("/") or f"http://{server.host}:{server.port}"


DEFAULT_FILE = "parcelwire.toml"


def default_text() -> str:
    """Return the commented default configuration."""
    return (files("parcelwire") / "config.default.toml").read_text("utf-8")


def load(path: Path | None, environment: Mapping[str, str]) -> Config:
    """Return the settings of the file (if there is one), overridden by the environment.

    ``path`` None: the file named by ``PARCELWIRE_CONFIG``, else ``parcelwire.toml`` in the working
    directory if it exists.

    Raises:
        ConfigError: the named file is missing, or a setting in file or environment is wrong.
    """
    named = path or (Path(value) if (value := environment.get("PARCELWIRE_CONFIG")) else None)
    file = named or Path(DEFAULT_FILE)
    raw: dict[str, Any] = {}
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        if named is not None:
            msg = f"there is no configuration file {file}"
            raise ConfigError(msg) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"cannot read {file}: {error}"
        raise ConfigError(msg) from None
    _override(raw, environment)
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error)) from None
    check(config)
    return config


def _override(raw: dict[str, Any], environment: Mapping[str, str]) -> None:
    for section, section_type in get_type_hints(Config).items():
        for name, kind in get_type_hints(section_type).items():
            variable = f"PARCELWIRE_{section}_{name}".upper()
            if variable in environment:
                raw.setdefault(section, {})[name] = _value(variable, environment[variable], kind)


def _value(variable: str, text: str, kind: Any) -> Any:
    if kind is str:
        return text
    try:
        if (get_origin(kind) or kind) in (tuple, dict) or get_args(kind):
            return msgspec.json.decode(text)
        return msgspec.convert(text, kind, strict=False)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        msg = f"{variable}: {error}"
        raise ConfigError(msg) from None


def check(config: Config) -> None:
    """Check what no single field can tell.

    Raises:
        ConfigError: two settings contradict each other, or a value makes no sense.
    """
    rules = [
        (0 <= config.server.port <= 65_535, "server.port must be a port number"),
        (config.server.max_body_bytes >= 1_000, "server.max_body_bytes must be at least 1000"),
        (
            config.store.url.startswith(("sqlite:", "postgresql://", "postgres://")),
            'store.url must begin with "sqlite:" or "postgresql://"',
        ),
        (
            config.polling.ask_timeout_seconds < config.polling.lease_seconds,
            "polling.ask_timeout_seconds must be shorter than polling.lease_seconds,"
            " or two workers ask about one parcel",
        ),
        (config.polling.claim_size > 0, "polling.claim_size must be positive"),
        (config.polling.concurrency > 0, "polling.concurrency must be positive"),
        (config.polling.speed >= 1, "polling.speed must be at least 1"),
        (config.webhooks.attempts > 0, "webhooks.attempts must be positive"),
        (
            0 < config.webhooks.total_seconds <= 30,
            "webhooks.total_seconds must be more than 0 and at most 30",
        ),
        (config.webhooks.in_flight > 0, "webhooks.in_flight must be positive"),
        (
            config.webhooks.in_flight_per_endpoint > 0,
            "webhooks.in_flight_per_endpoint must be positive",
        ),
        (config.api.ask_seconds >= 0, "api.ask_seconds must not be negative"),
        (config.carriers.simulated_speed > 0, "carriers.simulated_speed must be positive"),
        (
            config.logging.level in {"DEBUG", "INFO", "WARNING", "ERROR"},
            "logging.level must be DEBUG, INFO, WARNING or ERROR",
        ),
    ]
    for is_right, what in rules:
        if not is_right:
            raise ConfigError(what)
    for network in config.webhooks.allowed_networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            msg = f"webhooks.allowed_networks: {error}"
            raise ConfigError(msg) from None

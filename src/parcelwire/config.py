"""Settings: one commented file, overridden by the environment, read once.

``config.default.toml`` beside this module is the reference and the default at once: a test keeps
both equal. Nothing but ``load`` reads the file or the environment; ``bootstrap`` hands each room
its own small settings object made from this.
"""

from __future__ import annotations

import ipaddress
import math
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, get_origin, get_type_hints
from urllib.parse import urlsplit

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

    idempotency_hours: float = 24.0
    create_per_second: float = 0.0
    other_per_second: float = 0.0
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
    logging: LoggingSection = LoggingSection()

    @property
    def public_url(self) -> str:
        """How this installation is reached, without a slash at the end."""
        server = self.server
        host = f"[{server.host}]" if ":" in server.host else server.host
        return server.public_url.rstrip("/") or f"http://{host}:{server.port}"


DEFAULT_FILE = "parcelwire.toml"

_IN_WORDS: dict[Any, str] = {
    str: "text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple[str, ...]: 'a list of texts, e.g. ["a", "b"]',
    tuple[int, ...]: "a list of whole numbers, e.g. [1, 2]",
    dict[str, dict[str, str]]: 'a table of tables of texts, e.g. { "a" = { b = "c" } }',
}
"""What a setting of a type wants, for the person who wrote something else."""


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
    except OSError as error:
        msg = f"cannot read {file}: {error.strerror}"
        raise ConfigError(msg) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"cannot read {file}: {error}"
        raise ConfigError(msg) from None
    try:
        sections = _read(raw)
    except ConfigError as error:
        msg = f"{file}: {error}"
        raise ConfigError(msg) from None
    _override(sections, environment)
    config = Config(
        **{name: kind(**sections[name]) for name, kind in get_type_hints(Config).items()}
    )
    check(config)
    return config


def _read(raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Check names and types of what the file says; return the settings by section."""
    kinds = get_type_hints(Config)
    _know(raw, kinds, "")
    sections: dict[str, dict[str, Any]] = {section: {} for section in kinds}
    for section, values in raw.items():
        if not isinstance(values, dict):
            msg = f"{section} is a section: write [{section}], and its settings below"
            raise ConfigError(msg)
        settings = get_type_hints(kinds[section])
        _know(values, settings, f"{section}.")
        for name, value in values.items():
            try:
                sections[section][name] = msgspec.convert(value, settings[name])
            except msgspec.ValidationError:
                msg = f"{section}.{name} must be {_IN_WORDS[settings[name]]}"
                raise ConfigError(msg) from None
    return sections


def _know(names: Iterable[str], known: Iterable[str], before: str) -> None:
    """Refuse what is no setting: a misspelt one would silently stay at its default."""
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, 1)
            hint = f"; is {before}{close[0]} meant?" if close else ""
            msg = f"there is no setting {before}{name}{hint} (all: parcelwire config)"
            raise ConfigError(msg)


def _override(sections: dict[str, dict[str, Any]], environment: Mapping[str, str]) -> None:
    for section, section_type in get_type_hints(Config).items():
        for name, kind in get_type_hints(section_type).items():
            variable = variable_of(section, name)
            if variable in environment:
                sections[section][name] = _value(variable, environment[variable], kind)


def variable_of(section: str, name: str) -> str:
    """Return the environment variable that overrides a setting."""
    return f"PARCELWIRE_{section}_{name}".upper()


def _value(variable: str, text: str, kind: Any) -> Any:
    if kind is str:
        return text
    try:
        if get_origin(kind) is not None:
            return msgspec.json.decode(text, type=kind)
        return msgspec.convert(text.strip(), kind, strict=False)
    except msgspec.ValidationError:
        msg = f"{variable} must be {_IN_WORDS[kind]}"
        raise ConfigError(msg) from None
    except msgspec.DecodeError:
        msg = f"{variable} must be {_IN_WORDS[kind]}, written as JSON"
        raise ConfigError(msg) from None


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
    for network in config.webhooks.allowed_networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            msg = f"webhooks.allowed_networks: {error}"
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
        (server.max_body_bytes >= 1_000, "server.max_body_bytes must be at least 1000"),
        (
            store.url.startswith(("sqlite:", "postgresql://", "postgres://")),
            'store.url must begin with "sqlite:" or "postgresql://"',
        ),
        (store.url != "sqlite:", "store.url must name a file: sqlite:FILE"),
        (store.pool_size > 0, "store.pool_size must be positive"),
        (bool(config.secrets.key_file), "secrets.key_file must not be empty"),
        (api.idempotency_hours > 0, "api.idempotency_hours must be positive"),
        (api.create_per_second >= 0, "api.create_per_second must not be negative"),
        (api.other_per_second >= 0, "api.other_per_second must not be negative"),
        (api.ask_seconds >= 0, "api.ask_seconds must not be negative"),
        (api.realtime_interval_seconds >= 0, "api.realtime_interval_seconds must not be negative"),
        (polling.claim_size > 0, "polling.claim_size must be positive"),
        (polling.concurrency > 0, "polling.concurrency must be positive"),
        (polling.ask_timeout_seconds > 0, "polling.ask_timeout_seconds must be positive"),
        (
            polling.ask_timeout_seconds < polling.lease_seconds,
            "polling.ask_timeout_seconds must be shorter than polling.lease_seconds,"
            " or two workers ask about one parcel",
        ),
        (polling.idle_seconds > 0, "polling.idle_seconds must be positive"),
        (polling.speed >= 1, "polling.speed must be at least 1"),
        (webhooks.attempts > 0, "webhooks.attempts must be positive"),
        (webhooks.first_delay_seconds > 0, "webhooks.first_delay_seconds must be positive"),
        (
            0 < webhooks.total_seconds <= 30,
            "webhooks.total_seconds must be more than 0 and at most 30",
        ),
        (webhooks.in_flight > 0, "webhooks.in_flight must be positive"),
        (
            webhooks.in_flight_per_endpoint > 0,
            "webhooks.in_flight_per_endpoint must be positive",
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
        (webhooks.keep_days > 0, "webhooks.keep_days must be positive"),
        (
            webhooks.keep_events_days >= 30,
            "webhooks.keep_events_days must be at least 30: the events feed promises so much",
        ),
        (
            all(0 < port <= 65_535 for port in webhooks.extra_ports),
            "webhooks.extra_ports must be port numbers",
        ),
        *_notice_rules(config),
        (bool(config.carriers.registry_file), "carriers.registry_file must not be empty"),
        (config.carriers.simulated_speed > 0, "carriers.simulated_speed must be positive"),
        (
            config.logging.level in {"DEBUG", "INFO", "WARNING", "ERROR"},
            "logging.level must be DEBUG, INFO, WARNING or ERROR",
        ),
    ]


def _notice_rules(config: Config) -> list[tuple[bool, str]]:
    notices = config.notices
    has_mail = bool(notices.smtp_host)
    return [
        (0 < notices.smtp_port <= 65_535, "notices.smtp_port must be a port number"),
        (
            notices.security in {"starttls", "tls", "none"},
            "notices.security must be starttls, tls or none",
        ),
        (
            not has_mail or notices.security != "none" or not notices.username,
            "notices.username needs notices.security starttls or tls:"
            " a password goes over no open line",
        ),
        (
            not has_mail or not (notices.password and notices.password_file),
            "notices.password and notices.password_file: give one of them",
        ),
        (
            not has_mail
            or bool(notices.username) == bool(notices.password or notices.password_file),
            "notices.username and a password (notices.password or notices.password_file) belong"
            " together",
        ),
        (
            not has_mail or "@" in notices.sender,
            "notices.sender must be an e-mail address when notices.smtp_host is set",
        ),
        (notices.timeout_seconds > 0, "notices.timeout_seconds must be positive"),
        (notices.per_minute > 0, "notices.per_minute must be positive"),
        (notices.recipient_minutes >= 0, "notices.recipient_minutes must not be negative"),
    ]


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False

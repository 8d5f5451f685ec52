"""Settings that older versions had: what stands in an operator's file is not passed over silently.

One that has another name now is refused with its new name. One that is gone says nothing at its
default, as in a file that was copied whole from ``parcelwire config``; anything else is refused
with what to do instead: it would have no effect any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from parcelwire.config.errors import ConfigError

_RETIRED: Final[Mapping[tuple[str, str], tuple[Any, str]]] = {
    ("api", "suspended_accounts"): (
        [],
        "remove it, and suspend each of these accounts with: parcelwire account suspend EMAIL",
    ),
}
"""Section and name -> the default it had, and what to do."""

_NOTIFICATIONS: Final = (
    "smtp_host",
    "smtp_port",
    "security",
    "username",
    "password",
    "password_file",
    "ca_file",
    "sender",
    "timeout_seconds",
    "per_minute",
    "operator_urls",
)
_RENAMED: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("server", "body_idle_seconds"): ("server", "body_idle_timeout_seconds"),
    ("store", "check_hours"): ("store", "integrity_check_hours"),
    ("api", "ask_at_create"): ("api", "fetch_on_create"),
    ("api", "ask_seconds"): ("api", "fetch_wait_seconds"),
    ("polling", "ask_timeout_seconds"): ("polling", "fetch_timeout_seconds"),
    ("polling", "speed"): ("polling", "time_scale"),
    ("webhooks", "attempts"): ("webhooks", "max_attempts"),
    ("webhooks", "first_delay_seconds"): ("webhooks", "retry_base_seconds"),
    ("webhooks", "total_seconds"): ("webhooks", "request_timeout_seconds"),
    ("webhooks", "in_flight"): ("webhooks", "max_concurrent_deliveries"),
    ("webhooks", "in_flight_per_endpoint"): ("webhooks", "max_concurrent_per_endpoint"),
    ("webhooks", "keep_days"): ("webhooks", "message_retention_days"),
    ("webhooks", "keep_events_days"): ("webhooks", "event_retention_days"),
    ("webhooks", "keep_waiting_days"): ("webhooks", "pending_retention_days"),
    ("carriers", "web"): ("carriers", "unofficial_connectors"),
    ("carriers", "simulated_speed"): ("carriers", "simulated_time_scale"),
    **{("notices", name): ("notifications", name) for name in _NOTIFICATIONS},
    ("notices", "recipient_minutes"): ("notifications", "min_interval_minutes"),
    ("notices", "automatic_accounts"): ("notifications", "auto_notify_accounts"),
    ("limits", "login_waiting"): ("limits", "login_queue_size"),
    ("limits", "mails_per_account_minute"): ("limits", "mails_per_account_per_minute"),
    ("limits", "mails_per_account_day"): ("limits", "mails_per_account_per_day"),
    ("limits", "mails_per_address_day"): ("limits", "mails_per_address_per_day"),
    ("limits", "mail_confirmations_per_address_day"): (
        "limits",
        "mail_confirmations_per_address_per_day",
    ),
}
"""Section and name of old -> those of today."""


def _variable(section: str, name: str) -> str:
    return f"PARCELWIRE_{section}_{name}".upper()


RETIRED_VARIABLES: Final = frozenset(_variable(*old) for old in (*_RETIRED, *_RENAMED))
"""What ``check_environment`` speaks about."""


def without_retired(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file's content without retired settings that stand at their default.

    Raises:
        ConfigError: one of them stands at something else, or has another name now.
    """
    found = [
        (f"{section}.{name}", ".".join(_RENAMED[section, name]))
        for section, values in raw.items()
        if isinstance(values, dict)
        for name in values
        if (section, name) in _RENAMED
    ]
    _refuse_renamed(found)
    kept = dict(raw)
    for (section, name), (default, advice) in _RETIRED.items():
        values = raw.get(section)
        if isinstance(values, dict) and name in values:
            if values[name] != default:
                raise _refusal(f"{section}.{name}", advice)
            kept[section] = {one: value for one, value in values.items() if one != name}
    return kept


def check_environment(environment: Mapping[str, str]) -> None:
    """Check that no variable sets a retired setting to anything but its default.

    Raises:
        ConfigError: one does, or one has another name now.
    """
    _refuse_renamed(
        [
            (_variable(*old), _variable(*new))
            for old, new in _RENAMED.items()
            if _variable(*old) in environment
        ]
    )
    for (section, name), (default, advice) in _RETIRED.items():
        variable = _variable(section, name)
        text = environment.get(variable, "")
        if text.strip() and not _says(text, default):
            raise _refusal(variable, advice)


def _says(text: str, default: Any) -> bool:
    try:
        return bool(msgspec.json.decode(text) == default)
    except msgspec.DecodeError:
        return False


def _refuse_renamed(found: Sequence[tuple[str, str]]) -> None:
    """Name all at once: who took over a whole file has many."""
    if found:
        told = ", ".join(f"{old} is {new} now" for old, new in found)
        msg = f"settings have new names: {told}"
        raise ConfigError(msg)


def _refusal(name: str, advice: str) -> ConfigError:
    return ConfigError(f"the setting {name} no longer exists: {advice}")

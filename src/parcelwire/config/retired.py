"""Settings that older versions had: what stands in an operator's file is not passed over silently.

At its default such a setting says nothing, as in a file that was copied whole from ``parcelwire
config``. Anything else is refused with what to do instead: it would have no effect any more.
"""

from __future__ import annotations

from collections.abc import Mapping
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


RETIRED_VARIABLES: Final = frozenset(
    f"PARCELWIRE_{section}_{name}".upper() for section, name in _RETIRED
)
"""What ``check_environment`` speaks about."""


def without_retired(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file's content without retired settings that stand at their default.

    Raises:
        ConfigError: one of them stands at something else.
    """
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
        ConfigError: one does.
    """
    for (section, name), (default, advice) in _RETIRED.items():
        variable = f"PARCELWIRE_{section}_{name}".upper()
        text = environment.get(variable, "")
        if text.strip() and not _says(text, default):
            raise _refusal(variable, advice)


def _says(text: str, default: Any) -> bool:
    try:
        return bool(msgspec.json.decode(text) == default)
    except msgspec.DecodeError:
        return False


def _refusal(name: str, advice: str) -> ConfigError:
    return ConfigError(f"there is no setting {name} any more: {advice}")

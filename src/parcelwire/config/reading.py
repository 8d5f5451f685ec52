"""From file and environment to settings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, get_origin, get_type_hints

import msgspec

from parcelwire.config.errors import ConfigError
from parcelwire.config.retired import RETIRED_VARIABLES, check_environment, without_retired
from parcelwire.config.rules import check
from parcelwire.config.sections import Config

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


_NO_SETTINGS: Final = RETIRED_VARIABLES | {"PARCELWIRE_API_KEY"}
"""Variables that begin like those of settings. The key is the client's, who may stand beside us."""

_LINK: Final = re.compile(r"_(?:SERVICE_(?:HOST|PORT)|PORT_[0-9]+_(?:TCP|UDP|SCTP))(?:_|\Z)")
"""What Kubernetes and Docker tell a container of its neighbours, one named ``parcelwire-store``."""


def default_text() -> str:
    """Return the commented default configuration."""
    return (files("parcelwire") / "config.default.toml").read_text("utf-8")


def file_of(path: Path | None, environment: Mapping[str, str]) -> Path | None:
    """Return the file that ``load`` reads; None where there is none."""
    named = path or (Path(value) if (value := environment.get("PARCELWIRE_CONFIG")) else None)
    file = named or Path(DEFAULT_FILE)
    return file if named is not None or file.exists() else None


def load(path: Path | None, environment: Mapping[str, str]) -> Config:
    """Return the settings of the file (if there is one), overridden by the environment.

    ``path`` None: the file named by ``PARCELWIRE_CONFIG``, else ``parcelwire.toml`` in the working
    directory if it exists.

    Raises:
        ConfigError: the named file is missing, or a setting in file or environment is wrong.
    """
    file = file_of(path, environment)
    raw: dict[str, Any] = {}
    try:
        if file is not None:
            raw = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        msg = f"there is no configuration file {file}"
        raise ConfigError(msg) from None
    except OSError as error:
        msg = f"cannot read {file}: {error.strerror}"
        raise ConfigError(msg) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"cannot read {file}: {error}"
        raise ConfigError(msg) from None
    try:
        sections = _read(without_retired(raw))
    except ConfigError as error:
        msg = f"{file}: {error}"
        raise ConfigError(msg) from None
    check_environment(environment)
    _know_variables(environment)
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
            hint = f"; did you mean {before}{close[0]}?" if close else ""
            msg = f"unknown setting {before}{name}{hint} (all settings: parcelwire config)"
            raise ConfigError(msg)


def _know_variables(environment: Mapping[str, str]) -> None:
    """Refuse a variable that begins like those of a section and sets nothing."""
    known: dict[str, None] = {}
    for section, section_type in get_type_hints(Config).items():
        known |= dict.fromkeys(variable_of(section, name) for name in get_type_hints(section_type))
    sections = tuple(variable_of(section, "") for section in get_type_hints(Config))
    for variable in sorted(environment):
        if not variable.startswith(sections) or variable in known:
            continue
        if variable not in _NO_SETTINGS and not _LINK.search(variable):
            _know([variable], known, "")


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

"""Settings: one commented file, overridden by the environment, read once.

    sections.py   the settings, their types and defaults
    reading.py    file and environment -> settings; nothing else reads either
    rules.py      what makes no sense, said in one line

``config.default.toml`` beside this package is the reference and the default at once: a test keeps
both equal. ``bootstrap`` hands each room its own small settings object made from these.
"""

from parcelwire.config.errors import ConfigError
from parcelwire.config.reading import DEFAULT_FILE, default_text, file_of, load, variable_of
from parcelwire.config.rules import check
from parcelwire.config.sections import (
    ApiSection,
    CarriersSection,
    Config,
    LimitsSection,
    LoggingSection,
    NotificationsSection,
    PollingSection,
    SecretsSection,
    ServerSection,
    StoreSection,
    WebhooksSection,
)

__all__ = [
    "DEFAULT_FILE",
    "ApiSection",
    "CarriersSection",
    "Config",
    "ConfigError",
    "LimitsSection",
    "LoggingSection",
    "NotificationsSection",
    "PollingSection",
    "SecretsSection",
    "ServerSection",
    "StoreSection",
    "WebhooksSection",
    "check",
    "default_text",
    "file_of",
    "load",
    "variable_of",
]

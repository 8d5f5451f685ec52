"""What is wrong with a configuration."""

from __future__ import annotations


class ConfigError(Exception):
    """A setting is wrong; the message is one line that says which and why."""

"""Which settings an operator sees on the dashboard, and which are masked."""

from __future__ import annotations

import msgspec
import pytest

from parcelwire.bootstrap.dashboard import dashboard_settings
from parcelwire.config import Config

SECRET = "s3cret-of-this-test"

SECRETS = [
    (section.name, field.name)
    for section in msgspec.structs.fields(Config)
    if isinstance(section.type, type) and issubclass(section.type, msgspec.Struct)
    for field in msgspec.structs.fields(section.type)
    if field.name.endswith(("password", "secret", "token", "operator_urls"))
]


def test_there_are_settings_to_mask() -> None:
    assert ("notifications", "password") in SECRETS
    assert ("notifications", "operator_urls") in SECRETS


@pytest.mark.parametrize(("section", "name"), SECRETS)
def test_a_secret_is_masked_whatever_its_setting_is_called(section: str, name: str) -> None:
    base = getattr(Config(), section)
    value = [SECRET] if isinstance(getattr(base, name), tuple) else SECRET
    filled = msgspec.convert({**msgspec.to_builtins(base), name: value}, type(base))
    shown = dashboard_settings(msgspec.structs.replace(Config(), **{section: filled})).effective
    assert (section, name, "…") in shown
    assert SECRET not in str(shown)

"""Environment variables that set nothing: some are meant for a setting, others are not for us."""

import pytest

from parcelwire.config import Config, ConfigError, load


@pytest.mark.parametrize(
    "variable",
    [
        "PATH",
        "PARCELWIRE_NO_SUCH",
        "PARCELWIRE_SERVER",
        "PARCELWIRE_API_KEY",
        "PARCELWIRE_HOST",
        "PARCELWIRE_PROFILE",
        "PARCELWIRE_WEBHOOK_SECRET",
        # Of containers beside this one, named parcelwire and parcelwire-server.
        "PARCELWIRE_PORT",
        "PARCELWIRE_SERVER_SERVICE_HOST",
        "PARCELWIRE_SERVER_SERVICE_PORT_HTTP",
        "PARCELWIRE_SERVER_PORT_8787_TCP_ADDR",
    ],
)
def test_other_variables_are_left_alone(variable: str) -> None:
    assert load(None, {variable: "1"}) == Config()


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("PARCELWIRE_SERVER_PROT", "PARCELWIRE_SERVER_PORT"),
        ("PARCELWIRE_STORE_URLS", "PARCELWIRE_STORE_URL"),
        ("PARCELWIRE_API_OPERATOR", "PARCELWIRE_API_OPERATORS"),
        ("PARCELWIRE_LIMITS_", None),
    ],
)
def test_a_variable_that_sets_nothing_is_refused_by_its_name(
    variable: str, meant: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {variable: "1"})
    message = str(caught.value)
    assert message.startswith(f"unknown setting {variable}")
    assert meant is None or f"did you mean {meant}?" in message

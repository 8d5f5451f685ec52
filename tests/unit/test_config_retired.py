"""Settings of versions before that are no more."""

from pathlib import Path

import pytest

from parcelwire.config import Config, ConfigError, load, retired

ADVICE = "suspend each of these accounts with: parcelwire account suspend EMAIL"
VARIABLE = "PARCELWIRE_API_SUSPENDED_ACCOUNTS"


def write(folder: Path, text: str) -> Path:
    path = folder / "parcelwire.toml"
    path.write_text(text)
    return path


def test_a_file_that_was_copied_whole_is_still_read(tmp_path: Path) -> None:
    path = write(tmp_path, "[server]\nport = 9000\n[api]\nsuspended_accounts = []\n")
    assert load(path, {VARIABLE: "[]"}).server.port == 9000
    assert load(path, {VARIABLE: ""}).api == Config().api


def test_accounts_that_a_file_suspends_do_not_come_back_in_silence(tmp_path: Path) -> None:
    path = write(tmp_path, '[api]\nsuspended_accounts = ["a@shop.example"]\n')
    with pytest.raises(ConfigError) as error:
        load(path, {})
    assert str(error.value) == (
        f"{path}: the setting api.suspended_accounts no longer exists: remove it, and {ADVICE}"
    )


@pytest.mark.parametrize("text", ['["a@shop.example"]', "a@shop.example"])
def test_nor_those_that_the_environment_suspends(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=f"the setting {VARIABLE} no longer exists: .*{ADVICE}"):
        load(write(tmp_path, ""), {VARIABLE: text})


def test_a_setting_with_another_name_now_is_refused_with_that_name(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "[webhooks]\nattempts = 15\nin_flight = 8\n[notices]\nrecipient_minutes = 5.0\n",
    )
    with pytest.raises(ConfigError) as error:
        load(path, {})
    assert str(error.value) == (
        f"{path}: settings have new names: webhooks.attempts is webhooks.max_attempts now,"
        " webhooks.in_flight is webhooks.max_concurrent_deliveries now,"
        " notices.recipient_minutes is notifications.min_interval_minutes now"
    )


def test_nor_is_a_variable_with_another_name_now_passed_over(tmp_path: Path) -> None:
    environment = {"PARCELWIRE_NOTICES_PASSWORD": "secret-word", "PARCELWIRE_POLLING_SPEED": "2"}
    with pytest.raises(ConfigError) as error:
        load(write(tmp_path, ""), environment)
    assert str(error.value) == (
        "settings have new names: PARCELWIRE_POLLING_SPEED is PARCELWIRE_POLLING_TIME_SCALE now,"
        " PARCELWIRE_NOTICES_PASSWORD is PARCELWIRE_NOTIFICATIONS_PASSWORD now"
    )


def test_every_new_name_is_one_of_a_setting_and_no_old_one_is() -> None:
    known = {
        (section, name)
        for section in Config.__struct_fields__
        for name in getattr(Config(), section).__struct_fields__
    }
    assert set(retired._RENAMED.values()) <= known
    assert not known & {*retired._RENAMED, *retired._RETIRED}
    assert len(set(retired._RENAMED.values())) == len(retired._RENAMED)

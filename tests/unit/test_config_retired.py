"""Settings of versions before that are no more."""

from pathlib import Path

import pytest

from parcelwire.config import Config, ConfigError, load

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
        f"{path}: there is no setting api.suspended_accounts any more: remove it, and {ADVICE}"
    )


@pytest.mark.parametrize("text", ['["a@shop.example"]', "a@shop.example"])
def test_nor_those_that_the_environment_suspends(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=f"no setting {VARIABLE} any more: .*{ADVICE}"):
        load(write(tmp_path, ""), {VARIABLE: text})

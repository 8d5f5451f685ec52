"""Where keys are kept: who can read it, and what happens to a damaged file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from parcelwire.cli.exit_codes import CommandError
from parcelwire.cli.logins import Login, Logins, login_file, state_folder

SHOP = Login(host="https://parcels.example.com", key="pw_live_x")


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    logins = Logins(tmp_path / "config" / "login.json")
    assert logins.load() == {}
    logins.save({"default": SHOP})
    assert stat.S_IMODE(logins.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(logins.file.parent.stat().st_mode) == 0o700
    assert logins.load() == {"default": SHOP}
    assert [one.name for one in logins.file.parent.iterdir()] == ["login.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_can_read_is_not_used(tmp_path: Path, mode: int) -> None:
    logins = Logins(tmp_path / "login.json")
    logins.save({"default": SHOP})
    logins.file.chmod(mode)
    with pytest.raises(CommandError, match="chmod 600"):
        logins.load()


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"profiles": 1}', b"\xff", b'{"profiles":{"a":{}}}']
)
def test_a_damaged_file_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    logins = Logins(tmp_path / "login.json")
    logins.save({})
    logins.file.write_bytes(content)
    with pytest.raises(CommandError, match="log in again"):
        logins.load()


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="cannot write"):
        Logins(tmp_path / "file" / "login.json").save({})


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.config/parcelwire/login.json"),
        ({"HOME": "/home/ada", "XDG_CONFIG_HOME": "/x"}, "/x/parcelwire/login.json"),
        ({"HOME": "/home/ada", "XDG_CONFIG_HOME": ""}, "/home/ada/.config/parcelwire/login.json"),
        # The specification of these variables wants relative paths to be passed over.
        ({"HOME": "/home/ada", "XDG_CONFIG_HOME": "x"}, "/home/ada/.config/parcelwire/login.json"),
    ],
)
def test_where_it_is(environment: dict[str, str], place: str) -> None:
    assert login_file(environment) == Path(place)
    assert state_folder({"HOME": "/home/ada"}) == Path("/home/ada/.local/state/parcelwire")

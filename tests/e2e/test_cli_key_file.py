"""A key file that is wrong, lost, or of another installation: the terminal says what to do."""

import os
import socket

import pytest

from parcelwire.connectors.credential_encryption import fingerprint_of
from parcelwire.connectors.key_file import create_key_file, read_keys
from tests.support.terminal import EMAIL, Terminal


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no key"),
        (b"# only a comment\n", "holds no key"),
        (b"not a key\n", "is no key of 32 bytes in base64"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_wrong_key_file(terminal: Terminal, content: bytes, says: str) -> None:
    terminal("key", "create", "--account", EMAIL)
    (terminal.folder / "parcelwire.key").write_bytes(content)
    terminal.set(SERVER_PORT="0")
    for command in (("serve",), ("carrier", "connect", "swiss-post")):
        line = terminal.fails(*command)
        assert says in line
        assert "secrets.key_file" in line
    assert (terminal.folder / "parcelwire.key").read_bytes() == content
    # What needs no secrets works without.
    assert EMAIL in terminal("key", "list")


def test_a_key_file_that_others_may_write(shop: Terminal) -> None:
    shop("webhook", "create", "https://receiver.example/hook")
    (shop.folder / "parcelwire.key").chmod(0o666)
    shop.set(SERVER_PORT="0")
    for command in (("serve",), ("webhook", "create", "https://receiver.example/hook")):
        assert "can be written by others; chmod 600 it" in shop.fails(*command)


CREDENTIALS = ("--set", "client_id=a", "--set", "client_secret=b")


def test_a_key_file_that_is_not_there(shop: Terminal) -> None:
    added = shop("carrier", "connect", "swiss-post", *CREDENTIALS)
    connection_id = added.split()[1].rstrip(":")
    right = shop.folder / "parcelwire.key"
    right.rename(shop.folder / "kept.key")
    shop.set(SERVER_PORT="0")
    # No other one is made: nothing can be sealed with it, no connection is marked broken.
    for command in (
        ("serve",),
        ("carrier", "connect", "swiss-post", *CREDENTIALS),
        ("carrier", "retry", connection_id),
        ("webhook", "create", "https://receiver.example/hook"),
        ("secrets", "rotate"),
        ("secrets", "status"),
    ):
        line = shop.fails(*command)
        assert "the database is sealed with the key " in line
        assert f"there is no key file {right}: copy the key file" in line
        assert "PARCELWIRE_SECRETS_KEY_FILE" in line
    assert not right.exists()
    # What needs no secrets works without.
    assert "OK" in shop("carrier", "connections")
    assert shop("list") == "There are no trackings.\n"
    assert "There are no endpoints" in shop("webhook", "list")
    (shop.folder / "kept.key").rename(right)
    assert "is used again" in shop("carrier", "retry", connection_id)


def test_the_key_file_of_another_installation(shop: Terminal) -> None:
    shop("carrier", "connect", "swiss-post", *CREDENTIALS)
    right = (shop.folder / "parcelwire.key").read_bytes()
    stranger = shop.folder / "stranger.key"
    create_key_file(stranger, os.urandom)
    shop.set(SECRETS_KEY_FILE=str(stranger), SERVER_PORT="0")
    theirs = fingerprint_of(read_keys(stranger)[0])
    for command in (("serve",), ("carrier", "connect", "swiss-post", *CREDENTIALS)):
        assert f"but the key file {stranger} holds {theirs}: copy" in shop.fails(*command)
    # A parcel is asked about all the same, and the connection is left as it is.
    shop.run("track", "99.00.123456.12345678")
    assert "OK" in shop("carrier", "connections")
    shop.set(SECRETS_KEY_FILE="")
    assert (shop.folder / "parcelwire.key").read_bytes() == right
    assert "1  carriers' credentials, sealed with" in shop("secrets", "status")


def test_the_key_file_is_found_from_every_folder(
    shop: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop("carrier", "connect", "swiss-post", *CREDENTIALS)
    elsewhere = shop.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    shop.set(STORE_URL="sqlite:../parcelwire.db")
    shop("carrier", "connect", "swiss-post", *CREDENTIALS)
    assert "2  carriers' credentials, sealed with" in shop("secrets", "status")
    assert list(elsewhere.iterdir()) == []


def test_a_server_warns_of_files_that_others_may_read(shop: Terminal) -> None:
    (shop.folder / "parcelwire.db").chmod(0o644)
    # It ends at once: the port is not to be had.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        shop.set(SERVER_PORT=str(taken.getsockname()[1]))
        said = shop.run("serve").err
    file = shop.folder / "parcelwire.db"
    assert f"{file} can be read by others on this machine: chmod 600 {file}" in said


def test_a_key_file_that_was_not_made_yet_is_no_error(shop: Terminal) -> None:
    place = shop.folder / "parcelwire.key"
    assert shop("secrets", "status") == f"key file  {place}\n          the first server makes it\n"
    place.touch(0o600)
    assert f"the key file {place} holds no key" in shop.fails("secrets", "status")


def test_a_key_file_that_is_lost_for_good(shop: Terminal) -> None:
    added = shop("webhook", "create", "https://receiver.example/hook")
    endpoint_id = added.split()[1]
    shop("carrier", "connect", "swiss-post", *CREDENTIALS)
    assert "nothing is lost" in shop.fails("secrets", "reset", "--yes")
    (shop.folder / "parcelwire.key").unlink()
    said = shop("secrets", "reset", "--yes")
    assert "1 connections removed, 1 endpoints disabled" in said
    assert "its secret was lost" in shop("webhook", "list")
    shop("webhook", "rotate-secret", endpoint_id)
    shop("webhook", "enable", endpoint_id)
    shop("carrier", "connect", "swiss-post", *CREDENTIALS)
    assert "seals, in the file" in shop("secrets", "status")

"""What can go wrong at a terminal: always one line that says what, never a traceback."""

import os
import sqlite3
from pathlib import Path

import pytest

from tests.support.terminal import EMAIL, Terminal, listener

NOBODY = "0" * 32
EMPTY = ("--set", "client_id=", "--set", "client_secret=x")


# --- settings ---------------------------------------------------------------------------------


def test_a_missing_configuration_file(terminal: Terminal) -> None:
    for command in ("serve", "migrate", "couriers"):
        assert terminal.fails("--config", "nowhere.toml", command) == (
            "parcelwire: there is no configuration file nowhere.toml"
        )


def test_a_wrong_setting(terminal: Terminal) -> None:
    (terminal.folder / "parcelwire.toml").write_text("[server]\nport = 'x'\n", "utf-8")
    for command in (("serve",), ("key", "list"), ("config", "--check")):
        assert "server.port must be a whole number" in terminal.fails(*command)


def test_a_wrong_variable(terminal: Terminal) -> None:
    terminal.set(SERVER_PORT="many")
    assert "PARCELWIRE_SERVER_PORT must be" in terminal.fails("serve")
    terminal.set(SERVER_PORT="0", SERVER_PROT="8787")
    line = "unknown setting PARCELWIRE_SERVER_PROT; did you mean PARCELWIRE_SERVER_PORT?"
    for command in (("serve",), ("key", "list"), ("config", "--check")):
        assert line in terminal.fails(*command)


def test_settings_that_name_no_connector(terminal: Terminal) -> None:
    terminal.set(CARRIERS_UNOFFICIAL_CONNECTORS='["swis-post"]')
    line = "there is no connector swis-post; there are poste-italiane, simulated, swiss-post"
    assert line in terminal.fails("carrier", "list")
    assert line in terminal.fails("config", "--check")
    terminal.set(
        CARRIERS_UNOFFICIAL_CONNECTORS="[]",
        CARRIERS_BASE_URLS='{"dhl": {"api": "http://127.0.0.1:1"}}',
    )
    for command in (("serve",), ("config", "--check")):
        assert "there is no connector dhl" in terminal.fails(*command)
    terminal.set(CARRIERS_BASE_URLS='{"swiss-post": {"apj": "http://127.0.0.1:1"}}')
    for command in (("serve",), ("config", "--check")):
        assert "swiss-post has no host named apj; it has api, " in terminal.fails(*command)


# --- calling commands wrongly -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nosuch",), "No such command 'nosuch'"),
        (("key", "create", "--nosuch"), "No such option"),
        (("key", "revoke"), "Missing argument 'PREFIX'"),
        (("key", "create", "--scope", "god"), "is not one of"),
        (("account", "update", EMAIL), "nothing to update"),
        (("account", "update", EMAIL, "--quota", "1", "--no-quota"), "contradict"),
        (("account", "update", EMAIL, "--quota", "-1"), "not in the range"),
        (("webhook", "create", "https://x.example", "--status", "gone"), "is not one of"),
        (("webhook", "log", "--limit", "0"), "not in the range"),
        (("carrier", "connect", "swiss-post", "--set", "client_id"), "takes FIELD=VALUE"),
        (("remote-areas", "load", "nowhere.csv"), "does not exist"),
        (("detect",), "give a tracking number, or --evaluate"),
        (("detect", "1234", "--evaluate", "x"), "does not exist"),
        (("detect", "1234", "--origin", "Switzerland"), "no country of two letters"),
        (("demo", "--seconds", "soon"), "not a valid float"),
    ],
)
def test_a_wrong_call(terminal: Terminal, arguments: tuple[str, ...], says: str) -> None:
    assert says in terminal.refuses(*arguments)
    assert list(terminal.folder.iterdir()) == []


# --- nobody by that name ----------------------------------------------------------------------


def test_without_an_account_the_way_to_one_is_told(terminal: Terminal) -> None:
    for command in (("webhook", "list"), ("carrier", "connections"), ("key", "create")):
        assert "parcelwire key create --account" in terminal.fails(*command)


def test_with_several_accounts_one_must_be_named(shop: Terminal) -> None:
    shop("key", "create", "--account", "other@shop.example", "--quiet")
    for command in (("webhook", "list"), ("carrier", "connections"), ("key", "create")):
        assert "say which with --account" in shop.fails(*command)
    assert "There are no endpoints" in shop("webhook", "list", "--account", EMAIL)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("key", "list", "--account", "x@y"), "there is no account x@y"),
        (("account", "update", "x@y", "--name", "X"), "there is no account x@y"),
        (("webhook", "list", "--account", "x@y"), "there is no account x@y"),
        (("key", "create", "--account", "nobody"), "'nobody' is no e-mail address"),
        (("key", "revoke", "pw_live_12345678"), "there is no key pw_live_12345678…"),
        (("webhook", "test", NOBODY), f"there is no endpoint {NOBODY}"),
        (("webhook", "enable", NOBODY), f"there is no endpoint {NOBODY}"),
        (("webhook", "pause", NOBODY), f"there is no endpoint {NOBODY}"),
        (("webhook", "delete", NOBODY), f"there is no endpoint {NOBODY}"),
        (("webhook", "log", "--endpoint", NOBODY), f"there is no endpoint {NOBODY}"),
        (("webhook", "resend", NOBODY), f"there is no message {NOBODY}"),
        (("carrier", "disconnect", NOBODY), f"there is no connection {NOBODY}"),
        (("carrier", "retry", NOBODY), f"there is no connection {NOBODY}"),
        (("carrier", "test", NOBODY, "x1"), f"there is no connection {NOBODY}"),
        (("carrier", "connect", "nosuch"), "there is no connector nosuch"),
        (("carrier", "connect", "swiss-post", "--transport", "fax"), "has no transport fax"),
        (("carrier", "connect", "swiss-post", "--set", "pin=1"), "has no field pin"),
        (("carrier", "connect", "swiss-post"), "client_id is missing; give it with --set"),
        (("carrier", "connect", "swiss-post", "--transport", "web"), "wants no credentials"),
        (("carrier", "connect", "swiss-post", *EMPTY), "client_id is missing"),
        (("key", "create", "--label", "x" * 201), "label has at most 200 characters"),
        (("account", "update", EMAIL, "--quota", str(2**31)), "tracking_quota is 0 to 2147483647"),
        (
            ("carrier", "connect", "swiss-post", "--set", "client_id=@nowhere"),
            "cannot read nowhere: No such file",
        ),
        (("couriers", "nosuchcourier"), "no courier matches 'nosuchcourier'"),
        (("detect", "x"), "no courier found for x"),
        (("track", "x"), "'x' cannot be a tracking number"),
        (("track", "RA123"), "name it with --courier"),
        (("track", "1234567890", "--courier", "nosuch"), "there is no courier nosuch"),
        (("track", "12345678", "--courier", "mondialrelay"), "pass --postal-code"),
        (("track", "12345678", "--courier", "hfd"), "pass --postal-code and --courier-account"),
        (
            ("track", "12345678", "--courier", "dxdelivery", "--postal-code", "X"),
            "dxdelivery requires more than the number: pass --destination",
        ),
        (
            (
                *("track", "12345678", "--courier", "dxdelivery"),
                *("--postal-code", "X", "--destination", "GB", "--ship-date", "2026-02-28"),
            ),
            "there is no way to ask this carrier",
        ),
        (("track", "99.00.123456.12345678"), "there is no way to ask this carrier"),
    ],
)
def test_nobody_by_that_name(
    shop: Terminal, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert says in shop.fails(*arguments)


# --- refused addresses ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9999/hook", "127.0.0.1 is not a public address"),
        ("http://[::1]:9999/hook", "is not a public address"),
        ("http://169.254.169.254/latest/meta-data", "is not a public address"),
        ("http://localhost:9999/hook", "is a name inside a network"),
        ("https://203.0.113.1:22/hook", "port 22 is not for webhooks"),
        ("https://me:secret@shop.example/hook", "must not contain a user name"),
        ("ftp://shop.example/hook", "must begin with https:// or http://"),
        ("shop.example/hook", "must begin with https:// or http://"),
        ("https://" + "a" * 3_000, "longer than 2,048 characters"),
    ],
)
def test_an_address_that_must_not_be_reached(shop: Terminal, url: str, says: str) -> None:
    line = shop.fails("webhook", "create", url)
    assert "is refused" in line
    assert says in line
    assert "There are no endpoints" in shop("webhook", "list")


# --- files and folders ------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("serve",), ("migrate",), ("key", "list")])
def test_a_folder_that_is_not_there(terminal: Terminal, command: tuple[str, ...]) -> None:
    terminal.set(STORE_URL="sqlite:nowhere/parcelwire.db", SERVER_PORT="0")
    assert "there is no folder nowhere for the database" in terminal.fails(*command)
    terminal.set(STORE_URL="sqlite:here.db", SECRETS_KEY_FILE="nowhere/parcelwire.key")
    if command == ("serve",):
        assert "cannot make the key file nowhere/parcelwire.key" in terminal.fails(*command)


LIST = b'{"meta": {"code": 200}, "data": [{"courier_code": "a-b", "courier_name": "A"}]}'


def test_a_folder_where_nothing_can_be_written(terminal: Terminal) -> None:
    locked = terminal.folder / "locked"
    locked.mkdir(mode=0o500)
    # Root may write everywhere but into the kernel's own folder.
    place = "/proc" if os.geteuid() == 0 else str(locked)
    terminal.set(STORE_URL=f"sqlite:{place}/parcelwire.db")
    assert "cannot use the database: " in terminal.fails("migrate")
    terminal.set(STORE_URL="sqlite:here.db", SECRETS_KEY_FILE=f"{place}/parcelwire.key")
    assert "cannot make the key file" in terminal.fails("serve")
    terminal.set(CARRIERS_REGISTRY_FILE=f"{place}/couriers.json")
    with listener(lambda _: (200, LIST, {})) as url:
        line = terminal.fails("couriers", "refresh", "--base-url", url, "--api-key", "k")
    assert "cannot write" in line


def test_a_database_that_is_none(terminal: Terminal) -> None:
    file = terminal.folder / "parcelwire.db"
    file.write_text("This is a shopping list. " * 500, "utf-8")
    for command in (("serve",), ("migrate",), ("key", "list")):
        terminal.set(SERVER_PORT="0")
        assert "file is not a database" in terminal.fails(*command)
    assert file.read_text("utf-8").startswith("This is a shopping list.")
    file.unlink()
    file.mkdir()
    assert "cannot use the database" in terminal.fails("migrate")


def test_a_database_of_another_program(terminal: Terminal) -> None:
    with sqlite3.connect(terminal.folder / "parcelwire.db") as other:
        other.execute("CREATE TABLE recipes (name)")
    other.close()
    assert "is a database of some other program" in terminal.fails("migrate")


def test_a_database_of_a_newer_version(terminal: Terminal) -> None:
    terminal("migrate")
    with sqlite3.connect(terminal.folder / "parcelwire.db") as newer:
        newer.execute("INSERT INTO schema_version VALUES (9999, 0)")
    newer.close()
    assert "the database has layout 9999" in terminal.fails("key", "list")


@pytest.mark.parametrize(
    "command",
    [("key", "list"), ("account", "list"), ("carrier", "connections"), ("secrets", "status")],
)
def test_reading_where_there_is_no_database(terminal: Terminal, command: tuple[str, ...]) -> None:
    line = terminal.fails(*command)
    assert f"there is no database {terminal.folder / 'parcelwire.db'}" in line
    assert "parcelwire key create --account" in line
    assert list(terminal.folder.iterdir()) == []


def test_carriers_are_listed_where_there_is_no_database(terminal: Terminal) -> None:
    assert "swiss-post" in terminal("carrier", "list")
    assert list(terminal.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"country,place\nCH,3920\n", "has no column company"),
        (b"", "has no column country, place, company"),
        (b"country,place,company\nSwitzerland,3920,DHL\n", "line 2: wants a country of two"),
        (b"country,place,company\nCH,3920,DHL\nCH,,DHL\n", "line 3: wants"),
        (b"country,place,company\nCH\n", "line 2: wants"),
        (b"country,place,company\nCH,Z\xfcrich,DHL\n", "is not text in UTF-8"),
    ],
)
def test_a_wrong_table_of_remote_areas(terminal: Terminal, content: bytes, says: str) -> None:
    file = terminal.folder / "areas.csv"
    file.write_bytes(content)
    assert says in terminal.fails("remote-areas", "load", str(file))


@pytest.mark.parametrize("content", [b"", b"{", b'{"numbers": 1}', b'[{"number": 1}]'])
def test_a_wrong_file_to_evaluate(terminal: Terminal, content: bytes) -> None:
    file = terminal.folder / "numbers.json"
    file.write_bytes(content)
    assert f"cannot use {file}" in terminal.fails("detect", "--evaluate", str(file))

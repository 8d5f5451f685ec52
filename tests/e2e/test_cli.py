"""What the commands do when all is well, on a real SQLite file."""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from parcelwire import __version__
from parcelwire.accounts.key_format import is_well_formed
from parcelwire.cli.main import _COMMANDS, cli
from parcelwire.config import default_text
from tests.support.terminal import EMAIL, Answer, Call, Terminal, first, listener

DETECTION_EXAMPLES = Path(__file__).parents[1] / "data" / "detection-examples.json"


# --- help and settings ------------------------------------------------------------------------


def commands(group: click.Group, *path: str) -> list[tuple[tuple[str, ...], click.Command]]:
    found: list[tuple[tuple[str, ...], click.Command]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append(((*path, name), command))
        if isinstance(command, click.Group):
            found += commands(command, *path, name)
    return found


def test_every_command_option_and_argument_says_what_it_is() -> None:
    for path, command in commands(cli):
        assert command.help, path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (path, parameter.name)


def test_help_lists_every_command_without_importing_it(terminal: Terminal) -> None:
    out = terminal("--help")
    for name, (_, _, about) in _COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(about)}$", out, re.MULTILINE), name
    assert terminal("-h") == out
    assert __version__ in terminal("--version")


@pytest.mark.parametrize("path", [" ".join(path) for path, _ in commands(cli)])
def test_every_command_has_a_help_page(terminal: Terminal, path: str) -> None:
    assert f"Usage: parcelwire {path}" in terminal(*path.split(), "--help")
    assert list(terminal.folder.iterdir()) == []


def test_config_prints_the_commented_defaults_and_checks_ones_own(terminal: Terminal) -> None:
    text = terminal("config")
    assert text == default_text()
    (terminal.folder / "parcelwire.toml").write_text(text, "utf-8")
    assert terminal("config", "--check") == "The settings are valid.\n"


def test_migrate_makes_the_database_and_finds_it_in_order_again(terminal: Terminal) -> None:
    out = terminal("migrate")
    assert re.match(r"up to date: SQLite 3\.\d+\.\d+, .*/parcelwire\.db\n\Z", out)
    assert (terminal.folder / "parcelwire.db").stat().st_mode & 0o077 == 0
    assert terminal("migrate") == out


# --- accounts and keys ------------------------------------------------------------------------


def test_a_keys_life(terminal: Terminal) -> None:
    terminal("migrate")
    assert "There are no keys" in terminal("key", "list")
    shown = terminal("key", "create", "--account", EMAIL, "--label", "the shop")
    text = first(r"(pw_live_\w+)", shown)
    assert is_well_formed(text)
    assert "shown only once" in shown
    # The account is known now and need not be named.
    test_key = terminal("key", "create", "--test", "--quiet").strip()
    assert is_well_formed(test_key)
    assert test_key.startswith("pw_test_")
    listed = terminal("key", "list")
    assert listed.count("\n") == 2
    assert f"{text[:16]}…  live  write" in listed
    assert "the shop" in listed
    assert text not in listed
    ending = terminal("key", "create", "--expires-in", "90d", "--label", "a trial")
    assert re.search(r"valid until \d{4}-\d\d-\d\d \d\d:\d\d UTC", ending)
    assert re.search(r"  until \d{4}-\d\d-\d\d .*a trial", terminal("key", "list"))
    for wrong in ("0d", "90", "-3d", "999999w", "soon"):
        refused = terminal.run("key", "create", "--expires-in", wrong)
        assert (refused.code, "'--expires-in'" in refused.err) == (2, True), refused
    # What is kept opens nothing.
    assert text.encode() not in (terminal.folder / "parcelwire.db").read_bytes()

    assert "is revoked" in terminal("key", "revoke", text[:16])
    assert f"{text[:16]}…  live  revoked" in terminal("key", "list", "--account", EMAIL)
    # As it is printed in the list, and as a whole, it is understood too.
    assert "is revoked already" in terminal.fails("key", "revoke", f"{text[:16]}…")
    assert "is revoked" in terminal("key", "revoke", test_key)


def test_accounts(shop: Terminal) -> None:
    assert shop("account", "list") == f"{EMAIL}  no quota\n"
    reason = "x" * 501
    said = shop.fails("account", "suspend", EMAIL, "--reason", reason)
    assert said == "parcelwire: the reason can have 500 characters, not 501"
    assert shop("account", "list") == f"{EMAIL}  no quota\n"
    shop("account", "update", EMAIL, "--name", "The Shop", "--quota", "1000", "--phone", "+41")
    assert shop("account", "list") == f"{EMAIL}  quota 1000  The Shop\n"
    shop("account", "update", EMAIL, "--no-quota")
    assert shop("account", "list") == f"{EMAIL}  no quota  The Shop\n"


# --- webhooks ---------------------------------------------------------------------------------


def test_an_endpoints_life(shop: Terminal) -> None:
    shop.set(WEBHOOKS_ALLOWED_NETWORKS='["127.0.0.0/8"]')
    heard: list[Call] = []

    def answer(call: Call) -> Answer:
        heard.append(call)
        return (500 if call.path == "/broken" else 204), b"", {}

    with listener(answer) as url:
        added = shop("webhook", "create", f"{url}/hook", "--status", "delivered")
        endpoint_id, secret = first(r"endpoint (\w+)", added), first(r"secret +(\S+)", added)
        assert secret.startswith("whsec_")
        listed = shop("webhook", "list")
        assert listed == f"{endpoint_id}  live  native  enabled  {url}/hook  delivered\n"
        assert secret not in listed
        assert "HTTP 204 after" in shop("webhook", "test", endpoint_id)
        assert [call.path for call in heard] == ["/hook"]
        assert "webhook-signature" in heard[0].headers
        assert json.loads(heard[0].body)["type"] == "endpoint.test"

        log = shop("webhook", "log")
        message_id = log.split()[0]
        assert heard[0].headers["webhook-id"] == message_id
        assert "delivered" in log
        assert "HTTP 204" in log
        assert shop("webhook", "log", "--endpoint", endpoint_id, "--state", "delivered") == log
        assert "no messages" in shop("webhook", "log", "--test")
        assert "is due now" in shop("webhook", "resend", message_id)
        assert "next attempt" in shop("webhook", "log", "--state", "pending")

        assert "is paused" in shop("webhook", "pause", endpoint_id)
        assert f"paused  {url}/hook  delivered  1 pending" in shop("webhook", "list")
        assert "it is paused" in shop.fails("webhook", "test", endpoint_id)
        assert "is enabled; pending messages: 1" in shop("webhook", "enable", endpoint_id)

        broken = first(r"endpoint (\w+)", shop("webhook", "create", f"{url}/broken", "--test"))
        assert "failed: HTTP 500" in shop.fails("webhook", "test", broken)
        assert "HTTP 500" in shop("webhook", "log", "--test")
        assert "is deleted" in shop("webhook", "delete", endpoint_id)
        assert endpoint_id not in shop("webhook", "list")


def test_v2_endpoints_are_told_what_their_signatures_key_is(shop: Terminal) -> None:
    shop.set(WEBHOOKS_ALLOWED_NETWORKS='["127.0.0.0/8"]')
    added = shop("webhook", "create", "http://127.0.0.1:9999/hook", "--dialect", "v2")
    assert EMAIL in added


# --- connections ------------------------------------------------------------------------------


def test_a_connections_life(shop: Terminal) -> None:
    carriers = shop("carrier", "list")
    assert re.search(r"swiss-post +api +official +credentials: client_id, client_secret", carriers)
    assert re.search(r"swiss-post +web .*\(off: see carriers\.unofficial_connectors\)", carriers)
    assert "There are no connections" in shop("carrier", "connections")
    secret = shop.folder / "secret.txt"
    secret.write_text("hidden-secret\n", "utf-8")
    added = shop(
        "carrier",
        "connect",
        "swiss-post",
        "--set",
        "client_id=visible-id",
        "--set",
        f"client_secret=@{secret}",
    )
    connection_id = first(r"connection (\w+): ", added)
    assert shop("carrier", "connections") == f"{connection_id}  swiss-post  api  OK\n"
    stored = (shop.folder / "parcelwire.db").read_bytes()
    for wal in shop.folder.glob("parcelwire.db-wal"):
        stored += wal.read_bytes()
    assert b"hidden-secret" not in stored
    assert b"visible-id" not in stored
    assert (shop.folder / "parcelwire.key").stat().st_mode & 0o077 == 0
    assert "is used again" in shop("carrier", "retry", connection_id)
    assert "is deleted" in shop("carrier", "disconnect", connection_id)
    assert "There are no connections" in shop("carrier", "connections")


def test_poste_italianes_scope_may_be_left_out(shop: Terminal) -> None:
    added = shop(
        "carrier", "connect", "poste-italiane", "--set", "client_id=a", "--set", "client_secret=b"
    )
    assert "is connected to poste-italiane (api)" in added


# --- remote areas -----------------------------------------------------------------------------


def test_remote_areas_are_replaced_as_a_whole(terminal: Terminal) -> None:
    file = terminal.folder / "areas.csv"
    file.write_text("﻿country,place,company\nch,3920,DHL\nCH,Zermatt,DHL\n", "utf-8")
    terminal("migrate")
    assert terminal("remote-areas", "load", str(file)) == "2 remote areas are loaded\n"
    file.write_text("company,country,place\nUPS,IT,98050\n", "utf-8")
    assert terminal("remote-areas", "load", str(file)) == "1 remote areas are loaded\n"


# --- couriers and detection -------------------------------------------------------------------


def test_couriers_are_listed_and_searched(terminal: Terminal) -> None:
    everything = terminal("couriers")
    assert everything.count("\n") > 1_000
    found = terminal("couriers", "swiss", "post")
    assert re.match(r"swiss-post +CH +Swiss Post\n", found)
    assert terminal("couriers", "list", "swiss", "post") == found
    (usps, *_) = json.loads(terminal("couriers", "usps", "--json"))
    assert (usps["code"], usps["country"]) == ("usps", "US")


def test_detection_says_who_how_sure_and_why(terminal: Terminal) -> None:
    out = terminal("detect", "99.00.123456.12345678")
    assert re.match(r" *\d+\.\d% +swiss-post +Swiss Post\n {10}\S", out)
    (best, *_) = json.loads(terminal("detect", "99.00.123456.12345678", "--json"))
    assert best["courier_code"] == "swiss-post"
    assert 0 < best["probability"] <= 1
    assert best["reasons"]
    assert terminal("detect", "RA471108151CH", "--destination", "it", "--origin", "CH")


def test_detection_is_judged_on_a_file(terminal: Terminal) -> None:
    judged = json.loads(terminal("detect", "--evaluate", str(DETECTION_EXAMPLES), "--json"))
    names = ("top_1", "top_3", "any", "answered", "rejected_invalid", "calibration_error")
    assert all(0 <= judged[name] <= 1 for name in names)
    assert judged["top_1"] > 0.9
    table = terminal("detect", "--evaluate", str(DETECTION_EXAMPLES))
    assert re.search(rf"^real +\d+ +{judged['top_1']:.1%} ", table, re.MULTILINE)
    assert "calibration error" in table


NEW = {"courier_code": "brand-new", "courier_name": "Brand New", "courier_country_iso2": "CH"}


def courier_list(call: Call) -> Answer:
    """Answer as TrackingMore's v4 does."""
    answer: dict[str, Any] = {"meta": {"code": 200, "message": "ok"}, "data": [NEW]}
    if call.headers.get("tracking-api-key") != "right-key":
        answer = {"meta": {"code": 401, "message": "Authentication failed"}, "data": None}
    return answer["meta"]["code"], json.dumps(answer).encode(), {}


def test_couriers_are_refreshed_from_a_live_list(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKINGMORE_API_KEY", "right-key")
    with listener(courier_list) as url:
        dry = terminal("couriers", "refresh", "--base-url", url, "--dry-run")
        assert "nothing was stored" in dry
        assert list(terminal.folder.iterdir()) == []
        out = terminal("couriers", "refresh", "--base-url", f"{url}/")
    assert "1 couriers are listed; beside the built-in ones 1 are new" in out
    assert "  new: brand-new\n" in out
    assert "right-key" not in (terminal.folder / "parcelwire.couriers.json").read_text("utf-8")
    assert re.match(r"brand-new +CH +Brand New\n\Z", terminal("couriers", "brand"))
    assert terminal("couriers").count("\n") > 1_000


# --- tracking once ----------------------------------------------------------------------------


def test_a_simulated_parcel_is_shown_newest_first_and_nothing_is_kept(terminal: Terminal) -> None:
    out = terminal("track", "SIM-NORMAL-0001", "--test", "--courier", "swiss-post")
    lines = out.splitlines()
    assert lines[0].startswith("SIMNORMAL0001  Swiss Post  delivered")
    assert "Delivered" in lines[1]
    assert "announced" in lines[-2]
    assert lines[-1].startswith("https://")
    assert list(terminal.folder.iterdir()) == []


def test_a_parcel_as_json(terminal: Terminal) -> None:
    out = terminal("track", "SIM-NORMAL-0001", "--test", "--courier", "dhl", "--json")
    shown = json.loads(out)
    assert shown["tracking_number"] == "SIMNORMAL0001"
    assert shown["delivery_status"] == "delivered"
    assert shown["origin_info"]["trackinfo"]

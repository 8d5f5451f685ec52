"""Commands for people, on this installation, on a server, and on TrackingMore's own."""

from __future__ import annotations

import asyncio
import io
import json
import os
import stat
from pathlib import Path

import pytest

from parcelwire.cli import exit_codes
from parcelwire.domain.status import Substatus
from tests.support.hosted import Hosted
from tests.support.house import HouseUnderTest, report, serve
from tests.support.process import free_port
from tests.support.terminal import EMAIL, Result, Run, Terminal
from tests.support.v4 import SWISS_NUMBER, USPS_NUMBER, point


def move(house: HouseUnderTest, text: str = "Accepted", at: str = "2026-02-27T09:00:00") -> None:
    substatus = Substatus.DELIVERED if text == "Delivered" else Substatus.TRANSIT
    house.carriers.script("usps", USPS_NUMBER, report("", point(at, text, substatus)))


# --- this installation --------------------------------------------------------------------


def test_a_parcel_from_create_to_delete(shop: Terminal) -> None:
    here = ("--test",)
    out = shop("create", "SIM-NORMAL-1", "--courier", "dhl", "--title", "Two cups", *here)
    assert out.splitlines()[0].startswith("SIMNORMAL1  DHL Express  ")
    assert "Two cups" in out
    again = shop.fails("create", "SIM-NORMAL-1", "--courier", "dhl", *here)
    assert again == "parcelwire: SIM-NORMAL-1 is already tracked with dhl"
    (line,) = shop("list", *here).splitlines()
    assert line.startswith("SIMNORMAL1 ")
    assert json.loads(shop("list", "--json", *here))["title"] == "Two cups"
    assert "next asked" in shop("show", "SIM-NORMAL-1", *here)
    only = "only expired parcels can be retracked"
    assert only in shop.fails("retrack", "SIM-NORMAL-1", *here)
    assert shop("delete", "SIM-NORMAL-1", "--yes", *here).startswith("deleted SIMNORMAL1 ")
    assert shop("list", *here) == "There are no trackings.\n"
    line = shop.fails("delete", "SIM-NORMAL-1", "--yes", *here, code=exit_codes.NOT_FOUND)
    assert line == f"parcelwire: SIM-NORMAL-1 is not tracked by the test world of {EMAIL}"


def test_the_two_worlds_are_two(shop: Terminal) -> None:
    shop("create", "SIM-NORMAL-1", "--courier", "dhl", "--test")
    assert shop("list") == "There are no trackings.\n"
    assert "SIMNORMAL1" in shop("list", "--test")


def test_several_numbers_have_fates_of_their_own(shop: Terminal) -> None:
    result = shop.run("create", "SIM-NORMAL-1", "SIM-NORMAL-2", "?", "--courier", "dhl", "--test")
    assert result.ending(exit_codes.PARTLY) == "parcelwire: 1 of 3 were rejected"
    assert [line.split()[0] for line in result.out.splitlines()] == ["SIM-NORMAL-1", "SIM-NORMAL-2"]
    result = shop.run("delete", "SIM-NORMAL-1", "SIM-NORMAL-9", "--yes", "--test")
    assert result.ending(exit_codes.PARTLY) == "parcelwire: 1 of 2 were not deleted"
    result = shop.run("delete", "SIM-NORMAL-8", "SIM-NORMAL-9", "--yes", "--test")
    assert result.ending(exit_codes.NOT_FOUND) == "parcelwire: 2 of 2 were not deleted"
    result = shop.run("create", "?", "!", "--test")
    assert result.ending(exit_codes.FAILED) == "parcelwire: 2 of 2 were rejected"


def test_track_asks_once_and_keeps_nothing(terminal: Terminal) -> None:
    numbers = ("SIM-NORMAL-1", "SIM-UNKNOWN-1", "SIM-MISSED-1")
    result = terminal.run("track", *numbers, "--test", "--courier", "dhl", "--json")
    assert result.ending(exit_codes.PARTLY) == "parcelwire: 1 of 3 were not found"
    shown = [json.loads(line)["tracking_number"] for line in result.out.splitlines()]
    assert shown == ["SIMNORMAL1", "SIMMISSED1"]
    assert list(terminal.folder.iterdir()) == []
    for number, says in (("SIM-UNKNOWN-1", "does not know"), ("SIM-INVALID-1", "no such number")):
        line = terminal.fails(
            "track", number, "--test", "--courier", "dhl", code=exit_codes.NOT_FOUND
        )
        assert says in line


def test_without_an_installation_and_a_login_both_ways_are_told(terminal: Terminal) -> None:
    for command in (
        ("list",),
        ("create", "X1"),
        ("export",),
        ("show", "X1"),
        ("watch",),
        ("delete", "X1", "--yes"),
    ):
        line = terminal.fails(*command)
        assert "parcelwire key create" in line
        assert "parcelwire login" in line
    assert list(terminal.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("create",), "Missing argument 'NUMBER...'"),
        (("create", "X1", "--destination", "Italy"), "no country of two letters"),
        (("create", "X1", "--ship-date", "1.3.2026"), "does not match the format"),
        (("list", "--status", "lost"), "is not one of"),
        (("list", "--limit", "0"), "not in the range"),
        (("list", "--since", "yesterday"), "is not a time"),
        (("list", "--since", "999999w"), "longer ago than time goes back"),
        (("list", "--host", "http://127.0.0.1:1"), "pass --key too"),
        (("list", "--key", "k"), "pass --host too"),
        (("list", "--host", "http://127.0.0.1:1", "--key", "k", "--test"), "for this installation"),
        (("delete", "X1"), "pass --yes"),
        (("track", "X1", "--watch", "--postal-code", "1"), "tracked parcels have them already"),
        (("import", "x.csv", "--delimiter", "ab"), "one character"),
        (("export", "--format", "xml"), "is not one of"),
        (("completion", "powershell"), "is not one of"),
    ],
)
def test_wrong_calls(
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert says in terminal.refuses(*arguments)


def test_deleting_asks_whether_that_is_meant(
    shop: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Person(io.StringIO):
        def isatty(self) -> bool:
            return True

    shop("create", "SIM-NORMAL-1", "--courier", "dhl", "--test")
    monkeypatch.setattr("sys.stdin", Person("n\n"))
    result = shop.run("delete", "SIM-NORMAL-1", "--test")
    assert result.ending(exit_codes.FAILED).endswith("parcelwire: SIM-NORMAL-1 was kept")
    monkeypatch.setattr("sys.stdin", Person("y\n"))
    result = shop.run("delete", "SIM-NORMAL-1", "--test")
    assert result.out.startswith("deleted ")


# --- a server ---------------------------------------------------------------------------------


async def test_a_parcel_on_a_server(run: Run, house: HouseUnderTest) -> None:
    move(house)
    created = await run("create", USPS_NUMBER, "--order", "#17")
    assert created.code == 0, created
    assert "Accepted" in created.out
    house.clock.advance(7200)
    move(house, "Delivered", "2026-03-01T09:30:00")
    assert "delivered" not in (await run("show", USPS_NUMBER)).out
    assert "delivered" in (await run("track", USPS_NUMBER)).out
    # Asked a moment ago: shown as it is.
    assert "delivered" in (await run("track", USPS_NUMBER)).out
    (line,) = (await run("list", "--json")).out.splitlines()
    assert json.loads(line)["order_number"] == "#17"
    assert (await run("delete", USPS_NUMBER, "--yes")).code == 0
    result = await run("track", USPS_NUMBER)
    assert "is not tracked by http://127.0.0.1" in result.ending(exit_codes.NOT_FOUND)


async def test_list_narrows_and_pages(run: Run, house: HouseUnderTest) -> None:
    for index in range(25):
        await house.call("POST", "/v4/trackings/create", json={})  # nothing is made by nonsense
        assert (
            await run("create", f"94001118992238579253{index:02d}", "--courier", "usps")
        ).code == 0
        house.clock.advance(60)
    await run("create", SWISS_NUMBER)
    first = await run("list", "--limit", "10")
    assert first.out.count("\n") == 10
    assert first.err == "There are more: --page 2\n"
    last = await run("list", "--limit", "10", "--page", "3")
    assert (last.out.count("\n"), last.err) == (6, "")
    assert (await run("list", "--courier", "swiss-post")).out.count("\n") == 1
    assert (await run("list", "--prefix", "9400.1118 9922")).out.count("\n") == 20
    assert (await run("list", "--prefix", "99")).out.startswith(SWISS_NUMBER)
    narrow = ("--prefix", "9400 1118", "--courier", "usps", "--status", "pending")
    shown = await run("list", *narrow, "--since", "2026-03-01", "--not-archived", "--limit", "7")
    assert shown.out.count("\n") == 7
    assert shown.out.splitlines()[0].startswith("9400111899223857925324")
    assert (await run("list", "--prefix", "9400", "--archived")).out.startswith(
        "No trackings match"
    )
    page = await run("list", "--prefix", "9400", "--limit", "10", "--page", "3")
    assert page.out.count("\n") == 5
    nothing = await run("list", "--status", "delivered")
    assert nothing.out == "No trackings match these filters.\n"
    assert (await run("list", "--since", "2026-03-01T10:20:00+00:00")).out.count("\n") == 6
    assert (await run("list", "--until", "2026-02-28")).out.startswith("No trackings match")
    assert (await run("list", "--not-archived", "--limit", "100")).out.count("\n") == 26
    assert (await run("list", "--archived", "--json")).out == ""


async def test_watching_parcels_until_they_arrive(run: Run, house: HouseUnderTest) -> None:
    move(house)
    await run("create", USPS_NUMBER)
    watching = asyncio.create_task(run("track", USPS_NUMBER, "--watch", "--interval", "1"))
    await asyncio.sleep(0.5)
    house.clock.advance(7200)
    move(house, "Delivered", "2026-03-01T09:30:00")
    (stored,) = await house.store.find(house.world_id, USPS_NUMBER, None)
    await house.service.refresh_now(stored)
    result = await asyncio.wait_for(watching, 20)
    assert result.code == 0, result
    assert result.out.count("Accepted") == 1
    assert result.out.count("Delivered") == 1
    missing = await run("track", SWISS_NUMBER, "--watch")
    assert "is not tracked" in missing.ending(exit_codes.NOT_FOUND)


async def test_the_feed(run: Run, house: HouseUnderTest) -> None:
    move(house)
    await run("create", USPS_NUMBER)
    shown = await run("watch", "--since", "2026-01-01", "--once")
    assert shown.code == 0, shown
    (line,) = shown.out.splitlines()
    assert USPS_NUMBER in line
    assert "transit" in line
    assert "Accepted" in line
    (text,) = (await run("watch", "--since", "2026-01-01", "--once", "--json")).out.splitlines()
    event = json.loads(text)
    assert event["type"] == "tracking.status_changed"
    rest = await run("watch", "--after", event["cursor"], "--once")
    assert (rest.code, rest.out) == (0, "")


async def test_detection_and_couriers_of_a_server(run: Run) -> None:
    found = await run("detect", USPS_NUMBER)
    assert "usps" in found.out.splitlines()[0]
    assert "%" in found.out
    result = await run("detect", "ZZZZZ0ZZZZZZZZZZZZZZZZZZZ0ZZZZ")
    assert "no courier found for" in result.ending(exit_codes.FAILED)
    assert "Swiss Post" in (await run("couriers", "swiss", "post")).out
    assert (await run("couriers", "--json")).out.count("\n") == 1
    local = await run("detect", USPS_NUMBER, "--local", "--json")
    assert json.loads(local.out)[0]["courier_code"] == "usps"


async def test_keys_that_are_not_right(
    run: Run, house: HouseUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARCELWIRE_API_KEY", await house.add_key(scope="read"))
    assert (await run("list")).code == 0
    (await run("create", USPS_NUMBER)).ending(exit_codes.KEY_REFUSED)
    monkeypatch.setenv("PARCELWIRE_API_KEY", "pw_live_wrong")
    for command in (("list",), ("create", "X1"), ("track", "X1"), ("export",), ("watch",)):
        (await run(*command)).ending(exit_codes.KEY_REFUSED)


def test_nobody_answers(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    host = f"http://127.0.0.1:{free_port()}"
    line = terminal.fails("list", "--host", host, "--key", "k", code=exit_codes.NO_ANSWER)
    assert f"no answer from {host}" in line
    for wrong in ("parcels.example.com", "ftp://x"):
        assert "must be an address" in terminal.fails("list", "--host", wrong, "--key", "k")


# --- login ------------------------------------------------------------------------------------


async def test_login_remembers_a_server(
    run: Run, terminal: Terminal, house: HouseUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = os.environ["PARCELWIRE_HOST"]
    monkeypatch.delenv("PARCELWIRE_HOST")
    monkeypatch.delenv("PARCELWIRE_API_KEY")
    refused = await run("login", "--host", host, "--key", "pw_live_wrong")
    assert "refuses the key" in refused.ending(exit_codes.KEY_REFUSED)
    file = terminal.folder / "home" / "config" / "parcelwire" / "login.json"
    assert not file.exists()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{house.key}\n"))
    done = await run("login", "--host", host)
    assert done.code == 0, done
    assert house.key not in done.out + done.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (await run("create", USPS_NUMBER)).code == 0
    assert "test" not in (await run("list")).err
    second = await run("login", "--host", host, "--key", house.test_key, "--profile", "test")
    assert "--profile test" in second.out
    assert (await run("list", "--profile", "test")).out == "There are no trackings.\n"
    assert USPS_NUMBER in (await run("list")).out
    monkeypatch.setenv("PARCELWIRE_PROFILE", "test")
    assert (await run("list")).out == "There are no trackings.\n"
    monkeypatch.delenv("PARCELWIRE_PROFILE")
    assert "there is no login other" in (await run("list", "--profile", "other")).ending(1)
    # This installation is still at hand.
    assert "no installation found" in (await run("list", "--local")).ending(1)
    file.chmod(0o644)
    assert "chmod 600" in (await run("list")).ending(1)
    file.chmod(0o600)
    assert (await run("logout")).code == 0
    assert "there is no login default; there are: test" in (await run("logout")).ending(1)


# --- TrackingMore's own service ---------------------------------------------------------------


async def test_the_hosted_service(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hosted = Hosted()
    async with serve(hosted) as address:

        async def run(*arguments: str) -> Result:
            return await asyncio.to_thread(terminal.run, *arguments)

        login = await run("login", "--host", f"http://{address}", "--key", "k", "--trackingmore")
        assert login.code == 0, login
        assert (await run("create", "TBA1", "--courier", "amazon")).code == 0
        assert "On the way" in (await run("track", "TBA1")).out
        assert "TBA1" in (await run("list")).out
        assert "usps" in (await run("detect", "TBA1")).out
        assert "USPS" in (await run("couriers")).out
        (tmp_path / "more.csv").write_text("Tracking number,Courier\nTBA2,amazon\nTBA1,amazon\n")
        imported = await run("import", str(tmp_path / "more.csv"))
        assert imported.out == "2 rows: 1 created, 1 already tracked, 0 rejected\n"
        assert (await run("export")).out.count("\n") == 3
        line = (await run("watch")).ending(exit_codes.FAILED)
        assert "TrackingMore's own service, which has no feed" in line
        assert all(path.startswith("/v4/") for _, path, _, _ in hosted.requests)


def test_their_address_is_known() -> None:
    from parcelwire.cli.target import kind_of

    assert kind_of("https://api.trackingmore.com") == "trackingmore"
    assert kind_of("https://trackingmore.com/v4") == "trackingmore"
    assert kind_of("https://parcels.example.com") == "parcelwire"
    assert kind_of("https://nottrackingmore.com") == "parcelwire"


def test_commands_in_the_worlds_of_a_suspended_account_say_so(shop: Terminal) -> None:
    numbers = shop.folder / "numbers.csv"
    numbers.write_text("tracking_number\n99.00.123456.12345678\n")
    shop("account", "suspend", EMAIL)
    for command in (
        ("list",),
        ("create", "99.00.123456.12345678"),
        ("show", "99.00.123456.12345678"),
        ("track", "99.00.123456.12345678"),
        ("import", str(numbers)),
        ("export",),
        ("webhook", "list"),
        ("webhook", "create", "https://receiver.example/hook"),
    ):
        assert shop.fails(*command, code=exit_codes.KEY_REFUSED) == (
            f"parcelwire: the account {EMAIL} is suspended;"
            f" to resume it: parcelwire account resume {EMAIL}"
        )
    # The simulated carrier is asked for nobody.
    shop("track", "--test", "SIM-DELIVERED-0001", "--courier", "dhl")
    shop("account", "resume", EMAIL)
    assert shop("list") == "There are no trackings.\n"

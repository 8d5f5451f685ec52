"""Commands for people, on the installation here, on a server, and on TrackingMore's own."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from parcelwire.cli import exits
from parcelwire.cli.main import _COMMANDS
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.status import Substatus
from tests.support.clients import whole_door
from tests.support.hosted import Hosted
from tests.support.house import HouseUnderTest, open_house, report, serve
from tests.support.process import free_port
from tests.support.terminal import Result, Terminal
from tests.support.v4 import SWISS_NUMBER, USPS_NUMBER, point

EMAIL = "shop@shop.example"
Run = Callable[..., Coroutine[Any, Any, Result]]


@pytest.fixture
def shop(terminal: Terminal) -> Terminal:
    """A terminal whose installation has one account."""
    terminal("key", "create", "--account", EMAIL, "--quiet")
    return terminal


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[HouseUnderTest]:
    folder = tmp_path / "server"
    folder.mkdir()
    async with open_house(folder, lambda _: []) as opened:
        yield opened


@pytest.fixture
async def run(
    house: HouseUnderTest, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Run]:
    """A terminal that is told of a server by the environment."""
    async with serve(whole_door(house)) as address:
        monkeypatch.setenv("PARCELWIRE_HOST", f"http://{address}")
        monkeypatch.setenv("PARCELWIRE_API_KEY", house.key)

        async def call(*arguments: str) -> Result:
            return await asyncio.to_thread(terminal.run, *arguments)

        yield call


def move(house: HouseUnderTest, text: str = "Accepted", at: str = "2026-02-27T09:00:00") -> None:
    substatus = Substatus.DELIVERED if text == "Delivered" else Substatus.TRANSIT
    house.carriers.script("usps", USPS_NUMBER, report("", point(at, text, substatus)))


def ending(result: Result, code: int) -> str:
    """Return the last line of standard error, after the exit code was checked."""
    assert result.code == code, result
    return (result.err.splitlines() or [""])[-1]


# --- the installation here --------------------------------------------------------------------


def test_a_parcel_from_create_to_delete(shop: Terminal) -> None:
    here = ("--test",)
    out = shop("create", "SIM-NORMAL-1", "--courier", "dhl", "--title", "Two cups", *here)
    assert out.splitlines()[0].startswith("SIMNORMAL1  DHL Express  ")
    assert "Two cups" in out
    again = shop.fails("create", "SIM-NORMAL-1", "--courier", "dhl", *here)
    assert again == "parcelwire: SIM-NORMAL-1 is followed already with dhl"
    (line,) = shop("list", *here).splitlines()
    assert line.startswith("SIMNORMAL1 ")
    assert json.loads(shop("list", "--json", *here))["title"] == "Two cups"
    assert "next asked" in shop("show", "SIM-NORMAL-1", *here)
    only = "only what is expired can be taken up again"
    assert only in shop.fails("retrack", "SIM-NORMAL-1", *here)
    assert shop("delete", "SIM-NORMAL-1", "--yes", *here).endswith(" is gone\n")
    assert shop("list", *here) == "Nothing is followed.\n"
    line = shop.fails("delete", "SIM-NORMAL-1", "--yes", *here, code=exits.NOT_FOUND)
    assert line == f"parcelwire: SIM-NORMAL-1 is not followed by the test world of {EMAIL}"


def test_the_two_worlds_are_two(shop: Terminal) -> None:
    shop("create", "SIM-NORMAL-1", "--courier", "dhl", "--test")
    assert shop("list") == "Nothing is followed.\n"
    assert "SIMNORMAL1" in shop("list", "--test")


def test_several_numbers_have_fates_of_their_own(shop: Terminal) -> None:
    result = shop.run("create", "SIM-NORMAL-1", "SIM-NORMAL-2", "?", "--courier", "dhl", "--test")
    assert ending(result, exits.PARTLY) == "parcelwire: 1 of 3 were refused"
    assert [line.split()[0] for line in result.out.splitlines()] == ["SIM-NORMAL-1", "SIM-NORMAL-2"]
    result = shop.run("delete", "SIM-NORMAL-1", "SIM-NORMAL-9", "--yes", "--test")
    assert ending(result, exits.PARTLY) == "parcelwire: 1 of 2 were not deleted"
    result = shop.run("delete", "SIM-NORMAL-8", "SIM-NORMAL-9", "--yes", "--test")
    assert ending(result, exits.NOT_FOUND) == "parcelwire: 2 of 2 were not deleted"
    result = shop.run("create", "?", "!", "--test")
    assert ending(result, exits.FAILED) == "parcelwire: 2 of 2 were refused"


def test_track_asks_once_and_keeps_nothing(terminal: Terminal) -> None:
    numbers = ("SIM-NORMAL-1", "SIM-UNKNOWN-1", "SIM-MISSED-1")
    result = terminal.run("track", *numbers, "--test", "--courier", "dhl", "--json")
    assert ending(result, exits.PARTLY) == "parcelwire: 1 of 3 were not found"
    shown = [json.loads(line)["tracking_number"] for line in result.out.splitlines()]
    assert shown == ["SIMNORMAL1", "SIMMISSED1"]
    assert list(terminal.folder.iterdir()) == []
    for number, says in (("SIM-UNKNOWN-1", "does not know"), ("SIM-INVALID-1", "no such number")):
        line = terminal.fails("track", number, "--test", "--courier", "dhl", code=exits.NOT_FOUND)
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
        (("list", "--since", "yesterday"), "is no time"),
        (("list", "--since", "999999w"), "longer ago than time goes back"),
        (("list", "--host", "http://127.0.0.1:1"), "give --key too"),
        (("list", "--key", "k"), "give --host too"),
        (("list", "--host", "http://127.0.0.1:1", "--key", "k", "--test"), "for the installation"),
        (("delete", "X1"), "give --yes"),
        (("track", "X1", "--watch", "--postal-code", "1"), "what is followed has them already"),
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
    assert ending(result, exits.FAILED).endswith("parcelwire: SIM-NORMAL-1 was kept")
    monkeypatch.setattr("sys.stdin", Person("y\n"))
    result = shop.run("delete", "SIM-NORMAL-1", "--test")
    assert result.out.endswith(" is gone\n")


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
    assert "is not followed by http://127.0.0.1" in ending(result, exits.NOT_FOUND)


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
    assert (await run("list", "--prefix", "9400", "--archived")).out.startswith("There are no")
    page = await run("list", "--prefix", "9400", "--limit", "10", "--page", "3")
    assert page.out.count("\n") == 5
    nothing = await run("list", "--status", "delivered")
    assert nothing.out == "There are no such parcels.\n"
    assert (await run("list", "--since", "2026-03-01T10:20:00+00:00")).out.count("\n") == 6
    assert (await run("list", "--until", "2026-02-28")).out.startswith("There are no")
    assert (await run("list", "--not-archived", "--limit", "100")).out.count("\n") == 26
    assert (await run("list", "--archived", "--json")).out == ""


async def test_watching_parcels_until_they_arrive(run: Run, house: HouseUnderTest) -> None:
    move(house)
    await run("create", USPS_NUMBER)
    watching = asyncio.create_task(run("track", USPS_NUMBER, "--watch", "--every", "1"))
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
    assert "is not followed" in ending(missing, exits.NOT_FOUND)


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
    assert "fits no courier's numbers" in ending(result, exits.FAILED)
    assert "Swiss Post" in (await run("couriers", "swiss", "post")).out
    assert (await run("couriers", "--json")).out.count("\n") == 1
    local = await run("detect", USPS_NUMBER, "--local", "--json")
    assert json.loads(local.out)[0]["courier_code"] == "usps"


async def test_keys_that_are_not_right(
    run: Run, house: HouseUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARCELWIRE_API_KEY", await house.add_key(scope="read"))
    assert (await run("list")).code == 0
    ending(await run("create", USPS_NUMBER), exits.KEY_REFUSED)
    monkeypatch.setenv("PARCELWIRE_API_KEY", "pw_live_wrong")
    for command in (("list",), ("create", "X1"), ("track", "X1"), ("export",), ("watch",)):
        ending(await run(*command), exits.KEY_REFUSED)


def test_nobody_answers(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    host = f"http://127.0.0.1:{free_port()}"
    line = terminal.fails("list", "--host", host, "--key", "k", code=exits.NO_ANSWER)
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
    assert "refuses the key" in ending(refused, exits.KEY_REFUSED)
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
    assert (await run("list", "--profile", "test")).out == "Nothing is followed.\n"
    assert USPS_NUMBER in (await run("list")).out
    monkeypatch.setenv("PARCELWIRE_PROFILE", "test")
    assert (await run("list")).out == "Nothing is followed.\n"
    monkeypatch.delenv("PARCELWIRE_PROFILE")
    assert "there is no login other" in ending(await run("list", "--profile", "other"), 1)
    # The installation here is still at hand.
    assert "there is no installation here" in ending(await run("list", "--local"), 1)
    file.chmod(0o644)
    assert "chmod 600" in ending(await run("list"), 1)
    file.chmod(0o600)
    assert (await run("logout")).code == 0
    assert "there is no login default; there are: test" in ending(await run("logout"), 1)


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
        assert imported.out == "2 rows: 1 created, 1 followed already, 0 refused\n"
        assert (await run("export")).out.count("\n") == 3
        line = ending(await run("watch"), exits.FAILED)
        assert "TrackingMore's own service, which has no feed" in line
        assert all(path.startswith("/v4/") for _, path, _, _ in hosted.requests)


def test_their_address_is_known() -> None:
    from parcelwire.cli.target import kind_of

    assert kind_of("https://api.trackingmore.com") == "trackingmore"
    assert kind_of("https://trackingmore.com/v4") == "trackingmore"
    assert kind_of("https://parcels.example.com") == "parcelwire"
    assert kind_of("https://nottrackingmore.com") == "parcelwire"


# --- import and export ------------------------------------------------------------------------


async def test_import_reports_what_was_refused(
    run: Run, house: HouseUnderTest, tmp_path: Path
) -> None:
    await run("create", "9400111899223857925300", "--courier", "usps")
    rows = [f"94001118992238579253{index:02d};USPS;#{index}" for index in range(90)]
    rows[5] = "?;usps;#5"
    rows[50] = "9,40011E+21;usps;#50"
    rows[51] = "9400111899223857925351;nobody;=cmd"
    rows[89] = rows[88]
    file = tmp_path / "orders.csv"
    text = "Tracking No.;Carrier;Order number\n" + "\n".join(rows) + "\n"
    file.write_bytes(text.encode("cp1252"))
    plan = await run("import", str(file), "--dry-run")
    assert "90 rows, 1 of them unusable; nothing was sent" in plan.out
    assert await house.store.count_trackings(house.world_id, _everything()) == 1
    report_file = tmp_path / "bad.csv"
    result = await run("import", str(file), "--report", str(report_file))
    assert ending(result, exits.PARTLY) == "parcelwire: 3 of 90 rows were refused"
    assert result.out == "90 rows: 85 created, 2 followed already, 3 refused\n"
    assert "line 7: ?: 4110 " in result.err
    lines = report_file.read_text("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("?;usps;#5;7;")
    # Mended, the report is imported as it is.
    mended = [re.sub(r"^\?", "9400111899223857925305", lines[1])]
    report_file.write_text("\n".join([lines[0], *mended]))
    again = await run("import", str(report_file), "--json")
    assert json.loads(again.out) == {"rows": 1, "created": 1, "existing": 0, "refused": 0}
    orders = [
        json.loads(line)["order_number"]
        for line in (await run("list", "--json", "--limit", "100")).out.splitlines()
    ]
    assert len(orders) == 87
    assert "#5" in orders
    # Nothing of a finished import is left behind.
    state = tmp_path / "home" / "state" / "parcelwire" / "imports"
    assert list(state.iterdir()) == []


async def test_what_cannot_be_imported(run: Run, tmp_path: Path) -> None:
    assert "there is no file nowhere.csv" in ending(await run("import", "nowhere.csv"), 1)
    assert "there is no file" in ending(await run("import", str(tmp_path)), 1)
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,2\n")
    assert "no column of" in ending(await run("import", str(file)), 1)
    file.write_text("Tracking number\n9400111899223857925300\n")
    unwritable = await run("import", str(file), "--report", "/proc/x")
    assert "cannot write /proc/x" in ending(unwritable, 1)


async def test_the_quota_ends_an_import_and_more_of_it_lets_it_go_on(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from msgspec.structs import replace

    (tmp_path / "quota").mkdir()
    clock = FrozenClock(round(time.time() * 1000))
    async with (
        open_house(tmp_path / "quota", lambda _: [], quota=50, clock=clock) as house,
        serve(whole_door(house)) as address,
    ):
        monkeypatch.setenv("PARCELWIRE_HOST", f"http://{address}")
        monkeypatch.setenv("PARCELWIRE_API_KEY", house.key)
        file = tmp_path / "x.csv"
        numbers = [f"9400111899223857925{index:03d}" for index in range(200)]
        file.write_text("\n".join(["Tracking number,Courier", *(f"{n},usps" for n in numbers)]))
        result = await asyncio.to_thread(terminal.run, "import", str(file))
        assert "is used up after 40 rows" in ending(result, exits.PARTLY)
        account = await house.store.load_account(house.account.number)
        assert account is not None
        await house.store.save_account(replace(account, tracking_quota=None))
        house.clock.advance(5)  # so long is an account believed
        result = await asyncio.to_thread(terminal.run, "import", str(file))
        assert "going on after row 40" in result.err, result
        assert result.code == 0, result
        # The ten of the chunk in which it ended count as what this import made.
        assert result.out == "200 rows: 200 created, 0 followed already, 0 refused\n"
        once_more = await asyncio.to_thread(terminal.run, "import", str(file))
        assert once_more.out == "200 rows: 0 created, 200 followed already, 0 refused\n"


async def test_export_in_every_form(run: Run, house: HouseUnderTest, tmp_path: Path) -> None:
    assert (await run("export", "--format", "json")).out == "[]\n"
    for index in range(3):
        await run("create", f"940011189922385792530{index}", "--courier", "usps", "--note", "=1+1")
    text = (await run("export")).out
    assert text.count("\n") == 4
    assert "'=1+1" in text
    array = json.loads((await run("export", "--format", "json")).out)
    assert len(array) == 3
    for name in ("out.json", "out.ndjson", "out.csv"):
        result = await run("export", "-o", name, "--status", "pending")
        assert result.code == 0, result
        assert f"3 parcels in {name}" in result.err
    assert json.loads((tmp_path / "out.json").read_text()) == array
    assert len((tmp_path / "out.ndjson").read_text().splitlines()) == 3
    assert (await run("export", "--status", "delivered")).out.count("\n") == 1
    assert "cannot write" in ending(await run("export", "-o", "/proc/x/y.csv"), 1)


async def test_an_export_that_breaks_leaves_nothing(
    run: Run, house: HouseUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out.csv").write_text("before")
    monkeypatch.setenv("PARCELWIRE_API_KEY", "pw_live_wrong")
    ending(await run("export", "-o", "out.csv"), exits.KEY_REFUSED)
    assert (tmp_path / "out.csv").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "server"]


def _everything() -> Any:
    from parcelwire.tracking.ports import TrackingFilter

    return TrackingFilter()


# --- shells, and the light install ------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(terminal: Terminal, shell: str) -> None:
    assert "_PARCELWIRE_COMPLETE" in terminal("completion", shell)


def test_completing_names_without_importing_the_commands(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "_PARCELWIRE_COMPLETE": "bash_complete",
        "COMP_WORDS": "parcelwire ex",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", "from parcelwire.cli.main import main; main()"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout == "plain,export\n"


PEOPLES = ("create", "list", "show", "delete", "retrack", "import", "export", "watch", "login")
HIDE = """
import sys

class Light:
    hidden = {hidden}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.hidden:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Light())
from parcelwire.__main__ import main
main()
"""
SERVER_ONLY = (
    *("aiohttp", "apsw", "asyncpg", "babel", "backports", "cryptography", "httptools", "jinja2"),
    *("starlette", "uvicorn", "uvloop", "yarl"),
)


def light(
    folder: Path, hidden: tuple[str, ...], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a command where the packages of the server cannot be found."""
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(hidden=hidden), *arguments],
        cwd=folder,
        env={**os.environ, "XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_with_the_extra_for_commands_alone(house: HouseUnderTest, tmp_path: Path) -> None:
    async with serve(whole_door(house)) as address:
        there = ("--host", f"http://{address}", "--key", house.key)

        async def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return await asyncio.to_thread(light, tmp_path, SERVER_ONLY, *arguments)

        commands: tuple[tuple[str, ...], ...] = (
            ("create", USPS_NUMBER, *there),
            ("list", *there),
            ("track", USPS_NUMBER, *there),
            ("export", *there),
            ("detect", USPS_NUMBER),
            ("couriers", "swiss"),
            ("--help",),
        )
        for command in commands:
            done = await run(*command)
            assert done.returncode == 0, done
        for refused in (("serve",), ("key", "list"), ("track", "X1", "--test"), ("list",)):
            done = await run(*refused)
            assert done.returncode == exits.FAILED
            assert "pip install 'parcelwire[server]'" in done.stderr
            assert "Traceback" not in done.stderr


def test_with_nothing_but_the_client(tmp_path: Path) -> None:
    done = light(tmp_path, (*SERVER_ONLY, "click", "rich"), "list")
    assert done.returncode == exits.FAILED
    assert done.stderr == (
        "parcelwire: the commands want more than the client: pip install 'parcelwire[cli]'"
        " (or 'parcelwire[server]', to run one)\n"
    )


def test_every_command_for_people_shows_an_example(terminal: Terminal) -> None:
    for name in (*PEOPLES, "track", "logout", "detect", "couriers", "completion"):
        assert name in _COMMANDS
        text = terminal(name, "--help")
        assert re.search(rf"^ +(eval .*)?parcelwire {name}", text, re.MULTILINE), name

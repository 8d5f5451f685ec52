"""The package ``trackingmore`` 0.2 (v2), unmodified, against a running server.

Its import name is also that of the v4 client, so it lives in an environment of its own, which
``make .venv-trackingmore-v2`` builds (``make test`` does so by itself). The order of the calls is
that of the package's own tests.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.house import HouseUnderTest, serve
from tests.support.v2 import NUMBER, OTHER_NUMBER, SHORT, open_v2, script_a_way

PROJECT = Path(__file__).parents[2]
PYTHON = PROJECT / ".venv-trackingmore-v2" / "bin" / "python"
SCRIPT = Path(__file__).with_name("v2_client_calls.py")

ONE = {
    "carrier_code": "swiss-post",
    "tracking_number": NUMBER,
    "title": "a title",
    "customer_name": "a name",
    "customer_email": "someone@example.com",
    "order_id": "#123",
    "lang": "en",
}
OTHERS = [
    {"carrier_code": "china-ems", "tracking_number": OTHER_NUMBER, "lang": "en"},
    {"carrier_code": "poste-italiane", "tracking_number": "RR473124829IT", "title": "third"},
]


async def run(house: HouseUnderTest, *calls: tuple[str, list[Any]], key: str = "") -> list[Any]:
    """Let the client make ``calls`` and return what it gave to its caller."""
    if not PYTHON.exists():
        pytest.fail(f"{PYTHON} is missing: run `make .venv-trackingmore-v2`, then try again")
    async with serve(house.door) as address:
        task = {
            "base_url": f"http://{address}/v2",
            "api_key": key or house.key,
            "calls": calls,
        }
        process = await asyncio.create_subprocess_exec(
            PYTHON,
            SCRIPT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )
        out, errors = await asyncio.wait_for(process.communicate(json.dumps(task).encode()), 60)
        assert process.returncode == 0, errors.decode()
    told: list[Any] = json.loads(out)
    assert len(told) == len(calls)
    return told


async def test_the_client_is_the_published_one() -> None:
    if not PYTHON.exists():
        pytest.fail(f"{PYTHON} is missing: run `make .venv-trackingmore-v2`, then try again")
    code = "from importlib.metadata import version; print(version('trackingmore'))"
    process = await asyncio.create_subprocess_exec(
        PYTHON, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out.decode().strip() == "0.2"


async def test_a_trackings_life(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        script_a_way(house)
        pair = [ONE["carrier_code"], NUMBER]
        created, got, asked, updated, deleted, batch, listed, detected = await run(
            house,
            ("create_tracking_item", [ONE]),
            ("get_tracking_item", pair),
            ("realtime_tracking", [ONE]),
            ("update_tracking_item", [{**ONE, "title": "new"}]),
            ("delete_tracking_item", pair),
            ("create_tracking_items_batch", [[ONE, *OTHERS, ONE]]),
            ("get_all_trackings", []),
            ("detect_carrier_from_code", [NUMBER]),
        )
        item = created["value"]
        assert set(item) >= SHORT
        # What was sent comes back, but for the language.
        assert {name: item[name] for name in ONE if name != "lang"} == {
            name: value for name, value in ONE.items() if name != "lang"
        }
        assert got["value"]["status"] == "delivered"
        assert got["value"]["origin_info"]["trackinfo"][0]["checkpoint_status"] == "delivered"
        assert [one["id"] for one in asked["value"]["items"]] == [item["id"]]
        # This client's update sends no body at all: nothing changes, and nothing is refused.
        assert updated["value"]["title"] == "a title"
        assert deleted["value"] == []
        assert batch["value"]["submitted"] == 4
        assert batch["value"]["added"] == len(batch["value"]["trackings"]) == 3
        assert [error["code"] for error in batch["value"]["errors"]] == [4016]
        # get_all_trackings returns the whole answer, and sends none of its arguments.
        data = listed["value"]["data"]
        assert (data["total"], len(data["items"])) == ("3", 3)
        assert "swiss-post" in [one["code"] for one in detected["value"]]


async def test_mistakes_reach_the_caller_as_the_clients_exception(tmp_path: Path) -> None:
    async with open_v2(tmp_path, quota=1) as house:
        missing = ["swiss-post", "RS000000000CH"]
        told = await run(
            house,
            ("get_tracking_item", missing),
            ("update_tracking_item", [{"carrier_code": missing[0], "tracking_number": missing[1]}]),
            ("delete_tracking_item", missing),
            ("create_tracking_item", [{**ONE, "carrier_code": "nobody"}]),
            ("create_tracking_item", [{**ONE, "tracking_number": "1"}]),
            ("get_all_trackings", []),
            ("create_tracking_item", [ONE]),
            ("create_tracking_item", [ONE]),
            ("create_tracking_item", [OTHERS[0]]),
            ("detect_carrier_from_code", ["QWERTYUIOPASDFG1"]),
        )
        codes = [one.get("code", 200) for one in told]
        assert codes == [4017, 4017, 4017, 4015, 4014, 4031, 200, 4016, 4021, 4032]
        assert told[0] == {
            "code": 4017,
            "type": "Bad Request",
            "message": "Tracking does not exist.",
        }


async def test_a_wrong_key_reaches_the_caller_too(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        (told,) = await run(house, ("get_all_trackings", []), key="not-a-key")
        assert told == {"code": 4001, "type": "Unauthorized", "message": "Invalid API key."}

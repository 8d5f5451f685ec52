"""The list of couriers is asked of a server that may send anything."""

from __future__ import annotations

import pytest

from parcelwire.cli.trackingmore_couriers import fetch_list
from parcelwire.couriers.refresh import CourierListError
from tests.unit.connectors.transport.servers import OK, run_raw, says
from tests.unit.connectors.transport.test_hostile_servers import CHUNKED, MOST_SENT, Flood


@pytest.mark.parametrize(
    "flood",
    [
        Flood(b"HTTP/1.1 100 Continue\r\n\r\n"),
        Flood(b"X: y\r\n", b"HTTP/1.1 200 OK\r\n"),
        Flood(b"X: y\r\n", CHUNKED + b"0\r\n"),
    ],
    ids=["continue", "headers", "trailers"],
)
async def test_a_flood_is_broken_off(flood: Flood) -> None:
    flood.sent = 0
    async with run_raw(flood) as raw:
        with pytest.raises(CourierListError, match="cannot be reached"):
            await fetch_list(raw.base_url, "key")
    assert flood.sent < MOST_SENT


async def test_an_answer_is_handed_on() -> None:
    async with run_raw(says(OK)) as raw:
        assert await fetch_list(raw.base_url, "key") == b"{}"

"""Paths with ``%2F`` in them, sent to a real server: an encoded slash is no border."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from yarl import URL

from parcelwire.api.asgi import Door
from parcelwire.api.native.application import application as native_application
from parcelwire.api.native.application import in_front_of
from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.bootstrap.dialects import own_dialects
from parcelwire.pages.application import application as pages_application
from parcelwire.pages.hosts import TrustedHosts, in_front_of_pages
from tests.support.house import HouseUnderTest, open_house, serve
from tests.support.pages import page_house

NUMBER = "9999/99999999"
SPELLINGS = ("9999%2F99999999", "9999%2f99999999", "9999/99999999", "9999%2F9999%39999")


class Client:
    """Sends paths as they stand."""

    def __init__(self, house: HouseUnderTest, address: str, session: aiohttp.ClientSession) -> None:
        self.house = house
        self._address = address
        self._session = session

    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any, str]:
        """Make one call; return status, JSON if it is, and the ``Location``."""
        url = URL(f"http://{self._address}{path}", encoded=True)
        headers = {
            "tracking-api-key": self.house.key,
            "authorization": f"Bearer {self.house.key}",
        }
        data = None if body is None else msgspec.json.encode(body)
        async with self._session.request(
            method, url, data=data, headers=headers, allow_redirects=False
        ) as answer:
            said = await answer.read()
            is_json = "json" in answer.content_type
            location = answer.headers.get("location", "")
            return answer.status, msgspec.json.decode(said) if is_json else said, location

    async def follow(self, number: str = "RS907483608CH") -> Any:
        """Follow a number and return it as the native API answers it."""
        status, made, _ = await self.send("POST", "/api/trackings", {"number": number})
        assert status == 201
        return made


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with open_house(tmp_path, lambda _: []) as house:
        hosts = TrustedHosts((), public_url="", listens_on="127.0.0.1")
        pages = in_front_of_pages(pages_application(page_house(house)), hosts)
        other = in_front_of(native_application(house.house), pages)
        door = Door(
            house.house,
            [DialectFrame(house.house, one) for one in own_dialects()],
            other,
        )
        async with serve(door) as address, aiohttp.ClientSession() as session:
            yield Client(house, address, session)


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_v2_reaches_a_number_with_a_stroke(client: Client, spelling: str) -> None:
    pair = {"tracking_number": NUMBER, "carrier_code": "nacex"}
    _, made, _ = await client.send("POST", "/v2/trackings/post", pair)
    assert made["meta"]["code"] == 200
    path = f"/v2/trackings/nacex/{spelling}"
    for end in ("", "/", "/en"):
        _, shown, _ = await client.send("GET", path + end)
        assert shown["meta"]["code"] == 200, end
        assert shown["data"]["id"] == made["data"]["id"]
        assert shown["data"]["tracking_number"] == NUMBER
    _, changed, _ = await client.send("PUT", path, {"title": "Boots"})
    assert (changed["meta"]["code"], changed["data"]["title"]) == (200, "Boots")
    _, deleted, _ = await client.send("DELETE", path)
    assert deleted["meta"]["code"] == 200
    _, gone, _ = await client.send("GET", path)
    assert gone["meta"]["code"] == 4017


async def test_an_encoded_slash_leads_to_no_other_call(client: Client) -> None:
    made = await client.follow()
    one, page = f"/api/trackings/{made['id']}", URL(made["page_url"]).path
    for method, path in (
        ("POST", f"{one}%2Fstop"),
        ("POST", f"{one}%2fstop"),
        ("GET", f"{one}%2Fpolls"),
        ("GET", f"/api%2Ftrackings/{made['id']}"),
        ("DELETE", f"/api/trackings%2F{made['id']}"),
        ("DELETE", f"/v4/trackings/delete%2F{made['id']}"),
        ("GET", "/v4/couriers%2Fall"),
        ("GET", "/v4%2Fcouriers/all"),
        ("GET", "/v2/trackings%2Fget"),
        ("GET", f"{page}%2Fdata.json"),
        ("GET", "/static%2Ftracking.css"),
    ):
        status, said, _ = await client.send(method, path)
        if path.startswith("/v2"):
            status = said["meta"]["code"]
        assert status in (404, 405), path
    status, now, _ = await client.send("GET", one)
    assert status == 200
    assert now["is_stopped"] is False


async def test_an_encoded_slash_in_a_token_is_a_wrong_token(client: Client) -> None:
    wrong = [await client.send("GET", f"/t/{token}") for token in ("A" * 32, "..%2f..%2fetc")]
    assert wrong[0] == wrong[1]
    assert wrong[0][0] == 404


async def test_a_redirect_names_the_path_as_it_was_sent(client: Client) -> None:
    status, _, location = await client.send("GET", "/t/a%2Fb%20c/?lang=de")
    assert (status, location) == (307, "/t/a%2Fb%20c?lang=de")
    assert (await client.send("GET", location))[0] == 404
    # The slash at the end is part of the token, not a slip.
    assert (await client.send("GET", "/t/abc%2F"))[0] == 404


TAILS = ("/ABCDEF", "/AB-123", "/DE-555555", "/XX", "/de", "/..", "/%2E%2E", "%2F..", "/-", "/%2F")


async def test_v2_changes_and_deletes_no_other_parcel_than_the_path_names(client: Client) -> None:
    """What stands behind a number is part of it, or the call comes to nothing."""
    pair = {"tracking_number": "12345678", "carrier_code": "nacex", "title": "Cup"}
    _, made, _ = await client.send("POST", "/v2/trackings/post", pair)
    assert made["meta"]["code"] == 200
    for tail in TAILS:
        for method in ("PUT", "POST", "DELETE"):
            path = f"/v2/trackings/nacex/12345678{tail}"
            _, said, _ = await client.send(method, path, {"title": "Mug"})
            assert said["meta"]["code"] in (404, 4017), (method, tail)
    _, shown, _ = await client.send("GET", "/v2/trackings/nacex/12345678")
    assert shown["data"]["title"] == "Cup"


async def test_v2_takes_a_last_segment_for_a_language_only_if_no_number_has_it(
    client: Client,
) -> None:
    path = "/v2/trackings/nacex/12345678"
    for number in ("12345678", "12345678/ABCDEF", "12345678/AB"):
        pair = {"tracking_number": number, "carrier_code": "nacex"}
        _, made, _ = await client.send("POST", "/v2/trackings/post", pair)
        assert made["meta"]["code"] == 200

    async def reached(tail: str) -> str | int:
        _, said, _ = await client.send("GET", path + tail)
        found = said["data"] and said["data"]["tracking_number"]
        return str(found) if found else int(said["meta"]["code"])

    assert [await reached(tail) for tail in ("/ABCDEF", "/AB", "/de", "/zh-TW", "/ABCDEG")] == [
        *("12345678ABCDEF", "12345678AB", "12345678", "12345678", 4017)
    ]
    assert [await reached(tail) for tail in ("/..", "/%2E%2E", "/en/x", "/-")] == [404] * 4
    _, deleted, _ = await client.send("DELETE", f"{path}/ABCDEF")
    assert deleted["meta"]["code"] == 200
    assert [await reached(tail) for tail in ("", "/ABCDEF", "/AB")] == [
        *("12345678", 4017, "12345678AB")
    ]

"""No message of the native API's users goes to an internal address, however it is spelt."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from parcelwire.domain.account import Endpoint
from parcelwire.webhooks import url_check
from parcelwire.webhooks.settings import WebhookSettings
from tests.contract.webhook_receivers import answer, receiver
from tests.support.addresses import internal_urls
from tests.support.house import SeededIdentifiers
from tests.support.native import ENDPOINTS, fields_of, ok, open_caller, refused

INNER = [
    line
    for line in (Path(__file__).parents[2] / "unit" / "webhooks" / "inner_addresses.txt")
    .read_text("utf-8")
    .splitlines()
    if line and not line.startswith("#")
]


URL = "https://shop.example.com/hook"


# --- never to the inside ----------------------------------------------------------------------


class LeadsInside(AbstractResolver):
    """Gives every name that is asked for an address inside."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=(
                    socket.AF_INET6
                    if ipaddress.ip_address(address).version == 6
                    else socket.AF_INET
                ),
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self.addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def test_no_spelling_of_an_inner_address_gets_in(tmp_path: Path) -> None:
    """C4 on create, update and test: nothing inside is reached, whatever it is called."""
    # Something really listens there, and would be reached by whoever tried.
    settings, resolver = WebhookSettings(request_timeout_seconds=2), LeadsInside("203.0.114.7")
    async with (
        receiver(answer(200)) as inside,
        open_caller(tmp_path, webhooks=settings, resolver=resolver) as caller,
    ):
        port = int(inside.url.split(":")[2].split("/")[0])
        urls = [f"{scheme}://{host}/hook" for scheme in ("http", "https") for host in INNER]
        urls += [f"http://{host}:{port}/hook?a=b" for host in INNER]
        urls += internal_urls(port)
        assert len(set(urls)) >= 500
        good = await caller.add_endpoint("https://shop.example.com/hook")
        path = f"{ENDPOINTS}/{good['id']}"
        house, identifiers = caller.house, SeededIdentifiers(seed=71)
        # From now on every name leads to this machine, as some of the names listed do.
        resolver.addresses = ("127.0.0.1",)
        for url in urls:
            body = {"url": url}
            answered = await caller.ask("POST", ENDPOINTS, json=body)
            assert fields_of(refused(answered, 422, "url-not-allowed")) == ["url"], url
            answered = await caller.ask("PATCH", path, json=body)
            assert fields_of(refused(answered, 422, "url-not-allowed")) == ["url"], url
            if str(port) not in url:
                continue
            # One that came into the store by another way is judged again when it is called.
            endpoint = Endpoint(
                id=identifiers.new_id(house.clock.now()),
                world_id=house.world_id,
                url=url,
                dialect="native",
                secret=good["secret"],
                created_at=house.clock.now(),
            )
            await house.store.add_endpoint(endpoint)
            said = ok(await caller.ask("POST", f"{ENDPOINTS}/{endpoint.id}/test"))
            assert said["attempt"]["status_code"] is None, url
            assert said["attempt"]["error"].startswith("not allowed"), said
            await house.store.delete_endpoint(house.world_id, endpoint.id)
        assert inside.connections == 0
        assert house.sender.sockets.opened == 0
        assert (await caller.stored(good["id"])).url == "https://shop.example.com/hook"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://shop.example.com/",
        "https:shop.example.com",
        "//shop.example.com",
        "shop.example.com/hook",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "https://user:password@shop.example.com/",
        "https://shop.example.com@127.0.0.1/",
        "https://shop.example.com:22/",
        "https://shop.example.com:6379x/",
        "https://shop.example.com:6000/",
        "https://shop.example.com:99999/",
        "https://shop.example.com/a b",
        "https://shop.example.com/\r\nx: y",
        "https://shop.example.com\\@127.0.0.1/",
        "https:///hook",
        "https://",
        "https://[::1",
        "https://shop..example.com/",
        "https://-/",
        "https://" + "a" * 64 + ".com/",
        "https://shop.example.com/" + "a" * 2_048,
        "http://metadata.google.internal/",
    ],
)
async def test_a_url_that_nobody_can_be_sent_to(tmp_path: Path, url: str) -> None:
    async with open_caller(tmp_path, webhooks=WebhookSettings()) as caller:
        answered = await caller.ask("POST", ENDPOINTS, json={"url": url})
        assert fields_of(refused(answered, 422, "url-not-allowed")) == ["url"]
        assert ok(await caller.ask("GET", ENDPOINTS)) == {"items": []}


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("10.1.2.3", "192.168.0.1"),
        ("169.254.169.254",),
        ("::1",),
        ("::ffff:10.0.0.1",),
        ("64:ff9b::a9fe:a9fe",),
    ],
)
async def test_a_name_that_leads_inside_is_refused(
    tmp_path: Path, addresses: tuple[str, ...]
) -> None:
    resolver = LeadsInside(*addresses)
    async with open_caller(tmp_path, webhooks=WebhookSettings(), resolver=resolver) as caller:
        answered = await caller.ask("POST", ENDPOINTS, json={"url": URL})
        assert fields_of(refused(answered, 422, "url-not-allowed")) == ["url"]
        assert resolver.asked == ["shop.example.com"]
        # A name that turns round after it was judged is judged again at the connection.
        resolver.addresses = ("203.0.114.7",)
        made = await caller.add_endpoint(URL)
        resolver.addresses = addresses
        said = ok(await caller.ask("POST", f"{ENDPOINTS}/{made['id']}/test"))
        assert said["attempt"]["status_code"] is None
        assert said["attempt"]["error"].startswith("not allowed")
        assert caller.house.sender.sockets.opened == 0


async def test_a_name_server_that_hangs_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(url_check, "RESOLVE_SECONDS", 0.05)

    class Hangs(LeadsInside):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            self.asked.append(host)
            await asyncio.Event().wait()
            raise AssertionError

    resolver = Hangs()
    async with open_caller(tmp_path, resolver=resolver) as caller:
        made = await caller.add_endpoint(URL)
        assert made["url"] == URL
        assert resolver.asked == ["shop.example.com"]

"""What goes out for a webhook, byte by byte, and to which address, over real sockets."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec.structs import replace

from parcelwire.webhooks.request_builder import WebhookRequest
from parcelwire.webhooks.sender import HttpSender
from parcelwire.webhooks.settings import WebhookSettings
from tests.contract import webhook_receivers as receivers
from tests.contract.webhook_receivers import receiver, request_to

SETTINGS = WebhookSettings(allowed_networks=("127.0.0.0/8", "::1/128"), request_timeout_seconds=30)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    async with HttpSender(SETTINGS) as one:
        yield one


async def bytes_of(request: WebhookRequest, path: str = "/") -> bytes:
    """Return what is sent for a request, byte by byte; its port is written as PORT."""
    got = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not got.endswith(request.body):
            got.extend(await reader.read(65_536))
        writer.write(OK)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with HttpSender(SETTINGS) as sender:
        answer = await sender.send(replace(request, url=f"http://127.0.0.1:{port}{path}"))
    server.close()
    await server.wait_closed()
    assert answer.status == 200, answer.error
    return bytes(got).replace(b"%d" % port, b"PORT")


async def test_a_request_is_written_as_it_is_given_and_with_nothing_else() -> None:
    request = WebhookRequest(
        url="", headers={"webhook-id": "m", "content-type": "x/y", "b": "1", "a": "2"}, body=b"abc"
    )
    assert await bytes_of(request) == (
        b"POST / HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\naccept: */*\r\n"
        b"webhook-id: m\r\ncontent-type: x/y\r\nb: 1\r\na: 2\r\ncontent-length: 3\r\n\r\nabc"
    )


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/a%2Fb/c%20d?x=%26&y=a+b", "/a%2Fb/c%20d?x=%26&y=a+b"),
        ("/hook?token=a%3Db#part", "/hook?token=a%3Db"),
        ("/ü?ü=1", "/%C3%BC?%C3%BC=1"),
        ("?x", "/?x"),
        ("//a//b", "//a//b"),
    ],
)
async def test_a_path_goes_out_as_it_was_given(path: str, sent: str) -> None:
    headers = {"content-type": "x/y"}
    got = await bytes_of(WebhookRequest(url="", headers=headers, body=b"{}"), path)
    assert got.partition(b" HTTP/1.1")[0].decode() == f"POST {sent}"


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "\r\n\r\nPOST /", "ā"])
async def test_nothing_breaks_out_of_a_header(sender: HttpSender, value: str) -> None:
    async with receiver(receivers.answer(200)) as shop:
        answer = await sender.send(request_to(shop, x=value))
        assert answer.status == 0
        assert answer.error.startswith("the request failed: ")
        assert shop.received == []
        assert (await sender.send(request_to(shop))).status == 200


class TestAddresses:
    """A name with several addresses."""

    class Two(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
            return [
                ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0)
                for one in ("::1", "127.0.0.1")
            ]

        async def close(self) -> None:
            pass

    async def test_the_next_one_is_tried(self) -> None:
        async with (
            receiver(receivers.answer(200)) as shop,
            HttpSender(SETTINGS, resolver=self.Two()) as sender,
        ):
            url = shop.url.replace("127.0.0.1", "shop.example")
            request = replace(request_to(shop), url=url)
            assert (await sender.send(request)).status == 200
            port = url.split(":")[2].split("/")[0]
            assert shop.received[0].headers["host"] == f"shop.example:{port}"

    async def test_the_last_ones_reason_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def sock_connect(loop: Any, sock: Any, address: Any) -> None:
            number = errno.ENETUNREACH if ":" in address[0] else errno.ECONNREFUSED
            raise OSError(number, f"Connect call failed {address}")

        monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", sock_connect)
        async with HttpSender(SETTINGS, resolver=self.Two()) as sender:
            request = WebhookRequest(url="http://shop.example/", headers={}, body=b"{}")
            answer = await sender.send(request)
        assert answer.error == "no connection: Connection refused"


async def test_tls_that_never_comes_about_is_no_broken_answer(sender: HttpSender) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    answer = await sender.send(WebhookRequest(url=url, headers={}, body=b"{}"))
    server.close()
    assert answer.status == 0
    assert answer.error.startswith("no TLS connection: ")

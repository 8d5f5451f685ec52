"""The one HTTP client against real servers that do as carriers do."""

import asyncio
import json
import logging
import ssl
from pathlib import Path

import pytest
from aiohttp import web

from parcelwire import __version__
from parcelwire.connectors.base import Request, Response
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.connectors.transport import Limits
from parcelwire.domain.clock import FrozenClock
from tests.unit.connectors.transport.servers import AMPLE, OK, SHORT, Make, get, run_raw, says


async def test_an_answer_comes_back_whole(make_transport: Make) -> None:
    clock = FrozenClock()

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        return web.json_response(
            {"method": request.method, "body": body.decode(), "number": request.query["n"]},
            status=404,
            headers={"X-One": "1", "X-Kind": "Parcel"},
        )

    application = web.Application()
    application.router.add_route("*", "/a", answer)
    async with run_mock_server(application) as url:
        response = await make_transport(clock).send(
            Request(method="POST", url=f"{url}/a?n=1%202", body=b"x=1"), AMPLE
        )
    assert (response.status, response.fault) == (404, None)
    assert response.headers["x-kind"] == "Parcel"
    assert json.loads(response.body) == {"method": "POST", "body": "x=1", "number": "1 2"}
    assert response.received_at == clock.now()


async def test_who_we_say_we_are(make_transport: Make) -> None:
    async with run_raw(says(OK)) as raw:
        transport = make_transport(contact="https://shop.example/parcels")
        await transport.send(get(raw.base_url, headers={"User-Agent": "Mozilla/5.0"}), AMPLE)
    expected = f"User-Agent: Parcelwire/{__version__} (+https://shop.example/parcels)"
    assert expected.encode() in raw.heads[0]
    assert b"Mozilla" not in raw.heads[0]


async def test_a_server_that_says_nothing_times_out(make_transport: Make) -> None:
    async def sleep(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with run_raw(sleep) as raw:
        response = await make_transport().send(get(raw.base_url), SHORT)
    assert (response.status, response.fault, response.body) == (0, "timeout", b"")
    assert len(raw.heads) == 1, "a timeout is not repeated"


async def test_a_slow_drip_ends_with_the_total_time(make_transport: Make) -> None:
    dripped = 0

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal dripped
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        while dripped < 200:
            writer.write(b"x")
            await writer.drain()
            dripped += 1
            await asyncio.sleep(0.05)

    async with run_raw(drip) as raw:
        response = await make_transport().send(get(raw.base_url), SHORT)
    assert response.fault == "timeout"
    assert 3 <= dripped <= 30


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ],
    ids=["nothing", "head", "body", "chunk"],
)
async def test_a_cut_connection_is_repeated_twice_with_growing_waits(
    make_transport: Make, bytes_sent: bytes
) -> None:
    clock = FrozenClock()
    async with run_raw(says(bytes_sent)) as raw:
        began = clock.now()
        response = await make_transport(clock, backoff_seconds=0.5).send(get(raw.base_url), AMPLE)
    assert response.fault == "cut"
    assert len(raw.heads) == 3
    assert clock.now() - began == 1_500


async def test_a_repeat_that_works_is_the_answer(make_transport: Make) -> None:
    calls = 0

    async def cut_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        writer.write(OK if calls > 1 else OK[:-1])
        await writer.drain()

    async with run_raw(cut_once) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    assert (response.status, response.body, calls) == (200, b"{}", 2)


async def test_what_must_not_be_repeated_is_sent_once(make_transport: Make) -> None:
    async with run_raw(says(b"")) as raw:
        request = Request(method="POST", url=raw.base_url, body=b"x", is_retry_safe=False)
        response = await make_transport().send(request, AMPLE)
    assert (response.fault, len(raw.heads)) == ("cut", 1)


async def test_nobody_there(make_transport: Make) -> None:
    async with run_raw(says(OK)) as raw:
        url = raw.base_url
    assert (await make_transport().send(get(url), AMPLE)).fault == "connect"


@pytest.mark.parametrize("url", ["http://", "nonsense", "http://[::1", "ftp://127.0.0.1/x", ""])
async def test_an_address_that_is_none(make_transport: Make, url: str) -> None:
    assert (await make_transport().send(get(url), AMPLE)).fault == "connect"


async def test_a_name_that_does_not_resolve(make_transport: Make) -> None:
    response = await make_transport().send(get("http://no-such-host.invalid/"), SHORT)
    assert response.fault in ("connect", "timeout")


async def test_a_certificate_nobody_vouches_for(
    make_transport: Make, server_context: ssl.SSLContext
) -> None:
    async with run_raw(says(OK), server_context) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    assert response.fault == "tls"
    assert raw.heads == [], "nothing was said to a stranger"


async def test_a_certificate_for_another_name(
    make_transport: Make, server_context: ssl.SSLContext, certificate: Path
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with run_raw(says(OK), server_context) as raw:
        good = await make_transport(ssl_context=trusting).send(get(raw.base_url), AMPLE)
        bad = await make_transport(ssl_context=trusting).send(
            get(raw.base_url.replace("127.0.0.1", "localhost")), AMPLE
        )
    assert (good.status, bad.fault) == (200, "tls")


async def test_plain_text_where_tls_was_meant(make_transport: Make) -> None:
    async with run_raw(says(OK)) as raw:
        response = await make_transport().send(get(raw.base_url.replace("http:", "https:")), SHORT)
    assert response.fault in ("tls", "cut", "timeout")
    assert response.status == 0


async def test_cookies_come_back_and_are_not_kept(make_transport: Make) -> None:
    seen: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(dict(request.cookies))
        response = web.Response(text="ok")
        response.set_cookie("session", "abc")
        response.set_cookie("second", "x y")
        response.del_cookie("gone")
        return response

    application = web.Application()
    application.router.add_get("/", answer)
    async with run_mock_server(application) as url:
        transport = make_transport()
        response = await transport.send(get(url), AMPLE)
        await transport.send(get(url), AMPLE)
        await transport.send(get(url, headers={"Cookie": "session=mine"}), AMPLE)
    assert response.cookies == {"session": "abc", "second": "x y"}
    assert "set-cookie" not in response.headers
    assert seen == [{}, {}, {"session": "mine"}]


async def test_redirects_stay_on_their_origin_and_carry_new_cookies(make_transport: Make) -> None:
    async def start(_: web.Request) -> web.Response:
        response = web.Response(status=302, headers={"Location": "/end"})
        response.set_cookie("session", "abc")
        return response

    async def end(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.cookies['session']} {request.cookies['mine']}")

    application = web.Application()
    application.router.add_get("/start", start)
    application.router.add_get("/end", end)
    async with run_mock_server(application) as url:
        response = await make_transport().send(
            get(f"{url}/start", headers={"cookie": "mine=1"}), AMPLE
        )
    assert (response.status, response.body) == (200, b"abc 1")
    assert response.cookies == {"session": "abc"}


async def test_credentials_do_not_follow_a_redirect_to_another_host(make_transport: Make) -> None:
    async with run_raw(says(OK)) as stranger:
        head = f"HTTP/1.1 302 Found\r\nLocation: {stranger.base_url}/\r\nContent-Length: 0\r\n\r\n"
        async with run_raw(says(head.encode())) as raw:
            request = get(raw.base_url, headers={"Authorization": "Bearer x"})
            response = await make_transport().send(request, AMPLE)
    assert response.status == 302
    assert response.headers["location"].startswith(stranger.base_url)
    assert stranger.heads == []


async def test_a_redirect_of_a_post_is_the_answer(make_transport: Make) -> None:
    async with run_raw(says(b"HTTP/1.1 307 X\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")) as raw:
        response = await make_transport().send(
            Request(method="POST", url=raw.base_url, body=b"secret"), AMPLE
        )
    assert (response.status, len(raw.heads)) == (307, 1)


@pytest.mark.parametrize("location", ["/again", "//[", "http://[", "mailto:a@b.example", "\x01"])
async def test_redirects_in_circles_and_to_nowhere_end(make_transport: Make, location: str) -> None:
    head = f"HTTP/1.1 301 X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    async with run_raw(says(head.encode())) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    assert response.status == 301 or response.fault in ("connect", "cut")
    assert len(raw.heads) <= 4


async def test_an_address_may_be_refused_by_what_it_resolves_to(make_transport: Make) -> None:
    asked: list[tuple[str, int]] = []

    def refuse(address: str, port: int) -> bool:
        asked.append((address, port))
        return False

    async with run_raw(says(OK)) as raw:
        port = int(raw.base_url.rsplit(":", 1)[1])
        for host in ("127.0.0.1", "localhost"):
            response = await make_transport(may_connect=refuse).send(
                get(f"http://{host}:{port}/"), AMPLE
            )
            assert response.fault == "refused_address"
    assert raw.heads == []
    assert ("127.0.0.1", port) in asked


async def test_proxies_of_the_environment_are_not_used(
    make_transport: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_raw(says(OK)) as proxy, run_raw(says(OK)) as raw:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.base_url)
        await make_transport().send(get(raw.base_url), AMPLE)
        assert (len(raw.heads), len(proxy.heads)) == (1, 0)
        response = await make_transport(proxy=proxy.base_url).send(
            get("http://carrier.invalid/track"), AMPLE
        )
    assert response.status == 200
    assert proxy.heads[0].startswith(b"GET http://carrier.invalid/track ")


async def test_a_proxy_that_is_not_there(make_transport: Make) -> None:
    async with run_raw(says(OK)) as raw:
        gone = raw.base_url
    response = await make_transport(proxy=gone).send(get("http://carrier.invalid/"), AMPLE)
    assert response.fault == "connect"


async def test_connections_are_kept_and_at_most_so_many_to_a_host(make_transport: Make) -> None:
    ports: set[int] = set()
    under_way = most = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal under_way, most
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return web.Response(text="ok")

    application = web.Application()
    application.router.add_get("/", answer)
    async with run_mock_server(application) as url:
        transport = make_transport(connections_per_host=3)
        limits = Limits(timeout_seconds=10)
        responses = await asyncio.gather(*(transport.send(get(url), limits) for _ in range(20)))
    assert {response.status for response in responses} == {200}
    assert most == 3
    assert len(ports) == 3


@pytest.mark.parametrize("talk", [OK, b"", b"HTTP/1.1 500 canary-body\r\n\r\ncanary"])
async def test_no_log_shows_path_header_or_body(
    make_transport: Make, caplog: pytest.LogCaptureFixture, talk: bytes
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with run_raw(says(talk)) as raw:
            await make_transport().send(
                Request(
                    method="POST",
                    url=f"{raw.base_url}/canary-path?q=canary-query",
                    headers={"X-Key": "canary-header", "Cookie": "a=canary-cookie"},
                    body=b"canary-body",
                    is_secret_body=True,
                ),
                AMPLE,
            )
            assert b"canary-path" in raw.heads[0]
        await make_transport().send(get("http://[canary"), AMPLE)
    ours = [r for r in caplog.records if r.name.startswith("parcelwire")]
    assert ours
    assert "127.0.0.1" in caplog.text
    assert "canary" not in caplog.text


async def test_a_closed_transport_opens_again(make_transport: Make) -> None:
    transport = make_transport()
    async with run_raw(says(OK)) as raw:
        first: Response = await transport.send(get(raw.base_url), AMPLE)
        await transport.close()
        second = await transport.send(get(raw.base_url), AMPLE)
    assert (first.status, second.status) == (200, 200)


async def test_a_cancelled_question_is_cancelled(make_transport: Make) -> None:
    was_asked = asyncio.Event()

    async def sleep(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        was_asked.set()
        await reader.read()

    async with run_raw(sleep) as raw:
        sending = asyncio.create_task(make_transport().send(get(raw.base_url), Limits()))
        await was_asked.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

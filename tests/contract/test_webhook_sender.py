"""The real sender against real receivers on loopback, most of them ill-mannered."""

from __future__ import annotations

import asyncio
import base64
import datetime
import gzip
import ipaddress
import json
import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from parcelwire.signatures.verify import verify_standard
from parcelwire.webhooks.request_builder import WebhookRequest, make_request
from parcelwire.webhooks.schedule import Answer
from parcelwire.webhooks.sender import HttpSender
from parcelwire.webhooks.settings import WebhookSettings
from tests.contract import webhook_receivers as receivers
from tests.contract.webhook_receivers import Received, receiver
from tests.unit.webhooks.builders import ACCOUNT, NOW, SECRET, make_claimed, make_endpoint

QUICK = WebhookSettings(
    allowed_networks=("127.0.0.0/8",),
    connect_seconds=1,
    request_timeout_seconds=10,
    body_seconds=0.2,
)
HASTY = replace(QUICK, request_timeout_seconds=0.5)
"""Where the end of the time is what is tried. A machine may stand still for half a second."""


def request_to(url: str, body: bytes = b"{}") -> WebhookRequest:
    return WebhookRequest(url=url, headers={"content-type": "application/json"}, body=body)


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    async with HttpSender(QUICK) as one:
        yield one


@pytest.mark.parametrize("dialect", ["v2", "v4", "native"])
async def test_the_bytes_that_arrive_are_the_bytes_that_were_signed(
    sender: HttpSender, dialect: str
) -> None:
    payload = json.dumps({"text": "Härkingen \u2028 🙂"}, ensure_ascii=False).encode()
    async with receiver(receivers.answer(200, b"thanks")) as shop:
        claimed = make_claimed(make_endpoint(url=shop.url, dialect=dialect), payload=payload)
        request = make_request(claimed, ACCOUNT, NOW)
        answer = await sender.send(request)
    assert (answer.status, answer.error, answer.body) == (200, "", "thanks")
    (got,) = shop.received
    assert (got.method, got.path, got.body) == ("POST", "/hook", request.body)
    for name, value in request.headers.items():
        assert got.headers[name] == value
    assert set(got.headers) - set(request.headers) <= {"host", "accept", "content-length"}
    verify_standard(got.body, got.headers, SECRET, now=NOW / 1_000)


@pytest.mark.parametrize(
    "status", [200, 201, 202, 204, 299, 300, 304, 400, 401, 404, 410, 422, 429, 500, 502, 503, 599]
)
async def test_the_status_comes_through(sender: HttpSender, status: int) -> None:
    async with receiver(receivers.answer(status, b"", "Retry-After: 17")) as shop:
        answer = await sender.send(request_to(shop.url))
    assert (answer.status, answer.retry_after) == (status, "17")
    assert answer.is_success is (status < 300)
    assert answer.error == ("" if status < 300 else f"answered {status}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(sender: HttpSender, status: int) -> None:
    async with receiver(receivers.answer(200)) as inside:
        redirect = receivers.answer(status, b"", f"Location: {inside.url}")
        async with receiver(redirect) as shop:
            answer = await sender.send(request_to(shop.url))
    assert answer.status == status
    assert inside.connections == 0


class TestSlowness:
    """Every attempt has an end, whatever the receiver does."""

    @pytest.fixture
    async def sender(self) -> AsyncIterator[HttpSender]:
        async with HttpSender(HASTY) as one:
            yield one

    @pytest.mark.parametrize("behaviour", [receivers.hang, receivers.drip_head])
    async def test_no_answer_in_time_is_no_answer(
        self, sender: HttpSender, behaviour: receivers.Behaviour
    ) -> None:
        async with receiver(behaviour) as shop:
            answer = await sender.send(request_to(shop.url))
        assert (answer.status, answer.error) == (0, "no answer within 0.5 s")
        assert 400 < answer.duration_ms < 5_000

    async def test_a_dripping_body_is_cut_and_the_status_counts(self, sender: HttpSender) -> None:
        async with receiver(receivers.drip_body) as shop:
            answer = await sender.send(request_to(shop.url))
        assert answer.status == 200
        assert set(answer.body) <= {"a"}
        assert answer.duration_ms < 3_000

    async def test_endless_interim_answers_are_cut(self, sender: HttpSender) -> None:
        async def interim(request: Received, writer: asyncio.StreamWriter) -> None:
            while not writer.is_closing():
                writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.005)

        async with receiver(interim) as shop:
            answer = await sender.send(request_to(shop.url))
        assert (answer.status, answer.error) == (0, "no answer within 0.5 s")


class TestSize:
    @pytest.mark.parametrize("status", [200, 500])
    async def test_a_gigabyte_is_cut_off_at_the_cap(self, sender: HttpSender, status: int) -> None:
        huge = receivers.Huge(status)
        async with receiver(huge) as shop:
            answer = await sender.send(request_to(shop.url))
            sent = huge.sent
        assert answer.status == status
        assert answer.body == "x" * QUICK.kept_answer_characters
        # What the kernel's buffers took, and nothing near a gigabyte.
        assert sent < 20_000_000

    async def test_packed_answers_are_not_unpacked(self, sender: HttpSender) -> None:
        bomb = gzip.compress(b"0" * 5_000_000)
        behaviour = receivers.answer(200, bomb, "Content-Encoding: gzip")
        async with receiver(behaviour) as shop:
            for _ in range(2):
                answer = await sender.send(request_to(shop.url))
            # Packed it is below the cap, and so was read to its end; unpacked it is far above.
            assert shop.connections == 1
        assert (answer.status, answer.body) == (200, "(packed; not read)")

    async def test_endless_headers_are_cut(self, sender: HttpSender) -> None:
        async with receiver(receivers.flood_headers) as shop:
            answer = await sender.send(request_to(shop.url))
        assert answer.status == 0
        assert answer.error == "the answer is not HTTP"

    async def test_an_answer_of_the_cap_keeps_the_connection(self, sender: HttpSender) -> None:
        async with receiver(receivers.answer(200, b"y" * QUICK.answer_bytes)) as shop:
            for _ in range(3):
                assert (await sender.send(request_to(shop.url))).status == 200
            assert shop.connections == 1

    async def test_what_is_kept_can_be_stored_anywhere(self, sender: HttpSender) -> None:
        async with receiver(receivers.answer(500, b"a\x00\xff\xc3")) as shop:
            answer = await sender.send(request_to(shop.url))
        assert answer.body == "a\ufffd\ufffd\ufffd"

    @pytest.mark.parametrize(
        ("value", "repeated", "kept"),
        [
            ("Bearer receiver-token", "receiver-token", "[secret]"),
            ("Bearer receiver-token", "Bearer receiver%2Dtoken", "Bearer [secret]"),
            ("receiver/token", '"x-key": "receiver\\/token"', '"x-key": "[secret]"'),
            (
                "Basic " + base64.b64encode(b"shop:pass word").decode(),
                "no such password: pass word",
                "no such password: [secret]",
            ),
        ],
    )
    async def test_a_receiver_that_repeats_the_endpoints_own_headers_is_not_quoted(
        self, sender: HttpSender, value: str, repeated: str, kept: str
    ) -> None:
        """As test receivers and error pages do; the headers' values are shown to nobody."""
        async with receiver(receivers.answer(500, f"got: {repeated}.".encode())) as shop:
            endpoint = make_endpoint(url=shop.url, headers={"x-key": value})
            request = make_request(make_claimed(endpoint), ACCOUNT, NOW)
            answer = await sender.send(request)
        assert shop.received[0].headers["x-key"] == value
        assert answer.body == f"got: {kept}."


class TestBrokenAnswers:
    @pytest.mark.parametrize(
        ("behaviour", "error"),
        [
            (receivers.close_at_once, "the connection was closed before an answer came"),
            (receivers.raw(b"SSH-2.0-OpenSSH_9.9\r\n"), "the answer is not HTTP"),
            (receivers.raw(b"\x15\x03\x01\x00\x02\x02\x46"), "the answer is not HTTP"),
            (receivers.raw(b"HTTP/1.1 9999 Odd\r\n\r\n"), "the answer is not HTTP"),
            (receivers.raw(b"HTTP/1.1 200 OK\r\nX" + b"y" * 99_999), "the answer is not HTTP"),
            (receivers.raw(b"HTTP/1.1 200"), "the connection was closed before an answer came"),
        ],
        ids=["closed", "ssh", "tls alert", "status", "long header", "half"],
    )
    async def test_they_are_no_answer(
        self, sender: HttpSender, behaviour: receivers.Behaviour, error: str
    ) -> None:
        async with receiver(behaviour) as shop:
            answer = await sender.send(request_to(shop.url))
        assert (answer.status, answer.error) == (0, error)

    async def test_a_body_that_breaks_off_does_not_change_the_status(
        self, sender: HttpSender
    ) -> None:
        half = receivers.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        async with receiver(half) as shop:
            answer = await sender.send(request_to(shop.url))
        assert answer.status == 200

    async def test_nobody_listens(self, sender: HttpSender) -> None:
        async with receiver(receivers.answer(200)) as shop:
            url = shop.url
        answer = await sender.send(request_to(url))
        assert (answer.status, answer.error) == (0, "no connection: Connection refused")

    async def test_an_unknown_name(self) -> None:
        class Nobody(AbstractResolver):
            async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
                raise OSError

            async def close(self) -> None:
                pass

        async with HttpSender(QUICK, resolver=Nobody()) as sender:
            answer = await sender.send(request_to("https://nobody.example/hook"))
        assert (answer.status, answer.error) == (0, "the host name has no address")

    async def test_a_dead_name_server_holds_up_one_attempt_and_no_other(self) -> None:
        class Dead(AbstractResolver):
            async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
                await asyncio.sleep(60)

            async def close(self) -> None:
                pass

        settings = WebhookSettings(allowed_networks=("127.0.0.1",), connect_seconds=0.2)
        async with HttpSender(settings, resolver=Dead()) as sender:
            answer = await sender.send(request_to("https://nobody.example/hook"))
        assert (answer.status, answer.error) == (0, "no connection within 0.2 s")


class TestConnections:
    async def test_they_are_kept_per_host(self, sender: HttpSender) -> None:
        async with receiver(receivers.answer(200)) as one, receiver(receivers.answer(200)) as other:
            for _ in range(5):
                await sender.send(request_to(one.url))
                await sender.send(request_to(other.url))
            assert (one.connections, other.connections) == (1, 1)

    async def test_a_kept_connection_that_just_closed_is_no_failure(
        self, sender: HttpSender
    ) -> None:
        async with receiver(receivers.answer(200)) as shop:
            await sender.send(request_to(shop.url))
            polite = shop.behaviour

            async def closing(request: Received, writer: asyncio.StreamWriter) -> None:
                shop.behaviour = polite
                writer.close()

            shop.behaviour = closing
            answer = await sender.send(request_to(shop.url))
            assert answer.status == 200
            assert shop.connections == 2

    async def test_a_new_connection_that_closes_is_a_failure_at_once(
        self, sender: HttpSender
    ) -> None:
        async with receiver(receivers.close_at_once) as shop:
            answer = await sender.send(request_to(shop.url))
            assert (answer.status, len(shop.received)) == (0, 1)

    async def test_no_cookie_is_kept(self, sender: HttpSender) -> None:
        async with receiver(receivers.answer(200, b"", "Set-Cookie: a=b; Path=/")) as shop:
            for _ in range(2):
                await sender.send(request_to(shop.url))
        assert all("cookie" not in got.headers for got in shop.received)

    async def test_no_proxy_of_the_environment_is_used(
        self, sender: HttpSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with receiver(receivers.answer(200)) as shop, receiver(receivers.hang) as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            assert os.environ["http_proxy"] == proxy.url
            assert (await sender.send(request_to(shop.url))).status == 200
            assert proxy.connections == 0


class TestGuard:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::1]"])
    async def test_the_inside_is_not_reached_by_default(self, host: str) -> None:
        async with receiver(receivers.answer(200)) as shop, HttpSender(WebhookSettings()) as sender:
            answer = await sender.send(request_to(shop.url.replace("127.0.0.1", host)))
        assert answer.status == 0
        assert answer.error.startswith("not allowed: ")
        assert shop.connections == 0

    async def test_a_listed_network_is(self) -> None:
        settings = WebhookSettings(allowed_networks=("127.0.0.1/32",))
        async with receiver(receivers.answer(200)) as shop, HttpSender(settings) as sender:
            assert (await sender.send(request_to(shop.url))).status == 200


class TestTls:
    @pytest.fixture
    def own_ca(self, tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
        """A certificate that nobody knows, and a server's context with it."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop")])
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        file, both = tmp_path / "ca.pem", tmp_path / "both.pem"
        file.write_bytes(pem)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        both.write_bytes(pem + private)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(both)
        return file, context

    async def test_an_unknown_certificate_is_not_accepted(
        self, sender: HttpSender, own_ca: tuple[Path, ssl.SSLContext]
    ) -> None:
        async with receiver(receivers.answer(200), tls=own_ca[1]) as shop:
            answer = await sender.send(request_to(shop.url))
        assert answer.status == 0
        assert answer.error.startswith("the TLS certificate is not accepted: self-signed")
        assert shop.received == []

    async def test_an_authority_of_the_operators_own_is(
        self, own_ca: tuple[Path, ssl.SSLContext]
    ) -> None:
        settings = WebhookSettings(allowed_networks=("127.0.0.1",), ca_file=str(own_ca[0]))
        async with (
            receiver(receivers.answer(200), tls=own_ca[1]) as shop,
            HttpSender(settings) as sender,
        ):
            assert (await sender.send(request_to(shop.url))).status == 200

    async def test_a_file_of_authorities_that_comes_late(
        self, own_ca: tuple[Path, ssl.SSLContext], tmp_path: Path
    ) -> None:
        file = tmp_path / "late.pem"
        settings = WebhookSettings(allowed_networks=("127.0.0.1",), ca_file=str(file))
        async with (
            receiver(receivers.answer(200), tls=own_ca[1]) as shop,
            HttpSender(settings) as sender,
        ):
            early = await sender.send(request_to(shop.url))
            assert (early.status, early.error.startswith("no TLS connection")) == (0, True)
            file.write_bytes(own_ca[0].read_bytes())
            assert (await sender.send(request_to(shop.url))).status == 200

    async def test_a_server_without_tls(self, sender: HttpSender) -> None:
        async with receiver(receivers.answer(200)) as shop:
            answer = await sender.send(request_to(shop.url.replace("http:", "https:")))
        assert answer.status == 0
        assert answer.error.startswith(("no TLS connection", "no connection", "no answer"))


async def test_errors_never_show_the_url() -> None:
    """It may hold a token of the receiver's."""
    token = "s3cret-token"
    async with HttpSender(QUICK) as sender:
        answers: list[Answer] = []
        for host in ("127.0.0.1:9", "10.0.0.1", "0x7f.1", "a b", "127.0.0.1:22"):
            url = f"http://{host}/hook?token={token}"
            answers.append(await sender.send(request_to(url)))
    assert all(answer.status == 0 and answer.error for answer in answers)
    assert not any(token in answer.error for answer in answers)

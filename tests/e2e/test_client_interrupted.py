"""A client that is interrupted, closed or cut in the middle of a call, and what holds then."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from parcelwire.client import (
    AsyncParcelwire,
    ClientClosedError,
    NetworkError,
    Parcelwire,
    ParcelwireError,
)
from tests.support.clients import SIDES, Side, open_client
from tests.support.process import free_port
from tests.support.raw_server import Handle, raw_server, read_request

PATIENCE = 60


def told(code: str) -> bytes:
    body = b'{"meta":{"code":200,"message":""},"data":[{"courier_code":"%b"}]}' % code.encode()
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


class Slow:
    """Answers the first call when it is told to, the others at once; connections stay open."""

    def __init__(self) -> None:
        self.asked, self.may_answer = Event(), Event()
        self.requests: list[bytes] = []

    def __call__(self, connection: socket.socket) -> None:
        while request := read_request(connection):
            self.requests.append(request)
            if len(self.requests) > 1:
                connection.sendall(told(f"call-{len(self.requests)}"))
                continue
            self.asked.set()
            self.may_answer.wait(PATIENCE)
            connection.sendall(told("late"))


async def test_a_cancelled_call_leaves_nothing_for_the_next() -> None:
    slow = Slow()
    with raw_server(slow) as address:
        async with AsyncParcelwire("key", f"http://{address}") as client:
            call = asyncio.create_task(client.couriers.list())
            await asyncio.to_thread(slow.asked.wait, PATIENCE)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            slow.may_answer.set()
            # Not the late answer of the call before.
            found = await client.couriers.list()
            assert [one.courier_code for one in found] == ["call-2"]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await client.couriers.list()
            assert (await client.couriers.list())[0].courier_code.startswith("call-")


def test_ctrl_c_leaves_nothing_for_the_next() -> None:
    slow = Slow()

    def interrupt(connection: socket.socket) -> None:
        if slow.requests:
            slow(connection)
            return
        slow.requests.append(read_request(connection))
        os.kill(os.getpid(), signal.SIGINT)
        slow.may_answer.wait(PATIENCE)
        connection.sendall(told("late"))

    with raw_server(interrupt) as address, Parcelwire("key", f"http://{address}") as client:
        with pytest.raises(KeyboardInterrupt):
            client.couriers.list()
        slow.may_answer.set()
        assert [one.courier_code for one in client.couriers.list()] == ["call-2"]


@pytest.mark.parametrize("side", SIDES)
async def test_closing_ends_what_is_under_way(side: Side) -> None:
    slow = Slow()
    with raw_server(slow) as address:
        async with open_client(side, "key", f"http://{address}") as client:
            call = asyncio.create_task(client.couriers.list())
            await asyncio.to_thread(slow.asked.wait, PATIENCE)
            await client.close()
            slow.may_answer.set()
            # Either it was answered still, or it says why not.
            try:
                assert [one.courier_code for one in await call] == ["late"]
            except ParcelwireError as error:
                assert isinstance(error, ClientClosedError)  # noqa: PT017  (both ends are right)
            with pytest.raises(ClientClosedError):
                await client.couriers.list()


# --- TLS -----------------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS for 127.0.0.1, which clients of this test trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "both.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@contextmanager
def beneath(connection: socket.socket) -> Iterator[socket.socket]:
    """Yield the connection without its TLS."""
    with socket.socket(fileno=os.dup(connection.fileno())) as plain:
        yield plain


def spoil(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(told("x")[:-10])
    with beneath(connection) as plain:
        plain.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)


def speak_plain(connection: socket.socket) -> None:
    read_request(connection)
    with beneath(connection) as plain:
        plain.sendall(b"this is no TLS at all any more")


def hang_up(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(told("x")[:-10])
    with beneath(connection) as plain:
        plain.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("handle", [spoil, speak_plain, hang_up])
async def test_tls_that_breaks(side: Side, handle: Handle, tls: ssl.SSLContext) -> None:
    with raw_server(handle, tls=tls) as address:
        async with open_client(side, "key", f"https://{address}", max_retries=1) as client:
            with pytest.raises(NetworkError) as caught:
                await client.couriers.list()
            assert caught.value.__cause__ is not None
            assert len(client.pauses) == 1


@pytest.mark.parametrize("side", SIDES)
async def test_tls_that_is_good_and_tls_that_is_not_trusted(
    side: Side, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(told("x"))

    with raw_server(answer, tls=tls) as address:
        async with open_client(side, "key", f"https://{address}") as client:
            assert [one.courier_code for one in await client.couriers.list()] == ["x"]
        monkeypatch.delenv("SSL_CERT_FILE")
        async with open_client(side, "key", f"https://{address}", max_retries=0) as client:
            with pytest.raises(NetworkError, match=r"(?i)certificate"):
                await client.couriers.list()
        async with open_client(side, "key", f"http://{address}", max_retries=0) as client:
            with pytest.raises(NetworkError):
                await client.couriers.list()


# --- what the environment says -----------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSL_CERT_FILE", "/no/such/file"),
        ("SSL_CERT_FILE", __file__),
        ("HTTP_PROXY", "foo://me:s3cr@proxy.example"),
        ("HTTP_PROXY", "socks5://me:s3cr@127.0.0.1:1"),
        ("HTTP_PROXY", "http://me:s3cr/et@127.0.0.1:1"),
        ("HTTP_PROXY", "http://[::"),
        ("ALL_PROXY", "http://me:s3cr@127.0.0.1:1"),
    ],
)
async def test_a_proxy_or_certificates_that_cannot_be_used(
    side: Side, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in ("NO_PROXY", "no_proxy", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(one, raising=False)
    monkeypatch.setenv(name, value)

    async def ask() -> Any:
        address = f"http://127.0.0.1:{free_port()}"
        async with open_client(side, "key", address, max_retries=0) as client:
            return await client.couriers.list()

    with pytest.raises(ParcelwireError) as caught:
        await ask()
    assert "s3cr" not in str(caught.value)

"""B6: everything that a receiver can answer, over real sockets, and what must follow from it.

The handling is Standard Webhooks': any 2xx is delivered; 410 switches the endpoint off; 429 and 502
to 504 slow the whole endpoint down, 429 and 503 for as long as ``Retry-After`` says; everything
else, and no answer, is tried again by the schedule.
"""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from aiohttp.abc import AbstractResolver
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import SECOND
from parcelwire.webhooks.ports import MessageFilter, MessageState
from parcelwire.webhooks.request_builder import WebhookRequest
from parcelwire.webhooks.schedule import Answer
from parcelwire.webhooks.sender import HttpSender
from prove.deliveries.yard import open_yard
from prove.outcome import Outcome
from tests.contract import webhook_receivers as receivers
from tests.contract.webhook_office import SETTINGS, Office
from tests.contract.webhook_receivers import Behaviour, Received, receiver

QUICK: Final = replace(SETTINGS, connect_seconds=1, request_timeout_seconds=0.6, body_seconds=0.2)
_LONGEST: Final = QUICK.longest_delay_seconds
_LATER: Final = "Sun, 01 Mar 2026 10:10:00 GMT"  # ten minutes after the yard's clock


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, and what must follow."""

    name: str
    behaviour: Behaviour
    then: Literal["delivered", "retry", "disabled"] = "retry"
    wait: float = 30
    """Seconds to the retry."""
    rest: float = 0
    """Seconds for which the whole endpoint must be left alone."""
    said: str = ""
    """Stands in the attempt's error."""
    place: Literal["http", "https", "plain-https", "nowhere", "no-name"] = "http"


def cases() -> list[Case]:
    """Return the table."""
    answer = receivers.answer
    table = [
        Case(name=f"{status}", behaviour=answer(status), then="delivered")
        for status in (200, 201, 202, 203, 204, 206, 226, 299)
    ]
    table += [
        Case(name=f"{status} elsewhere", behaviour=answer(status, b"", "Location: /other"))
        for status in (300, 301, 302, 303, 304, 307, 308)
    ]
    table += [
        Case(name=f"{status}", behaviour=answer(status), said=f"answered {status}")
        for status in (400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 422, 425, 451, 499)
    ]
    table += [
        Case(name=f"{status}", behaviour=answer(status), said=f"answered {status}")
        for status in (500, 501, 505, 507, 520, 599)
    ]
    table.append(Case(name="410", behaviour=answer(410), then="disabled", said="answered 410"))
    for status in (429, 502, 503, 504):
        table.append(Case(name=f"{status}", behaviour=answer(status), rest=30))
    for status in (429, 503):
        for value, seconds in (
            ("120", 120.0),
            (_LATER, 600.0),
            ("soon", 30.0),
            ("0", 30.0),
            ("999999999", _LONGEST),
        ):
            behaviour = answer(status, b"", f"Retry-After: {value}")
            rest = 0.0 if value == "0" else seconds
            table.append(
                Case(name=f"{status} {value}", behaviour=behaviour, wait=seconds, rest=rest)
            )
    table += [
        Case(name="502 120", behaviour=answer(502, b"", "Retry-After: 120"), rest=30),
        Case(name="404 120", behaviour=answer(404, b"", "Retry-After: 120")),
        Case(name="302 120", behaviour=answer(302, b"", "Retry-After: 120")),
        Case(name="200 after 103", behaviour=_early_hints, then="delivered"),
        Case(name="200, endless body", behaviour=receivers.Huge(), then="delivered"),
        Case(
            name="200, body drips",
            behaviour=receivers.drip_body,
            then="delivered",
        ),
        Case(name="200, body cut", behaviour=_cut_body, then="delivered"),
        Case(name="500, endless body", behaviour=receivers.Huge(500), said="answered 500"),
        Case(name="101", behaviour=answer(101, b"", "Upgrade: x"), said="answered 101"),
        Case(name="cut at once", behaviour=receivers.close_at_once, said="closed before an answer"),
        Case(
            name="cut in the head", behaviour=receivers.raw(b"HTTP/1.1 200 OK\r\nA: "), said="clo"
        ),
        Case(name="reset", behaviour=_reset, said="the connection"),
        Case(name="not HTTP", behaviour=receivers.raw(b"hello\r\n\r\n"), said="not HTTP"),
        Case(name="endless headers", behaviour=receivers.flood_headers, said="not HTTP"),
        Case(name="hangs", behaviour=receivers.hang, said="no answer within"),
        Case(
            name="head drips",
            behaviour=receivers.drip_head,
            said="no answer within",
        ),
        Case(name="refused", behaviour=answer(200), place="nowhere", said="Connection refused"),
        Case(name="no such name", behaviour=answer(200), place="no-name", said="has no address"),
        Case(name="unknown certificate", behaviour=answer(200), place="https", said="certificate"),
        Case(
            name="no TLS there",
            behaviour=answer(200),
            place="plain-https",
            said="no connection",
        ),
    ]
    return table


def run(*, scale: float, seed: int) -> Outcome:
    """Go through the table once; neither size nor chance matters."""
    return asyncio.run(prove_answers())


PROOFS = {"B6": run}


async def prove_answers() -> Outcome:
    """Run the table, and with each planted sender the answer that it misreads."""
    table = cases()
    fired, violations = await go_through(table)
    found = 0
    for plant, name in PLANTS:
        _, seen = await go_through([one for one in table if one.name == name], wrap=plant)
        found += bool(seen)
    return Outcome(
        id="B6",
        name=f"{len(table)} answers of receivers, each with its handling",
        tried=len(table),
        fired=fired,
        violations=violations,
        planted_found=found,
        planted_of=len(PLANTS),
    )


async def go_through(
    table: list[Case], *, wrap: Callable[[HttpSender], Any] = lambda sender: sender
) -> tuple[int, list[str]]:
    """Return how many of the table's answers were really met, and the violations."""
    fired = 0
    violations: list[str] = []
    with tempfile.TemporaryDirectory(prefix="parcelwire-tls-") as folder:
        tls = own_certificate(Path(folder))
        async with open_yard() as office:
            for case in table:
                async with HttpSender(QUICK, resolver=_OnlyLoopback()) as sender:
                    was_met, seen = await _meet(office, case, wrap(sender), tls)
                fired += was_met
                violations += [f"{case.name}: {one}" for one in seen]
    return fired, violations


async def _meet(
    office: Office, case: Case, sender: Any, tls: ssl.SSLContext
) -> tuple[bool, list[str]]:
    other: list[Received] = []

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        if request.path == "/other":
            other.append(request)
        await case.behaviour(request, writer)

    async with receiver(behave, tls=tls if case.place == "https" else None) as shop:
        endpoint = await office.add_endpoint(await _url(case, shop.url))
        await office.post(endpoint)
        worker = office.worker(sender=sender, settings=QUICK)
        if await worker.step() != 1:
            return False, ["it was not tried"]
        seen = await _judge(office, case, endpoint)
        if other:
            seen.append("the redirect was followed")
        # Another parcel of the same endpoint: sent at once, or only after the rest.
        await office.post(endpoint, first=2)
        await office.post(endpoint, parcels=2)
        tried = await worker.step()
        may_go = not case.rest and case.then != "disabled"
        if (tried > 0) is not may_go:
            seen.append(f"another message was {'sent' if tried else 'held back'}")
        if case.rest:
            office.clock.advance(case.rest - 0.001)
            if await worker.step():
                seen.append(f"the endpoint did not rest {case.rest:g} s")
            office.clock.advance(0.001)
            if not await worker.step():
                seen.append(f"the endpoint rested longer than {case.rest:g} s")
        was_met = (
            bool(shop.received)
            or case.place in ("nowhere", "no-name")
            or (shop.connections > 0 or case.place == "https")
        )
        await office.store.delete_endpoint(office.world_id, endpoint.id)
    office.clock.set(_START)
    return was_met, seen


_START: Final = 1_772_359_200_000


async def _judge(office: Office, case: Case, endpoint: Endpoint) -> list[str]:
    where = MessageFilter(endpoint_id=endpoint.id)
    (message,) = (await office.store.list_messages(office.world_id, where)).messages
    (attempt,) = await office.store.list_attempts(message.id)
    stored = await office.store.load_endpoint(office.world_id, endpoint.id)
    assert stored is not None
    seen = []
    if case.said not in attempt.error:
        seen.append(f"the log says {attempt.error!r}")
    if (message.state is MessageState.DELIVERED) is not (case.then == "delivered"):
        seen.append(f"it is {message.state}")
    if stored.is_enabled is (case.then == "disabled"):
        seen.append("the endpoint is on" if stored.is_enabled else "the endpoint is off")
    if case.then == "retry":
        wait = (message.due_at - office.clock.now()) / SECOND
        if wait != case.wait:
            seen.append(f"it is tried again after {wait:g} s instead of {case.wait:g}")
    if len(attempt.response_body) > QUICK.kept_answer_characters:
        seen.append("the log holds too much of the answer")
    return seen


async def _url(case: Case, url: str) -> str:
    if case.place == "nowhere":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{free.getsockname()[1]}/hook"
    if case.place == "no-name":
        return "http://nobody.example/hook"
    if case.place == "plain-https":
        return url.replace("http://", "https://")
    return url


class _OnlyLoopback(AbstractResolver):
    """No name has an address."""

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async def close(self) -> None:
        """Nothing to close."""


async def _early_hints(request: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    await writer.drain()
    await receivers.answer(200)(request, writer)


async def _cut_body(request: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()


async def _reset(request: Received, writer: asyncio.StreamWriter) -> None:
    """Close without a farewell: the other side gets a reset."""
    one = writer.get_extra_info("socket")
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def own_certificate(folder: Path) -> ssl.SSLContext:
    """Return a server's TLS with a certificate that nobody has reason to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "both.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


class _PlantedSender:
    """A sender that misreads one kind of answer."""

    def __init__(self, sender: HttpSender) -> None:
        self._sender = sender

    async def send(self, request: WebhookRequest) -> Answer:
        """Send, and misread."""
        answer = await self._sender.send(request)
        self.bend(answer)
        return answer

    def bend(self, answer: Answer) -> None:
        """Misread an answer."""
        raise NotImplementedError


class Lenient(_PlantedSender):
    """Takes redirects for success."""

    def bend(self, answer: Answer) -> None:
        """See above."""
        if 300 <= answer.status <= 399:
            answer.status = 200


class Deaf(_PlantedSender):
    """Does not hear ``Retry-After``."""

    def bend(self, answer: Answer) -> None:
        """See above."""
        answer.retry_after = None


class Stubborn(_PlantedSender):
    """Takes 410 for any other refusal."""

    def bend(self, answer: Answer) -> None:
        """See above."""
        if answer.status == 410:
            answer.status = 404


class Hopeful(_PlantedSender):
    """Takes a broken connection for success: it will have arrived."""

    def bend(self, answer: Answer) -> None:
        """See above."""
        if answer.status == 0 and "closed" in answer.error:
            answer.status, answer.error = 200, ""


class Tireless(_PlantedSender):
    """Lets an overloaded receiver have no rest."""

    def bend(self, answer: Answer) -> None:
        """See above."""
        if answer.status in (502, 503, 504):
            answer.status = 500


PLANTS: Final = (
    (Lenient, "302 elsewhere"),
    (Deaf, "429 120"),
    (Stubborn, "410"),
    (Hopeful, "cut at once"),
    (Tireless, "502"),
)
"""Each with the answer that must give it away."""

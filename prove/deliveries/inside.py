"""C4: endpoints whose URLs lead inside, in every spelling; names that change their address; and
redirects. A server stands inside and counts: nobody may ever connect to it.

The rows are written into the store directly, as by a version without any check, so that only what
guards the delivery itself is tried.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

from parcelwire.webhooks.address import AddressGuard
from parcelwire.webhooks.guarded_dns import AddressInfo, GuardedSockets
from parcelwire.webhooks.request_builder import WebhookRequest
from parcelwire.webhooks.sender import HttpSender
from parcelwire.webhooks.settings import WebhookSettings
from prove.deliveries.yard import open_yard
from prove.outcome import Outcome
from tests.contract import webhook_receivers as receivers
from tests.contract.webhook_receivers import Receiver, receiver
from tests.support.addresses import internal_urls

FLIPS: Final = 10_000
OUTSIDE: Final = "93.184.216.34"
"""A public address. No socket of these trials is ever connected to it."""

STRICT: Final = WebhookSettings(request_timeout_seconds=2, connect_seconds=1)
Spoil = Callable[[HttpSender], None]


def run(*, scale: float, seed: int) -> Outcome:
    """Deliver to every spelling, and to 10,000 flipping names (times ``scale``)."""
    return asyncio.run(prove_inside(max(200, round(FLIPS * scale)), seed))


PROOFS = {"C4": run}


async def prove_inside(flips: int, seed: int) -> Outcome:
    """Run the honest trials and the planted ones."""
    spelled, violations = await deliver_to_spellings()
    flipped, seen = await flip(flips, seed)
    redirected, followed = await redirect()
    violations += seen + followed
    found = 0
    for plant in PLANTS:
        # One that only looks at the URL, and one that only looks at the first answer.
        _, by_name = await flip(60, seed, spoil=plant)
        found += bool(by_name)
    return Outcome(
        id="C4",
        name=f"{spelled} spellings of inner addresses, {flips:,} rebinding flips, redirects",
        tried=spelled + flips + redirected,
        fired=spelled + flipped + redirected,
        violations=violations,
        planted_found=found,
        planted_of=len(PLANTS),
    )


async def deliver_to_spellings() -> tuple[int, list[str]]:
    """Return how many spellings were delivered to, and the violations."""
    async with open_yard() as office, receiver(receivers.answer(200)) as inside:
        urls = internal_urls(_port_of(inside))
        async with HttpSender(STRICT) as sender:
            sockets = sender.sockets = _NoRoad(sender.guard)
            for url in urls:
                await office.post(await office.add_endpoint(url))
            worker = office.worker(sender=sender, settings=STRICT)
            while await worker.step():
                pass
            violations = _judge(inside, sockets)
        messages = await office.messages()
        tried = sum(one.attempts for one in messages)
        if tried != len(urls):
            violations.append(f"{tried} of {len(urls)} spellings were tried")
    return len(urls), violations


async def flip(
    flips: int, seed: int, *, spoil: Spoil = lambda sender: None
) -> tuple[int, list[str]]:
    """Send to names whose answers change at every look; return the flips, and the violations."""
    async with receiver(receivers.answer(200)) as inside:
        names = _Flipping(random.Random(seed))
        async with HttpSender(STRICT, resolver=names) as sender:
            spoil(sender)
            sockets = sender.sockets = _NoRoad(sender.guard)
            for number in range(flips):
                url = f"http://shop{number % 7}.example:{_port_of(inside)}/hook"
                answer = await sender.send(WebhookRequest(url=url, headers={}, body=b"{}"))
                if answer.status:
                    break
            violations = _judge(inside, sockets)
    return names.flips, violations


async def redirect() -> tuple[int, list[str]]:
    """Answer with redirects to the inside; return how many, and the violations."""
    allowed = WebhookSettings(allowed_networks=("127.0.0.0/8",), request_timeout_seconds=2)
    statuses = (300, 301, 302, 303, 307, 308)
    async with receiver(receivers.answer(200)) as inside, HttpSender(allowed) as sender:
        for status in statuses:
            answer = receivers.answer(status, b"", f"Location: {inside.url}")
            async with receiver(answer) as shop:
                await sender.send(WebhookRequest(url=shop.url, headers={}, body=b"{}"))
        return len(statuses), [f"{inside.connections} redirects followed"] * (
            inside.connections > 0
        )


def _judge(inside: Receiver, sockets: _NoRoad) -> list[str]:
    violations = []
    if inside.connections:
        violations.append(f"{inside.connections} connections to the inside")
    reached = sorted(sockets.reached - {OUTSIDE})
    return violations + [f"a socket was opened for {address}" for address in reached]


def _port_of(one: Receiver) -> int:
    return int(one.url.rsplit(":", 1)[1].split("/")[0])


class _NoRoad(GuardedSockets):
    """Judges as ever, but lets nobody out: the public address of the trials is not connected to."""

    def __init__(self, guard: AddressGuard) -> None:
        super().__init__(guard)
        self.reached: set[str] = set()

    def open_socket(self, info: AddressInfo) -> socket.socket:
        """See ``GuardedSockets``."""
        opened = super().open_socket(info)
        address = str(info[4][0])
        self.reached.add(address)
        if address != OUTSIDE:
            return opened
        opened.close()
        raise ConnectionRefusedError


class _Flipping(AbstractResolver):
    """Answers with a public address, an inner one, or both in some order: each time another."""

    INNER: Final = ("127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1", "169.254.169.254")

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._was_inside = False
        self.flips = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """See ``AbstractResolver``."""
        self.flips += 1
        self._was_inside = not self._was_inside
        inner = self._chance.choice(self.INNER)
        kind = self._chance.randrange(3)
        if kind == 0:
            found = [inner if self._was_inside else OUTSIDE]
        else:
            found = [OUTSIDE, inner] if kind == 1 else [inner, OUTSIDE]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Nothing to close."""


class _Blind(AddressGuard):
    """A guard that reads URLs and judges no address."""

    def refusal(self, address: str) -> str | None:
        """See ``AddressGuard``."""
        return None


class _Unmapped(AddressGuard):
    """A guard that takes an IPv6 address for public, whatever it stands for."""

    def refusal(self, address: str) -> str | None:
        """See ``AddressGuard``."""
        return None if ":" in address else super().refusal(address)


def only_url(sender: HttpSender) -> None:
    """Plant: the text of the URL is all that is checked."""
    sender.guard = _Blind()


def only_ipv4(sender: HttpSender) -> None:
    """Plant: IPv6 forms of inner addresses are not known."""
    sender.guard = _Unmapped()


PLANTS: Final[tuple[Any, ...]] = (only_url, only_ipv4)

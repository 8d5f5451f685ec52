"""C1: 1,000 messages checked by others' packages, and by receivers keyed as TrackingMore documents.

The receivers check the bytes as they come off the socket, before any parser: what verifies was
signed as it was sent.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import standardwebhooks
import svix.webhooks
from msgspec.structs import replace

from parcelwire.domain.clock import SECOND
from parcelwire.signatures.verify import VerificationError, verify_standard, verify_v2, verify_v4
from parcelwire.webhooks.request_builder import WebhookRequest
from parcelwire.webhooks.schedule import Answer
from parcelwire.webhooks.sender import HttpSender
from prove.deliveries.yard import open_yard
from prove.outcome import Outcome
from tests.contract import webhook_receivers as receivers
from tests.contract.webhook_office import SETTINGS, PassingClock
from tests.contract.webhook_receivers import Received, receiver
from tests.unit.webhooks.builders import SECRET

MESSAGES: Final = 1_000
DIALECTS: Final = ("native", "v4", "v2")
EMAIL: Final = "shop@example.com"
Wrap = Callable[[HttpSender], Any]


def run(*, scale: float, seed: int) -> Outcome:
    """Deliver 1,000 messages (times ``scale``) and check each; there is no chance in it."""
    return asyncio.run(prove_signatures(max(30, round(MESSAGES * scale))))


PROOFS = {"C1": run}


async def prove_signatures(messages: int) -> Outcome:
    """Run the honest trial and the planted ones."""
    checks, violations = await _trial(messages)
    found = 0
    for plant in PLANTS:
        _, seen = await _trial(6, wrap=plant)
        found += bool(seen)
    return Outcome(
        id="C1",
        name=f"{messages:,} messages verified by standardwebhooks and svix, v2 and v4 by hand",
        tried=messages,
        fired=checks["svix"],
        violations=violations,
        notes=", ".join(f"{name}: {count:,} valid" for name, count in sorted(checks.items())),
        planted_found=found,
        planted_of=len(PLANTS),
    )


async def _trial(
    messages: int, *, wrap: Wrap = lambda sender: sender
) -> tuple[Counter[str], list[str]]:
    """Return how many messages each check found valid, and the violations."""
    checks: Counter[str] = Counter()
    violations: list[str] = []

    async def check(request: Received, writer: asyncio.StreamWriter) -> None:
        for name, verify in CHECKS.items():
            if name[:2] in ("v2", "v4") and not request.path.endswith(name[:2]):
                continue
            try:
                verify(request)
            except (
                VerificationError,
                standardwebhooks.WebhookVerificationError,
                svix.webhooks.WebhookVerificationError,
                AssertionError,
            ) as error:
                violations.append(f"{name} refuses {request.message_id}: {error}")
            else:
                checks[name] += 1
        await receivers.answer(200)(request, writer)

    async with open_yard() as office, receiver(check) as shop:
        # Both packages look at the wall clock themselves, so the messages are of today.
        clock = PassingClock(int(time.time() * SECOND))
        async with HttpSender(SETTINGS) as sender:
            for number, dialect in enumerate(DIALECTS):
                endpoint = await office.add_endpoint(f"{shop.url}/{dialect}", dialect=dialect)
                share = len(range(number, messages, len(DIALECTS)))
                await office.post(endpoint, parcels=share)
            worker = office.worker(clock=clock, sender=wrap(sender))
            await office.run_until_settled(worker, seconds=120)
        if len(shop.received) != messages:
            violations.append(f"{len(shop.received)} of {messages} messages came")
    return checks, violations


def _by_standardwebhooks(request: Received) -> None:
    standardwebhooks.Webhook(SECRET).verify(request.body, request.headers)


def _by_svix(request: Received) -> None:
    svix.webhooks.Webhook(SECRET).verify(request.body, request.headers)


def _by_ours(request: Received) -> None:
    verify_standard(request.body, request.headers, SECRET, now=time.time())


def _v4_by_hand(request: Received) -> None:
    """As TrackingMore's v4 manual says: HMAC-SHA256 of the timestamp with the secret, in hex."""
    stamp, given = request.headers["timestamp"], request.headers["signature"]
    wanted = hmac.new(SECRET.encode(), stamp.encode(), hashlib.sha256).hexdigest()
    _insist(hmac.compare_digest(given, wanted))
    verify_v4(request.headers, SECRET, now=time.time())


def _v2_by_hand(request: Received) -> None:
    """As TrackingMore's v2 manual says: HMAC-SHA256 of timeStr with the account's e-mail."""
    said = json.loads(request.body)["verifyInfo"]
    wanted = hmac.new(EMAIL.encode(), str(said["timeStr"]).encode(), hashlib.sha256).hexdigest()
    _insist(hmac.compare_digest(said["signature"], wanted))
    verify_v2(request.body, EMAIL, now=time.time())


def _insist(is_valid: bool) -> None:
    if not is_valid:
        raise AssertionError("the signature does not fit")


CHECKS: Final[dict[str, Callable[[Received], None]]] = {
    "standardwebhooks": _by_standardwebhooks,
    "svix": _by_svix,
    "parcelwire": _by_ours,
    "v4 by hand": _v4_by_hand,
    "v2 by hand": _v2_by_hand,
}


class _Bent:
    """A sender that changes what was signed, before it is sent."""

    def __init__(self, sender: HttpSender) -> None:
        self._sender = sender

    async def send(self, request: WebhookRequest) -> Answer:
        """Bend and send."""
        return await self._sender.send(self.bend(request))

    def bend(self, request: WebhookRequest) -> WebhookRequest:
        """Return the request with a fault."""
        raise NotImplementedError


class Rewriting(_Bent):
    """Writes the JSON anew, as a client that is handed an object does."""

    def bend(self, request: WebhookRequest) -> WebhookRequest:
        """See above."""
        return replace(request, body=json.dumps(json.loads(request.body), indent=1).encode())


class Restamping(_Bent):
    """Stamps the time of sending over the time of signing."""

    def bend(self, request: WebhookRequest) -> WebhookRequest:
        """See above."""
        later = str(int(request.headers["webhook-timestamp"]) + 1)
        return replace(request, headers={**request.headers, "webhook-timestamp": later})


class Renaming(_Bent):
    """Gives each attempt an id of its own."""

    def bend(self, request: WebhookRequest) -> WebhookRequest:
        """See above."""
        other = request.headers["webhook-id"][:-1] + "x"
        return replace(request, headers={**request.headers, "webhook-id": other})


PLANTS: Final = (Rewriting, Restamping, Renaming)

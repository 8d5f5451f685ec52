"""Simulated receivers of messages: good, slow, broken, gone, and those whose answers get lost."""

from __future__ import annotations

import asyncio
import hashlib
import random
from typing import Final

import msgspec

from parcelwire.domain.clock import DAY
from parcelwire.webhooks.request_builder import WebhookRequest
from parcelwire.webhooks.schedule import Answer
from parcelwire.webhooks.settings import WebhookSettings
from prove.worlds.disk import Life
from prove.worlds.ledger import Ledger, Receipt
from prove.worlds.sky import Plan, WorldClock, spells

_LONG: Final = 20 * DAY
"""Receivers of a longer world may be away for days."""
_WEATHER: Final = {
    "error": 3.0,
    "busy": 2.0,
    "maintenance": 2.0,
    "silent": 2.0,
    "lost answers": 3.0,
    "slow": 2.0,
    "gone": 0.4,
    "flaky": 3.0,
}


class Receivers:
    """All receivers of a world, by address."""

    def __init__(
        self, plan: Plan, clock: WorldClock, ledger: Ledger, settings: WebhookSettings
    ) -> None:
        """Draw the weather from the plan's seed."""
        self._plan = plan
        self._clock = clock
        self._ledger = ledger
        self._total_seconds = settings.request_timeout_seconds
        self._chance = random.Random(f"receivers {plan.seed}")  # repeatable
        self._weather: dict[str, tuple[tuple[int, int, str], ...]] = {}

    def at_door(self, by: str, living: Life) -> ReceiversDoor:
        """Return the receivers as one process sees them."""
        return ReceiversDoor(self, by, living)

    async def take(self, by: str, living: Life, request: WebhookRequest) -> Answer:
        """Make one attempt, as the real sender would."""
        began = self._clock.true_ms()
        receipt, answer, seconds = self._judge(by, request)
        self._ledger.receipts.append(receipt)
        self._ledger.note(
            "send", by, receipt.endpoint_id, receipt.tracking_id, receipt.sequence, answer.status
        )
        try:
            await asyncio.sleep(min(seconds, self._total_seconds))
        finally:
            # Also when the sender dies or gives up: what it asked ends with it.
            receipt.ended_at = self._clock.true_ms()
        if not living.point("message sent"):
            living.check()
        receipt.status = answer.status
        answer.duration_ms = receipt.ended_at - began
        return answer

    def _judge(self, by: str, request: WebhookRequest) -> tuple[Receipt, Answer, float]:
        endpoint_id = request.url.rpartition("/")[2]
        kind = self._spell(endpoint_id)
        chance = self._chance
        if kind == "flaky":
            kind = chance.choice(("", "error", "lost answers", "slow"))
        seconds = chance.random() * 0.4
        answer, is_taken = Answer(status=204), True
        if kind == "error":
            answer, is_taken = Answer(status=500, error="answered 500"), False
        elif kind == "busy":
            wait = str(chance.randint(1, 1_800))
            answer, is_taken = Answer(status=429, error="answered 429", retry_after=wait), False
        elif kind == "maintenance":
            answer, is_taken = Answer(status=503, error="answered 503"), False
        elif kind == "silent":
            answer, is_taken = Answer(status=0, error="no answer"), False
            seconds = self._total_seconds
        elif kind == "lost answers":
            answer = Answer(status=0, error="the connection broke")
        elif kind == "gone":
            answer, is_taken = Answer(status=410, error="answered 410"), False
        elif kind == "slow":
            seconds = 1 + chance.random() * self._total_seconds * 0.9
        if kind:
            self._ledger.fault(f"receiver: {kind}")
        headers = request.headers
        receipt = Receipt(
            at=self._clock.true_ms(),
            endpoint_id=endpoint_id,
            # What is told of an endpoint itself stands in no parcel's line.
            tracking_id=headers.get("parcelwire-tracking-id", ""),
            sequence=int(headers.get("parcelwire-sequence", "0")),
            message_id=headers["webhook-id"],
            event_type=headers["parcelwire-event"],
            digest=_fact_of(request.body),
            by=by,
            is_taken=is_taken,
        )
        return receipt, answer, seconds

    def _spell(self, endpoint_id: str) -> str:
        if endpoint_id not in self._weather:
            self._weather[endpoint_id] = (
                *self._outage(endpoint_id),
                *spells(
                    self._chance,
                    self._plan.active,
                    _WEATHER,
                    most=8,
                    longest=self._plan.active // 3_000,
                ),
            )
        now = self._clock.true_ms()
        for start, end, kind in self._weather[endpoint_id]:
            if start <= now < end:
                return kind
        return ""

    def _outage(self, endpoint_id: str) -> tuple[tuple[int, int, str], ...]:
        """Return, in a long world, the days in which nothing is answered as it should be."""
        active = self._plan.active
        chance = random.Random(f"outage {endpoint_id} {self._plan.seed}")  # repeatable
        if active < _LONG or chance.random() < 0.3:
            return ()
        start = chance.randrange(active * 3 // 4)
        end = start + chance.randint(2 * DAY, 12 * DAY)
        return ((start, min(end, active), chance.choice(("error", "error", "silent"))),)


def _fact_of(body: bytes) -> str:
    """Return a fingerprint of what a message says; v2's signature in the body changes by time."""
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    fields.pop("verifyInfo", None)
    fields.pop("skipped", None)
    whole = b"".join(bytes(fields[name]) for name in sorted(fields))
    return hashlib.sha256(whole).hexdigest()[:16]


class ReceiversDoor:
    """The receivers as one process sees them. Implements ``webhooks.sender.Sender``."""

    def __init__(self, receivers: Receivers, by: str, living: Life) -> None:
        """``by`` names the process."""
        self._receivers = receivers
        self._by = by
        self._living = living

    async def send(self, request: WebhookRequest) -> Answer:
        """See ``webhooks.sender.Sender``."""
        self._living.check()
        return await self._receivers.take(self._by, self._living, request)

"""Sending by hand: a test event, one message again, many again in their order."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from parcelwire.api.house import House
from parcelwire.api.native.endpoint_shapes import EventType, Id, TestResult, attempt_object
from parcelwire.api.native.endpoints import about_one
from parcelwire.api.native.operations import Asked
from parcelwire.api.native.tracking_requests import When, end_of
from parcelwire.domain.access import WorldRule
from parcelwire.domain.clock import from_datetime
from parcelwire.webhooks.commands import MOST_REPLAYED, REPLAY_CONDITIONS, ReplayMessages
from parcelwire.webhooks.messages import Replayed
from parcelwire.webhooks.notices import EVENT_TYPES
from parcelwire.webhooks.ports import MessageState


class ReplayRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which messages to send again; all conditions together, and at least one of them."""

    created_min: Annotated[When | None, Meta(description="Made at this time or later")] = None
    created_max: Annotated[When | None, Meta(description="Made at this time or before")] = None
    states: Annotated[
        tuple[MessageState, ...],
        Meta(
            max_length=len(MessageState),
            description="`delivered`, `dead`; those still pending are sent anyway",
        ),
    ] = ()
    event_types: Annotated[tuple[EventType, ...], Meta(max_length=len(EVENT_TYPES))] = ()
    tracking_id: Id | None = None
    limit: Annotated[
        int, Meta(ge=1, le=MOST_REPLAYED, description="At most this many, the oldest first")
    ] = MOST_REPLAYED

    def command(self) -> ReplayMessages:
        """Return it as the use case takes it."""
        return ReplayMessages(
            created_min=None if self.created_min is None else from_datetime(self.created_min),
            created_max=None if self.created_max is None else end_of(self.created_max),
            states=self.states,
            event_types=self.event_types,
            tracking_id=self.tracking_id,
            limit=self.limit,
        )


def _having(name: str) -> dict[str, Any]:
    is_list = isinstance(getattr(ReplayMessages(), name), tuple)
    return {
        "required": [name],
        "properties": {name: {"minItems": 1} if is_list else {"type": "string"}},
    }


_BOUNDED: Final = Meta(extra_json_schema={"anyOf": [_having(name) for name in REPLAY_CONDITIONS]})
"""Tells in the description what the use case checks: one condition at least."""


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay did."""

    replayed_count: Annotated[int, Meta(description="How many messages are due again")]
    is_complete: Annotated[
        bool, Meta(description="False: `limit` was reached; go on with a later `created_min`")
    ]


async def send_test_event(house: House, asked: Asked) -> TestResult:
    """Send a made-up event now, and answer what came back."""
    message_id = await house.test_delivery.send(
        asked.world_id, asked.path["id"], once=asked.once(200, _begun)
    )
    # With an idempotency key the framework goes on from what was recorded.
    begun = _begun(message_id)
    return begun if asked.repeatable else await await_test(house, asked, begun)


def _begun(message_id: str) -> TestResult:
    return TestResult(message_id=message_id, is_delivered=False, attempt=None)


async def await_test(house: House, asked: Asked, begun: TestResult) -> TestResult:
    """Wait for the attempt of a test that was begun, however often it is asked for."""
    del asked
    attempt = await house.test_delivery.first_attempt(begun.message_id)
    if attempt is None:
        return begun
    return replace(begun, is_delivered=attempt.is_success, attempt=attempt_object(attempt))


async def replay_messages(house: House, asked: Asked) -> ReplayResult:
    """Make messages due again that were delivered or given up, in their order."""
    request: ReplayRequest = asked.body
    replayed = await house.messages.replay(
        asked.world_id, asked.path["id"], request.command(), once=asked.once(200, _replay_result)
    )
    return _replay_result(replayed)


def _replay_result(replayed: Replayed) -> ReplayResult:
    return ReplayResult(replayed_count=replayed.count, is_complete=replayed.is_complete)


OPERATIONS: Final = (
    about_one(
        name="send_test_event",
        method="POST",
        path="/endpoints/{id}/test",
        summary="Send a made-up event now, and answer what came back",
        handler=send_test_event,
        finish=await_test,
        answer=TestResult,
        scope="write",
        world=WorldRule.OWN,
        problems=("endpoint-disabled",),
        takes_idempotency_key=True,
    ),
    about_one(
        name="replay_messages",
        method="POST",
        path="/endpoints/{id}/replay",
        summary="Send messages again, in their order",
        handler=replay_messages,
        answer=ReplayResult,
        scope="write",
        world=WorldRule.OWN,
        request=Annotated[ReplayRequest, _BOUNDED],
        takes_idempotency_key=True,
        example={"created_min": "2026-03-01T00:00:00Z", "states": ["dead"]},
    ),
)

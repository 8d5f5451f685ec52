"""Sending by hand: a test event, one message again, many again in their order."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from parcelwire.api.house import House
from parcelwire.api.native.endpoint_shapes import EventType, Id, TestResult, attempt_object
from parcelwire.api.native.endpoints import about_one, find_endpoint
from parcelwire.api.native.operations import Asked
from parcelwire.api.native.problems import FieldError, ProblemError
from parcelwire.api.native.tracking_shapes import When
from parcelwire.domain.access import WorldRule
from parcelwire.domain.clock import SECOND, from_datetime
from parcelwire.webhooks.ports import MessageFilter, MessageState

MOST_REPLAYED: Final = 10_000


class ReplayRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which messages to send again; all conditions together, and at least one of them."""

    since: Annotated[When | None, Meta(description="Made at this time or later")] = None
    until: Annotated[When | None, Meta(description="Made at this time or before")] = None
    states: Annotated[
        tuple[MessageState, ...],
        Meta(max_length=3, description="`delivered`, `dead`; those still pending are sent anyway"),
    ] = ()
    event_types: Annotated[tuple[EventType, ...], Meta(max_length=5)] = ()
    tracking_id: Id | None = None
    limit: Annotated[
        int, Meta(ge=1, le=MOST_REPLAYED, description="At most this many, the oldest first")
    ] = MOST_REPLAYED


def _having(name: str, **of: Any) -> dict[str, Any]:
    return {"required": [name], "properties": {name: of}}


_BOUNDED: Final = Meta(
    extra_json_schema={
        "anyOf": [
            _having("since", type="string"),
            _having("until", type="string"),
            _having("states", minItems=1),
            _having("event_types", minItems=1),
            _having("tracking_id", type="string"),
        ]
    }
)
"""Tells in the description what the handler checks: one condition at least."""


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay did."""

    replayed: Annotated[int, Meta(description="How many messages are due again")]
    is_complete: Annotated[
        bool, Meta(description="False: `limit` was reached; go on with a later `since`")
    ]


async def send_test_event(house: House, asked: Asked) -> TestResult:
    """Send a made-up event now, and answer what came back."""
    endpoint = await find_endpoint(house, asked)
    if not endpoint.is_enabled:
        why = "paused" if endpoint.is_paused else f"disabled: {endpoint.disabled_why}"
        raise ProblemError("endpoint-off", f"it is {why}; nothing was sent")
    message = house.desk.compose_test(endpoint)
    begun = TestResult(message_id=message.id, is_delivered=False, attempt=None)
    await house.store.add_messages([message], once=asked.once(200, lambda _: begun))
    # With an idempotency key the framework goes on from what was recorded.
    return begun if asked.repeatable else await await_test(house, asked, begun)


async def await_test(house: House, asked: Asked, begun: TestResult) -> TestResult:
    """Wait for the attempt of a test that was begun, however often it is asked for."""
    del asked
    attempt = await house.desk.first_attempt(begun.message_id)
    if attempt is None:
        return begun
    return replace(
        begun,
        is_delivered=200 <= attempt.status <= 299,
        attempt=attempt_object(attempt),
    )


async def replay_messages(house: House, asked: Asked) -> ReplayResult:
    """Make messages due again that were delivered or given up, in their order."""
    request: ReplayRequest = asked.body
    conditions = (request.since, request.until, request.tracking_id)
    if not any((*conditions, request.states, request.event_types)):
        message = "name at least one of since, until, states, event_types and tracking_id"
        raise ProblemError("body-invalid", message, errors=(FieldError("", message),))
    endpoint = await find_endpoint(house, asked)
    where = MessageFilter(
        endpoint_id=endpoint.id,
        tracking_id=request.tracking_id,
        states=request.states,
        event_types=request.event_types,
        created_min=None if request.since is None else from_datetime(request.since),
        created_max=None if request.until is None else end_of(request.until),
    )

    def answer(count: int) -> ReplayResult:
        return ReplayResult(replayed=count, is_complete=count < request.limit)

    count = await house.store.replay(
        asked.world_id,
        where,
        house.clock.now(),
        limit=request.limit,
        once=asked.once(200, answer),
    )
    house.desk.wake()
    return answer(count)


def end_of(moment: datetime) -> int:
    """Return the last millisecond of a time that is told to the second, as ours are shown."""
    return from_datetime(moment) + (0 if moment.microsecond else SECOND - 1)


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
        problems=("endpoint-off",),
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
        example={"since": "2026-03-01T00:00:00Z", "states": ["dead"]},
    ),
)

"""Words an event for the endpoints that want it: one message each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from parcelwire.domain.account import Endpoint
from parcelwire.domain.changes import (
    STATUS_CHANGED,
    UPDATED,
    CheckpointAdded,
    Event,
    StatusChanged,
)
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import Instant, to_datetime
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import Identifiers, NewMessage
from parcelwire.webhooks.native import render_native

Renderer = Callable[[Tracking, Event], bytes]
"""Gives the JSON of ``data`` in one dialect."""

TRACKING_EVENT_TYPES = (STATUS_CHANGED, UPDATED)
TEST_EVENT_TYPE = "endpoint.test"
"""The type of the message that shows whether an endpoint works."""

_log = logging.getLogger(__name__)


class MessageComposer:
    """Makes the messages of an event. Implements ``tracking.ports.Composer``."""

    def __init__(self, renderers: Mapping[str, Renderer], identifiers: Identifiers) -> None:
        """``renderers`` by dialect; the native one is there already."""
        self._renderers: dict[str, Renderer] = {"native": render_native, **renderers}
        self._identifiers = identifiers

    def compose(
        self, event: Event, tracking: Tracking, endpoints: Sequence[Endpoint]
    ) -> tuple[NewMessage, ...]:
        """Return one message per endpoint of the event's world that wants its status and type.

        Disabled endpoints get theirs too: the messages wait until the endpoint is enabled again.
        """
        payloads: dict[str, bytes] = {}
        messages = []
        for endpoint in endpoints:
            if endpoint.world_id != event.world_id or not wants(
                endpoint, status=event.status, event_type=event.type
            ):
                continue
            payload = payloads.get(endpoint.dialect)
            if payload is None:
                render = self._renderers.get(endpoint.dialect)
                if render is None:
                    # Nobody can create such an endpoint; a row from a newer version is the way to
                    # get here, and it must not keep the parcel's own state from being stored.
                    _log.error(
                        "webhooks: endpoint %s wants the dialect %s, which is not known here",
                        endpoint.id,
                        endpoint.dialect,
                    )
                    continue
                payload = payloads[endpoint.dialect] = render(tracking, event)
            messages.append(self._message(endpoint, event, event.type, payload))
        return tuple(messages)

    def compose_test(self, endpoint: Endpoint, now: Instant) -> NewMessage:
        """Return a message about a made-up parcel, for trying out an endpoint.

        It stands in no parcel's sequence and the endpoint's filters do not apply.

        Raises:
            ValueError: when nobody can render the endpoint's dialect.
        """
        render = self._renderers.get(endpoint.dialect)
        if render is None:
            msg = f"no such webhook dialect: {endpoint.dialect}"
            raise ValueError(msg)
        tracking, event = _sample(endpoint, now, self._identifiers)
        return self._message(endpoint, event, TEST_EVENT_TYPE, render(tracking, event))

    @property
    def dialects(self) -> tuple[str, ...]:
        """The dialects that endpoints may choose from."""
        return tuple(self._renderers)

    def _message(
        self, endpoint: Endpoint, event: Event, event_type: str, payload: bytes
    ) -> NewMessage:
        return NewMessage(
            id=self._identifiers.new_id(event.at),
            endpoint_id=endpoint.id,
            world_id=endpoint.world_id,
            tracking_id=event.tracking_id,
            sequence=event.sequence,
            event_id=event.id,
            event_type=event_type,
            payload=payload,
            created_at=event.at,
        )


def wants(endpoint: Endpoint, *, status: str, event_type: str) -> bool:
    """Tell whether an endpoint subscribed to events with this status and of this type."""
    is_wanted = not endpoint.statuses or status in endpoint.statuses
    return is_wanted and wants_type(endpoint, event_type)


def wants_type(endpoint: Endpoint, event_type: str) -> bool:
    """Tell whether an endpoint subscribed to events of this type."""
    return not endpoint.event_types or event_type in endpoint.event_types


def _sample(endpoint: Endpoint, now: Instant, identifiers: Identifiers) -> tuple[Tracking, Event]:
    checkpoint = Checkpoint(
        local_time=to_datetime(now).strftime("%Y-%m-%dT%H:%M:%S"),
        offset_minutes=0,
        time_source=TimeSource.CARRIER,
        text="This is a test message. No parcel is on its way.",
        status=Status.TRANSIT,
        substatus=Substatus.TRANSIT,
        received_at=now,
    )
    tracking = Tracking(
        id=identifiers.new_id(now),
        world_id=endpoint.world_id,
        number="TEST000000001",
        typed_number="TEST000000001",
        courier_code="simulated",
        created_at=now,
        updated_at=now,
        page_token="",
        sequence=1,
        status=Status.TRANSIT,
        substatus=Substatus.TRANSIT,
        checkpoints=(checkpoint,),
    )
    event = Event(
        id=identifiers.new_id(now),
        world_id=endpoint.world_id,
        tracking_id=tracking.id,
        sequence=1,
        at=now,
        status=Status.TRANSIT,
        substatus=Substatus.TRANSIT,
        changes=(
            StatusChanged(
                from_status=Status.PENDING,
                from_substatus=None,
                to_status=Status.TRANSIT,
                to_substatus=Substatus.TRANSIT,
            ),
            CheckpointAdded(checkpoint=checkpoint),
        ),
    )
    return tracking, event

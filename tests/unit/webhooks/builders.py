"""Trackings, events, endpoints and messages for the tests of the webhooks room."""

from __future__ import annotations

import base64
import random
from typing import Any

import msgspec

from parcelwire.domain.account import Account, Endpoint
from parcelwire.domain.changes import CheckpointAdded, Event, StatusChanged
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import Instant
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Details, Tracking
from parcelwire.webhooks.ports import ClaimedMessage, Message, MessageState

NOW: Instant = 1_772_359_200_000  # 2026-03-01T10:00:00Z
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ACCOUNT = Account(number=1, email="shop@example.com")
WORLD = 2


class Identifiers:
    """Ids that look like real ones and are the same in every run."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def new_id(self, now: Instant) -> str:
        return f"{now:012x}{self._random.getrandbits(80):020x}"

    def new_token(self) -> str:
        return f"{self._random.getrandbits(160):040x}"


def make_checkpoint(**fields: Any) -> Checkpoint:
    return Checkpoint(
        **{
            "local_time": "2026-03-01T09:30:00",
            "offset_minutes": 60,
            "time_source": TimeSource.CARRIER,
            "text": "Im Sortierzentrum eingetroffen",
            "status": Status.TRANSIT,
            "substatus": Substatus.TRANSIT_AT_HUB,
            "raw_code": "LETTER.*.88.912",
            "location": "Härkingen",
            "received_at": NOW,
            **fields,
        }
    )


def make_tracking(**fields: Any) -> Tracking:
    return Tracking(
        **{
            "id": "0" * 31 + "1",
            "world_id": WORLD,
            "number": "990000000000000001",
            "typed_number": "99.00.000000.00000001",
            "courier_code": "swiss-post",
            "created_at": NOW,
            "updated_at": NOW,
            "page_token": "page-token-that-must-not-leak",
            "sequence": 1,
            "status": Status.TRANSIT,
            "substatus": Substatus.TRANSIT_AT_HUB,
            "checkpoints": (make_checkpoint(),),
            "details": Details(order_number="A-1"),
            **fields,
        }
    )


def make_event(tracking: Tracking, **fields: Any) -> Event:
    return Event(
        **{
            "id": f"{tracking.sequence:032x}",
            "world_id": tracking.world_id,
            "tracking_id": tracking.id,
            "sequence": tracking.sequence,
            "at": NOW,
            "status": tracking.status,
            "substatus": tracking.substatus,
            "changes": (
                StatusChanged(
                    from_status=Status.PENDING,
                    from_substatus=None,
                    to_status=tracking.status,
                    to_substatus=tracking.substatus,
                ),
                *(CheckpointAdded(checkpoint=one) for one in tracking.checkpoints),
            ),
            **fields,
        }
    )


def make_endpoint(**fields: Any) -> Endpoint:
    return Endpoint(
        **{
            "id": "e" * 32,
            "world_id": WORLD,
            "url": "https://shop.example.com/hook",
            "dialect": "native",
            "secret": SECRET,
            "created_at": NOW,
            **fields,
        }
    )


def make_message(**fields: Any) -> Message:
    return Message(
        **{
            "id": "a" * 32,
            "endpoint_id": "e" * 32,
            "world_id": WORLD,
            "tracking_id": "0" * 31 + "1",
            "sequence": 3,
            "event_id": "b" * 32,
            "event_type": "tracking.status_changed",
            "payload": b'{"id":"1"}',
            "created_at": NOW,
            "state": MessageState.PENDING,
            "attempts": 0,
            "due_at": NOW,
            **fields,
        }
    )


def make_claimed(endpoint: Endpoint | None = None, **fields: Any) -> ClaimedMessage:
    return ClaimedMessage(make_message(**fields), endpoint or make_endpoint())


def plain_renderer(tracking: Tracking, event: Event) -> bytes:
    """A stand-in for the dialects of the api room, which the webhooks room may not import."""
    return msgspec.json.encode(
        {
            "id": tracking.id,
            "tracking_number": tracking.number,
            "status": event.status,
            "sequence": event.sequence,
        }
    )

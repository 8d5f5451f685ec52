"""Made-up trackings, changes, messages and polls, as dice and clock have it, each only once."""

from __future__ import annotations

import random
from collections.abc import Sequence

from msgspec.structs import replace

from parcelwire.domain.account import Endpoint, world_of
from parcelwire.domain.changes import Event, StatusChanged
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import MINUTE, FrozenClock
from parcelwire.domain.status import DEFAULT_SUBSTATUS, Status
from parcelwire.domain.tracking import Tracking, make_page_token
from parcelwire.tracking.ports import NewMessage, NewTracking, PollState, RawResponse, Save

WORLD = world_of(1, is_test=False)


class Maker:
    """Makes what a life of the store needs. The same dice make the same things."""

    def __init__(self, clock: FrozenClock, dice: random.Random, first_number: int) -> None:
        self._clock = clock
        self._dice = dice
        self._count = first_number

    def number(self) -> int:
        """Return a number that was not given before."""
        self._count += 1
        return self._count

    def new_id(self) -> str:
        """Return an id as the house makes them."""
        return f"{self._clock.now():012x}{self.number():020x}"

    def text(self, longest: int) -> str:
        """Return up to so many characters of text."""
        return self._dice.randbytes(self._dice.randrange(longest // 2)).hex()

    def new_tracking(self) -> NewTracking:
        """Return a tracking to create."""
        identity, now = self.new_id(), self._clock.now()
        tracking = Tracking(
            id=identity,
            world_id=WORLD,
            number=f"N{self.number():08d}",
            typed_number=f"N{self._count:08d}",
            courier_code="swiss-post",
            created_at=now,
            updated_at=now,
            page_token=make_page_token(identity, f"secret-{self._count:08d}"),
        )
        return NewTracking(tracking=tracking, due_at=now, due_reason="new")

    def change(self, before: Tracking, endpoints: Sequence[Endpoint]) -> Save:
        """Return the next version of a tracking, with event and messages."""
        now = max(self._clock.now(), before.updated_at)
        status = self._dice.choice(list(Status))
        after = replace(
            before,
            version=before.version + 1,
            sequence=before.sequence + 1,
            status=status,
            substatus=DEFAULT_SUBSTATUS[status],
            is_archived=self._dice.random() < 0.2,
            checkpoints=(*before.checkpoints, self._checkpoint(len(before.checkpoints))),
            updated_at=now,
        )
        event = Event(
            id=self.new_id(),
            world_id=WORLD,
            tracking_id=after.id,
            sequence=after.sequence,
            at=now,
            status=status,
            substatus=after.substatus,
            changes=(
                StatusChanged(
                    from_status=before.status,
                    from_substatus=before.substatus,
                    to_status=status,
                    to_substatus=after.substatus,
                ),
            ),
        )
        messages = tuple(self._message(endpoint, event) for endpoint in endpoints)
        return Save(
            tracking=after,
            expected_version=before.version,
            event=event,
            messages=messages,
            poll=self.poll() if self._dice.random() < 0.7 else None,
            raw=self.raw_response(),
        )

    def _message(self, endpoint: Endpoint, event: Event) -> NewMessage:
        return NewMessage(
            id=self.new_id(),
            endpoint_id=endpoint.id,
            world_id=WORLD,
            tracking_id=event.tracking_id,
            sequence=event.sequence,
            event_id=event.id,
            event_type="tracking.updated",
            payload=self.text(1_500).encode(),
            created_at=event.at,
        )

    def _checkpoint(self, place: int) -> Checkpoint:
        return Checkpoint(
            local_time=f"2026-02-{place % 28 + 1:02d}T{place % 24:02d}:57:24",
            text=f"Sorting centre {place}: {self.text(120)}",
            offset_minutes=60,
            time_source=TimeSource.CARRIER,
            received_at=self._clock.now(),
        )

    def poll(self) -> PollState:
        """Return a poll state that no other is equal to."""
        return PollState(
            due_at=self._clock.now() + self._dice.choice((0, MINUTE)),
            due_reason="by plan",
            checked_at=self._clock.now(),
            checks=self.number(),
        )

    def raw_response(self) -> RawResponse | None:
        """Return a carrier's answer, or None."""
        if self._dice.random() < 0.5:
            return None
        body = self.text(2_000).encode()
        return RawResponse(at=self._clock.now(), connector="swiss_post", outcome="found", body=body)

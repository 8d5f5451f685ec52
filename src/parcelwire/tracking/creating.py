"""What became of what somebody wanted followed, in the words of the use cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import AlreadyExistsError, OverQuotaError, TrackingError
from parcelwire.tracking.ports import Creation, NewTracking, Once, PollState


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one draft of many: the tracking, or why not."""

    draft: Draft
    tracking: Tracking | None = None
    poll: PollState | None = None
    """When it is asked about first; given with ``tracking``."""
    error: TrackingError | None = None


def outcome_of(draft: Draft, new: NewTracking, creation: Creation) -> Outcome:
    """Return what the store's answer means for a draft."""
    if error := refusal_of(creation, new.tracking):
        return Outcome(draft=draft, error=error)
    poll = PollState(due_at=new.due_at, due_reason=new.due_reason)
    return Outcome(draft=draft, tracking=new.tracking, poll=poll)


def refusal_of(creation: Creation, tracking: Tracking) -> TrackingError | None:
    """Return why the store did not create ``tracking``; None when it did."""
    if creation.result == "exists":
        return AlreadyExistsError(
            creation.existing_id or "", tracking.number, tracking.courier_code
        )
    if creation.result == "over_quota":
        return OverQuotaError()
    return None


def told_as(once: Once | None, result_of: Callable[[Any], Any]) -> Once | None:
    """Return ``once`` for a store's write, where the caller's speaks of the use case's result.

    ``result_of`` turns what the write returns into what ``once.answer`` is given; like it, it runs
    inside the transaction.
    """
    if once is None:
        return None
    answer = once.answer
    return replace(once, answer=lambda written: answer(result_of(written)))

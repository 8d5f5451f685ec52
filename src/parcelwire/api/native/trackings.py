"""Trackings: have numbers followed, find them, change them, let them go."""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import UNSET

from parcelwire.accounts.quotas import tracking_quota
from parcelwire.api.house import House
from parcelwire.api.native import examples
from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.native.paging import (
    Page,
    PlaceId,
    PlaceInstant,
    make_cursor,
    read_cursor,
)
from parcelwire.api.native.tracking_filter import Conditions, ListQuery, filter_of
from parcelwire.api.native.tracking_requests import (
    TrackingBatchRequest,
    TrackingCreateRequest,
    TrackingUpdateRequest,
    details_given,
    draft_of,
    instant_of,
    order_date_of,
)
from parcelwire.api.native.tracking_shapes import (
    TrackingBatchItem,
    TrackingBatchResult,
    TrackingCounts,
    TrackingObject,
    tracking_object,
)
from parcelwire.api.native.use_case_errors import LOCATION, problem_of
from parcelwire.domain.access import WorldRule
from parcelwire.domain.status import Status
from parcelwire.tracking.creating import Outcome
from parcelwire.tracking.errors import NotFoundError
from parcelwire.tracking.ports import Stored, TrackingPlace
from parcelwire.tracking.slices import in_slices

PATH_TEXTS: Final = {"id": "Id of the tracking"}
DRAFT_PROBLEMS: Final = (
    "invalid-tracking-number",
    "courier-not-found",
    "courier-not-detected",
    "missing-required-fields",
    "quota-exceeded",
)

_ID: Final = re.compile(r"[0-9a-f]{32}\Z")
_KIND: Final = "trackings"
_EXAMPLE: Final = {
    "number": "99.60.123456.78901234",
    "courier_code": "swiss-post",
    "details": {"order_number": "1001", "title": "Two books", "destination_country": "CH"},
}

# --- handlers ---------------------------------------------------------------------------------


async def create_tracking(house: House, asked: Asked) -> Any:
    """Follow one number; the carrier is asked just after the answer."""

    stored = await house.service.create(
        asked.world_id,
        draft_of(asked.body),
        quota=tracking_quota(asked.account, asked.world_id),
        is_waiting=False,
        once=asked.once(201, lambda stored: tracking_object(house, stored)),
    )
    return tracking_object(house, stored)


async def create_trackings(house: House, asked: Asked) -> Any:
    """Follow many numbers in one transaction; each has its own outcome."""
    request: TrackingBatchRequest = asked.body

    def encode(outcomes: list[Outcome]) -> TrackingBatchResult:
        items = [
            _batch_item(house, one, outcome)
            for one, outcome in zip(request.trackings, outcomes, strict=True)
        ]
        return TrackingBatchResult(
            created_count=sum(one.problem is None for one in items), items=items
        )

    # The call itself is counted already.
    house.limiter.charge(asked.world_id, "create", len(request.trackings) - 1)
    outcomes = await house.service.create_many(
        asked.world_id,
        [draft_of(one) for one in request.trackings],
        quota=tracking_quota(asked.account, asked.world_id),
        once=asked.once(200, encode, had_effect=lambda answer: answer.created_count > 0),
    )
    return encode(outcomes)


def _batch_item(
    house: House, request: TrackingCreateRequest, outcome: Outcome
) -> TrackingBatchItem:
    problem = problem_of(outcome.error).problem if outcome.error is not None else None
    tracking: Any = None
    if outcome.tracking is not None and outcome.poll is not None:
        tracking = tracking_object(house, Stored(outcome.tracking, outcome.poll))
    return TrackingBatchItem(number=request.number, tracking=tracking, problem=problem)


async def list_trackings(house: House, asked: Asked) -> Page[Any]:
    """Answer one page of trackings, newest first."""
    query: ListQuery = asked.query
    after = None
    if query.cursor:
        after = TrackingPlace(*read_cursor(query.cursor, _KIND, tuple[PlaceInstant, PlaceId]))
    where = filter_of(house, query)

    async with house.reads.for_page(asked.world_id, where, query.limit):
        rows = await house.store.page_trackings(
            asked.world_id, where, after=after, limit=query.limit + 1
        )
        shown = await in_slices(lambda row: tracking_object(house, row), rows[: query.limit])
    next_cursor = None
    if has_more := len(rows) > query.limit:
        last = rows[query.limit - 1].tracking
        next_cursor = make_cursor(_KIND, last.created_at, last.id)
    return Page(items=shown, next_cursor=next_cursor, has_more=has_more)


async def count_trackings(house: House, asked: Asked) -> TrackingCounts:
    """Answer how many trackings there are of each status."""
    where = filter_of(house, asked.query)
    async with house.reads.for_count(asked.world_id, where):
        counts = await house.store.count_by_status(asked.world_id, where)
    return TrackingCounts(total=counts.total, by_status=counts, is_estimate=counts.is_estimate)


async def get_tracking(house: House, asked: Asked) -> Any:
    """Answer one tracking."""
    return tracking_object(house, await load(house, asked))


async def update_tracking(house: House, asked: Asked) -> Any:
    """Change what the shop says of a tracking."""
    patch: TrackingUpdateRequest = asked.body
    stored = await load(house, asked)
    details = details_given(patch.details) if patch.details is not UNSET else {}
    ordered_at = None
    if patch.ordered_at is not UNSET:
        ordered_at = instant_of(patch.ordered_at, "ordered_at")
        details["order_date"] = order_date_of(patch.ordered_at)
    override = patch.status_override
    stored = await house.service.update(
        stored,
        details=details,
        is_archived=None if patch.is_archived is UNSET else patch.is_archived,
        ordered_at=ordered_at,
        status_override=Status(override) if isinstance(override, str) else None,
        clears_override=override is None,
    )
    return tracking_object(house, stored)


async def delete_tracking(house: House, asked: Asked) -> None:
    """Delete a tracking for good."""
    tracking_id = id_of(asked)
    if not await house.service.delete(asked.world_id, [tracking_id]):
        raise NotFoundError(tracking_id)


# --- shared with the other calls about trackings ----------------------------------------------


def id_of(asked: Asked) -> str:
    """Return the id in the path.

    Raises:
        NotFoundError: nothing has such an id.
    """
    tracking_id = asked.path["id"]
    if not _ID.match(tracking_id):
        raise NotFoundError(tracking_id)
    return tracking_id


async def load(house: House, asked: Asked) -> Stored:
    """Return the tracking that the path names.

    Raises:
        NotFoundError: the key's world has no such tracking.
    """
    return await house.service.get(asked.world_id, id_of(asked))


OPERATIONS: Final = (
    Operation(
        name="list_trackings",
        method="GET",
        path="/trackings",
        summary="Trackings, newest first",
        handler=list_trackings,
        scope="read",
        world=WorldRule.OWN,
        answer=Page[TrackingObject],
        answer_example=examples.PAGE,
        query=ListQuery,
    ),
    Operation(
        name="create_tracking",
        method="POST",
        path="/trackings",
        summary="Follow a number",
        text="Answered as soon as it is stored, with status `pending`; its carrier is asked just"
        " after. A number that is followed with that courier already is refused, with its"
        " `Location`.",
        handler=create_tracking,
        answer=TrackingObject,
        success=201,
        scope="write",
        world=WorldRule.OWN,
        request=TrackingCreateRequest,
        problems=(*DRAFT_PROBLEMS, "tracking-already-exists"),
        takes_idempotency_key=True,
        location=LOCATION,
        example=_EXAMPLE,
        limit="create",
    ),
    Operation(
        name="create_trackings",
        method="POST",
        path="/trackings/batch",
        summary="Follow up to 200 numbers",
        text="All good ones are stored in one transaction; each number has its own outcome.",
        handler=create_trackings,
        answer=TrackingBatchResult,
        scope="write",
        world=WorldRule.OWN,
        request=TrackingBatchRequest,
        takes_idempotency_key=True,
        example={"trackings": [_EXAMPLE]},
        limit="create",
        counts_items=True,
    ),
    Operation(
        name="count_trackings",
        method="GET",
        path="/trackings/counts",
        summary="How many trackings there are of each status",
        handler=count_trackings,
        scope="read",
        world=WorldRule.OWN,
        answer=TrackingCounts,
        query=Conditions,
    ),
    Operation(
        name="get_tracking",
        method="GET",
        path="/trackings/{id}",
        summary="One tracking",
        handler=get_tracking,
        scope="read",
        world=WorldRule.OWN,
        answer=TrackingObject,
        answer_example=examples.TRACKING,
        path_texts=PATH_TEXTS,
        problems=("tracking-not-found",),
    ),
    Operation(
        name="update_tracking",
        method="PATCH",
        path="/trackings/{id}",
        summary="Change what is said of a tracking",
        handler=update_tracking,
        answer=TrackingObject,
        scope="write",
        world=WorldRule.OWN,
        path_texts=PATH_TEXTS,
        request=TrackingUpdateRequest,
        problems=("tracking-not-found", "tracking-unreadable", "tracking-busy"),
        example={"details": {"title": "Three books", "note": None}, "is_archived": True},
    ),
    Operation(
        name="delete_tracking",
        method="DELETE",
        path="/trackings/{id}",
        summary="Delete a tracking for good",
        text="Messages about it that were promised already are still sent.",
        handler=delete_tracking,
        success=204,
        scope="write",
        world=WorldRule.OWN,
        path_texts=PATH_TEXTS,
        problems=("tracking-not-found",),
    ),
)

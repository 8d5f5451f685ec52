"""Trackings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, Unpack

from parcelwire.client import calls
from parcelwire.client.aio.engine import AsyncEngine
from parcelwire.client.aio.pager import AsyncTrackingPager
from parcelwire.client.bulk_create import Chunk, interrupt, plan
from parcelwire.client.call_attempts import CallAttempts
from parcelwire.client.details import (
    Bound,
    TrackingCreateParams,
    TrackingDetails,
    fields_of,
    instant_text,
    joined,
    number_text,
)
from parcelwire.client.error_mapping import RETRACK_NOT_ALLOWED
from parcelwire.client.errors import (
    AmbiguousTrackingError,
    ConflictError,
    CreateManyResult,
    InvalidRequestError,
    NotFoundError,
    ParcelwireError,
    WaitError,
)
from parcelwire.client.models import Tracking, TrackingRef, UpdateResult
from parcelwire.client.naming import id_of, number_of, ref_of, seconds_of
from parcelwire.client.paging import Paging, Query
from parcelwire.client.unsupported import raise_missing

T = TypeVar("T")

NO_SUCH_NUMBER: Final = 4102
NATIVE_METHODS: Final = (
    "trackings.get_by_id",
    "trackings.search",
    "trackings.refresh",
    "trackings.events",
    "trackings.polls",
)
"""What only a Parcelwire has: ``AsyncNativeTrackings``."""


class AsyncTrackings:
    """Create, read, update and delete trackings."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    if not TYPE_CHECKING:
        # A type checker shall find that it is missing; a person is told why.
        def __getattr__(self, name: str) -> object:
            return raise_missing(self, name, *NATIVE_METHODS)

    async def create(
        self,
        tracking_number: str | int,
        courier_code: str | None = None,
        **details: Unpack[TrackingDetails],
    ) -> Tracking:
        """Start tracking one number; the result holds what its carrier says at once.

        ``courier_code`` None: the server finds it from the number (the hosted service insists on
        it). Tried again after a lost answer: if the lost try had been stored, the tracking that it
        made is the result.

        Raises:
            ConflictError: the number was already tracked; ``existing`` says as what.
            InvalidRequestError: something about the request is wrong.
            ParcelwireError: it came to nothing.
        """
        fields = fields_of(
            {"tracking_number": tracking_number, "courier_code": courier_code, **details}
        )
        attempts = self._engine.open(calls.create_tracking(fields))
        try:
            return await self._engine.run(attempts)
        except ConflictError as conflict:
            own = await self.recover_created(attempts, conflict, fields)
            if own is None:
                raise
            return own

    async def create_many(
        self, trackings: Iterable[str | TrackingCreateParams | Mapping[str, Any]]
    ) -> CreateManyResult:
        """Start tracking any number of numbers, 40 with each call. Each has its own fate.

        An item is a number, or a mapping with ``tracking_number`` and, as far as known,
        ``courier_code`` and details. Tried again after lost answers: what a lost try had stored
        counts as created.

        Raises:
            ParcelwireError: the server was away for longer than the retries last, or refuses the
                key. ``partial_result`` then holds what was done, item by item. To hand the same
                items in again later is safe: what exists is answered as a conflict.
        """
        result, chunks = plan(trackings)
        try:
            for chunk in chunks:
                await self.create_chunk(chunk)
        except ParcelwireError as error:
            interrupt(result, error)
            raise
        return result

    async def create_chunk(self, chunk: Chunk) -> CallAttempts[calls.BatchAnswer]:
        """Send one chunk of ``create_many`` and fill in its results."""
        attempts = self._engine.open(calls.create_batch(chunk.items, chunk.part))
        chunk.match(await self._engine.run(attempts))
        conflicts = chunk.conflicts() if attempts.maybe_applied else []
        if conflicts:
            # Which of them did the try make whose answer was lost? The younger ones.
            numbers = [result.tracking_number for result in conflicts]
            known = await self.list(tracking_numbers=numbers, page_size=200).all()
            made = {
                one.id for one in known if attempts.may_have_created(seconds_of(one.created_at))
            }
            chunk.claim(known, made)
        return attempts

    async def get(self, tracking_number: str | int, courier_code: str | None = None) -> Tracking:
        """Return the tracking of a number.

        Raises:
            NotFoundError: the number is not tracked.
            AmbiguousTrackingError: it is tracked with several couriers, and none was said.
            ParcelwireError: it came to nothing.
        """
        found = await self.find(tracking_number, courier_code)
        if found is None:
            msg = f"{tracking_number} is not tracked"
            raise NotFoundError(msg, code=NO_SUCH_NUMBER)
        return found

    async def find(
        self, tracking_number: str | int, courier_code: str | None = None
    ) -> Tracking | None:
        """Return the tracking of a number, or None if it is not tracked.

        Raises:
            AmbiguousTrackingError: it is tracked with several couriers, and none was said.
            ParcelwireError: it came to nothing, which is never told as None.
            TypeError: the number is neither text nor a whole number.
        """
        number = number_text(tracking_number)
        if not number.strip() or "," in number:
            msg = "one tracking number is needed"
            raise ValueError(msg)
        query: Query = {
            "tracking_numbers": number,
            "courier_code": courier_code or "",
            "items_amount": 200,
        }
        found = await self._engine.send(calls.list_trackings(query))
        if len(found) > 1:
            couriers = ", ".join(sorted({one.courier_code for one in found}))
            msg = f"{number} is tracked with several couriers: {couriers}"
            raise AmbiguousTrackingError(msg, tuple(found))
        return found[0] if found else None

    def list(
        self,
        *,
        tracking_numbers: Collection[str | int] | None = None,
        courier_code: str | None = None,
        status: str | Iterable[str] | None = None,
        is_archived: bool | None = None,
        created_date_min: Bound = None,
        created_date_max: Bound = None,
        updated_date_min: Bound = None,
        updated_date_max: Bound = None,
        language: str | None = None,
        page_size: int = 100,
    ) -> AsyncTrackingPager:
        """Return the trackings that fulfil all conditions, newest created first.

        Nothing is fetched before the result is iterated; pages of ``page_size`` (up to 200) are
        fetched as they are needed. Any number of ``tracking_numbers`` may be given; they are asked
        for by forty, in the order given, and only the trackings of each forty come newest first.
        None means no condition; an empty collection matches nothing.

        Raises:
            TypeError: a number is neither text nor a whole number.
            ValueError: a time without offset, or a page size out of range.
        """
        archived = {None: "", True: "true", False: "tracking"}[is_archived]
        statuses = joined(status)
        query: Query = {
            "courier_code": courier_code or "",
            "delivery_status": statuses or "",
            "archived_status": archived,
            "created_date_min": instant_text("created_date_min", created_date_min),
            "created_date_max": instant_text("created_date_max", created_date_max),
            "updated_date_min": instant_text("updated_date_min", updated_date_min),
            "updated_date_max": instant_text("updated_date_max", updated_date_max),
            "lang": language or "",
        }
        if isinstance(tracking_numbers, str):
            tracking_numbers = [tracking_numbers]
        numbers = None if tracking_numbers is None else [*map(number_text, tracking_numbers)]
        if statuses is None:
            numbers = []
        by_time = self._engine.settings.backend.pages_by_time

        def begin() -> Paging:
            return Paging(query, numbers, page_size, by_time=by_time)

        begin()  # a wrong page size is told here, not at the first item
        return AsyncTrackingPager(self._engine, begin)

    async def update(
        self,
        tracking: Tracking | TrackingRef | str,
        *,
        courier_code_new: str | None = None,
        is_archived: bool | None = None,
        **details: Unpack[TrackingDetails],
    ) -> UpdateResult:
        """Change what is given. None and the empty text change nothing.

        Raises:
            NotFoundError: there is no such tracking.
            ConflictError: the number is tracked with the new courier already.
            ParcelwireError: it came to nothing.
        """
        archived = {None: None, True: "true", False: "tracking"}[is_archived]
        fields = fields_of(
            {**details, "courier_code_new": courier_code_new, "archived_status": archived}
        )
        return await self._engine.send(calls.update_tracking(id_of(tracking), fields))

    async def delete(self, tracking: Tracking | TrackingRef | str) -> TrackingRef:
        """Delete a tracking for good, and return which it was.

        Raises:
            NotFoundError: there is no such tracking.
            ParcelwireError: it came to nothing.
        """
        attempts = self._engine.open(calls.delete_tracking(id_of(tracking)))
        try:
            return await self._engine.run(attempts)
        except NotFoundError:
            # Gone it is; most likely by the try whose answer was lost.
            if attempts.maybe_applied:
                return ref_of(tracking)
            raise

    async def retrack(self, tracking: Tracking | TrackingRef | str) -> TrackingRef:
        """Take an expired tracking up again.

        Raises:
            InvalidRequestError: it is not expired (4113).
            NotFoundError: there is no such tracking.
            ParcelwireError: it came to nothing.
        """
        attempts = self._engine.open(calls.retrack(id_of(tracking)))
        try:
            return await self._engine.run(attempts)
        except InvalidRequestError as error:
            # Not expired is what was wanted; most likely by the try whose answer was lost.
            if attempts.maybe_applied and error.code == RETRACK_NOT_ALLOWED:
                return ref_of(tracking)
            raise

    async def wait_until(
        self,
        tracking: Tracking | TrackingRef | str | int,
        status: str | Collection[str],
        *,
        courier_code: str | None = None,
        timeout_seconds: float,
        poll_seconds: float = 30.0,
    ) -> Tracking:
        """Look every ``poll_seconds`` until the parcel has ``status`` (or one of several).

        ``tracking`` may be a number. This looks at what the server knows and has no carrier asked;
        a webhook tells the same sooner and costs nothing.

        Raises:
            WaitError: it did not come within ``timeout_seconds``, or the parcel is not tracked any
                further; ``tracking`` is how it stood.
            NotFoundError: the number is not tracked (any more).
            ParcelwireError: a look came to nothing.
        """
        wanted = {status} if isinstance(status, str) else set(status)
        number, courier = number_of(tracking, courier_code)
        deadline = self._engine.monotonic() + timeout_seconds
        while True:
            found = await self.get(number, courier)
            if found.status in wanted:
                return found
            words = " or ".join(sorted(wanted))
            if found.is_updating is False:
                msg = f"{number} is {found.status} and no longer tracked, so never {words}"
                raise WaitError(msg, found)
            left = deadline - self._engine.monotonic()
            if left <= 0:
                msg = f"{number} is still {found.status} and not {words}"
                raise WaitError(msg, found)
            await self._engine.sleep(min(poll_seconds, left))

    async def recover_created(
        self, attempts: CallAttempts[T], conflict: ConflictError, fields: dict[str, str]
    ) -> Tracking | None:
        """Return what an earlier try of a create made, or None: it was there before."""
        if not attempts.maybe_applied:
            return None
        existing = conflict.existing
        query: Query = {
            "tracking_numbers": (existing and existing.tracking_number)
            or fields["tracking_number"],
            "courier_code": (existing and existing.courier_code) or fields.get("courier_code", ""),
            "items_amount": 200,
        }
        for found in await self._engine.send(calls.list_trackings(query)):
            is_it = existing is None or found.id == existing.id
            if is_it and attempts.may_have_created(seconds_of(found.created_at)):
                return found
        return None

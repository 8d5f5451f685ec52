# Generated from ../aio by tools/generate_sync.py: change that, and generate again.
"""Trackings of a Parcelwire, with the calls that TrackingMore's v4 does not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from parcelwire.client.details import Bound, instant_text, joined
from parcelwire.client.models import Tracking, TrackingRef
from parcelwire.client.naming import id_of
from parcelwire.client.sync.trackings import Trackings
from parcelwire.client.unsupported import require_native_api

if TYPE_CHECKING:
    from parcelwire.client.native_models import PollHistory
    from parcelwire.client.sync.history import TrackingEventPager


class NativeTrackings(Trackings):
    """Create, read, update, delete, search and refresh trackings."""

    def get_by_id(self, tracking_id: str) -> Tracking:
        """Return the tracking with this id; what v4 has no field for is in its ``extra``.

        Raises:
            NotFoundError: there is no such tracking.
            UnsupportedError: this is TrackingMore's service, which finds none by its id.
            ParcelwireError: the call failed.
        """
        from parcelwire.client import native_calls

        require_native_api(self._engine.settings.backend, "trackings.get_by_id")
        return self._engine.send(native_calls.read_tracking(tracking_id))

    def search(
        self,
        number_prefix: str,
        *,
        courier_code: str | None = None,
        status: str | Iterable[str] | None = None,
        is_archived: bool | None = None,
        created_date_min: Bound = None,
        created_date_max: Bound = None,
        updated_date_min: Bound = None,
        updated_date_max: Bound = None,
        page_size: int = 100,
    ) -> Iterator[Tracking]:
        """Yield the trackings whose number begins with ``number_prefix``, newest created first.

        The prefix has 3 letters and digits at least; anything else in it is ignored. The other
        conditions are those of ``list``. Pages of ``page_size`` (up to 200) are fetched as they are
        needed.

        Raises:
            InvalidRequestError: the prefix is too short, or a condition is wrong.
            UnsupportedError: this is TrackingMore's service, which does not search.
            ParcelwireError: a page could not be fetched.
            ValueError: a time without offset.
        """
        from parcelwire.client import native_calls

        require_native_api(self._engine.settings.backend, "trackings.search")
        statuses = joined(status)
        query = {
            "number_prefix": "".join(filter(str.isalnum, number_prefix)),
            "courier_code": courier_code,
            "status": statuses.split(",") if statuses else (),
            "is_archived": None if is_archived is None else str(is_archived).lower(),
            "created_min": instant_text("created_date_min", created_date_min),
            "created_max": instant_text("created_date_max", created_date_max),
            "updated_min": instant_text("updated_date_min", updated_date_min),
            "updated_max": instant_text("updated_date_max", updated_date_max),
            "limit": page_size,
        }
        cursor: str | None = None
        while statuses is not None:
            page = self._engine.send(native_calls.find_trackings({**query, "cursor": cursor}))
            numbers = {one.tracking_number for one in page.items if one.tracking_number}
            read = self.list(tracking_numbers=numbers, page_size=200).all()
            by_id = {one.id: one for one in read}
            for one in page.items:
                if one.id in by_id:  # else it was deleted a moment ago
                    yield by_id[one.id]
            cursor = page.next_cursor
            if not page.has_more or not cursor:
                return

    def refresh(
        self, tracking: Tracking | TrackingRef | str | int, courier_code: str | None = None
    ) -> Tracking:
        """Have the carrier asked now, and return the tracking as it stands then.

        ``tracking`` may be a number, with its courier where it is tracked with several. A carrier
        that was asked a moment ago is not asked again: what it said then is returned.

        Raises:
            NotFoundError: the number is not tracked.
            UnsupportedError: this is TrackingMore's service, which asks carriers when it likes.
            ParcelwireError: it came to nothing.
        """
        from parcelwire.client import native_calls

        require_native_api(self._engine.settings.backend, "trackings.refresh")
        if not isinstance(tracking, Tracking | TrackingRef):
            tracking = self.get(tracking, courier_code)
        asked = self._engine.send(native_calls.refresh_tracking(tracking.id))
        # The courier may have been corrected meanwhile.
        number = asked.tracking_number or tracking.tracking_number
        return self.get(number or "", asked.courier_code)

    def events(
        self, tracking: Tracking | TrackingRef | str, *, page_size: int = 100
    ) -> TrackingEventPager:
        """Return what changed of a parcel (or of the id of one), newest first.

        Nothing is fetched before the result is iterated. Events are kept for 30 days at least.

        Raises:
            UnsupportedError: this is TrackingMore's service, which tells no events.
        """
        from parcelwire.client.sync.history import TrackingEventPager

        require_native_api(self._engine.settings.backend, "trackings.events")
        return TrackingEventPager(self._engine, id_of(tracking), page_size)

    def polls(self, tracking: Tracking | TrackingRef | str) -> PollHistory:
        """Return how the carrier was asked about a parcel (or the id of one) of late, what came of
        it, and when and why it is asked next.

        Raises:
            NotFoundError: there is no such tracking.
            UnsupportedError: this is TrackingMore's service, which does not tell.
            ParcelwireError: it came to nothing.
        """
        from parcelwire.client import native_calls

        require_native_api(self._engine.settings.backend, "trackings.polls")
        return self._engine.send(native_calls.read_polls(id_of(tracking)))

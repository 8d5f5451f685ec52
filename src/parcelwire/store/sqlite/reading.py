"""Trackings: reading one at a time, its answers and its events.

Where a document cannot be read, the columns beside it tell what they can: ``store.unreadable``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from parcelwire.domain.changes import Event
from parcelwire.domain.tracking import Tracking, id_of_page_token
from parcelwire.store.codec import unpack
from parcelwire.store.past_polls import decode_trails
from parcelwire.store.sqlite import feed_queries, poll_queries, queries
from parcelwire.store.sqlite.base import Part
from parcelwire.store.sqlite.connection import Row
from parcelwire.store.sqlite.ids import id_value, public_id
from parcelwire.store.sqlite.rows import name_of, poll_of, stored_of
from parcelwire.store.stand_ins import StandIns
from parcelwire.store.unreadable import stand_in
from parcelwire.tracking.ports import PastPoll, PollState, RawResponse, Stored

LARGEST: Final = (1 << 63) - 1


class Reading(StandIns, Part):
    """The part of ``TrackingStore`` that reads one tracking."""

    async def load(self, world_id: int, tracking_id: str) -> Stored | None:
        """See ``TrackingStore``."""
        rows = await self._reader.rows(queries.LOAD, (id_value(tracking_id), world_id))
        return await self._first(rows)

    async def load_many(self, tracking_ids: Sequence[str]) -> list[Stored]:
        """See ``TrackingStore``."""
        found: list[Stored] = []
        for tracking_id in dict.fromkeys(tracking_ids):
            rows = await self._reader.rows(queries.LOAD_ANY_WORLD, (id_value(tracking_id),))
            found += self._unreadable.each(stored_of, rows, name_of)
        return found

    async def find(
        self, world_id: int, number: str, courier_code: str | None = None
    ) -> list[Stored]:
        """See ``TrackingStore``."""
        if courier_code is None:
            rows = await self._reader.rows(queries.FIND, (world_id, number))
        else:
            rows = await self._reader.rows(
                queries.FIND_WITH_COURIER, (world_id, number, courier_code)
            )
        found = await self._stored(rows)
        if len(found) > 1:
            found.sort(key=lambda one: (one.tracking.created_at, one.tracking.id), reverse=True)
        return found

    async def find_by_page_token(self, page_token: str) -> Stored | None:
        """See ``TrackingStore``."""
        tracking_id = id_of_page_token(page_token)
        if tracking_id is None:
            return None
        rows = await self._reader.rows(queries.FIND_BY_PAGE, (id_value(tracking_id), page_token))
        return await self._first(rows)

    async def raw_responses(self, tracking_id: str, limit: int = 10) -> list[RawResponse]:
        """See ``TrackingStore``."""
        rows = await self._reader.rows(queries.RAW_RESPONSES, (id_value(tracking_id), limit))
        return self._unreadable.each(
            _raw_response, rows, lambda row: f"an answer about tracking {tracking_id} of {row[0]}"
        )

    async def past_polls(self, tracking_id: str, limit: int = 20) -> list[PastPoll]:
        """See ``TrackingStore``."""
        rows = await self._reader.rows(poll_queries.PAST_POLLS, (id_value(tracking_id),))
        return decode_trails(rows[0], limit) if rows else []

    async def events_after(self, world_id: int, cursor: int, limit: int) -> list[tuple[int, Event]]:
        """See ``TrackingStore``."""

        async def fetch(after: int, most: int) -> list[Row]:
            return await self._reader.rows(feed_queries.EVENTS_AFTER, (world_id, after, most))

        return await self._unreadable.events(fetch, cursor, limit)

    async def events_of(
        self, world_id: int, tracking_id: str, *, before: int | None = None, limit: int = 50
    ) -> list[tuple[int, Event]]:
        """See ``TrackingStore``."""
        end = LARGEST if before is None else max(-LARGEST, min(before, LARGEST))
        identity = id_value(tracking_id)

        async def fetch(end: int, most: int) -> list[Row]:
            return await self._reader.rows(feed_queries.EVENTS_OF, (identity, end, world_id, most))

        return await self._unreadable.events(fetch, end, limit)

    def _stored_of(self, row: Row) -> Stored:
        return stored_of(row)

    def _poll_of(self, row: Row) -> PollState:
        return poll_of(row)

    def _name_of(self, row: Row) -> str:
        return name_of(row)

    async def _stand_in(self, row: Row) -> Tracking | None:
        rows = await self._reader.rows(queries.STAND_IN, (row[-1],))
        return stand_in((public_id(rows[0][0]), *rows[0][1:])) if rows else None


def _raw_response(row: Row) -> RawResponse:
    at, connector, outcome, packed = row
    return RawResponse(at=at, connector=connector, outcome=outcome, body=unpack(packed))

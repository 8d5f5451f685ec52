"""Trackings on PostgreSQL: reading one at a time, and its answers.

Where a document cannot be read, the columns beside it tell what they can: ``store.unreadable``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from parcelwire.domain.tracking import Tracking, id_of_page_token
from parcelwire.store.codec import decode_tracking, unpack
from parcelwire.store.past_polls import decode_trails
from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.pool import Row
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import is_id, key_of, only_ids
from parcelwire.store.stand_ins import StandIns
from parcelwire.store.unreadable import UNREADABLE, Unreadable, stand_in
from parcelwire.tracking.ports import PastPoll, PollState, RawResponse, Stored
from parcelwire.tracking.slices import in_slices

_SQL: Final = load_queries("trackings.sql")


class Reading(StandIns):
    """The part of ``TrackingStore`` that reads one tracking."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unreadable = Unreadable()

    async def load(self, world_id: int, tracking_id: str) -> Stored | None:
        """See ``TrackingStore``."""
        if not is_id(tracking_id):
            return None
        rows = await self._database.fetch(_SQL["load"], tracking_id, world_id)
        return await self._first(rows)

    async def load_many(self, tracking_ids: Sequence[str]) -> list[Stored]:
        """See ``TrackingStore``."""
        ids = only_ids(tracking_ids)
        rows = await self._database.fetch(_SQL["load_many"], ids)
        return self._unreadable.each(_stored_of, rows, _name_of)

    async def find(
        self, world_id: int, number: str, courier_code: str | None = None
    ) -> list[Stored]:
        """See ``TrackingStore``."""
        courier = None if courier_code is None else key_of(courier_code)
        rows = await self._database.fetch(_SQL["find"], world_id, key_of(number), courier)
        return await self._stored(rows)

    async def find_by_page_token(self, page_token: str) -> Stored | None:
        """See ``TrackingStore``."""
        tracking_id = id_of_page_token(page_token)
        if tracking_id is None:
            return None
        rows = await self._database.fetch(
            _SQL["find_by_page_token"], tracking_id, key_of(page_token)
        )
        return await self._first(rows)

    async def raw_responses(self, tracking_id: str, limit: int = 10) -> list[RawResponse]:
        """See ``TrackingStore``."""
        if not is_id(tracking_id):
            return []
        rows = await self._database.fetch(_SQL["raw_responses"], tracking_id, limit)
        return self._unreadable.each(
            _raw_response, rows, lambda row: f"an answer about tracking {tracking_id} of {row[0]}"
        )

    async def past_polls(self, tracking_id: str, limit: int = 20) -> list[PastPoll]:
        """See ``TrackingStore``."""
        if not is_id(tracking_id):
            return []
        rows = await self._database.fetch(_SQL["past_polls"], tracking_id)
        return decode_trails(rows[0], limit) if rows else []

    def _stored_of(self, row: Row) -> Stored:
        return _stored_of(row)

    def _poll_of(self, row: Row) -> PollState:
        return _poll_of(row)

    def _name_of(self, row: Row) -> str:
        return _name_of(row)

    def _rendition(self, row: Row) -> bytes | None:
        return self._unreadable.read(_rendition_of, row, _name_of)

    async def _rendered(
        self, rows: Sequence[Row], render: Callable[[Tracking], bytes]
    ) -> list[bytes]:
        """Return the renditions of rows; one that cannot be read is made again."""
        try:
            return await in_slices(_rendition_of, rows)
        except UNREADABLE:
            found = await in_slices(self._rendition, rows)
        shown = []
        for one, row in zip(found, rows, strict=True):
            if one is not None:
                shown.append(one)
                continue
            documents = await self._database.fetch(_SQL["load_many"], [row[-1].hex])
            shown += [render(stored.tracking) for stored in await self._stored(documents)]
        return shown

    async def _stand_in(self, row: Row) -> Tracking | None:
        rows = await self._database.fetch(_SQL["stand_in"], row[-1].hex)
        return stand_in((rows[0][0].hex, *rows[0][1:])) if rows else None


def _stored_of(row: Row) -> Stored:
    return Stored(decode_tracking(row[0]), _poll_of(row))


def _poll_of(row: Row) -> PollState:
    return PollState(
        due_at=row[1],
        due_reason=row[2],
        leased_until=row[3],
        checked_at=row[4],
        last_outcome=row[5],
        last_detail=row[6],
        checks=row[7],
        probe_courier=row[8],
    )


def _rendition_of(row: Row) -> bytes:
    return unpack(row[0])


def _name_of(row: Row) -> str:
    return f"tracking {row[-1].hex}"


def _raw_response(row: Row) -> RawResponse:
    at, connector, outcome, body = row
    return RawResponse(at=at, connector=connector, outcome=outcome, body=unpack(body))

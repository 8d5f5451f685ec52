"""What became of parcels, for counting, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from parcelwire.store.journeys import bounds, check_columns, counts_of, day_number, newest
from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import is_id, key_of
from parcelwire.tracking import journeys
from parcelwire.tracking.journeys import Journey, JourneyColumn, JourneyCounts, JourneyFilter

_SQL: Final = load_queries("journeys.sql")

_CONDITIONS: Final = ("courier_code", "origin", "destination")


class Journeys:
    """``JourneyStore``."""

    _database: Database

    async def save_journeys(self, rows: Sequence[Journey]) -> int:
        """See ``JourneyStore``."""
        wanted = [_row(row) for row in newest(rows) if is_id(row.tracking_id)]
        if not wanted:
            return 0
        columns = [list(column) for column in zip(*wanted, strict=True)]
        found = await self._database.fetch(_SQL["save"], *columns, is_repeatable=True)
        return int(found[0][0])

    async def count_journeys(
        self, world_id: int, where: JourneyFilter, by: Sequence[JourneyColumn]
    ) -> JourneyCounts:
        """See ``JourneyStore``."""
        names = check_columns(by)
        asked = [name for name in _CONDITIONS if getattr(where, name) is not None]
        columns = ", ".join(names)
        is_wanted = " and ".join(f"{name} = ${place}" for place, name in enumerate(asked, 5))
        rows = await self._database.fetch(
            f"select {columns}, count(*) filter (where is_wanted), count(*) from ("  # noqa: S608  (names of a closed set)
            f"select {columns}, {is_wanted or 'true'} as is_wanted from journey"
            " where world_id = $1 and created_on between $2::int and $3::int"
            " order by world_id desc, created_on desc limit $4"
            f") as newest group by {columns}",
            world_id,
            *bounds(where),
            journeys.MOST_COUNTED,
            *(key_of(getattr(where, name)) for name in asked),
        )
        return counts_of(rows, names)


def _row(row: Journey) -> tuple[Any, ...]:
    return (
        row.tracking_id,
        row.version,
        key_of(row.courier_code),
        _optional(row.origin),
        _optional(row.destination),
        row.status.value,
        day_number(row.ended_on),
        row.transit_days,
        day_number(row.promised_on),
        row.is_on_time,
        row.is_first_attempt,
        _optional(row.reason),
        row.had_exception,
        day_number(row.created_on),
    )


def _optional(text: str | None) -> str | None:
    return None if text is None else key_of(text)

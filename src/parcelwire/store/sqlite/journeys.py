"""What became of parcels, for counting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import apsw

from parcelwire.store.journeys import bounds, check_columns, counts_of, day_number, newest
from parcelwire.store.sqlite.base import Part
from parcelwire.store.sqlite.ids import id_value
from parcelwire.tracking import journeys
from parcelwire.tracking.journeys import Journey, JourneyColumn, JourneyCounts, JourneyFilter

# A tracking that is gone gives no row. Its day is where the row is found again.
SAVE: Final = """
INSERT INTO journey (
    world_id, created_on, key, version, courier_code, origin, destination, status, ended_on,
    transit_days, promised_on, is_on_time, is_first_attempt, reason, had_exception
)
SELECT world_id, created_at / 86400000, key, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
FROM tracking WHERE id = ?1
ON CONFLICT (world_id, created_on, key) DO UPDATE SET
    version = excluded.version, courier_code = excluded.courier_code, origin = excluded.origin,
    destination = excluded.destination, status = excluded.status, ended_on = excluded.ended_on,
    transit_days = excluded.transit_days, promised_on = excluded.promised_on,
    is_on_time = excluded.is_on_time, is_first_attempt = excluded.is_first_attempt,
    reason = excluded.reason, had_exception = excluded.had_exception
WHERE version <= excluded.version
"""

# created_on is created_at's day: with it the row is found in the table's own order.
DELETE: Final = """
DELETE FROM journey WHERE key = ?1 AND world_id = ?2
    AND created_on = (SELECT created_at / 86400000 FROM tracking WHERE key = ?1)
"""

_CONDITIONS: Final = ("courier_code", "origin", "destination")


class Journeys(Part):
    """``JourneyStore``."""

    async def save_journeys(self, rows: Sequence[Journey]) -> int:
        """See ``JourneyStore``."""
        wanted = [_row(row) for row in newest(rows)]
        if not wanted:
            return 0

        def work(connection: apsw.Connection) -> int:
            before = connection.total_changes()
            connection.executemany(SAVE, wanted)
            return connection.total_changes() - before

        return await self._write(work)

    async def count_journeys(
        self, world_id: int, where: JourneyFilter, by: Sequence[JourneyColumn]
    ) -> JourneyCounts:
        """See ``JourneyStore``."""
        names = check_columns(by)
        asked = [name for name in _CONDITIONS if getattr(where, name) is not None]
        columns = ", ".join(names)
        is_wanted = " AND ".join(f"{name} = ?" for name in asked) or "TRUE"
        rows = await self._reader.scan(
            f"SELECT {columns}, sum(is_wanted), count(*) FROM ("  # noqa: S608  (names of a closed set)
            f"SELECT {columns}, ({is_wanted}) IS TRUE AS is_wanted FROM journey"
            " WHERE world_id = ? AND created_on BETWEEN ? AND ?"
            " ORDER BY created_on DESC, key DESC LIMIT ?"
            f") GROUP BY {columns}",
            (
                *(getattr(where, name) for name in asked),
                world_id,
                *bounds(where),
                journeys.MOST_COUNTED,
            ),
        )
        return counts_of(rows, names)


def _row(row: Journey) -> tuple[Any, ...]:
    return (
        id_value(row.tracking_id),
        row.version,
        row.courier_code,
        row.origin,
        row.destination,
        row.status.value,
        day_number(row.ended_on),
        row.transit_days,
        day_number(row.promised_on),
        row.is_on_time,
        row.is_first_attempt,
        row.reason,
        row.had_exception,
    )

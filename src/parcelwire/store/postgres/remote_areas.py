"""The operator's table of remote areas, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.pool import Link
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import key_of
from parcelwire.store.rules import place_key

_SQL: Final = load_queries("remote_areas.sql")


class RemoteAreas:
    """Looks up and replaces the table of remote areas."""

    _database: Database

    async def replace_remote_areas(self, rows: Iterable[tuple[str, str, str]]) -> int:
        """See ``InstallationStore``."""
        records = sorted(
            {
                (key_of(country.upper()), key_of(place_key(place)), key_of(company))
                for country, place, company in rows
            }
        )

        async def work(link: Link) -> None:
            # Of two that replace at once, the later one's table stands, whole. Readers do not wait.
            await link.execute(_SQL["lock_remote_areas"])
            await link.execute(_SQL["clear_remote_areas"])
            await link.copy_records_to_table(
                "remote_area", records=records, columns=("country", "place", "company")
            )

        await self._database.transact(work)
        return len(records)

    async def remote_area(self, country: str, postcode_or_town: str) -> list[str]:
        """See ``TrackingStore``."""
        rows = await self._database.fetch(
            _SQL["remote_area"],
            key_of(country.upper()),
            key_of(place_key(postcode_or_town)),
        )
        return [row[0] for row in rows]

    async def has_remote_areas(self) -> bool:
        """See ``TrackingStore``."""
        rows = await self._database.fetch(_SQL["has_remote_areas"])
        return bool(rows[0][0])

"""The operator's table of remote areas."""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from parcelwire.store.rules import place_key
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.base import Part
from parcelwire.store.sqlite.connection import fetch


class RemoteAreas(Part):
    """Looks up and replaces the table of remote areas."""

    async def replace_remote_areas(self, rows: Iterable[tuple[str, str, str]]) -> int:
        """See ``InstallationStore``."""
        items = [(country.upper(), place_key(place), company) for country, place, company in rows]

        def work(connection: apsw.Connection) -> int:
            connection.execute(queries.FORGET_REMOTE_AREAS)
            connection.executemany(queries.ADD_REMOTE_AREA, items)
            ((count,),) = fetch(connection, queries.COUNT_REMOTE_AREAS)
            return int(count)

        return await self._write(work)

    async def remote_area(self, country: str, postcode_or_town: str) -> list[str]:
        """See ``TrackingStore``."""
        place = (country.upper(), place_key(postcode_or_town))
        return [company for (company,) in await self._reader.rows(queries.REMOTE_AREA, place)]

    async def has_remote_areas(self) -> bool:
        """See ``TrackingStore``."""
        ((has_rows,),) = await self._reader.rows(queries.HAS_REMOTE_AREAS)
        return bool(has_rows)

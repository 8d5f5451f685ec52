"""Which keys seal, and sealing anew what others have sealed, on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from parcelwire.domain.account import Connection, Endpoint
from parcelwire.domain.clock import Instant
from parcelwire.domain.sealing import SealingKey, id_of, key_id_in, key_id_of
from parcelwire.store.codec import decode_connection, encode_json
from parcelwire.store.postgres.endpoints import SEALED, endpoint_of
from parcelwire.store.postgres.key_naming import SQL, KeyNaming
from parcelwire.store.postgres.pool import Link, Row
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import key_of as column_of
from parcelwire.store.sealing import (
    LOST_WHY,
    UNREADABLE_CONNECTION,
    UNREADABLE_ENDPOINT,
    UNREADABLE_KINDS,
    is_under,
    place_of_answer,
    place_of_endpoint,
)
from parcelwire.store.unreadable import UNREADABLE, Unreadable

_ACCOUNTS = load_queries("accounts.sql")

_FIRST = UUID(int=0)
"""Before every id."""

_WALK_SECONDS = 600.0
"""Counting walks over all answers that are kept."""


class Sealings(KeyNaming):
    """``SealingStore``."""

    _unreadable: Unreadable

    async def sealing_keys(self) -> list[SealingKey]:
        """See ``SealingStore``."""
        return [_key(row) for row in await self._database.fetch(SQL["keys"])]

    async def register_first_key(
        self, fingerprint: str, now: Instant, *, older: Sequence[str] = ()
    ) -> list[SealingKey]:
        """See ``SealingStore``."""

        async def work(link: Link) -> list[SealingKey]:
            # A row that is not there yet cannot be locked.
            await link.fetch(SQL["lock_keys"])
            if not await link.fetch(SQL["keys"]):
                await link.fetch(SQL["add_key"], fingerprint, now, True)
                for one in older:
                    await link.fetch(SQL["add_key"], one, now, False)
            return [_key(row) for row in await link.fetch(SQL["keys"])]

        return await self._database.transact(work)

    async def begin_rotation(self, before: str, after: str, now: Instant) -> list[SealingKey]:
        """See ``SealingStore``."""

        async def work(link: Link) -> list[SealingKey]:
            await link.fetch(SQL["lock_keys"])
            if [row[0] for row in await link.fetch(SQL["keys"])] == [before]:
                await link.fetch(SQL["step_down"])
                await link.fetch(SQL["add_key"], after, now, True)
            return [_key(row) for row in await link.fetch(SQL["keys"])]

        return await self._database.transact(work)

    async def reseal(self, *, limit: int, only_open: bool = False) -> int:
        """See ``SealingStore``."""

        async def work(link: Link) -> int:
            key = await self._sealing_key(link)
            if not key:
                return 0
            done = await self._seal_endpoints(link, key, limit)
            if not only_open:
                done += await self._reseal_endpoints(link, key, limit - done)
                done += await self._reseal_answers(link, key, limit - done)
                done += await self._reseal_connections(link, key, limit - done)
            return done

        return await self._database.transact(work)

    async def _seal_endpoints(self, link: Link, key: str, limit: int) -> int:
        """Seal what lies open; what cannot be read is passed over."""
        done, after = 0, _FIRST
        while rows := await link.fetch(SQL["open_endpoints"], after, limit - done):
            for row in rows:
                endpoint = self._read_endpoint(row)
                if endpoint is not None:
                    again = self._sealing.seal_endpoint(endpoint, key)
                    await link.fetch(SQL["seal_endpoint"], row[0], again)
                    done += 1
            after = rows[-1][0]
            if done >= limit:
                break
        return done

    async def _reseal_endpoints(self, link: Link, key: str, limit: int) -> int:
        # What is sealed lies beside the other columns, which need not be read for it.
        rows = await link.fetch(SQL["old_endpoints"], id_of(key), limit) if limit > 0 else []
        for place, sealed in rows:
            again = self._sealing.under(sealed, place_of_endpoint(place.hex), key)
            await link.fetch(SQL["seal_endpoint"], place, again)
        return len(rows)

    def _read_endpoint(self, row: Row) -> Endpoint | None:
        return self._unreadable.read(endpoint_of, row, lambda row: f"endpoint {row[0].hex}")

    async def _reseal_answers(self, link: Link, key: str, limit: int) -> int:
        rows = await link.fetch(SQL["old_answers"], id_of(key), limit) if limit > 0 else []
        for world_id, name, sealed in rows:
            again = self._sealing.under(sealed, place_of_answer(world_id, name), key)
            await link.fetch(SQL["seal_answer"], world_id, name, again)
        return len(rows)

    async def _reseal_connections(self, link: Link, key: str, limit: int) -> int:
        if limit <= 0:
            return 0
        found = [one async for _, _, one in self._connections(link, "old_connections")]
        old = [
            one for one in found if one is not None and not is_under(one.sealed_credentials, key)
        ][:limit]
        for one in old:
            kept = self._sealing.connection_under(one, key)
            values = (kept.account_number, kept.created_at, encode_json(kept))
            await link.fetch(_ACCOUNTS["save_connection"], column_of(kept.id), *values)
        return len(old)

    async def _connections(
        self, link: Link, query: str
    ) -> AsyncIterator[tuple[str, int, Connection | None]]:
        """Go through all with their ids and accounts; None for one that cannot be read."""
        for place, account_number, document in await link.fetch(SQL[query]):
            try:
                yield place, account_number, decode_connection(document)
            except UNREADABLE as error:
                self._unreadable.tell(f"carrier connection {place}", error)
                yield place, account_number, None

    async def end_rotation(self) -> int:
        """See ``SealingStore``."""

        async def work(link: Link) -> int:
            key = await self._sealing_key(link)
            if not key:
                return 0
            left = sum(
                count
                for (kind, key_id), count in (await self._counts(link)).items()
                if key_id != key_id_of(key) and kind not in UNREADABLE_KINDS
            )
            if not left:
                await link.fetch(SQL["forget_old"])
            return left

        return await self._database.transact(work)

    async def reset_keys(
        self, fingerprint: str, now: Instant, *, held: Sequence[str]
    ) -> dict[str, int]:
        """See ``SealingStore``."""
        ids = {key_id_of(one) for one in held}

        async def work(link: Link) -> dict[str, int]:
            lost: Counter[str] = Counter()
            await link.fetch(SQL["lock_keys"])
            for row in await link.fetch(SQL["all_sealed"]):
                if key_id_in(row[SEALED]) not in ids:
                    await link.fetch(SQL["lose_endpoint"], row[0], LOST_WHY)
                    lost["endpoint"] += 1
            for world_id, name, sealed in await link.fetch(SQL["all_answers"]):
                if key_id_in(sealed) not in ids:
                    await link.fetch(SQL["seal_answer"], world_id, name, b"")
                    lost["answer"] += 1
            async for place, account_number, one in self._connections(link, "old_connections"):
                # Which key one that cannot be read needs is not known: it stays.
                if one is not None and key_id_in(one.sealed_credentials) not in ids:
                    await link.fetch(_ACCOUNTS["delete_connection"], account_number, place)
                    lost["connection"] += 1
            await link.fetch(SQL["forget_all"])
            await link.fetch(SQL["add_key"], fingerprint, now, True)
            for fingerprint_held in dict.fromkeys(held):
                if fingerprint_held != fingerprint:
                    await link.fetch(SQL["add_key"], fingerprint_held, now, False)
            return dict(lost)

        return await self._database.transact(work)

    async def drop_old_copies(self) -> None:
        """See ``SealingStore``."""
        await self._database.fetch("vacuum endpoint", timeout=_WALK_SECONDS)

    async def sealed_counts(self) -> dict[tuple[str, str], int]:
        """See ``SealingStore``."""
        return await self._database.transact(self._counts)

    async def _counts(self, link: Link) -> dict[tuple[str, str], int]:
        counts: Counter[tuple[str, str]] = Counter()
        for kind, key_id, count in await link.fetch(SQL["counts"], timeout=_WALK_SECONDS):
            counts[kind, key_id] += count
        for row in await link.fetch(SQL["all_open"], timeout=_WALK_SECONDS):
            kind = "endpoint" if self._read_endpoint(row) is not None else UNREADABLE_ENDPOINT
            counts[kind, ""] += 1
        async for _, _, one in self._connections(link, "all_connections"):
            if one is None:
                counts[UNREADABLE_CONNECTION, ""] += 1
            else:
                counts["connection", key_id_in(one.sealed_credentials)] += 1
        return dict(counts)


def _key(row: Row) -> SealingKey:
    return SealingKey(fingerprint=row[0], added_at=row[1], is_current=row[2])

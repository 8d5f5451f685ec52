"""Which keys seal, and sealing anew what others have sealed, on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

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
    is_under,
    place_of_answer,
    place_of_endpoint,
)

_ACCOUNTS = load_queries("accounts.sql")

_WALK_SECONDS = 600.0
"""Counting walks over all answers that are kept."""


class Sealings(KeyNaming):
    """``SealingStore``."""

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
            done = await self._reseal_endpoints(link, key, limit, only_open=only_open)
            if not only_open:
                done += await self._reseal_answers(link, key, limit - done)
                done += await self._reseal_connections(link, key, limit - done)
            return done

        return await self._database.transact(work)

    async def _reseal_endpoints(self, link: Link, key: str, limit: int, *, only_open: bool) -> int:
        rows = (
            await link.fetch(SQL["open_endpoints"], limit)
            if only_open
            else await link.fetch(SQL["old_endpoints"], id_of(key), limit)
        )
        for row in rows:
            if row[SEALED]:
                again = self._sealing.under(row[SEALED], place_of_endpoint(row[0].hex), key)
            else:
                again = self._sealing.seal_endpoint(endpoint_of(row), key)
            await link.fetch(SQL["seal_endpoint"], row[0], again)
        return len(rows)

    async def _reseal_answers(self, link: Link, key: str, limit: int) -> int:
        rows = await link.fetch(SQL["old_answers"], id_of(key), limit) if limit > 0 else []
        for world_id, name, sealed in rows:
            again = self._sealing.under(sealed, place_of_answer(world_id, name), key)
            await link.fetch(SQL["seal_answer"], world_id, name, again)
        return len(rows)

    async def _reseal_connections(self, link: Link, key: str, limit: int) -> int:
        if limit <= 0:
            return 0
        old = [
            one
            for row in await link.fetch(SQL["old_connections"])
            if not is_under((one := decode_connection(row[0])).sealed_credentials, key)
        ][:limit]
        for one in old:
            kept = self._sealing.connection_under(one, key)
            values = (kept.account_number, kept.created_at, encode_json(kept))
            await link.fetch(_ACCOUNTS["save_connection"], column_of(kept.id), *values)
        return len(old)

    async def end_rotation(self) -> int:
        """See ``SealingStore``."""

        async def work(link: Link) -> int:
            key = await self._sealing_key(link)
            if not key:
                return 0
            counts = await _counts(link)
            left = sum(count for (_, key_id), count in counts.items() if key_id != key_id_of(key))
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
            for row in await link.fetch(SQL["old_connections"]):
                one = decode_connection(row[0])
                if key_id_in(one.sealed_credentials) not in ids:
                    place = (one.account_number, column_of(one.id))
                    await link.fetch(_ACCOUNTS["delete_connection"], *place)
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
        return await self._database.transact(_counts)


async def _counts(link: Link) -> dict[tuple[str, str], int]:
    counts: Counter[tuple[str, str]] = Counter()
    for kind, key_id, count in await link.fetch(SQL["counts"], timeout=_WALK_SECONDS):
        counts[kind, key_id] += count
    for row in await link.fetch(_ACCOUNTS["list_connections"], None):
        counts["connection", key_id_in(decode_connection(row[0]).sealed_credentials)] += 1
    return dict(counts)


def _key(row: Row) -> SealingKey:
    return SealingKey(fingerprint=row[0], added_at=row[1], is_current=row[2])

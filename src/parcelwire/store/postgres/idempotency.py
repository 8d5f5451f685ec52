"""Idempotency keys: an answer is stored in the transaction of the effect that it tells of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from parcelwire.domain.clock import Instant
from parcelwire.store.codec import pack_answer, unpack_answer
from parcelwire.store.postgres.key_naming import KeyNaming
from parcelwire.store.postgres.pool import Link, Row
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import key_of
from parcelwire.store.sealing import place_of_answer
from parcelwire.tracking.ports import AlreadyDoneError, IdempotencyRecord, Once

_SQL: Final = load_queries("trackings.sql")

T = TypeVar("T")


class IdempotencyMixin(KeyNaming):
    """Writes that happen once, and the records of them."""

    async def _write_once(
        self,
        effect: Callable[[Link], Awaitable[T]],
        once: Once,
        *,
        counts: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """Do ``effect`` in one transaction, unless its idempotency key is taken.

        Nothing is recorded when its result does not count (it wrote nothing, and will be tried
        again), or has no answer (it was refused).

        The key is taken first: a second one with it waits until the first has come to its end, and
        then finds the record, or does the work because there is none. So it may be sent again when
        nobody knows whether it was carried out.

        Raises:
            AlreadyDoneError: when it was carried out before.
        """
        place = (once.world_id, key_of(once.key))

        async def work(link: Link) -> T:
            while not await link.fetch(_SQL["take_key"], *place, once.fingerprint, once.at):
                for row in await link.fetch(_SQL["find_idempotency_record"], *place):
                    raise AlreadyDoneError(self._record_of(once.world_id, once.key, row))
                # Forgotten between the two statements: the key is free again.
            result = await effect(link)
            if not counts(result) or (answered := once.answer(result)) is None:
                await link.fetch(_SQL["free_key"], *place)
                return result
            status, body = answered
            sealed = b""
            if once.secret:
                key = await self._sealing_key(link)
                bound_to = place_of_answer(once.world_id, key_of(once.key))
                sealed = self._sealing.seal(once.secret.encode(), bound_to, key)
            await link.fetch(_SQL["fill_key"], *place, status, pack_answer(body), sealed)
            return result

        return await self._database.transact(work)

    async def find_idempotency_record(self, world_id: int, key: str) -> IdempotencyRecord | None:
        """See ``TrackingStore``."""
        rows = await self._database.fetch(_SQL["find_idempotency_record"], world_id, key_of(key))
        return self._record_of(world_id, key, rows[0]) if rows else None

    async def prune_idempotency_records(self, before: Instant, *, limit: int = 1_000) -> int:
        """See ``TrackingStore``."""
        rows = await self._database.fetch(
            _SQL["prune_idempotency_records"], before, max(0, limit), is_repeatable=False
        )
        return int(rows[0][0])

    def _record_of(self, world_id: int, key: str, row: Row) -> IdempotencyRecord:
        fingerprint, at, status, body, sealed = row
        bound_to = place_of_answer(world_id, key_of(key))
        secret = self._sealing.open(sealed, bound_to) if sealed else b""
        return IdempotencyRecord(
            fingerprint=fingerprint,
            at=at,
            status=status,
            body=unpack_answer(body),
            secret=secret.decode(),
        )

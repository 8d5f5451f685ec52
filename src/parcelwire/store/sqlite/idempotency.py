"""Idempotency keys: an answer is stored in the transaction of the effect that it tells of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import apsw

from parcelwire.domain.clock import Instant
from parcelwire.store.codec import pack_answer, unpack_answer
from parcelwire.store.sealing import place_of_answer
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.base import Part, Work
from parcelwire.store.sqlite.connection import Row, fetch
from parcelwire.tracking.ports import AlreadyDoneError, IdempotencyRecord, Once

T = TypeVar("T")

PRUNED_AT_ONCE: Final = 250
"""Records deleted in one transaction: others wait for the writer meanwhile."""


class IdempotencyMixin(Part):
    """Writes that happen once, and the records of them."""

    async def _write_once(
        self,
        work: Work[T],
        once: Once | None,
        *,
        counts: Callable[[T], bool] = lambda _: True,
        rows: int = 1,
    ) -> T:
        """Do ``work`` in the next transaction, unless its idempotency key is taken.

        Nothing is recorded when its result does not count (it wrote nothing, and will be tried
        again), or has no answer (it was refused).

        Raises:
            AlreadyDoneError: when it is.
        """
        if once is None:
            return await self._write(work, rows=rows)

        def inside(connection: apsw.Connection) -> T | IdempotencyRecord:
            # Told by what it returns: an error would undo the whole group of works.
            found = fetch(connection, queries.FIND_DONE, (once.world_id, once.key))
            if found:
                return self._record_of(once.world_id, once.key, found[0])
            result = work(connection)
            if not counts(result) or (answered := once.answer(result)) is None:
                return result
            status, body = answered
            sealed = b""
            if once.secret:
                place = place_of_answer(once.world_id, once.key)
                key = self._sealing_key(connection)
                sealed = self._sealing.seal(once.secret.encode(), place, key)
            connection.execute(
                queries.ADD_DONE,
                (
                    once.world_id,
                    once.key,
                    once.fingerprint,
                    once.at,
                    status,
                    pack_answer(body),
                    sealed,
                ),
            )
            return result

        outcome = await self._write(inside, world_id=once.world_id, rows=rows)
        if isinstance(outcome, IdempotencyRecord):
            raise AlreadyDoneError(outcome)
        return outcome

    async def find_idempotency_record(self, world_id: int, key: str) -> IdempotencyRecord | None:
        """See ``TrackingStore``."""
        rows = await self._reader.rows(queries.FIND_DONE, (world_id, key))
        return self._record_of(world_id, key, rows[0]) if rows else None

    async def prune_idempotency_records(self, before: Instant, *, limit: int = 1_000) -> int:
        """See ``TrackingStore``."""
        gone = 0
        while gone < limit:
            bindings = (before, min(PRUNED_AT_ONCE, limit - gone))

            def work(connection: apsw.Connection, bindings: tuple[int, int] = bindings) -> int:
                connection.execute(queries.PRUNE_DONE, bindings)
                return connection.changes()

            count = await self._write(work)
            gone += count
            if count < bindings[1]:
                break
        return gone

    def _record_of(self, world_id: int, key: str, row: Row) -> IdempotencyRecord:
        fingerprint, at, status, packed, sealed = row
        secret = self._sealing.open(sealed, place_of_answer(world_id, key)) if sealed else b""
        return IdempotencyRecord(
            fingerprint=fingerprint,
            at=at,
            status=status,
            body=unpack_answer(packed),
            secret=secret.decode(),
        )

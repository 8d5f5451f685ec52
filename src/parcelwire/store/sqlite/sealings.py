"""Which keys seal, and sealing anew what others have sealed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import apsw

from parcelwire.domain.account import Connection
from parcelwire.domain.clock import Instant
from parcelwire.domain.sealing import SealingKey, id_of, key_id_in, key_id_of
from parcelwire.store.codec import decode_connection, decode_endpoint, encode_json
from parcelwire.store.sealing import (
    UNREADABLE_CONNECTION,
    UNREADABLE_ENDPOINT,
    UNREADABLE_KINDS,
    is_under,
    place_of_answer,
    place_of_endpoint,
    without_lost,
    without_secrets,
)
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.base import Part
from parcelwire.store.sqlite.connection import fetch
from parcelwire.store.sqlite.ids import public_id
from parcelwire.store.unreadable import UNREADABLE

KEYS: Final = """
SELECT fingerprint, added_at, is_current FROM sealing_key ORDER BY is_current DESC, added_at
"""
ADD_KEY: Final = "INSERT INTO sealing_key (fingerprint, added_at, is_current) VALUES (?, ?, ?)"
STEP_DOWN: Final = "UPDATE sealing_key SET is_current = 0"
FORGET_OLD: Final = "DELETE FROM sealing_key WHERE is_current = 0"

# Bytes 4 to 7 of what is sealed are the id of its key; what lies open is empty.
OLD_ENDPOINTS: Final = """
SELECT key, id, sealed FROM endpoint WHERE sealed <> x'' AND substr(sealed, 4, 4) <> ?
ORDER BY key LIMIT ?
"""
RESEAL_ENDPOINT: Final = "UPDATE endpoint SET sealed = ? WHERE key = ?"
OPEN_ENDPOINTS: Final = """
SELECT key, id, document FROM endpoint WHERE sealed = x'' AND key > ? ORDER BY key LIMIT ?
"""
ALL_OPEN: Final = "SELECT id, document FROM endpoint WHERE sealed = x'' ORDER BY key"
SEAL_ENDPOINT: Final = "UPDATE endpoint SET document = ?, sealed = ? WHERE key = ?"
OLD_ANSWERS: Final = """
SELECT world_id, key, sealed FROM idempotency_record
WHERE sealed <> x'' AND substr(sealed, 4, 4) <> ?
ORDER BY at LIMIT ?
"""
SEAL_ANSWER: Final = "UPDATE idempotency_record SET sealed = ? WHERE world_id = ? AND key = ?"
ALL_SEALED: Final = "SELECT key, id, document, sealed FROM endpoint WHERE sealed <> x''"
LOSE_ENDPOINT: Final = """
UPDATE endpoint SET document = ?, sealed = x'', is_enabled = 0 WHERE key = ?
"""
UNSEAL_ENDPOINT: Final = "UPDATE endpoint SET sealed = x'', is_enabled = 0 WHERE key = ?"
CONNECTIONS: Final = "SELECT id, account_number, document FROM connection ORDER BY created_at, id"
ALL_ANSWERS: Final = "SELECT world_id, key, sealed FROM idempotency_record WHERE sealed <> x''"
FORGET_ALL: Final = "DELETE FROM sealing_key"
ENDPOINT_COUNTS: Final = """
SELECT lower(hex(substr(sealed, 4, 4))), count(*) FROM endpoint WHERE sealed <> x'' GROUP BY 1
"""
ANSWER_COUNTS: Final = """
SELECT lower(hex(substr(sealed, 4, 4))), count(*) FROM idempotency_record
WHERE sealed <> x'' GROUP BY 1
"""


class Sealings(Part):
    """``SealingStore``."""

    async def sealing_keys(self) -> list[SealingKey]:
        """See ``SealingStore``."""
        return [_key(*row) for row in await self._reader.rows(KEYS)]

    async def register_first_key(
        self, fingerprint: str, now: Instant, *, older: Sequence[str] = ()
    ) -> list[SealingKey]:
        """See ``SealingStore``."""

        def work(connection: apsw.Connection) -> list[SealingKey]:
            if not fetch(connection, KEYS):
                connection.execute(ADD_KEY, (fingerprint, now, 1))
                connection.executemany(ADD_KEY, [(one, now, 0) for one in older])
            return [_key(*row) for row in fetch(connection, KEYS)]

        return await self._write(work)

    async def begin_rotation(self, before: str, after: str, now: Instant) -> list[SealingKey]:
        """See ``SealingStore``."""

        def work(connection: apsw.Connection) -> list[SealingKey]:
            if [row[0] for row in fetch(connection, KEYS)] == [before]:
                connection.execute(STEP_DOWN)
                connection.execute(ADD_KEY, (after, now, 1))
            return [_key(*row) for row in fetch(connection, KEYS)]

        return await self._write(work)

    async def reseal(self, *, limit: int, only_open: bool = False) -> int:
        """See ``SealingStore``."""

        def work(connection: apsw.Connection) -> int:
            key = self._sealing_key(connection)
            if not key:
                return 0
            done = self._seal_endpoints(connection, key, limit)
            if not only_open:
                done += self._reseal_endpoints(connection, key, limit - done)
                done += self._reseal_answers(connection, key, limit - done)
                done += self._reseal_connections(connection, key, limit - done)
            return done

        return await self._write(work)

    def _seal_endpoints(self, connection: apsw.Connection, key: str, limit: int) -> int:
        """Seal what lies open; what cannot be read is passed over."""
        done, after = 0, 0
        while rows := fetch(connection, OPEN_ENDPOINTS, (after, limit - done)):
            for after, identity, document in rows:
                try:
                    endpoint = decode_endpoint(document)
                except UNREADABLE as error:
                    self._unreadable.tell(f"endpoint {public_id(identity)}", error)
                    continue
                again = self._sealing.seal_endpoint(endpoint, key)
                open_part = encode_json(without_secrets(endpoint))
                connection.execute(SEAL_ENDPOINT, (open_part, again, after))
                done += 1
            if done >= limit:
                break
        return done

    def _reseal_endpoints(self, connection: apsw.Connection, key: str, limit: int) -> int:
        # What is sealed lies beside the document, which need not be read for it.
        rows = fetch(connection, OLD_ENDPOINTS, (id_of(key), limit)) if limit > 0 else []
        for row_key, identity, sealed in rows:
            again = self._sealing.under(sealed, place_of_endpoint(public_id(identity)), key)
            connection.execute(RESEAL_ENDPOINT, (again, row_key))
        return len(rows)

    def _reseal_answers(self, connection: apsw.Connection, key: str, limit: int) -> int:
        rows = fetch(connection, OLD_ANSWERS, (id_of(key), limit)) if limit > 0 else []
        for world_id, name, sealed in rows:
            again = self._sealing.under(sealed, place_of_answer(world_id, name), key)
            connection.execute(SEAL_ANSWER, (again, world_id, name))
        return len(rows)

    def _reseal_connections(self, connection: apsw.Connection, key: str, limit: int) -> int:
        old = [
            one
            for _, _, one in self._connections(connection)
            if one is not None and not is_under(one.sealed_credentials, key)
        ][: max(0, limit)]
        for one in old:
            kept = self._sealing.connection_under(one, key)
            values = (kept.id, kept.account_number, kept.created_at, encode_json(kept))
            connection.execute(queries.SAVE_CONNECTION, values)
        return len(old)

    def _connections(
        self, connection: apsw.Connection
    ) -> Iterator[tuple[str, int, Connection | None]]:
        """Go through all with their ids and accounts; None for one that cannot be read."""
        for place, account_number, document in fetch(connection, CONNECTIONS):
            try:
                yield place, account_number, decode_connection(document)
            except UNREADABLE as error:
                self._unreadable.tell(f"carrier connection {place}", error)
                yield place, account_number, None

    async def end_rotation(self) -> int:
        """See ``SealingStore``."""

        def work(connection: apsw.Connection) -> int:
            key = self._sealing_key(connection)
            if not key:
                return 0
            left = sum(
                count
                for (kind, key_id), count in self._counts(connection).items()
                if key_id != key_id_of(key) and kind not in UNREADABLE_KINDS
            )
            if not left:
                connection.execute(FORGET_OLD)
            return left

        return await self._write(work)

    async def reset_keys(
        self, fingerprint: str, now: Instant, *, held: Sequence[str]
    ) -> dict[str, int]:
        """See ``SealingStore``."""
        ids = {key_id_of(one) for one in held}

        def work(connection: apsw.Connection) -> dict[str, int]:
            lost: Counter[str] = Counter()
            for row_key, identity, document, sealed in fetch(connection, ALL_SEALED):
                if key_id_in(sealed) not in ids:
                    try:
                        off = encode_json(without_lost(decode_endpoint(document)))
                    except UNREADABLE as error:
                        self._unreadable.tell(f"endpoint {public_id(identity)}", error)
                        connection.execute(UNSEAL_ENDPOINT, (row_key,))
                    else:
                        connection.execute(LOSE_ENDPOINT, (off, row_key))
                    lost["endpoint"] += 1
            for world_id, name, sealed in fetch(connection, ALL_ANSWERS):
                if key_id_in(sealed) not in ids:
                    connection.execute(SEAL_ANSWER, (b"", world_id, name))
                    lost["answer"] += 1
            for place, account_number, one in self._connections(connection):
                # Which key one that cannot be read needs is not known: it stays.
                if one is not None and key_id_in(one.sealed_credentials) not in ids:
                    connection.execute(queries.DELETE_CONNECTION, (account_number, place))
                    lost["connection"] += 1
            connection.execute(FORGET_ALL)
            connection.execute(ADD_KEY, (fingerprint, now, 1))
            others = [(one, now, 0) for one in dict.fromkeys(held) if one != fingerprint]
            connection.executemany(ADD_KEY, others)
            return dict(lost)

        return await self._write(work)

    async def drop_old_copies(self) -> None:
        """See ``SealingStore``."""
        await asyncio.to_thread(_fold_wal, self._path)

    async def sealed_counts(self) -> dict[tuple[str, str], int]:
        """See ``SealingStore``."""
        return await self._write(self._counts)

    def _counts(self, connection: apsw.Connection) -> dict[tuple[str, str], int]:
        counts: Counter[tuple[str, str]] = Counter()
        for kind, sql in (("endpoint", ENDPOINT_COUNTS), ("answer", ANSWER_COUNTS)):
            for key_id, count in fetch(connection, sql):
                counts[kind, key_id] += count
        for identity, document in fetch(connection, ALL_OPEN):
            try:
                decode_endpoint(document)
            except UNREADABLE as error:
                self._unreadable.tell(f"endpoint {public_id(identity)}", error)
                counts[UNREADABLE_ENDPOINT, ""] += 1
            else:
                counts["endpoint", ""] += 1
        for _, _, one in self._connections(connection):
            if one is None:
                counts[UNREADABLE_CONNECTION, ""] += 1
            else:
                counts["connection", key_id_in(one.sealed_credentials)] += 1
        return dict(counts)


def _fold_wal(path: Path) -> None:
    """Work the WAL into the file and empty it: both hold pages as they were until then."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(5_000)
        # Only a connection that has read knows of the WAL.
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:
        return  # somebody reads all the time; the next checkpoint does it
    finally:
        connection.close()


def _key(fingerprint: str, added_at: Instant, is_current: int) -> SealingKey:
    return SealingKey(fingerprint=fingerprint, added_at=added_at, is_current=bool(is_current))

"""Opening a database file as a restart does, and judging what is found.

It is opened by SQLite's own file layer, with nothing of the program's in between. An image is the
whole content of the database as a reader sees it: two that are equal byte by byte hold the same.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import apsw

from parcelwire.domain.changes import Event
from parcelwire.store.codec import decode_event, decode_tracking
from parcelwire.store.sqlite.ids import public_id

DATABASE: Final = "proof.db"

_NOTHING_OF: Final = {
    "a tracking without its document or poll": """
        SELECT count(*) FROM tracking t LEFT JOIN doc d ON d.key = t.key
        LEFT JOIN poll p ON p.key = t.key WHERE d.key IS NULL OR p.key IS NULL""",
    "a document without its tracking": """
        SELECT count(*) FROM doc WHERE key NOT IN (SELECT key FROM tracking)""",
    "a poll without its tracking": """
        SELECT count(*) FROM poll WHERE key NOT IN (SELECT key FROM tracking)""",
    "a carrier's answer without its tracking": """
        SELECT count(*) FROM raw_response WHERE tracking_key NOT IN (SELECT key FROM tracking)""",
    "a counter that is wrong": """
        SELECT count(*) FROM (
            SELECT world_id, status, is_archived, sum(n) AS n FROM (
                SELECT world_id, status, is_archived, 1 AS n FROM tracking
                UNION ALL SELECT world_id, status, is_archived, -total FROM counter)
            GROUP BY 1, 2, 3 HAVING sum(n) <> 0)""",
    "a message without its payload": """
        SELECT count(*) FROM message m LEFT JOIN payload y ON y.key = m.key WHERE y.key IS NULL""",
    "a pending message that stands in no queue": """
        SELECT count(*) FROM message m WHERE m.state = 'pending' AND NOT EXISTS (
            SELECT 1 FROM delivery_queue q
            WHERE q.endpoint_id = m.endpoint_id AND q.tracking_id = m.tracking_id)""",
    "a queue whose head is not pending": """
        SELECT count(*) FROM delivery_queue q JOIN message m ON m.key = q.message_key
        WHERE m.state <> 'pending'""",
    "an attempt of no message": """
        SELECT count(*) FROM attempt WHERE message_key NOT IN (SELECT key FROM message)""",
    "more tries counted than attempts kept": """
        SELECT count(*) FROM message m
        WHERE m.attempts > (SELECT count(*) FROM attempt a WHERE a.message_key = m.key)""",
}
"""Questions of which the answer must be 0: what one transaction stores is there together."""


class Bench:
    """A folder in which files are laid out and opened, over and over."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / DATABASE
        self._folder = folder

    def lay_out(self, files: Mapping[str, bytes]) -> None:
        """Put exactly these files there, and nothing else that SQLite would find."""
        names = {DATABASE, f"{DATABASE}-wal", f"{DATABASE}-journal", f"{DATABASE}-shm"}
        for name in names - set(files):
            with suppress(FileNotFoundError):
                (self._folder / name).unlink()
        for name, content in files.items():
            (self._folder / name).write_bytes(content)

    @contextmanager
    def opened(self) -> Iterator[apsw.Connection]:
        """Open the database as it lies there; what it recovers is not written back.

        Raises:
            apsw.Error: it is none, or damaged.
        """
        connection = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            # Closing would work the WAL into the file, and others want to open what lies there.
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            yield connection
        finally:
            connection.close(force=True)

    @property
    def is_there(self) -> bool:
        """Whether there is a database file at all."""
        return self.path.exists()


def image_of(connection: apsw.Connection) -> bytes:
    """Return what tells the whole content of a database from another's, 16 bytes."""
    # Before its first read SQLite takes the page size from the file, whose header may be torn while
    # the WAL holds the good one; `serialize` asks for it first and reads afterwards.
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    return hashlib.blake2b(connection.serialize("main") or b"", digest_size=16).digest()


EMPTY: Final = hashlib.blake2b(b"", digest_size=16).digest()
"""The image of a database in which nothing was ever written."""


def damage_of(connection: apsw.Connection) -> list[str]:
    """Return what SQLite itself finds broken."""
    rows = connection.execute("PRAGMA integrity_check(5)").fetchall()
    return [] if rows == [("ok",)] else [f"damaged: {text}" for (text,) in rows]


class Consistency:
    """Looks for halves of transactions in databases of one life."""

    def __init__(self, told: Mapping[str, tuple[str, ...]] | None) -> None:
        """``told``: of every event, the messages that were stored with it; None: not known."""
        self._told = told
        self._events: dict[bytes, Event] = {}

    def faults(self, connection: apsw.Connection) -> list[str]:
        """Return everything that no row of complete transactions leads to."""
        if not _value(connection, "SELECT count(*) FROM sqlite_schema"):
            return []
        return [
            *self._remains(connection),
            *self._sequences(connection),
            *self._messages(connection),
        ]

    def _remains(self, connection: apsw.Connection) -> Iterator[str]:
        for what, sql in _NOTHING_OF.items():
            if count := _value(connection, sql):
                yield f"{what} ({count})"

    def _sequences(self, connection: apsw.Connection) -> Iterator[str]:
        lines: dict[str, list[int]] = defaultdict(list)
        for event in self._all_events(connection):
            lines[event.tracking_id].append(event.sequence)
        for tracking_id, sequences in lines.items():
            if sequences != list(range(1, len(sequences) + 1)):
                yield f"tracking {tracking_id} has the sequences {sequences}"
        rows = connection.execute("SELECT id, version, packed FROM tracking JOIN doc USING (key)")
        for identity, version, packed in rows:
            tracking = decode_tracking(packed)
            if tracking.version != version or tracking.sequence != len(lines[tracking.id]):
                yield (
                    f"tracking {public_id(identity)}: row of version {version}, document of"
                    f" version {tracking.version} and sequence {tracking.sequence},"
                    f" {len(lines[tracking.id])} events"
                )

    def _messages(self, connection: apsw.Connection) -> Iterator[str]:
        if self._told is None:
            return
        stored: dict[str, set[str]] = defaultdict(set)
        for event_id, identity in connection.execute("SELECT event_id, id FROM message"):
            stored[public_id(event_id)].add(public_id(identity))
        events = {event.id for event in self._all_events(connection)}
        for event_id in itertools.chain(events, set(stored) - events):
            wanted = set(self._told[event_id]) if event_id in events else set()
            if stored[event_id] != wanted:
                yield f"event {event_id} has {len(stored[event_id])} of {len(wanted)} messages"

    def _all_events(self, connection: apsw.Connection) -> list[Event]:
        found = []
        for (packed,) in connection.execute("SELECT packed FROM event ORDER BY cursor"):
            event = self._events.get(packed)
            if event is None:
                event = self._events[packed] = decode_event(packed)
            found.append(event)
        return found


def _value(connection: apsw.Connection, sql: str) -> Any:
    return connection.execute(sql).fetchall()[0][0]

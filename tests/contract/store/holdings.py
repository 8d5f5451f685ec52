"""Where each engine keeps what belongs to a tracking, table by table, and how many rows there are.

A table without a line here fails ``test_deletion``: whoever adds one says what becomes of its rows
when a tracking is deleted.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from parcelwire.store.port import Store
from parcelwire.store.postgres import PostgresStore
from parcelwire.store.sqlite.ids import id_value
from parcelwire.store.sqlite.store import SqliteStore


class Held(msgspec.Struct, frozen=True):
    """A table with rows of trackings."""

    of_tracking: str
    """The condition; ``$1`` is the id, ``$2`` the same as 32 hex digits."""
    is_kept: bool = False
    """What was told before the deletion stays until its time is over: events and messages."""


_NONE: Final = None
"""A table without anything of a tracking that could be found by the tracking."""

_BY_ID: Final = Held("tracking_id = $1")
_TOLD: Final = Held("tracking_id = $1", is_kept=True)
# The key is free for the next tracking as soon as its own is gone: so rows of nobody count, too.
_BY_KEY: Final = (
    "{column} = (SELECT key FROM tracking WHERE id = $1)"
    " OR {column} NOT IN (SELECT key FROM tracking)"
)
_OF_MESSAGE: Final = (
    "{column} IN (SELECT {key} FROM message WHERE tracking_id = $1)"
    " OR {column} NOT IN (SELECT {key} FROM message)"
)

_OF_ACCOUNTS: Final = dict.fromkeys(
    (
        "account",
        "api_key",
        "connection",
        "endpoint",
        "counter",
        "idempotency_record",
        "sealing_key",
        "pruned_event",
    ),
    _NONE,
)
_OF_THE_INSTALLATION: Final = dict.fromkeys(
    ("schema_version", "budget", "pause", "unmapped_code", "remote_area", "heartbeat"), _NONE
)


def _by_key(column: str) -> Held:
    return Held(_BY_KEY.format(column=column))


def _of_message(column: str, key: str) -> Held:
    return Held(_OF_MESSAGE.format(column=column, key=key), is_kept=True)


POSTGRES: Final[dict[str, Held | None]] = {
    "tracking": Held("id = $1"),
    "doc": _BY_ID,
    "poll": _BY_ID,
    "raw_response": _BY_ID,
    "journey": _BY_ID,
    "record": Held("tracking_id = $1 or scope = $2"),
    "event": _TOLD,
    "pending_event": _TOLD,
    "feed_head": _NONE,
    "message": _TOLD,
    "pending_message": _TOLD,
    "delivery_queue": _TOLD,
    "skipped": _TOLD,
    "attempt": _of_message("message_id", "id"),
    "counter_change": _NONE,
    **_OF_ACCOUNTS,
    **_OF_THE_INSTALLATION,
}
SQLITE: Final[dict[str, Held | None]] = {
    "tracking": Held("id = $1"),
    "doc": _by_key("key"),
    "poll": _by_key("key"),
    "raw_response": _by_key("tracking_key"),
    "journey": _by_key("key"),
    "record": Held("tracking_id = $1 OR scope = $2"),
    "event": _TOLD,
    "message": _TOLD,
    "payload": _of_message("key", "key"),
    "delivery_queue": _TOLD,
    "skipped": _TOLD,
    "attempt": _of_message("message_key", "key"),
    "world": _NONE,
    **_OF_ACCOUNTS,
    **_OF_THE_INSTALLATION,
}


def known_tables(store: Store) -> dict[str, Held | None]:
    """Return the tables that are told of above, by name."""
    return POSTGRES if isinstance(store, PostgresStore) else SQLITE


async def columns_of(store: Store) -> dict[str, set[str]]:
    """Return all tables of a store's database with their columns, as the database says."""
    rows = await _fetch(
        store,
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public'",
        "SELECT s.name, c.name FROM sqlite_schema s, pragma_table_info(s.name) c"
        " WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite_%'",
    )
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found


async def rows_of(store: Store, tracking_id: str, *, kept: bool | None = None) -> dict[str, int]:
    """Return how many rows each table holds of a tracking: those of all tables, of those whose rows
    outlive it (``kept``), or of the others.
    """
    counts = {}
    for table, held in known_tables(store).items():
        if held is not None and kept in (None, held.is_kept):
            ((counts[table],),) = await _fetch(
                store,
                *[f"select count(*) from {table} where {held.of_tracking}"] * 2,  # noqa: S608  # ours
                tracking_id=tracking_id,
            )
    return counts


async def _fetch(store: Store, postgres: str, sqlite: str, *, tracking_id: str = "") -> Any:
    if isinstance(store, PostgresStore):
        places = [tracking_id] * (("$1" in postgres) + ("$2" in postgres))
        return await store._database.fetch(postgres, *places)
    assert isinstance(store, SqliteStore)
    sqlite = sqlite.replace("$1", "?1").replace("$2", "?2")
    bindings = [id_value(tracking_id)] * ("?1" in sqlite) + [tracking_id] * ("?2" in sqlite)
    return await store._reader.rows(sqlite, tuple(bindings))

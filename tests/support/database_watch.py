"""What stands in a database, row by row, read beside the program that writes it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

import apsw
import asyncpg

Row = tuple[str, str]
"""A table, and one of its rows as JSON: two equal rows are one."""

_SHARED: Final = frozenset(
    {"budget", "pause", "schema_version", "counter_change", "sqlite_sequence"}
)
"""Tables in which nothing belongs to one account: what carriers may be asked by everybody."""

_OWN_BUSINESS: Final = frozenset({"session", "login-source", "login-account", "login-device"})
"""Kinds of records that a login writes: they belong to whoever asks."""


class Watch(Protocol):
    """Reads a database."""

    async def rows(self) -> frozenset[Row]:
        """Return every row of today that belongs to somebody."""
        ...


class _SqliteWatch:
    def __init__(self, path: str) -> None:
        self._connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
        self._seen = -1
        self._rows: frozenset[Row] = frozenset()

    async def rows(self) -> frozenset[Row]:
        """See ``Watch``."""
        ((version,),) = self._connection.execute("pragma data_version")
        if version != self._seen:
            self._seen = version
            self._rows = frozenset(self._read())
        return self._rows

    def _read(self) -> list[Row]:
        found: list[Row] = []
        names = self._connection.execute("select name from sqlite_master where type = 'table'")
        for (table,) in list(names):
            cursor = self._connection.execute(f'select * from "{table}"')  # noqa: S608  # ours
            try:
                columns = [one[0] for one in cursor.get_description()]
            except apsw.ExecutionCompleteError:
                continue
            for row in cursor:
                _take(found, table, dict(zip(columns, row, strict=True)))
        return found

    async def close(self) -> None:
        self._connection.close()


class _PostgresWatch:
    def __init__(self, link: Any) -> None:
        self._link = link
        self._query = ""
        self._seen = -1
        self._rows: frozenset[Row] = frozenset()

    async def rows(self) -> frozenset[Row]:
        """See ``Watch``."""
        version = await self._link.fetchval("select pg_snapshot_xmax(pg_current_snapshot())::text")
        if version != self._seen:
            self._seen = version
            self._rows = frozenset(await self._read())
        return self._rows

    async def _read(self) -> list[Row]:
        if not self._query:
            tables = await self._link.fetch(
                "select tablename from pg_tables where schemaname = 'public'"
            )
            self._query = " union all ".join(
                f"select '{name}', row_to_json(one)::text from \"{name}\" one"  # noqa: S608  # ours
                for (name,) in tables
            )
        found: list[Row] = []
        for table, text in await self._link.fetch(self._query):
            _take(found, table, json.loads(text))
        return found

    async def close(self) -> None:
        await self._link.close()


def _take(found: list[Row], table: str, row: Mapping[str, Any]) -> None:
    if table in _SHARED or (table == "record" and row["kind"] in _OWN_BUSINESS):
        return
    plain = {
        name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()
    }
    found.append((table, json.dumps(plain, sort_keys=True)))


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[Watch]:
    """Open the database of a store's address for reading, while the block runs."""
    watch: _SqliteWatch | _PostgresWatch
    if url.startswith("sqlite:"):
        watch = _SqliteWatch(url.removeprefix("sqlite:"))
    else:
        watch = _PostgresWatch(await asyncpg.connect(url))
    try:
        yield watch
    finally:
        await watch.close()


def belongs_to(row: Row, world_id: int) -> bool:
    """Tell whether a row names a live world, or its account."""
    table, text = row
    said = json.loads(text)
    account = world_id // 2
    if said.get("world_id") == world_id or (table == "account" and said["number"] == account):
        return True
    if table == "record":
        return bool(said["scope"] == str(world_id if said["kind"] in _BY_WORLD else account))
    return bool(said.get("account_number") == account and not said.get("is_test"))


_BY_WORLD: Final = frozenset({"view", "upload", "lookup", "cursor"})
"""Kinds of records whose scope is a world's number; an account's number is the others'."""

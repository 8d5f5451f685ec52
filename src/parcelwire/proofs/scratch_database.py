"""A scratch place beside the operator's own database, and its removal.

SQLite: a hidden folder beside the configured file, on the same disk. PostgreSQL: a database of its
own on the configured server, or, where the role may not create one, a schema of its own in the
configured database. What is there already is neither read nor written.
"""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec

PREFIX: Final = "parcelwire_prove_"

_URL: Final = re.compile(r"(?P<server>[a-z]+://[^/?]*)(?P<path>/[^?]*)?(?:\?(?P<query>.*))?", re.S)

_MAY: Final = """
select rolcreatedb or rolsuper,
    has_database_privilege(current_user, current_database(), 'CREATE')
from pg_roles where rolname = current_user
"""


class NoScratchError(Exception):
    """There is no place for the proofs; the text says why and what would help."""


class Place(msgspec.Struct, frozen=True):
    """Where a proof may store what it likes."""

    url: str
    what: str
    """For people: which database or schema it is."""


@contextmanager
def scratch_folder(file: Path) -> Iterator[Path]:
    """Give a hidden folder beside ``file``, on the same disk, while the block runs.

    Raises:
        NoScratchError: it cannot be made.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=".parcelwire-prove-", dir=file.resolve().parent))
    except OSError as error:
        msg = f"cannot make a folder beside {file}: {error.strerror}"
        raise NoScratchError(msg) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def postgres_place(link: Any, url: str) -> AsyncIterator[Place]:
    """Give an empty database, or else a schema, while the block runs.

    ``link`` is an asyncpg connection to the database of ``url``.

    Raises:
        NoScratchError: the role may make neither.
    """
    name = f"{PREFIX}{secrets.token_hex(6)}"
    may_database, may_schema = (await link.fetch(_MAY))[0]
    if may_database:
        await link.execute(f"create database {name} template template0")
        try:
            yield Place(with_database(url, name), f"database {name}")
        finally:
            await link.execute(f"drop database if exists {name} with (force)")
    elif may_schema:
        await link.execute(f"create schema {name}")
        try:
            yield Place(with_schema(url, name), f"schema {name} of the configured database")
        finally:
            await link.execute(f"drop schema if exists {name} cascade")
    else:
        msg = (
            "the role may create neither a database nor a schema: ALTER ROLE ... CREATEDB, or"
            " GRANT CREATE ON DATABASE, for as long as this takes"
        )
        raise NoScratchError(msg)


def with_database(url: str, name: str) -> str:
    """Return ``url`` with another database."""
    server, _, query = _parts(url)
    return f"{server}/{name}{'?' if query else ''}{query}"


def with_schema(url: str, name: str) -> str:
    """Return ``url`` whose sessions make and find everything in a schema."""
    server, path, query = _parts(url)
    options = [one for one in parse_qsl(query, keep_blank_values=True) if one[0] != "search_path"]
    return f"{server}{path}?{urlencode([*options, ('search_path', name)])}"


def _parts(url: str) -> tuple[str, str, str]:
    found = _URL.fullmatch(url)
    if found is None:
        msg = "the URL cannot be read; its form is postgresql://user:password@host:port/database"
        raise NoScratchError(msg)
    return found["server"], found["path"] or "", found["query"] or ""

"""Which engine a URL names, and opening it with every trouble told in one line.

Each engine has its own way to say that a database is not fit for use; here these become one error
for the person who wrote the URL.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from parcelwire.domain.clock import Clock
from parcelwire.domain.tracking import Tracking
from parcelwire.store.port import Store, StoreUnavailableError
from parcelwire.store.sealing import ValueSealer

Render = Callable[[Tracking], bytes]

SQLITE: Final = "sqlite:"


class StoreOpeningError(Exception):
    """The database cannot be used as it is. The text says why, and holds no password."""


async def open_engine(
    url: str,
    *,
    render: Render,
    clock: Clock,
    pool_size: int,
    behind_pgbouncer: bool,
    is_server: bool = False,
    sealer: ValueSealer | None = None,
) -> Store:
    """Open the store that ``url`` names, bringing its schema up to date.

    ``sqlite:FILE`` is a file; everything else goes to PostgreSQL, for which alone ``pool_size``
    and ``behind_pgbouncer`` are meant. ``is_server``: a server will run on it; a file is then
    checked for damage and locked against a second server, and a PostgreSQL that can only be read is
    refused. ``sealer`` seals what is secret; without
    one nothing that was sealed can be read, and secrets lie open.

    Raises:
        StoreOpeningError: the database cannot be reached, or not be used.
    """
    if url.startswith(SQLITE):
        return await _open_sqlite(
            Path(url.removeprefix(SQLITE)), render, clock, sealer, is_server=is_server
        )
    try:
        import asyncpg
    except ModuleNotFoundError:
        msg = "PostgreSQL needs one more package: pip install 'parcelwire[postgres]'"
        raise StoreOpeningError(msg) from None
    from parcelwire.store.postgres import (  # an optional dependency
        UnfitDatabaseError,
        open_store,
    )

    try:
        return await open_store(
            url,
            render=render,
            clock=clock,
            behind_pgbouncer=behind_pgbouncer,
            pool_size=pool_size,
            is_server=is_server,
            sealer=sealer,
        )
    except (asyncpg.InterfaceError, ValueError) as error:
        # Not quoted: what is wrong with a URL may be a character of its password.
        msg = "the URL cannot be read; its form is postgresql://user:password@host:port/database"
        raise StoreOpeningError(msg) from error
    except asyncpg.PostgresError as error:
        msg = f"PostgreSQL says: {error}"
        raise StoreOpeningError(msg) from error
    except (UnfitDatabaseError, StoreUnavailableError) as error:
        raise StoreOpeningError(str(error)) from error


async def _open_sqlite(
    path: Path, render: Render, clock: Clock, sealer: ValueSealer | None, *, is_server: bool
) -> Store:
    from parcelwire.store.sqlite import (  # the other engine runs without it
        SchemaError,
        ServerInUseError,
        ServerUse,
        UnsupportedSqliteError,
        open_store,
    )

    if not path.parent.is_dir():
        msg = f"there is no folder {path.parent} for the database {path.name}"
        raise StoreOpeningError(msg)
    try:
        return await open_store(
            path,
            render=render,
            clock=clock,
            sealer=sealer,
            server=ServerUse() if is_server else None,
        )
    except (SchemaError, StoreUnavailableError) as error:
        msg = f"{path}: {error}"
        raise StoreOpeningError(msg) from error
    except (ServerInUseError, UnsupportedSqliteError) as error:
        raise StoreOpeningError(str(error)) from error

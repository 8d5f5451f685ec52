"""The embedded engine: one SQLite file, one writer with group commit, readers beside it."""

from parcelwire.store.sqlite.connection import (
    SchemaError,
    ServerInUseError,
    SqliteSettings,
    UnsupportedSqliteError,
)
from parcelwire.store.sqlite.store import ServerUse, SqliteStore, open_store

__all__ = [
    "SchemaError",
    "ServerInUseError",
    "ServerUse",
    "SqliteSettings",
    "SqliteStore",
    "UnsupportedSqliteError",
    "open_store",
]

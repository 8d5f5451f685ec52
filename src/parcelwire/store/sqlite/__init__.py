"""The embedded engine: one SQLite file, one writer with group commit, readers beside it."""

from parcelwire.store.sqlite.connection import (
    SchemaError,
    SqliteSettings,
    UnsupportedSqliteError,
)
from parcelwire.store.sqlite.store import SqliteStore, open_store

__all__ = [
    "SchemaError",
    "SqliteSettings",
    "SqliteStore",
    "UnsupportedSqliteError",
    "open_store",
]

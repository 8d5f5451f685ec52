"""The one store port: everything that outlives a process, behind two engines.

``open_store`` of ``store.sqlite`` and ``store.postgres`` return it. Packages below declare the
parts they need; this adds what only the outermost packages touch.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from parcelwire.accounts import ports as accounts
from parcelwire.domain.clock import Instant
from parcelwire.domain.sealing import SealingKey
from parcelwire.polling.ports import PollStore, StoreOutageError
from parcelwire.tracking.journeys import JourneyStore
from parcelwire.tracking.ports import TrackingStore
from parcelwire.tracking.suspension import SuspensionStore
from parcelwire.webhooks.ports import MessageStore


class UnavailableReason(enum.StrEnum):
    """Why the database cannot be used, in the words that ``/readyz`` answers with."""

    UNREACHABLE = "database unreachable"
    """Gone, not started, locked by somebody else, or not answering in time."""
    DISK_FULL = "disk full"
    DISK_ERROR = "disk error"
    """The system could not read from the disk or write to it, for another reason than room."""
    DAMAGED = "database damaged"
    """It holds something that cannot be right; nothing more is written to it."""
    READ_ONLY = "read-only"


class StoreUnavailableError(StoreOutageError):
    """The database cannot be reached or cannot write now (gone, disk full, locked).

    Answer 503, try again.
    """

    def __init__(
        self, message: str = "", reason: UnavailableReason = UnavailableReason.UNREACHABLE
    ) -> None:
        """``message`` is for the log; ``reason`` may be told to anybody."""
        super().__init__(message)
        self.reason = reason


class DiskSpace(msgspec.Struct, frozen=True):
    """How much room there is where the database lies."""

    free_bytes: int
    total_bytes: int
    is_low: bool
    """So little is free that somebody should make room before writes are refused."""


class KeyUnavailableError(StoreUnavailableError):
    """What is secret cannot be sealed or opened by this process; the text tells the operator why.

    Nothing was written.
    """


class InstallationStore(Protocol):
    """What is counted, the operator's tables, and what no connector understood."""

    async def count_created(self, world_id: int) -> int:
        """Return how many trackings the world has ever created (what a quota counts)."""
        ...

    async def replace_remote_areas(self, rows: Iterable[tuple[str, str, str]]) -> int:
        """Replace the operator's table of remote areas: (country ISO2, postcode or town, company).

        Return the row count.
        """
        ...

    async def list_unmapped_codes(
        self, limit: int = 100
    ) -> list[tuple[str, str, str, int, str, Instant]]:
        """Return gaps: connector, kind, value, count, newest sample, last seen; most seen first."""
        ...


class RecordStore(accounts.RecordStore, Protocol):
    """Small documents of packages above the core: brands, subscriptions, sessions, saved views ...

    Records that belong to a tracking go when that is deleted: those that were stored with its id,
    and those whose scope is its id.
    """

    async def list_scopes(self, kind: str, *, after: str = "", limit: int = 100) -> list[str]:
        """Return the scopes that have records of a kind, in order, those behind ``after``.

        The cost does not depend on how many records there are.
        """
        ...


class SealingStore(Protocol):
    """Which keys the installation knows, and what is sealed with them.

    Whatever is sealed is sealed with the current key, read in the transaction that stores it.
    """

    async def sealing_keys(self) -> list[SealingKey]:
        """Return the keys, the current one first; several while a rotation is under way."""
        ...

    async def register_first_key(
        self, fingerprint: str, now: Instant, *, older: Sequence[str] = ()
    ) -> list[SealingKey]:
        """Make this key the current one if none is known yet; return the keys known then.

        Of several processes that try at once one succeeds, and all are told the same. ``older``
        ones only open.
        """
        ...

    async def begin_rotation(self, before: str, after: str, now: Instant) -> list[SealingKey]:
        """Make ``after`` the current key if ``before`` is, alone; return the keys known then.

        From its commit on nothing is sealed with ``before`` any more.
        """
        ...

    async def reseal(self, *, limit: int, only_open: bool = False) -> int:
        """Seal up to ``limit`` values with the current key that are not, in one transaction.

        ``only_open``: only those that are not sealed at all. Returns how many; 0: none are left
        that can be read. Those that cannot are named in the log and left as they are.

        Raises:
            KeyUnavailableError: one of them cannot be opened; nothing of this round is changed.
        """
        ...

    async def end_rotation(self) -> int:
        """Forget all keys but the current one, if nothing is sealed with them any more.

        Return how many values still are; then nothing is forgotten. What cannot be read does not
        count.
        """
        ...

    async def reset_keys(
        self, fingerprint: str, now: Instant, *, held: Sequence[str]
    ) -> dict[str, int]:
        """Make this the one key known, and give up what keys that are not ``held`` have sealed.

        For when a key is lost for good. Connections go; endpoints lose their secrets and headers
        and are switched off; answers lose what they told once. Returns how many, by kind.
        ``held`` are fingerprints; what they sealed stays and is to be sealed anew.
        """
        ...

    async def drop_old_copies(self) -> None:
        """Have the engine overwrite what it still keeps of rows as they were, where it can."""
        ...

    async def sealed_counts(self) -> dict[tuple[str, str], int]:
        """Return how many values there are, by kind and by the id of their key.

        Kinds are ``connection``, ``endpoint`` and ``answer``; the id is empty for what lies open,
        and for the ``UNREADABLE_KINDS`` of ``store.sealing``.
        """
        ...


class Store(
    TrackingStore,
    PollStore,
    MessageStore,
    accounts.AccountStore,
    accounts.KeyStore,
    accounts.ConnectionStore,
    InstallationStore,
    SuspensionStore,
    RecordStore,
    JourneyStore,
    SealingStore,
    Protocol,
):
    """All of it, plus its own life."""

    async def close(self) -> None:
        """Finish what is queued and close."""
        ...

    async def is_ready(self) -> bool:
        """Tell whether ``try_write`` succeeds."""
        ...

    async def try_write(self) -> None:
        """Write a few bytes durably and read them back: the database can do its work now.

        Raises:
            StoreUnavailableError: it cannot; ``reason`` says why.
        """
        ...

    @property
    def damage(self) -> str:
        """What was found damaged in the database since this process started; empty: nothing.

        As long as it is not empty, every write raises ``StoreUnavailableError``.
        """
        ...

    @property
    def wants_check(self) -> bool:
        """Whether something suggests that ``check`` should run soon."""
        ...

    async def check(self, stopping: threading.Event) -> bool:
        """Read the whole database and note what is damaged in ``damage``.

        Returns False when ``stopping`` was set before the end. PostgreSQL has its own tools for
        this (``pg_amcheck``), so there it does nothing.
        """
        ...

    async def database_time(self) -> Instant | None:
        """Return the time by the database server's clock; None: it is this machine's."""
        ...

    def disk_space(self) -> DiskSpace | None:
        """Return how much room the database's file system has; None: not known here."""
        ...

    def describe(self) -> str:
        """Return one line for people: engine, version, place (no credentials)."""
        ...

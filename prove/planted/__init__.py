"""Bugs planted on purpose, which the judge must find.

Each module spoils the program when it is imported before the program starts (``Forge(plants)``).
Nothing in the program knows of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from parcelwire.store.postgres import PostgresStore
from parcelwire.store.sqlite.store import SqliteStore
from parcelwire.webhooks.sender import HttpSender

Method = Callable[..., Coroutine[Any, Any, Any]]

STORES: Final = (SqliteStore, PostgresStore)

DELAY_SECONDS: Final = 0.25
"""How long a planted bug leaves something undone: the window in which a kill meets it.

It is wide, so that sixteen kills find it on a machine that is busy with other things.
"""

_pending: set[asyncio.Task[Any]] = set()


def spoil(owners: tuple[type, ...], name: str) -> Callable[[Callable[[Method], Method]], None]:
    """Decorate what makes a bad method from the good one; it takes its place at once."""

    def plant(make: Callable[[Method], Method]) -> None:
        for owner in owners:
            setattr(owner, name, make(getattr(owner, name)))

    return plant


def spoil_store(name: str) -> Callable[[Callable[[Method], Method]], None]:
    """Spoil a method of both engines' stores."""
    return spoil(STORES, name)


def spoil_sender(name: str) -> Callable[[Callable[[Method], Method]], None]:
    """Spoil a method of what sends messages."""
    return spoil((HttpSender,), name)


def later(work: Coroutine[Any, Any, Any]) -> None:
    """Do something in the background, where nobody waits for it."""
    task = asyncio.get_running_loop().create_task(work)
    _pending.add(task)
    task.add_done_callback(_pending.discard)

"""The installation here as the target of a command: calls of its application, without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from parcelwire.api.gate import Gate, RateLimiter, Refusal
from parcelwire.bootstrap import open_installation
from parcelwire.cli.exits import CommandError
from parcelwire.cli.support import account_of
from parcelwire.cli.target import Target
from parcelwire.client import AsyncParcelwire
from parcelwire.config import Config
from parcelwire.domain.account import Account, ApiKey, world_of
from parcelwire.domain.clock import Clock
from parcelwire.store.port import Store


class OwnGate(Gate):
    """Lets one account in, whatever the key: who may open the database needs none."""

    def __init__(self, store: Store, clock: Clock, account: Account, *, is_test: bool) -> None:
        super().__init__(store, clock)
        key = ApiKey(
            digest=b"",
            prefix="",
            account_number=account.number,
            is_test=is_test,
            scope="admin",
        )
        self._admitted = key, account

    async def admit(self, key: str | None) -> tuple[ApiKey, Account] | Refusal:
        """Return the one account."""
        del key
        return self._admitted


def _check_there(config: Config) -> None:
    file = Path(config.store.url.removeprefix("sqlite:"))
    if config.store.url.startswith("sqlite:") and not file.exists():
        msg = (
            f"there is no installation here ({file}) and no login: make one with"
            " parcelwire key create --account E-MAIL, or go to a server with parcelwire login"
        )
        raise CommandError(msg)


@asynccontextmanager
async def open_here(config: Config, email: str | None, *, is_test: bool) -> AsyncIterator[Target]:
    """Open the installation for one command, without its workers, and close it again.

    Raises:
        CommandError: there is no installation here.
    """
    _check_there(config)
    house = await open_installation(config)
    try:
        await house.check_key()
        account = await account_of(house, email)
        house.house.gate = OwnGate(house.store, house.clock, account, is_test=is_test)
        house.house.limiter = RateLimiter(house.clock, {})
        client = AsyncParcelwire(
            "here",
            "http://here",
            transport=httpx2.ASGITransport(house.asgi()),
            max_retries=0,
        )
        async with client:
            yield Target(
                client,
                f"the {'test' if is_test else 'live'} world of {account.email}",
                registry=house.registry,
                house=house,
                world_id=world_of(account.number, is_test),
            )
    finally:
        await house.close()

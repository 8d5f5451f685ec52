"""This installation as the target of a command: calls of its application, without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from parcelwire.accounts.authentication import AuthFailure, KeyAuthenticator
from parcelwire.api.rate_limit import RateLimiter
from parcelwire.bootstrap import Installation, open_installation
from parcelwire.cli.command_target import Target
from parcelwire.cli.common import active_account_of
from parcelwire.cli.exit_codes import CommandError
from parcelwire.client import AsyncParcelwire
from parcelwire.config import Config
from parcelwire.domain.account import Account, ApiKey, world_of
from parcelwire.domain.clock import Clock
from parcelwire.store.port import Store

LIVE_KEY, TEST_KEY = "live", "test"
"""What opens the two worlds of the account in this installation."""
LOCATION = "this installation"
"""What messages call it."""


class LocalAuthenticator(KeyAuthenticator):
    """Lets one account in, whatever the key: who may open the database needs none."""

    def __init__(self, store: Store, clock: Clock, account: Account) -> None:
        super().__init__(store, clock)
        self._account = account

    async def authenticate(self, text: str | None) -> tuple[ApiKey, Account] | AuthFailure:
        """Return the account, in the test world when the key says so."""
        key = ApiKey(
            digest=b"",
            prefix="",
            account_number=self._account.number,
            is_test=text == TEST_KEY,
            scope="admin",
        )
        return key, self._account


def _check_there(config: Config) -> None:
    file = config.store.sqlite_file
    if file is not None and not file.exists():
        msg = (
            f"no installation found ({file}), and you are not logged in: create one with parcelwire"
            " key create --account E-MAIL, or log in to a server with parcelwire login"
        )
        raise CommandError(msg)


def local_client(house: Installation, *, is_test: bool) -> AsyncParcelwire:
    """Return a client that calls the installation's own application, in one world of the account.

    ``open_here`` has chosen the account.
    """
    return AsyncParcelwire(
        TEST_KEY if is_test else LIVE_KEY,
        "http://this-installation",
        transport=httpx2.ASGITransport(house.asgi(is_served=False)),
        max_retries=0,
    )


@asynccontextmanager
async def open_here(config: Config, email: str | None, *, is_test: bool) -> AsyncIterator[Target]:
    """Open the installation for one command, without its workers, and close it again.

    Raises:
        CommandError: no installation was found, or the account is suspended.
    """
    _check_there(config)
    house = await open_installation(config, may_make_key=False)
    try:
        account = await active_account_of(house, email)
        house.house.authenticator = LocalAuthenticator(house.store, house.clock, account)
        house.house.limiter = RateLimiter(house.clock, {})
        async with local_client(house, is_test=is_test) as client:
            yield Target(
                client,
                f"the {'test' if is_test else 'live'} world of {account.email}",
                registry=house.registry,
                house=house,
                world_id=world_of(account.number, is_test),
            )
    finally:
        await house.close()

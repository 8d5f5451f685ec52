"""An account with a key, for proofs that need several of them."""

from __future__ import annotations

import secrets

from parcelwire.api.gate import digest_of, make_key, prefix_of
from parcelwire.bootstrap import Installation
from parcelwire.domain.account import Account, ApiKey


async def add_account(
    installation: Installation, email: str, *, is_test: bool = False, scope: str = "write"
) -> tuple[str, Account]:
    """Make an account; return a key of one of its worlds, and the account."""
    now = installation.clock.now()
    account = await installation.store.add_account(email, now=now)
    key = make_key(secrets.token_bytes(24), is_test=is_test)
    await installation.store.add_key(
        ApiKey(
            digest=digest_of(key),
            prefix=prefix_of(key),
            account_number=account.number,
            is_test=is_test,
            scope=scope,
            created_at=now,
        )
    )
    return key, account

"""An account with a key, for proofs that need several of them."""

from __future__ import annotations

from parcelwire.accounts.keys import CreateKey
from parcelwire.accounts.service import CreateAccount
from parcelwire.bootstrap import Installation
from parcelwire.domain.account import Account


async def add_account(
    installation: Installation, email: str, *, is_test: bool = False, scope: str = "write"
) -> tuple[str, Account]:
    """Make an account; return a key of one of its worlds, and the account."""
    use_cases = installation.use_cases
    account = await use_cases.accounts.create(CreateAccount(email=email))
    made = await use_cases.keys.create(
        CreateKey(account_number=account.number, is_test=is_test, scope=scope)
    )
    return made.text, account

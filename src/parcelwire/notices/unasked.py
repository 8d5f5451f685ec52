"""Whether customers are told who have not asked: the operator allows it, the shop wants it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from parcelwire.accounts.brands import find_brand
from parcelwire.domain.account import Account, account_of, is_test_world
from parcelwire.notices.ports import NoticeStore

ALL: Final = "*"


def is_named(account: Account, allowed: Collection[str]) -> bool:
    """Tell whether the operator's list of e-mail addresses names an account; ``*`` = every one."""
    email = account.email.casefold()
    return ALL in allowed or any(one.casefold() == email for one in allowed)


class Unasked:
    """Knows for which worlds ``customer_email`` is told by itself."""

    def __init__(self, store: NoticeStore, allowed: Iterable[str]) -> None:
        """``allowed``: e-mail addresses of accounts that may; ``*`` = every account."""
        self._store = store
        self._allowed = tuple(allowed)

    async def is_on(self, world_id: int) -> bool:
        """Tell whether operator and brand want it; never in a test world."""
        if is_test_world(world_id) or not self._allowed:
            return False
        if not (await find_brand(self._store, world_id)).brand.mails_unasked:
            return False
        account = await self._store.load_account(account_of(world_id))
        return account is not None and is_named(account, self._allowed)

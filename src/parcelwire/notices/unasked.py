"""Whether customers are told who have not asked: the operator allows it, the shop wants it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from parcelwire.domain.account import Account, account_of, is_test_world
from parcelwire.domain.brand import decode_brand
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
        number = account_of(world_id)
        brand = decode_brand(await self._store.load_record("brand", str(number), "brand"))
        if not brand.mails_unasked:
            return False
        account = await self._store.load_account(number)
        return account is not None and is_named(account, self._allowed)

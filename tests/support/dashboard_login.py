"""The password of a dashboard's account, and what a browser that knows it keeps."""

from __future__ import annotations

import msgspec

from parcelwire.accounts.passwords import Password
from parcelwire.bootstrap.accounts import hash_password
from tests.support.dashboard import Desk

DEVICE_COOKIE = "parcelwire_device"
EMAIL, PASSWORD = "shop@example.com", "correct horse battery"


async def give_password(desk: Desk, text: str = PASSWORD, cost: int = 1 << 15) -> None:
    """Give the account a password; a small ``cost`` makes it quick to try."""
    store, number, now = desk.house.store, desk.account.number, desk.clock.now()
    await desk.house.use_cases.passwords.set(number, text)
    if cost < 1 << 15:
        digest = hash_password(text, b"salt" * 4, cost)
        kept = Password(salt=b"salt" * 4, digest=digest, cost=cost, set_at=now)
        document = msgspec.json.encode(kept)
        await store.change_record("password", str(number), "password", lambda _: document, at=now)

"""The password of a dashboard's account, and what a browser that knows it keeps."""

from __future__ import annotations

import msgspec

from parcelwire.pages.dashboard.passwords import Password, hash_password, set_password
from tests.support.dashboard import Desk

DEVICE_COOKIE = "parcelwire_device"
EMAIL, PASSWORD = "shop@example.com", "correct horse battery"


async def give_password(desk: Desk, text: str = PASSWORD, cost: int = 1 << 15) -> None:
    """Give the account a password; a small ``cost`` makes it quick to try."""
    store, number, now = desk.house.store, desk.account.number, desk.clock.now()
    await set_password(
        store, number, text, random_bytes=lambda count: b"salt" * (count // 4), now=now
    )
    if cost < 1 << 15:
        digest = hash_password(text, b"salt" * 4, cost)
        kept = Password(salt=b"salt" * 4, digest=digest, cost=cost, set_at=now)
        document = msgspec.json.encode(kept)
        await store.change_record("password", str(number), "password", lambda _: document, at=now)

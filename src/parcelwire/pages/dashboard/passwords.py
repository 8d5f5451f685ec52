"""Passwords of accounts: stored as scrypt hashes, checked in a thread.

One record of kind ``password`` for each account, under its number.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.pages.dashboard.login_throttle import DEVICE_KIND
from parcelwire.store.port import RecordStore

KIND: Final = "password"
SHORTEST: Final = 10
LONGEST: Final = 1_024
_COST: Final = 1 << 15
"""scrypt's N with r = 8 and p = 1: 32 MiB, about a tenth of a second."""


class PasswordError(ValueError):
    """A password cannot be taken; the message says why."""


class Password(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a password."""

    salt: bytes
    digest: bytes
    cost: int
    set_at: Instant


_NOBODYS: Final = Password(salt=bytes(16), digest=bytes(32), cost=_COST, set_at=0)
_decoder: Final = msgspec.json.Decoder(Password)


def hash_password(text: str, salt: bytes, cost: int = _COST) -> bytes:
    """Return the scrypt hash of a password, 32 bytes."""
    return hashlib.scrypt(
        text.encode(), salt=salt, n=cost, r=8, p=1, maxmem=256 * 8 * cost, dklen=32
    )


async def set_password(
    store: RecordStore,
    account_number: int,
    text: str,
    *,
    random_bytes: Callable[[int], bytes],
    now: Instant,
) -> None:
    """Give an account a password. Sessions that were opened with the one before end.

    Raises:
        PasswordError: it is too short or too long.
    """
    if len(text) < SHORTEST:
        msg = f"a password has at least {SHORTEST} characters"
        raise PasswordError(msg)
    if len(text) > LONGEST:
        msg = f"a password has at most {LONGEST:,} characters"
        raise PasswordError(msg)
    salt = random_bytes(16)
    digest = await asyncio.to_thread(hash_password, text, salt)
    password = Password(salt=salt, digest=digest, cost=_COST, set_at=now)
    await store.change_record(
        KIND, str(account_number), KIND, lambda _: msgspec.json.encode(password), at=now
    )


async def remove_password(store: RecordStore, account_number: int) -> bool:
    """Take an account's password away; False when it had none.

    Browsers in which it was given are known no more.
    """
    await store.delete_records(DEVICE_KIND, str(account_number))
    return await store.delete_records(KIND, str(account_number)) > 0


async def load_password(store: RecordStore, account_number: int) -> Password | None:
    """Return what is stored of an account's password."""
    document = await store.load_record(KIND, str(account_number), KIND)
    return None if document is None else _decoder.decode(document)


async def check_password(password: Password | None, text: str) -> bool:
    """Tell whether ``text`` is the password. Without one it takes as long, and is never so."""
    kept = password or _NOBODYS
    digest = await asyncio.to_thread(hash_password, text[:LONGEST], kept.salt, kept.cost)
    return hmac.compare_digest(digest, kept.digest) and password is not None

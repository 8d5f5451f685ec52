"""Passwords of accounts: stored as scrypt hashes.

One record of kind ``password`` for each account, under its number.
"""

from __future__ import annotations

import hmac
from typing import Final

import msgspec

from parcelwire.accounts.login_throttle import DEVICE_KIND
from parcelwire.accounts.ports import PasswordHasher, RandomBytes, RecordStore
from parcelwire.domain.clock import Clock, Instant
from parcelwire.domain.field_problems import FieldProblem, refuse_if_any

KIND: Final = "password"
SHORTEST: Final = 10
LONGEST: Final = 1_024
COST: Final = 1 << 15
"""scrypt's N with r = 8 and p = 1: 32 MiB, about a tenth of a second."""
SALT_BYTES: Final = 16


class Password(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a password."""

    salt: bytes
    digest: bytes
    cost: int
    set_at: Instant


_NOBODYS: Final = Password(salt=bytes(SALT_BYTES), digest=bytes(32), cost=COST, set_at=0)
_decoder: Final = msgspec.json.Decoder(Password)


class PasswordService:
    """Use cases of passwords: who may log in to the dashboard with e-mail address and password."""

    def __init__(
        self,
        store: RecordStore,
        hasher: PasswordHasher,
        *,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        """``random_bytes`` gives salts."""
        self._store = store
        self._hasher = hasher
        self._clock = clock
        self._random_bytes = random_bytes

    async def set(self, account_number: int, text: str) -> None:
        """Give an account a password. Sessions that were opened with the one before end.

        Raises:
            InvalidInputError: it is too short or too long.
        """
        refuse_if_any([_problem_of(text)])
        salt = self._random_bytes(SALT_BYTES)
        digest = await self._hasher.hash(text, salt, COST)
        now = self._clock.now()
        document = msgspec.json.encode(Password(salt=salt, digest=digest, cost=COST, set_at=now))
        await self._store.change_record(KIND, str(account_number), KIND, lambda _: document, at=now)

    async def remove(self, account_number: int) -> bool:
        """Remove an account's password; False when it had none.

        Browsers in which it was given are known no more.
        """
        await self._store.delete_records(DEVICE_KIND, str(account_number))
        return await self._store.delete_records(KIND, str(account_number)) > 0

    async def load(self, account_number: int) -> Password | None:
        """Return what is stored of an account's password."""
        document = await self._store.load_record(KIND, str(account_number), KIND)
        return None if document is None else _decoder.decode(document)

    async def verify(self, password: Password | None, text: str) -> bool:
        """Tell whether ``text`` is the password. Without one it takes as long, and is never so."""
        kept = password or _NOBODYS
        digest = await self._hasher.hash(text[:LONGEST], kept.salt, kept.cost)
        return hmac.compare_digest(digest, kept.digest) and password is not None


def _problem_of(text: str) -> FieldProblem | None:
    if len(text) < SHORTEST:
        return FieldProblem(
            field="password", code="invalid", message=f"has at least {SHORTEST} characters"
        )
    if len(text) > LONGEST:
        return FieldProblem(
            field="password", code="too-long", message=f"has at most {LONGEST:,} characters"
        )
    return None

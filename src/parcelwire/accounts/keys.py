"""API keys: created, listed, revoked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from parcelwire.accounts.errors import CurrentKeyError, KeyNotFoundError
from parcelwire.accounts.key_format import KEY_BYTES, digest_of, make_key, prefix_of
from parcelwire.accounts.ports import KeyStore, RandomBytes
from parcelwire.domain.access import RANKS
from parcelwire.domain.account import ApiKey
from parcelwire.domain.clock import Clock, Instant
from parcelwire.domain.field_problems import FieldProblem, refuse_if_any, text_problem
from parcelwire.tracking.ports import Once

LONGEST_LABEL: Final = 200
"""Characters."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """For whom keys are managed: by default somebody who may see and make all of an account."""

    is_test: bool = False
    """Sees, makes and revokes keys of the test world only."""
    key_prefix: str = ""
    """Of the key that the caller came with; empty: with a password, or over the command line."""


UNRESTRICTED: Final = Caller()


class CreateKey(msgspec.Struct, frozen=True, kw_only=True):
    """Create a key of an account."""

    account_number: int
    label: str = ""
    """What the key is for, ``LONGEST_LABEL`` characters at most."""
    scope: str = "write"
    """``read``, ``write`` or ``admin``."""
    is_test: bool = False
    """Opens the test world."""
    expires_at: Instant | None = None
    """From then on it opens nothing; None: it does not expire. In the future."""


class RevokeKey(msgspec.Struct, frozen=True, kw_only=True):
    """Revoke a key for good."""

    account_number: int | None
    """Whose; None: anybody's."""
    prefix: str
    allows_current: bool = False
    """The very key that the caller came with may be revoked, which locks the caller out."""


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was created just now, with its text: only the digest of it is kept."""

    key: ApiKey
    text: str


class KeyService:
    """Use cases of API keys."""

    def __init__(self, store: KeyStore, *, clock: Clock, random_bytes: RandomBytes) -> None:
        """``random_bytes`` has to be unpredictable: keys are made of it."""
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes

    async def list_keys(
        self, account_number: int | None, caller: Caller = UNRESTRICTED
    ) -> list[ApiKey]:
        """Return the keys of an account (None: of all) that the caller may see, oldest first."""
        keys = await self._store.list_keys(account_number)
        return [one for one in keys if one.is_test or not caller.is_test]

    async def create(
        self,
        command: CreateKey,
        caller: Caller = UNRESTRICTED,
        *,
        guard: Callable[[NewKey], Once | None] | None = None,
    ) -> NewKey:
        """Create a key. Its text is returned this once.

        ``guard`` is given what will be stored and returns what makes the write happen once.

        Raises:
            InvalidInputError: see ``problems_of``.
            AlreadyDoneError: the guard says that this has happened before.
        """
        now = self._clock.now()
        refuse_if_any(problems_of(command, caller, now))
        text = make_key(self._random_bytes(KEY_BYTES), is_test=command.is_test)
        made = NewKey(
            key=ApiKey(
                digest=digest_of(text),
                prefix=prefix_of(text),
                account_number=command.account_number,
                is_test=command.is_test,
                label=command.label,
                scope=command.scope,
                created_at=now,
                expires_at=command.expires_at,
            ),
            text=text,
        )
        await self._store.add_key(made.key, once=guard(made) if guard is not None else None)
        return made

    async def revoke(self, command: RevokeKey, caller: Caller = UNRESTRICTED) -> bool:
        """Revoke a key; False when it was revoked already. It stays so for good.

        Raises:
            KeyNotFoundError: the account has no such key, or the caller may not see it.
            CurrentKeyError: it is the caller's own.
        """
        prefix = command.prefix
        keys = await self.list_keys(command.account_number, caller)
        if prefix not in {one.prefix for one in keys}:
            raise KeyNotFoundError(prefix)
        if prefix == caller.key_prefix and not command.allows_current:
            raise CurrentKeyError(prefix)
        return await self._store.revoke_key(prefix, self._clock.now())


def problems_of(command: CreateKey, caller: Caller, now: Instant) -> Iterator[FieldProblem]:
    """Yield what is wrong with the key that somebody wants. Pure."""
    if caller.is_test and not command.is_test:
        yield FieldProblem(
            field="is_test",
            code="not-allowed",
            message="has to be true: from the test world only test keys can be created",
        )
    if problem := text_problem("label", command.label, LONGEST_LABEL):
        yield problem
    if command.scope not in RANKS:
        yield FieldProblem(field="scope", code="unknown", message=f"is one of {', '.join(RANKS)}")
    if command.expires_at is not None and command.expires_at <= now:
        yield FieldProblem(field="expires_at", code="invalid", message="must be in the future")

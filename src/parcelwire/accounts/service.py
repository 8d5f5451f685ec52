"""Accounts: created, changed, suspended, resumed."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.accounts.errors import (
    AccountExistsError,
    AccountNotFoundError,
    AccountSuspendedError,
    OwnSuspensionError,
)
from parcelwire.accounts.ports import AccountStore
from parcelwire.domain.account import Account
from parcelwire.domain.clock import Clock
from parcelwire.domain.field_problems import FieldProblem, refuse_if_any, text_problem
from parcelwire.tracking.ports import Once

log = logging.getLogger(__name__)

# Without the last part a line break at the end would pass in Python, though not elsewhere.
EMAIL_PATTERN: Final = r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$(?!\n)"
"""What an account's e-mail address looks like; for JSON schemas, too."""
LONGEST_EMAIL: Final = 254
"""Characters (RFC 5321 4.5.3.1.3: a path of 256 octets, its angle brackets among them)."""
LONGEST_NAME: Final = 200
LONGEST_PHONE: Final = 50
LONGEST_REASON: Final = 500
LARGEST_QUOTA: Final = 2**31 - 1
"""Fits into an integer column of every engine."""

_EMAIL: Final = re.compile(EMAIL_PATTERN)


class CreateAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Create an account. It has no quota until it is given one."""

    email: str
    """``LONGEST_EMAIL`` characters at most."""
    name: str = ""
    """``LONGEST_NAME`` characters at most."""


class UpdateAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Change an account; what is UNSET stays as it is."""

    number: int
    name: str | msgspec.UnsetType = msgspec.UNSET
    phone: str | msgspec.UnsetType | None = msgspec.UNSET
    """``LONGEST_PHONE`` characters at most."""
    tracking_quota: int | msgspec.UnsetType | None = msgspec.UNSET
    """Trackings that its live world may create in all; None: any number."""


class SuspendAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Suspend an account, or change the reason."""

    number: int
    reason: str = ""
    """For operators only, ``LONGEST_REASON`` characters at most."""
    by: int | None = None
    """The operator's account; None: over the command line."""


class AccountService:
    """Use cases of accounts."""

    def __init__(self, store: AccountStore, *, clock: Clock) -> None:
        """Keep accounts in ``store``."""
        self._store = store
        self._clock = clock

    async def load(self, number: int) -> Account:
        """Return an account by number.

        Raises:
            AccountNotFoundError: there is none.
        """
        account = await self._store.load_account(number)
        if account is None:
            raise AccountNotFoundError(str(number))
        return account

    async def load_active(self, number: int) -> Account:
        """Return an account by number, for its own use.

        Raises:
            AccountNotFoundError: there is none.
            AccountSuspendedError: it is suspended.
        """
        account = await self.load(number)
        if account.is_suspended:
            raise AccountSuspendedError(str(number))
        return account

    async def list_accounts(self, *, after: int = 0) -> list[Account]:
        """Return the accounts with a number above ``after``, by number."""
        return [one for one in await self._store.list_accounts() if one.number > after]

    async def create(self, command: CreateAccount, *, once: Once | None = None) -> Account:
        """Create an account. ``once.answer`` is given the account.

        Raises:
            InvalidInputError: this is no e-mail address, or the name cannot be stored.
            AccountExistsError: the address has an account already.
            AlreadyDoneError: ``once`` says that this has happened before.
        """
        refuse_if_any(_problems_of_new(command))
        try:
            return await self._store.add_account(
                command.email, name=command.name, now=self._clock.now(), once=once
            )
        except ValueError as error:
            raise AccountExistsError(command.email) from error

    async def find_or_create(self, email: str) -> Account:
        """Return the account with this e-mail address (case-insensitive), created if it is new.

        Raises:
            InvalidInputError: this is no e-mail address.
        """
        check_email(email)
        found = await self._store.find_account(email)
        return found if found is not None else await self.create(CreateAccount(email=email))

    async def update(self, command: UpdateAccount) -> Account:
        """Change name, phone or quota of an account; return it as it is then.

        Raises:
            InvalidInputError: a value cannot be stored.
            AccountNotFoundError: there is no such account.
        """
        refuse_if_any(_problems_of_update(command))
        account = await self.load(command.number)
        changes = {
            name: value
            for name in ("name", "phone", "tracking_quota")
            if (value := getattr(command, name)) is not msgspec.UNSET
        }
        account = replace(account, **changes)
        await self._store.save_account(account)
        return account

    async def suspend(self, command: SuspendAccount) -> Account:
        """Suspend an account: nothing is asked, sent or answered for it; return it.

        Raises:
            InvalidInputError: the reason cannot be stored.
            AccountNotFoundError: there is no such account.
            OwnSuspensionError: it is the operator's own.
        """
        refuse_if_any([text_problem("reason", command.reason, LONGEST_REASON)])
        number = command.number
        await self.load(number)
        if number == command.by:
            raise OwnSuspensionError(str(number))
        await self._store.suspend_account(number, reason=command.reason, now=self._clock.now())
        if command.by is not None:
            log.warning("account %d was suspended by account %d", number, command.by)
        return await self.load(number)

    async def resume(self, number: int, *, by: int | None = None) -> Account:
        """End an account's suspension and return it; one that is not suspended stays as it is.

        ``by``: the operator's account; None: over the command line.

        Raises:
            AccountNotFoundError: there is no such account.
        """
        await self.load(number)
        await self._store.resume_account(number)
        if by is not None:
            log.warning("account %d was resumed by account %d", number, by)
        return await self.load(number)


def check_email(email: str) -> None:
    """Check that an account can have this e-mail address. Pure.

    Raises:
        InvalidInputError: it is none, or too long.
    """
    refuse_if_any([_problem_of_email(email)])


def _problem_of_email(email: str) -> FieldProblem | None:
    if _EMAIL.search(email) is None:
        return FieldProblem(field="email", code="invalid", message="is no e-mail address")
    return text_problem("email", email, LONGEST_EMAIL)


def _problems_of_new(command: CreateAccount) -> Iterator[FieldProblem | None]:
    yield _problem_of_email(command.email)
    yield text_problem("name", command.name, LONGEST_NAME)


def _problems_of_update(command: UpdateAccount) -> Iterator[FieldProblem | None]:
    if isinstance(command.name, str):
        yield text_problem("name", command.name, LONGEST_NAME)
    if isinstance(command.phone, str):
        yield text_problem("phone", command.phone, LONGEST_PHONE)
    quota = command.tracking_quota
    if isinstance(quota, int) and not 0 <= quota <= LARGEST_QUOTA:
        yield FieldProblem(
            field="tracking_quota", code="invalid", message=f"is 0 to {LARGEST_QUOTA}"
        )

"""Accounts: the caller's own; and all of the installation, for its operators."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from parcelwire.accounts.service import (
    EMAIL_PATTERN,
    LARGEST_QUOTA,
    LONGEST_EMAIL,
    LONGEST_NAME,
    LONGEST_PHONE,
    LONGEST_REASON,
    CreateAccount,
    SuspendAccount,
    UpdateAccount,
)
from parcelwire.api.house import House
from parcelwire.api.native.keys import KeyCreateRequest, KeyWithSecret, make_key_of, show_key
from parcelwire.api.native.operations import Asked, Operation, given
from parcelwire.api.native.paging import (
    Page,
    PageQuery,
    PlaceInstant,
    make_cursor,
    page_of,
    read_cursor,
)
from parcelwire.api.native.problems import ProblemError
from parcelwire.domain.access import WorldRule
from parcelwire.domain.account import Account
from parcelwire.domain.clock import iso_utc
from parcelwire.domain.field_problems import NO_NUL_PATTERN
from parcelwire.tracking.ports import TrackingFilter

Email = Annotated[
    str, Meta(max_length=LONGEST_EMAIL, pattern=EMAIL_PATTERN, examples=["you@shop.example"])
]
Name = Annotated[str, Meta(max_length=LONGEST_NAME, pattern=NO_NUL_PATTERN)]
Phone = Annotated[str, Meta(max_length=LONGEST_PHONE, pattern=NO_NUL_PATTERN)]
Quota = Annotated[
    int,
    Meta(ge=0, le=LARGEST_QUOTA, description="Trackings that it may create in all; null: no limit"),
]


class AccountObject(msgspec.Struct, frozen=True, kw_only=True):
    """An account."""

    number: int
    email: str
    name: str
    phone: str | None
    tracking_quota: Annotated[
        int | None, Meta(description="Trackings that it may create in all; null: no limit")
    ]
    created_at: str
    suspended_at: Annotated[
        str | None, Meta(description="Since when it is suspended; null: it is not")
    ]
    suspended_reason: Annotated[str, Meta(description="What the operator wrote down")]


class CurrentAccount(AccountObject, frozen=True, kw_only=True):
    """The key's account, with what its world holds."""

    is_test: Annotated[bool, Meta(description="The figures are those of the test world")]
    created_tracking_count: Annotated[int, Meta(description="Ever; what a quota counts")]
    tracking_count: Annotated[int, Meta(description="There now")]
    tracking_count_by_status: dict[str, int]


class AccountUpdateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of one's own account."""

    name: Name | msgspec.UnsetType | None = msgspec.UNSET
    phone: Phone | msgspec.UnsetType | None = msgspec.UNSET


class AnyAccountUpdateRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What an operator may change of any account."""

    name: Name | msgspec.UnsetType | None = msgspec.UNSET
    phone: Phone | msgspec.UnsetType | None = msgspec.UNSET
    tracking_quota: Quota | msgspec.UnsetType | None = msgspec.UNSET


class SuspensionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an account is suspended."""

    reason: Annotated[
        str,
        Meta(
            max_length=LONGEST_REASON,
            pattern=NO_NUL_PATTERN,
            description="For operators only",
        ),
    ] = ""


class AccountCreateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new account. It has no quota until it is given one."""

    email: Email
    name: Name = ""


async def get_account(house: House, asked: Asked) -> CurrentAccount:
    """Answer the key's account and the figures of its world."""
    account = await house.accounts.load_active(asked.account.number)
    counts = await house.store.count_by_status(asked.world_id, TrackingFilter())
    return CurrentAccount(
        **asdict(account_object(account)),
        is_test=asked.key.is_test,
        created_tracking_count=await house.store.count_created(asked.world_id),
        tracking_count=sum(counts.values()),
        tracking_count_by_status={status.value: count for status, count in counts.items()},
    )


async def update_account(house: House, asked: Asked) -> AccountObject:
    """Change name and phone of one's own account."""
    account = await house.accounts.load_active(asked.account.number)
    return await _change(house, asked, account.number)


async def list_accounts(house: House, asked: Asked) -> Page[AccountObject]:
    """Answer one page of all accounts, by number."""
    query: PageQuery = asked.query
    last = read_cursor(query.cursor, "accounts", tuple[PlaceInstant])[0] if query.cursor else 0
    rows = await house.accounts.list_accounts(after=last)
    return page_of(
        rows[: query.limit + 1],
        query.limit,
        account_object,
        lambda one: make_cursor("accounts", one.number),
    )


async def create_account(house: House, asked: Asked) -> AccountObject:
    """Make an account."""
    draft: AccountCreateRequest = asked.body
    account = await house.accounts.create(
        CreateAccount(email=draft.email, name=draft.name), once=asked.once(201, account_object)
    )
    return account_object(account)


async def update_any_account(house: House, asked: Asked) -> AccountObject:
    """Change name, phone and quota of an account."""
    return await _change(house, asked, _number(asked))


async def suspend_account(house: House, asked: Asked) -> AccountObject:
    """Suspend an account."""
    suspension: SuspensionRequest = asked.body
    account = await house.accounts.suspend(
        SuspendAccount(number=_number(asked), reason=suspension.reason, by=asked.account.number)
    )
    return account_object(account)


async def resume_account(house: House, asked: Asked) -> AccountObject:
    """End an account's suspension."""
    return account_object(await house.accounts.resume(_number(asked), by=asked.account.number))


async def create_account_key(house: House, asked: Asked) -> KeyWithSecret:
    """Make a key of any account."""
    return await make_key_of(house, asked, (await house.accounts.load(_number(asked))).number)


def account_object(account: Account) -> AccountObject:
    """Return an account as it is shown."""
    return AccountObject(
        number=account.number,
        email=account.email,
        name=account.name,
        phone=account.phone,
        tracking_quota=account.tracking_quota,
        created_at=iso_utc(account.created_at),
        suspended_at=None if account.suspended_at is None else iso_utc(account.suspended_at),
        suspended_reason=account.suspended_reason,
    )


def _number(asked: Asked) -> int:
    typed = asked.path["number"]
    # Digits in other scripts are digits too, and longer ones fit into no column.
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 9):
        raise ProblemError("account-not-found")
    return int(typed)


async def _change(house: House, asked: Asked, number: int) -> AccountObject:
    changes = given(asked.body)
    if "name" in changes:
        changes["name"] = changes["name"] or ""
    return account_object(await house.accounts.update(UpdateAccount(number=number, **changes)))


_NUMBER: Final = {"number": "The account's number"}
_NUMBERS: Final = {"number": "1"}
_OTHERS: Final = {"number": "2"}
"""Operators cannot suspend themselves."""

OPERATIONS: Final = (
    Operation(
        name="get_account",
        method="GET",
        path="/account",
        summary="The key's account, with counts and quota",
        handler=get_account,
        scope="read",
        world=WorldRule.ACCOUNT,
        answer=CurrentAccount,
    ),
    Operation(
        name="update_account",
        method="PATCH",
        path="/account",
        summary="Change name and phone of the account",
        handler=update_account,
        answer=AccountObject,
        scope="admin",
        world=WorldRule.LIVE,
        request=AccountUpdateRequest,
        problems=("test-key-not-allowed",),
        example={"name": "Alpine Shop"},
    ),
    Operation(
        name="list_accounts",
        method="GET",
        path="/accounts",
        summary="All accounts (operators)",
        handler=list_accounts,
        answer=Page[AccountObject],
        scope="admin",
        world=WorldRule.INSTALLATION,
        is_for_operators=True,
        query=PageQuery,
        problems=("operator-required",),
    ),
    Operation(
        name="create_account",
        method="POST",
        path="/accounts",
        summary="Make an account (operators)",
        handler=create_account,
        answer=AccountObject,
        success=201,
        scope="admin",
        world=WorldRule.INSTALLATION,
        is_for_operators=True,
        request=AccountCreateRequest,
        problems=("operator-required", "account-already-exists"),
        takes_idempotency_key=True,
        example={"email": "you@shop.example", "name": "Alpine Shop"},
    ),
    Operation(
        name="update_any_account",
        method="PATCH",
        path="/accounts/{number}",
        summary="Change name, phone and quota of an account (operators)",
        handler=update_any_account,
        answer=AccountObject,
        scope="admin",
        world=WorldRule.INSTALLATION,
        is_for_operators=True,
        request=AnyAccountUpdateRequest,
        path_texts=_NUMBER,
        path_examples=_NUMBERS,
        problems=("operator-required", "account-not-found"),
        example={"tracking_quota": 10_000},
    ),
    Operation(
        name="suspend_account",
        method="POST",
        path="/accounts/{number}/suspend",
        summary="Suspend an account (operators)",
        text=(
            "Its calls are refused, its tracking pages are not shown, its parcels are not checked,"
            " and neither webhooks nor mails are sent, until it is resumed. Suspending it again"
            " changes the reason."
        ),
        handler=suspend_account,
        answer=AccountObject,
        scope="admin",
        world=WorldRule.INSTALLATION,
        is_for_operators=True,
        request=SuspensionRequest,
        path_texts=_NUMBER,
        path_examples=_OTHERS,
        problems=("operator-required", "account-not-found", "cannot-suspend-own-account"),
        example={"reason": "invoice 2026-118 is unpaid"},
    ),
    Operation(
        name="resume_account",
        method="POST",
        path="/accounts/{number}/resume",
        summary="End the suspension of an account (operators)",
        text=(
            "What was waiting continues. Resuming an account that is not suspended changes nothing."
        ),
        handler=resume_account,
        answer=AccountObject,
        scope="admin",
        world=WorldRule.INSTALLATION,
        is_for_operators=True,
        path_texts=_NUMBER,
        path_examples=_NUMBERS,
        problems=("operator-required", "account-not-found"),
    ),
    Operation(
        name="create_account_key",
        method="POST",
        path="/accounts/{number}/keys",
        summary="Make a key of an account (operators)",
        text="The answer holds the key. It is not shown again.",
        handler=create_account_key,
        finish=show_key,
        answer=KeyWithSecret,
        success=201,
        scope="admin",
        world=WorldRule.INSTALLATION,
        is_for_operators=True,
        request=KeyCreateRequest,
        path_texts=_NUMBER,
        path_examples=_NUMBERS,
        problems=("operator-required", "account-not-found", "invalid-expiry"),
        takes_idempotency_key=True,
        example={"label": "first key"},
    ),
)

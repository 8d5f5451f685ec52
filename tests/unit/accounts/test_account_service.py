"""Accounts: what can be stored of them, and who may be suspended."""

from __future__ import annotations

import logging

import pytest

from parcelwire.accounts.errors import (
    AccountExistsError,
    AccountNotFoundError,
    AccountSuspendedError,
    OwnSuspensionError,
)
from parcelwire.accounts.service import (
    LARGEST_QUOTA,
    LONGEST_EMAIL,
    LONGEST_NAME,
    LONGEST_PHONE,
    LONGEST_REASON,
    AccountService,
    CreateAccount,
    SuspendAccount,
    UpdateAccount,
)
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.field_problems import InvalidInputError
from parcelwire.store.port import Store
from parcelwire.tracking.ports import AlreadyDoneError, Once


@pytest.fixture
def accounts(store: Store, clock: FrozenClock) -> AccountService:
    return AccountService(store, clock=clock)


def wrong_fields(error: InvalidInputError) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in error.problems]


async def test_an_address_has_one_account(accounts: AccountService, clock: FrozenClock) -> None:
    made = await accounts.create(CreateAccount(email="you@shop.example", name="Shop"))
    assert (made.number, made.name, made.created_at) == (1, "Shop", clock.now())
    assert made.tracking_quota is None
    with pytest.raises(AccountExistsError):
        await accounts.create(CreateAccount(email="YOU@shop.example"))
    assert await accounts.find_or_create("You@shop.example") == made
    assert (await accounts.find_or_create("two@shop.example")).number == 2
    assert [one.number for one in await accounts.list_accounts(after=1)] == [2]


@pytest.mark.parametrize(
    "email",
    [
        "",
        "shop",
        "@",
        "a@b@c",
        "a b@shop.example",
        "a@shop.example\n",
        "a@shop\0.example",
        f"{'x' * (LONGEST_EMAIL - 4)}@shop",
    ],
)
async def test_what_is_no_address_makes_no_account(accounts: AccountService, email: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await accounts.create(CreateAccount(email=email))
    assert [field for field, _ in wrong_fields(caught.value)] == ["email"]
    with pytest.raises(InvalidInputError):
        await accounts.find_or_create(email)
    assert await accounts.list_accounts() == []


async def test_all_that_is_wrong_is_named(accounts: AccountService) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await accounts.create(CreateAccount(email="nobody", name="x" * (LONGEST_NAME + 1)))
    assert wrong_fields(caught.value) == [("email", "invalid"), ("name", "too-long")]
    assert str(caught.value) == "email is no e-mail address; name has at most 200 characters"


async def test_a_change_leaves_alone_what_it_does_not_name(accounts: AccountService) -> None:
    number = (await accounts.create(CreateAccount(email="you@shop.example", name="Shop"))).number
    changed = await accounts.update(UpdateAccount(number=number, phone="+41", tracking_quota=0))
    assert (changed.name, changed.phone, changed.tracking_quota) == ("Shop", "+41", 0)
    changed = await accounts.update(
        UpdateAccount(number=number, name="", phone=None, tracking_quota=None)
    )
    assert (changed.name, changed.phone, changed.tracking_quota) == ("", None, None)
    assert await accounts.load(number) == changed
    most = UpdateAccount(
        number=number,
        name="é" * LONGEST_NAME,
        phone="1" * LONGEST_PHONE,
        tracking_quota=LARGEST_QUOTA,
    )
    assert (await accounts.update(most)).tracking_quota == LARGEST_QUOTA


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "x" * (LONGEST_NAME + 1), "too-long"),
        ("name", "a\0b", "invalid"),
        ("phone", "1" * (LONGEST_PHONE + 1), "too-long"),
        ("phone", "\0", "invalid"),
        ("tracking_quota", -1, "invalid"),
        ("tracking_quota", LARGEST_QUOTA + 1, "invalid"),
    ],
)
async def test_a_change_that_cannot_be_stored_changes_nothing(
    accounts: AccountService, field: str, value: object, code: str
) -> None:
    made = await accounts.create(CreateAccount(email="you@shop.example"))
    with pytest.raises(InvalidInputError) as caught:
        await accounts.update(UpdateAccount(number=made.number, **{field: value}))  # type: ignore[arg-type]  # one field of each type
    assert wrong_fields(caught.value) == [(field, code)]
    assert await accounts.load(made.number) == made


async def test_an_account_that_is_not_there(accounts: AccountService) -> None:
    for attempt in (
        accounts.load(7),
        accounts.load_active(7),
        accounts.update(UpdateAccount(number=7, name="x")),
        accounts.suspend(SuspendAccount(number=7)),
        accounts.resume(7),
    ):
        with pytest.raises(AccountNotFoundError):
            await attempt


async def test_suspending_and_resuming(
    accounts: AccountService, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    for email in ("operator@example.com", "you@shop.example"):
        await accounts.create(CreateAccount(email=email))
    caplog.set_level(logging.WARNING)
    suspended = await accounts.suspend(SuspendAccount(number=2, reason="unpaid", by=1))
    assert (suspended.suspended_at, suspended.suspended_reason) == (clock.now(), "unpaid")
    with pytest.raises(AccountSuspendedError):
        await accounts.load_active(2)
    clock.advance(5)
    again = await accounts.suspend(SuspendAccount(number=2, reason="x" * LONGEST_REASON))
    assert again.suspended_at == suspended.suspended_at
    assert not (await accounts.resume(2, by=1)).is_suspended
    assert (await accounts.resume(2)).number == (await accounts.load_active(2)).number
    # Over the command line nobody is named, and the operator sees what happened anyway.
    assert [record.getMessage() for record in caplog.records] == [
        "account 2 was suspended by account 1",
        "account 2 was resumed by account 1",
    ]


async def test_whom_an_operator_cannot_suspend(accounts: AccountService) -> None:
    await accounts.create(CreateAccount(email="operator@example.com"))
    with pytest.raises(OwnSuspensionError):
        await accounts.suspend(SuspendAccount(number=1, by=1))
    for reason, code in (("x" * (LONGEST_REASON + 1), "too-long"), ("\0", "invalid")):
        with pytest.raises(InvalidInputError) as caught:
            await accounts.suspend(SuspendAccount(number=1, reason=reason))
        assert wrong_fields(caught.value) == [("reason", code)]
    assert not (await accounts.load(1)).is_suspended


async def test_a_repeated_creation_has_its_effect_once(
    accounts: AccountService, clock: FrozenClock
) -> None:
    once = Once(
        world_id=2,
        key="again",
        fingerprint=bytes(32),
        at=clock.now(),
        answer=lambda account: (201, account.email.encode()),
    )
    command = CreateAccount(email="you@shop.example")
    await accounts.create(command, once=once)
    with pytest.raises(AlreadyDoneError) as caught:
        await accounts.create(command, once=once)
    assert caught.value.record.body == b"you@shop.example"

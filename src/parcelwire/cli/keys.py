"""``parcelwire key`` and ``parcelwire account``."""

from __future__ import annotations

from datetime import timedelta

import click
import msgspec

from parcelwire.accounts.errors import KeyNotFoundError
from parcelwire.accounts.key_format import prefix_of
from parcelwire.accounts.keys import CreateKey, RevokeKey
from parcelwire.accounts.service import (
    LONGEST_REASON,
    SuspendAccount,
    UpdateAccount,
    check_email,
)
from parcelwire.bootstrap import InstallationError
from parcelwire.cli.common import account_of, installation, refusals, run_async, when
from parcelwire.cli.durations import DurationType
from parcelwire.cli.passwords import password
from parcelwire.domain.access import RANKS
from parcelwire.domain.clock import SECOND, to_datetime
from parcelwire.domain.field_problems import InvalidInputError


@click.group()
def key() -> None:
    """Manage API keys."""


@key.command("create")
@click.option("--account", "email", help="E-mail address of the account; created if it is new.")
@click.option(
    "--test", "is_test", is_flag=True, help="Create a key for the test world (simulated parcels)."
)
@click.option("--label", default="", help="What the key is for.")
@click.option(
    "--scope",
    type=click.Choice(list(RANKS)),
    default="write",
    show_default=True,
    help="read: read-only; write: also change parcels and endpoints; admin: also change keys and"
    " accounts.",
)
@click.option(
    "--expires-in",
    type=DurationType(),
    help="Lifetime, such as 90d (m, h, d, w); default: the key does not expire.",
)
@click.option("--quiet", is_flag=True, help="Print only the key.")
@click.pass_context
@run_async
async def create(
    ctx: click.Context,
    *,
    email: str | None,
    is_test: bool,
    label: str,
    scope: str,
    expires_in: timedelta | None,
    quiet: bool,
) -> None:
    """Create a key and print it. It is shown only once; only its hash is stored.

    \b
    parcelwire key create --account you@shop.example
    parcelwire key create --test --label "integration tests"
    parcelwire key create --scope read --expires-in 90d
    """
    if email is not None:
        _check_email(email)
    async with installation(ctx, if_missing="create") as house:
        use_cases = house.use_cases
        if email is None:
            account = await account_of(house, None)
        else:
            account = await use_cases.accounts.find_or_create(email)
        milliseconds = None if expires_in is None else round(expires_in.total_seconds() * SECOND)
        expires_at = None if milliseconds is None else house.clock.now() + milliseconds
        with refusals():
            made = await use_cases.keys.create(
                CreateKey(
                    account_number=account.number,
                    label=label,
                    scope=scope,
                    is_test=is_test,
                    expires_at=expires_at,
                )
            )
    text = made.text
    if quiet:
        click.echo(text)
        return
    world = "test" if is_test else "live"
    until = (
        "" if expires_at is None else f", valid until {to_datetime(expires_at):%Y-%m-%d %H:%M} UTC"
    )
    click.echo(
        f"A {world} key for {account.email}{until} (shown only once; store it safely):\n\n"
        f"  {text}\n"
    )


def _check_email(email: str) -> None:
    try:
        check_email(email)
    except InvalidInputError as error:
        msg = f"{email!r} {error.problems[0].message}"
        raise InstallationError(msg) from None


@key.command("list")
@click.option("--account", "email", help="E-mail address of the account; default: all.")
@click.pass_context
@run_async
async def list_keys(ctx: click.Context, email: str | None) -> None:
    """List keys by prefix."""
    async with installation(ctx) as house:
        now = house.clock.now()
        number = (await account_of(house, email)).number if email else None
        accounts = {account.number: account for account in await house.store.list_accounts()}
        keys = await house.use_cases.keys.list_keys(number)
    if not keys:
        click.echo("There are no keys. Create one with: parcelwire key create --account E-MAIL")
    for one in keys:
        state = one.state_at(now)
        shown = one.scope if state == "active" else state
        until = "" if one.expires_at is None else f"  until {to_datetime(one.expires_at):%Y-%m-%d}"
        click.echo(
            f"{one.prefix}…  {'test' if one.is_test else 'live'}  {shown:7}"
            f"  {to_datetime(one.created_at):%Y-%m-%d}{until}"
            f"  {accounts[one.account_number].email}  {one.label}".rstrip()
        )


@key.command("revoke")
@click.argument("prefix")
@click.pass_context
@run_async
async def revoke(ctx: click.Context, prefix: str) -> None:
    """Revoke the key with this PREFIX (or full text) permanently.

    Running servers reject it within a second.
    """
    visible = prefix_of(prefix.strip().rstrip("…"))
    async with installation(ctx) as house:
        try:
            was_alive = await house.use_cases.keys.revoke(
                RevokeKey(account_number=None, prefix=visible)
            )
        except KeyNotFoundError:
            msg = f"there is no key {visible}…; see: parcelwire key list"
            raise InstallationError(msg) from None
        if not was_alive:
            msg = f"{visible}… is revoked already"
            raise InstallationError(msg)
    click.echo(f"{visible}… is revoked: it answers 4002 (v2) and 401 (v4) from now on.")


@click.group()
def account() -> None:
    """Manage accounts."""


@account.command("list")
@click.pass_context
@run_async
async def list_accounts(ctx: click.Context) -> None:
    """List accounts."""
    async with installation(ctx) as house:
        accounts = await house.store.list_accounts()
    if not accounts:
        click.echo("There are no accounts. Create one with: parcelwire key create --account E-MAIL")
    for one in accounts:
        quota = "no quota" if one.tracking_quota is None else f"quota {one.tracking_quota}"
        state = "" if one.suspended_at is None else f"suspended since {when(one.suspended_at)}"
        if one.suspended_reason:
            state += f" ({one.suspended_reason})"
        click.echo("  ".join(part for part in (one.email, quota, one.name, state) if part))


@account.command("update")
@click.argument("email")
@click.option("--name", help="Name of the account.")
@click.option("--phone", help="Phone number of the account.")
@click.option(
    "--quota", type=click.IntRange(min=0), help="Maximum number of trackings it may create."
)
@click.option("--no-quota", is_flag=True, help="Remove the quota.")
@click.pass_context
@run_async
async def update_account(
    ctx: click.Context,
    email: str,
    name: str | None,
    phone: str | None,
    quota: int | None,
    no_quota: bool,
) -> None:
    """Update the account EMAIL; omitted fields are unchanged."""
    if quota is not None and no_quota:
        msg = "--quota and --no-quota contradict each other"
        raise click.UsageError(msg)
    if name is None and phone is None and quota is None and not no_quota:
        msg = "nothing to update: pass --name, --phone, --quota or --no-quota"
        raise click.UsageError(msg)
    async with installation(ctx) as house:
        owner = await account_of(house, email)
        quota_set = quota if quota is not None else msgspec.UNSET
        with refusals():
            await house.use_cases.accounts.update(
                UpdateAccount(
                    number=owner.number,
                    name=msgspec.UNSET if name is None else name,
                    phone=msgspec.UNSET if phone is None else phone,
                    tracking_quota=None if no_quota else quota_set,
                )
            )
    click.echo(f"{email} is updated.")


@account.command("suspend")
@click.argument("email")
@click.option("--reason", default="", help="Reason; shown to operators only.")
@click.pass_context
@run_async
async def suspend(ctx: click.Context, email: str, reason: str) -> None:
    """Suspend the account EMAIL: refuse its calls, stop its checks, webhooks and mails.

    Every server and worker on the database acts on it within a second. Nothing is deleted.

    \b
    parcelwire account suspend you@shop.example --reason "invoice 2026-118 is unpaid"
    """
    reason = reason.strip()
    async with installation(ctx) as house:
        number = (await account_of(house, email)).number
        command = SuspendAccount(number=number, reason=reason)
        try:
            await house.use_cases.accounts.suspend(command)
        except InvalidInputError as error:
            said = error.problems[0].message
            if error.problems[0].code == "too-long":
                said = f"can have {LONGEST_REASON} characters, not {len(reason)}"
            msg = f"the reason {said}"
            raise InstallationError(msg) from None
    click.echo(f"{email} is suspended. To resume it: parcelwire account resume {email}")


@account.command("resume")
@click.argument("email")
@click.pass_context
@run_async
async def resume(ctx: click.Context, email: str) -> None:
    """Resume the suspended account EMAIL.

    The first checks of its parcels are spread over an hour.
    """
    async with installation(ctx) as house:
        before = await account_of(house, email)
        await house.use_cases.accounts.resume(before.number)
    if before.is_suspended:
        click.echo(f"{email} is resumed.")
    else:
        click.echo(f"{email} was not suspended.")


account.add_command(password)

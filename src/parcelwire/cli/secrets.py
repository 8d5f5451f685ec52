"""``parcelwire secrets``: the key that seals what is secret in the database."""

from __future__ import annotations

import os

import click

from parcelwire.bootstrap import InstallationError
from parcelwire.bootstrap.rotation import (
    KeyStatus,
    Rotation,
    RotationResult,
    key_status,
    reset_keys,
)
from parcelwire.cli.common import installation, run_async, when, working
from parcelwire.domain.sealing import SealingKey
from parcelwire.store.sealing import UNREADABLE_CONNECTION, UNREADABLE_KINDS

_KINDS = {
    "connection": "carriers' credentials",
    "endpoint": "webhook secrets and headers",
    "answer": "recorded answers",
}


@click.group()
def secrets() -> None:
    """Manage the key that seals credentials and webhook secrets."""


@secrets.command("status")
@click.pass_context
@run_async
async def status(ctx: click.Context) -> None:
    """Show which keys the database and the key file know, and what is sealed with each.

    Keys are shown by their fingerprints, never themselves.
    """
    async with installation(ctx) as house:
        found = await key_status(house.store, house.ring)
    click.echo(f"key file  {found.file}")
    if not found.in_file:
        what = "holds no key that can be used" if found.wrong else "the first server makes it"
        click.echo(f"          {what}")
    for key in found.keys:
        click.echo(f"key       {key.fingerprint}  {_state(found, key)}")
    known = {key.fingerprint for key in found.keys}
    for fingerprint in found.in_file:
        if fingerprint not in known:
            what = "nothing is sealed with it"
            if any(kind == UNREADABLE_CONNECTION for kind, _ in found.counts):
                what = "nothing that can be read is sealed with it"
            click.echo(f"key       {fingerprint}  in the file only: {what}")
    for (kind, key_id), count in sorted(found.counts.items()):
        if kind in UNREADABLE_KINDS:
            click.echo(f"{count:>8}  {kind}s: restore them from a backup, or remove them")
            continue
        how = f"sealed with {key_id}…" if key_id else "not sealed yet: a server does it at start"
        click.echo(f"{count:>8}  {_KINDS[kind]}, {how}")
    if len(found.keys) > 1:
        click.echo("A rotation is in progress; finish it with: parcelwire secrets rotate")
    if found.wrong:
        raise InstallationError(found.wrong)


def _state(found: KeyStatus, key: SealingKey) -> str:
    role = "seals" if key.is_current else "only opens"
    where = "in the file" if key.fingerprint in found.in_file else "NOT in the file"
    return f"{role}, {where}, known since {when(key.added_at)}"


@secrets.command("rotate")
@click.option(
    "--prepare",
    is_flag=True,
    help="Only put the new key into the file, so that it can be copied to other machines first.",
)
@click.pass_context
@run_async
async def rotate(ctx: click.Context, prepare: bool) -> None:
    """Create a new key, reseal everything with it, and remove the old key from the file.

    Servers can keep running. Those that share the key file pick up the new key by themselves; on
    other machines the file must be replaced. If the command is interrupted, run it again: it
    finishes the rotation.

    \b
    parcelwire secrets rotate
    parcelwire secrets rotate --prepare   # then copy the file to all machines, and rotate
    """
    async with installation(ctx) as house:
        await house.check_key()
        rotation = Rotation(house.store, house.ring, clock=house.clock, random_bytes=os.urandom)
        with working("resealing everything"):
            done = await rotation.run(only_prepare=prepare)
    path = house.ring.path.absolute()
    if done.is_prepared:
        click.echo(
            f"The new key {done.fingerprint} is in {path} and not in use yet. Copy the file to all"
            " machines of this installation, then: parcelwire secrets rotate"
        )
        return
    which = "The interrupted rotation is finished" if done.was_under_way else "Done"
    has_one = f"{done.fingerprint} is the only key in {path}"
    if done.older:
        has_one = f"{done.fingerprint} now seals everything; {path} keeps older keys as well"
    click.echo(
        f"{which}: {done.resealed} values were resealed, and {has_one}."
        " Back it up separately from the database; older backups need the old key."
    )
    for line in _left(done):
        click.echo(line, err=True)


def _left(done: RotationResult) -> list[str]:
    """Say what could not be resealed, and what to do about it."""
    lines = []
    if count := done.unreadable_connections:
        lines.append(
            f"{count} carrier connection(s) could not be resealed because their stored documents"
            " cannot be read; the log names them. They may be sealed with an older key, so the key"
            f" file keeps {', '.join(done.older) or 'its keys'}. Restore them from a backup or"
            " remove them (parcelwire carrier disconnect), then run this command again."
        )
    if count := done.unreadable_endpoints:
        lines.append(
            f"{count} webhook endpoint(s) could not be sealed because their stored documents cannot"
            " be read; the log names them. Restore them from a backup or delete them."
        )
    return lines


@secrets.command("reset")
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
@click.pass_context
@run_async
async def reset(ctx: click.Context, yes: bool) -> None:
    """Start over when a key file is lost for good. Look for a backup of it first.

    Whatever was sealed with lost keys is discarded: connections to carriers are removed, and
    endpoints are disabled until they are given a new secret. Stop all servers first.
    """
    async with installation(ctx) as house:
        if not yes:
            click.confirm(
                "Connections and webhook secrets that were sealed with a lost key will be removed."
                " Continue?",
                abort=True,
            )
        lost = await reset_keys(
            house.store,
            house.ring,
            clock=house.clock,
            random_bytes=os.urandom,
            is_default_path=not house.config.secrets.key_file,
        )
    click.echo(
        f"{lost.get('connection', 0)} connections removed, {lost.get('endpoint', 0)} endpoints"
        f" disabled. The installation now uses the key in {house.ring.path.absolute()}."
    )
    click.echo("Next: parcelwire carrier connect, parcelwire webhook rotate-secret and enable.")

"""``parcelwire secrets``: the key that seals what is secret in the database."""

from __future__ import annotations

import os

import click

from parcelwire.bootstrap import InstallationError
from parcelwire.bootstrap.rotation import KeyStatus, Rotation, key_status, reset_keys
from parcelwire.cli.support import installation, run_async, when, working
from parcelwire.domain.sealing import SealingKey

_KINDS = {
    "connection": "carriers' credentials",
    "endpoint": "webhook secrets and headers",
    "answer": "recorded answers",
}


@click.group()
def secrets() -> None:
    """Look after the key that seals credentials and webhook secrets."""


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
            click.echo(f"key       {fingerprint}  in the file only: nothing is sealed with it")
    for (kind, key_id), count in sorted(found.counts.items()):
        how = f"sealed with {key_id}…" if key_id else "not sealed yet: a server does it at start"
        click.echo(f"{count:>8}  {_KINDS[kind]}, {how}")
    if len(found.keys) > 1:
        click.echo("A rotation is under way; finish it with: parcelwire secrets rotate")
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
    """Make a new key, seal everything anew with it, and take the old key out of the file.

    Servers may run meanwhile. Those that share the key file go on by themselves; on other machines
    the file must be replaced. Killed or failed anywhere, the same command finishes the rotation.

    \b
    parcelwire secrets rotate
    parcelwire secrets rotate --prepare   # then copy the file to all machines, and rotate
    """
    async with installation(ctx) as house:
        await house.check_key()
        rotation = Rotation(house.store, house.ring, clock=house.clock, random_bytes=os.urandom)
        with working("sealing everything anew"):
            done = await rotation.run(only_prepare=prepare)
    path = house.ring.path.absolute()
    if done.is_prepared:
        click.echo(
            f"The new key {done.fingerprint} is in {path} and not in use yet. Copy the file to all"
            " machines of this installation, then: parcelwire secrets rotate"
        )
        return
    which = "The rotation that was under way is finished" if done.was_under_way else "Done"
    click.echo(
        f"{which}: {done.resealed} values were sealed anew, and {done.fingerprint} is the one key"
        f" in {path}. Back it up apart from the database; backups from before need the old key."
    )


@secrets.command("reset")
@click.option("--yes", is_flag=True, help="Do not ask; what is sealed with a lost key goes.")
@click.pass_context
@run_async
async def reset(ctx: click.Context, yes: bool) -> None:
    """Begin anew when a key file is lost for good. Look for a backup of it first.

    What was sealed with lost keys is given up: carriers' connections are removed, and endpoints
    are switched off until they are given a new secret. Stop all servers first.
    """
    async with installation(ctx) as house:
        if not yes:
            click.confirm(
                "Connections and webhook secrets that were sealed with the lost key will be gone."
                " Go on?",
                abort=True,
            )
        lost = await reset_keys(
            house.store,
            house.ring,
            clock=house.clock,
            random_bytes=os.urandom,
            has_own_place=not house.config.secrets.key_file,
        )
    click.echo(
        f"{lost.get('connection', 0)} connections are removed, {lost.get('endpoint', 0)} endpoints"
        f" switched off. The key is now that of {house.ring.path.absolute()}."
    )
    click.echo("Next: parcelwire connection add, parcelwire webhook rotate and enable.")

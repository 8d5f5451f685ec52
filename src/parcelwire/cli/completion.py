"""``parcelwire completion``: the completion script of a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from parcelwire.cli.exit_codes import CommandError

_VARIABLE = "_PARCELWIRE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Generate the completion script for SHELL.

    \b
    eval "$(parcelwire completion bash)"            # in ~/.bashrc
    eval "$(parcelwire completion zsh)"             # in ~/.zshrc
    parcelwire completion fish > ~/.config/fish/completions/parcelwire.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        msg = f"unsupported shell: {shell}"
        raise CommandError(msg)
    click.echo(kind(ctx.find_root().command, {}, "parcelwire", _VARIABLE).source())

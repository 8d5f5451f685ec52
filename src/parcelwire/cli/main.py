"""``parcelwire``: the group of commands, and the one place where errors become lines for people.

Exit codes: 0 done; 1 it did not work (the line says why); 2 the command was called wrongly.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import click

from parcelwire import __version__

_COMMANDS = {
    "serve": ("parcelwire.cli.serve", "serve"),
    "api": ("parcelwire.cli.serve", "api"),
    "worker": ("parcelwire.cli.serve", "worker"),
    "migrate": ("parcelwire.cli.serve", "migrate"),
    "config": ("parcelwire.cli.serve", "config"),
    "demo": ("parcelwire.cli.demo", "demo"),
    "key": ("parcelwire.cli.keys", "key"),
    "account": ("parcelwire.cli.keys", "account"),
    "connection": ("parcelwire.cli.connections", "connection"),
    "remote-areas": ("parcelwire.cli.connections", "remote_areas"),
    "webhook": ("parcelwire.cli.webhooks", "webhook"),
    "track": ("parcelwire.cli.track", "track"),
    "couriers": ("parcelwire.cli.couriers", "couriers"),
    "detect": ("parcelwire.cli.couriers", "detect"),
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when it is called.

    ``--help`` and ``key`` stay fast.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="parcelwire")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="Configuration file; default: $PARCELWIRE_CONFIG, else parcelwire.toml if it is there.",
)
@click.pass_context
def cli(ctx: click.Context, config_path: Path | None) -> None:
    """Parcelwire: self-hosted shipment tracking that speaks TrackingMore's API.

    \b
    parcelwire demo                              see it run, with nothing to set up
    parcelwire key create --account you@shop.example
    parcelwire serve                             API, pages and workers in one process
    parcelwire track 99.00.123456.12345678       ask once, print the timeline
    """
    ctx.obj = config_path


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; never show a traceback for what a person can mend."""
    try:
        cli.main(args=arguments, prog_name="parcelwire", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except Exception as error:
        if not isinstance(error, _errors_for_people()):
            raise
        click.echo(f"parcelwire: {error}", err=True)
        sys.exit(1)


def _errors_for_people() -> tuple[type[Exception], ...]:
    """Return the errors whose message alone says what to do; imported only when one is at hand."""
    from parcelwire.bootstrap import InstallationError
    from parcelwire.config import ConfigError
    from parcelwire.store.port import StoreUnavailableError

    return (ConfigError, InstallationError, StoreUnavailableError)


if __name__ == "__main__":
    main()

"""``parcelwire``: the group of commands, and the one place where errors become lines for people.

Exit codes: 0 done; 1 it did not work (the line says why); 2 the command was called wrongly.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import click

from parcelwire import __version__

_SERVE, _KEYS = "parcelwire.cli.serve", "parcelwire.cli.keys"
_COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("parcelwire.cli.demo", "demo", "Show the whole way of a parcel on this machine."),
    "serve": (_SERVE, "serve", "Run everything: API, pages, polling, webhooks."),
    "api": (_SERVE, "api", "Run the API and the pages alone (PostgreSQL)."),
    "worker": (_SERVE, "worker", "Run polling and webhooks alone (PostgreSQL)."),
    "migrate": (_SERVE, "migrate", "Bring the database's schema up to date."),
    "config": (_SERVE, "config", "Print the default settings, or check your own."),
    "key": (_KEYS, "key", "Create, list and revoke API keys."),
    "account": (_KEYS, "account", "List accounts, and set what they may."),
    "connection": ("parcelwire.cli.connections", "connection", "Connect an account to carriers."),
    "webhook": (
        "parcelwire.cli.webhooks",
        "webhook",
        "Tell other systems: endpoints, log, resend.",
    ),
    "track": ("parcelwire.cli.track", "track", "Ask a number's carrier once, print the timeline."),
    "show": (
        "parcelwire.cli.show",
        "show",
        "Show what is stored of a parcel, and what comes next.",
    ),
    "detect": ("parcelwire.cli.couriers", "detect", "Say whose number a number is, and why."),
    "couriers": ("parcelwire.cli.couriers", "couriers", "List, search and refresh the couriers."),
    "remote-areas": ("parcelwire.cli.remote_areas", "remote_areas", "Load v2's remote areas."),
}
"""Name -> module, object in it, and what the list of commands says of it."""


class LazyGroup(click.Group):
    """A group that imports a command's module only when it is called, so that help stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, _, about) in _COMMANDS.items()])


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
    parcelwire demo                           # see it run, with nothing to set up
    parcelwire key create --account you@shop.example
    parcelwire serve                          # API, pages and workers in one process
    parcelwire track 99.00.123456.12345678    # ask once, print the timeline
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

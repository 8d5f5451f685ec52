"""``parcelwire``: the group of commands, and the one place where errors become lines for people.

Exit codes: see ``exits``.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from parcelwire import __version__
from parcelwire.cli import exit_codes
from parcelwire.cli.exit_codes import CommandError

_SERVE, _KEYS = "parcelwire.cli.serve", "parcelwire.cli.keys"
_DELETE, _LOGIN = "parcelwire.cli.delete", "parcelwire.cli.login"
_COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("parcelwire.cli.demo", "demo", "Run a self-contained demo."),
    "serve": (_SERVE, "serve", "Run API, pages, polling and webhooks in one process."),
    "api": (_SERVE, "api", "Run the API and pages only (PostgreSQL)."),
    "worker": (_SERVE, "worker", "Run polling and webhooks only (PostgreSQL)."),
    "migrate": (_SERVE, "migrate", "Migrate the database schema."),
    "config": (_SERVE, "config", "Print the default settings, or check yours."),
    "durability-test": (
        "parcelwire.cli.durability_test",
        "durability_test",
        "Inject faults and check that no data is lost.",
    ),
    "key": (_KEYS, "key", "Manage API keys."),
    "account": (_KEYS, "account", "Manage accounts."),
    "carrier": (
        "parcelwire.cli.carriers",
        "carrier",
        "List carriers and connect accounts to them.",
    ),
    "webhook": (
        "parcelwire.cli.webhooks",
        "webhook",
        "Manage webhook endpoints and deliveries.",
    ),
    "secrets": ("parcelwire.cli.secrets", "secrets", "Manage the key that seals stored secrets."),
    "notify": ("parcelwire.cli.notify", "notify", "Test e-mail and operator notifications."),
    "track": ("parcelwire.cli.track", "track", "Query carriers now and show parcel status."),
    "create": ("parcelwire.cli.create", "create", "Start tracking numbers."),
    "list": ("parcelwire.cli.listing", "list_trackings", "List trackings."),
    "show": ("parcelwire.cli.show", "show", "Show a parcel's stored history and next check."),
    "delete": (_DELETE, "delete", "Delete trackings and their history."),
    "retrack": (_DELETE, "retrack", "Resume tracking of expired parcels."),
    "import": ("parcelwire.cli.importing", "import_file", "Import trackings from a CSV file."),
    "export": ("parcelwire.cli.exporting", "export", "Export trackings to CSV or JSON."),
    "detect": ("parcelwire.cli.couriers", "detect", "Detect the courier of a tracking number."),
    "couriers": ("parcelwire.cli.couriers", "couriers", "List, search and refresh couriers."),
    "watch": ("parcelwire.cli.watch", "watch", "Stream tracking events as they happen."),
    "remote-areas": ("parcelwire.cli.remote_areas", "remote_areas", "Load v2's remote areas."),
    "login": (_LOGIN, "login", "Log in to a server."),
    "logout": (_LOGIN, "logout", "Log out of a server."),
    "connector": ("parcelwire.cli.connectors", "connector", "Create and check connectors."),
    "completion": (
        "parcelwire.cli.completion",
        "completion",
        "Generate the shell completion script.",
    ),
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
        try:
            command: click.Command = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] == "parcelwire":
                raise
            msg = (
                f"parcelwire {cmd_name} needs more than is installed ({error.name} is missing):"
                " pip install 'parcelwire[server]'"
            )
            raise CommandError(msg) from None
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command without importing all of them."""
        found = [
            CompletionItem(name, help=about)
            for name, (_, _, about) in _COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

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
    parcelwire demo                           # see it run; needs no setup
    parcelwire key create --account you@shop.example
    parcelwire serve                          # API, pages and workers in one process
    parcelwire create 99.00.123456.12345678   # start tracking a parcel
    parcelwire list --status exception        # list parcels with problems
    parcelwire login                          # work with another server
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
        sys.exit(exit_codes.INTERRUPTED)
    except Exception as error:
        code = _code_of(error)
        if code is None:
            raise
        click.echo(f"parcelwire: {error}", err=True)
        sys.exit(code)


def _code_of(error: Exception) -> int | None:
    """Return the exit code of an error whose message alone says what to do; None: a fault of ours.

    What the kinds of error are is imported only when one is at hand.
    """
    if isinstance(error, CommandError):
        return error.code
    from parcelwire.client.errors import ParcelwireError
    from parcelwire.config import ConfigError

    if isinstance(error, ConfigError):
        return exit_codes.FAILED
    if isinstance(error, ParcelwireError):
        return exit_codes.exit_code_of(error)
    try:
        from parcelwire.bootstrap import InstallationError
        from parcelwire.store.port import StoreUnavailableError
    except ModuleNotFoundError:
        return None
    return (
        exit_codes.FAILED if isinstance(error, InstallationError | StoreUnavailableError) else None
    )


if __name__ == "__main__":
    main()

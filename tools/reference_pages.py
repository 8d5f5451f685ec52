"""Write the pages of docs/ that say what the program says: settings, commands, client, access.

    python -m tools.reference_pages

The pages are checked in, and a test compares them, so that no setting, command or option can come
without being written down.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from parcelwire.cli.exit_codes import EXITS
from parcelwire.cli.main import cli
from parcelwire.config import default_text, variable_of
from tools.access_page import describe_access
from tools.client_reference import describe_client

COMMAND = "python -m tools.reference_pages"
DOCS = Path(__file__).resolve().parent.parent / "docs"

_CONFIGURATION = """\
# Configuration

Written by `{command}` from `src/parcelwire/config.default.toml`, which
`parcelwire config` prints: copy what you want to change into `parcelwire.toml`.

Where settings come from, the later before the earlier:

1. the defaults below
2. `parcelwire.toml` in the folder the command is started in, or the file that `--config` or the
   environment variable `PARCELWIRE_CONFIG` names
3. environment variables, one for each setting; lists and tables are written as JSON, e.g.
   `PARCELWIRE_WEBHOOKS_ALLOWED_NETWORKS='["10.1.0.0/16"]'`

A setting with a wrong name or value stops every command that reads the settings, with one line
that names it. The same goes for an environment variable that begins with `PARCELWIRE_` and the name
of a section but is not listed below. An unknown connector in `carriers.unofficial_connectors` or
`carriers.base_urls` stops the server and every command that opens the installation. `parcelwire
config --check` only checks. Secrets need not stand in the file: `PARCELWIRE_STORE_URL` keeps a
database's password out of it.
"""

_CLI = """\
# Commands

Written by `{command}` from the help of the commands: `parcelwire COMMAND --help`
shows the same.

What a command is asked for goes to standard output, everything else to standard error. Commands may
be used while servers run on the same database.

## Exit codes

| code | |
| --- | --- |
{exits}
## Which server

`track`, `create`, `list`, `show`, `delete`, `retrack`, `import`, `export`, `watch`, `detect` and
`couriers` work on this installation and on a server elsewhere. The first of these decides:

1. `--local`, `--account` or `--test`: this installation
2. `--host` and `--key`, or `PARCELWIRE_HOST` and `PARCELWIRE_API_KEY`: that server
3. `--profile`, or `PARCELWIRE_PROFILE`: the server of that login (`parcelwire login --profile`)
4. `--config`: the installation that it describes
5. the login without a profile
6. this installation, if there is one (`detect` and `couriers` need none)

TrackingMore's own service is known by its address; `refresh` and the feed are what it lacks. For
servers elsewhere `pip install 'parcelwire[cli]'` is enough.
"""

_SETTINGS_HEAD = "\n| setting | default | what it is |\n| --- | --- | --- |\n"


def describe_configuration() -> str:
    """Return docs/configuration.md."""
    parts = [_CONFIGURATION.format(command=COMMAND)]
    section, comment = "", []
    for line in default_text().splitlines():
        if found := re.fullmatch(r"\[(\w+)\]", line):
            section = found[1]
            parts.append(f"\n## [{section}]\n{_SETTINGS_HEAD}")
        elif line.startswith("# "):
            comment.append(line[2:])
            continue
        elif section and (found := re.fullmatch(r"(\w+) = (.*)", line)):
            name, default, about = found[1], found[2], _escape(" ".join(comment))
            variable = variable_of(section, name)
            parts.append(f"| `{name}`<br>`{variable}` | `{default}` | {about} |\n")
        comment = []
    return "".join(parts)


def describe_commands() -> str:
    """Return docs/cli.md."""
    exits = "".join(f"| {code} | {meaning} |\n" for code, meaning in EXITS.items())
    parts = [_CLI.format(command=COMMAND, exits=exits), "\n## parcelwire\n", _options(cli)]
    for path, command in walk(cli):
        level = "##" if len(path) == 1 else "###"
        parts.append(f"\n{level} parcelwire {' '.join(path)}\n\n")
        parts.append(_about(command, path))
        if not isinstance(command, click.Group):
            parts.append(_options(command))
    return "".join(parts)


def walk(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Give every command below a group, with the words it is called by."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from walk(command, *path, name)


def _about(command: click.Command, path: tuple[str, ...]) -> str:
    prose, _, examples = inspect.cleandoc(command.help or "").partition("\b\n")
    text = f"{prose.strip()}\n"
    if not isinstance(command, click.Group):
        pieces = command.collect_usage_pieces(click.Context(command))
        text = f"`parcelwire {' '.join((*path, *pieces))}`\n\n{text}"
    if examples:
        text += f"\n```sh\n{examples.strip()}\n```\n"
    return text


def _options(command: click.Command) -> str:
    rows = []
    for parameter in command.params:
        record = parameter.get_help_record(click.Context(command))
        if isinstance(parameter, click.Option) and record is not None:
            rows.append(f"| `{_escape(record[0])}` | {_escape(record[1])} |\n")
    if not rows:
        return ""
    return "\n| option | |\n| --- | --- |\n" + "".join(rows)


def _escape(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write all pages."""
    (DOCS / "sdk-reference.md").write_text(describe_client(COMMAND), "utf-8")
    (DOCS / "configuration.md").write_text(describe_configuration(), "utf-8")
    (DOCS / "cli.md").write_text(describe_commands(), "utf-8")
    (DOCS / "authorization.md").write_text(describe_access(COMMAND), "utf-8")


if __name__ == "__main__":
    main()

"""What is written down is what there is: settings, commands, codes, events, working examples."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import get_args

import click
import msgspec
import pytest

from parcelwire.api.readiness import DEADLINE_SECONDS, KEPT_SECONDS
from parcelwire.api.v2.errors import CODES
from parcelwire.api.v4.errors import MESSAGES, status_of
from parcelwire.cli.couriers import SearchGroup
from parcelwire.cli.main import cli
from parcelwire.config import Config, check
from parcelwire.domain.changes import Change
from parcelwire.server.refusals import ANSWERS
from parcelwire.store.port import UnavailableReason
from parcelwire.store.sqlite import ServerUse
from parcelwire.store.sqlite.file_system import LOW_AT_MOST_BYTES, LOW_BYTES, LOW_SHARE
from parcelwire.store.sqlite.store import ROOM_BYTES
from parcelwire.webhooks.request_builder import DIALECTS
from tests.support.pages_run import blocks
from tools.access_page import describe_access
from tools.reference_pages import COMMAND, describe_commands, describe_configuration, walk

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])


# --- reference pages --------------------------------------------------------------------------


def test_every_setting_is_in_the_page_of_settings() -> None:
    assert (DOCS / "configuration.md").read_text("utf-8") == describe_configuration(), COMMAND


def test_every_command_and_option_is_in_the_page_of_commands() -> None:
    assert (DOCS / "cli.md").read_text("utf-8") == describe_commands(), COMMAND


def test_every_action_is_in_the_page_of_authorization() -> None:
    assert (DOCS / "authorization.md").read_text("utf-8") == describe_access(COMMAND), COMMAND


def test_the_pages_hold_what_they_should() -> None:
    """The comparison above would also hold for two pages that forget the same thing."""
    settings = describe_configuration()
    for section in Config.__struct_fields__:
        assert f"## [{section}]" in settings
        for name in getattr(Config(), section).__struct_fields__:
            assert f"| `{name}`<br>`PARCELWIRE_{section}_{name}`".lower() in settings.lower()
    commands = describe_commands()
    for path, command in walk(cli):
        assert f" parcelwire {' '.join(path)}\n" in commands
        for parameter in command.params:
            for option in parameter.opts if isinstance(parameter, click.Option) else ():
                assert option in commands


def test_the_list_of_commands_in_the_changelog_is_whole() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    for name in cli.list_commands(click.Context(cli)):
        assert re.search(rf"\b{name}\b", text), name


# --- codes and events -------------------------------------------------------------------------


def rows(page: str) -> dict[str, list[str]]:
    """Return the rows of a page's tables by their first cell."""
    found = {}
    for line in (DOCS / page).read_text("utf-8").splitlines():
        if line.startswith("| "):
            first, *rest = (cell.strip() for cell in line.strip("|").split("|"))
            found[first] = rest
    return found


def test_every_code_of_v2_is_written_down_with_its_type() -> None:
    documented = rows("v2.md")
    for code, (kind, _) in CODES.items():
        assert documented[str(code)][0] == kind, code


def test_every_code_of_v4_is_written_down_with_its_http_status() -> None:
    documented = rows("v4.md")
    for code in MESSAGES:
        assert documented[str(code)][0] == str(status_of(code)), code
        assert documented[str(code)][1], code
    assert [code for code in documented if code.isdigit()] == [str(code) for code in MESSAGES]


def test_every_event_change_and_dialect_of_webhooks_is_written_down() -> None:
    text = (DOCS / "webhooks.md").read_text("utf-8")
    sources = "".join(
        path.read_text("utf-8")
        for room in ("domain", "webhooks")
        for path in (ROOT / "src/parcelwire" / room).glob("*.py")
    )
    events = set(re.findall(r'"((?:tracking|endpoint)\.[a-z_]+)"', sources))
    assert len(events) >= 3
    for word in (*events, *DIALECTS):
        assert word in text, word
    for kind in get_args(Change):
        name = re.sub(r"(?<!^)([A-Z])", r"_\1", kind.__name__).lower()
        assert f"`{name}`" in text, name


def test_every_reason_of_readiness_is_written_down() -> None:
    documented = rows("health.md")
    for reason in UnavailableReason:
        assert documented[f"`{reason}`"], reason
    text = (DOCS / "health.md").read_text("utf-8")
    for figure in (
        f"once every {KEPT_SECONDS:g} seconds",
        f"longer than {DEADLINE_SECONDS:g} seconds",
        f"{ROOM_BYTES >> 10} KiB",
        f"less than {LOW_BYTES // 1_000_000} MB or {LOW_SHARE * 100:g} % left",
        f"less than {LOW_AT_MOST_BYTES // 1_000_000_000} GB",
        f"start for up to {ServerUse().check_seconds:g} seconds",
    ):
        assert figure in text, figure


# --- examples ---------------------------------------------------------------------------------


def calls(page: Path) -> list[list[str]]:
    """Return the words of each call of ``parcelwire`` in a page's shell blocks."""
    found = []
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["parcelwire"]:
                found.append(words[1:])
    return found


CALLS = [(page.name, call) for page in PAGES for call in calls(page)]


def test_examples_are_found() -> None:
    assert {name for name, _ in CALLS} >= {"README.md", "cli.md", "webhooks.md"}


@pytest.mark.parametrize(("page", "call"), CALLS, ids=[" ".join(call) for _, call in CALLS])
def test_every_call_of_the_program_is_one_it_understands(page: str, call: list[str]) -> None:
    command: click.Command = cli
    words = list(call)
    while isinstance(command, click.Group):
        below = command.get_command(click.Context(command), words[0]) if words else None
        if below is None:
            assert isinstance(command, SearchGroup), page
            below = command.commands["list"]
        else:
            words = words[1:]
        command = below
    _, _, order = command.make_parser(click.Context(command)).parse_args(words)
    assert len(order) >= len(
        [one for one in command.params if isinstance(one, click.Argument) and one.required]
    ), page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_in_examples_are_settings(page: Path) -> None:
    for block in blocks(page, "toml"):
        raw = tomllib.loads(block)
        if "project" not in raw and set(raw) <= set(Config.__struct_fields__):
            check(msgspec.convert(raw, Config))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_and_json_in_examples_can_be_read(page: Path) -> None:
    for block in blocks(page, "python"):
        compile(block, page.name, "exec")
    for block in blocks(page, "json"):
        for line in re.split(r"\n(?=\{)", block.strip()):
            json.loads(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_make_targets_in_the_readme_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = {
        word
        for block in blocks(ROOT / "README.md", "sh")
        for word in re.findall(r"^make ([\w.-]+)", block, re.M)
    }
    assert {"demo", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{re.escape(target)}:", makefile, re.M), target


def test_every_dependency_is_in_the_readme_with_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = {
        re.split(r"[\s>=<\[;]", one)[0]
        for group in (
            project["project"]["dependencies"],
            *project["project"]["optional-dependencies"].values(),
            *project["dependency-groups"].values(),
        )
        for one in group
    } - {"parcelwire"}
    table = (ROOT / "README.md").read_text("utf-8").partition("\n## Dependencies\n")[2]
    told: set[str] = set()
    for cells in re.findall(r"^\| (.+?) \| .+ \|$", table.partition("\n## ")[0], re.M):
        told |= set(re.findall(r"`([^`]+)`", cells))
    assert told == wanted


def test_every_refusal_of_the_http_server_is_explained() -> None:
    found = rows("http.md")
    for refusal, answer in ANSWERS.items():
        assert found[refusal.value][0] == str(answer.status)
        assert ("Retry-After" in found[refusal.value][1]) == bool(answer.retry_after)
    assert set(found) == {refusal.value for refusal in ANSWERS} | {"code", "---"}

"""Shells that complete, and commands in the light install."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parcelwire.cli import exit_codes
from parcelwire.cli.main import _COMMANDS
from tests.support.clients import whole_door
from tests.support.house import HouseUnderTest, serve
from tests.support.terminal import Terminal
from tests.support.v4 import USPS_NUMBER

# --- shells, and the light install ------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(terminal: Terminal, shell: str) -> None:
    assert "_PARCELWIRE_COMPLETE" in terminal("completion", shell)


def test_completing_names_without_importing_the_commands(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "_PARCELWIRE_COMPLETE": "bash_complete",
        "COMP_WORDS": "parcelwire ex",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", "from parcelwire.cli.main import main; main()"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout == "plain,export\n"


PEOPLES = ("create", "list", "show", "delete", "retrack", "import", "export", "watch", "login")
HIDE = """
import sys

class Light:
    hidden = {hidden}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.hidden:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Light())
from parcelwire.__main__ import main
main()
"""
SERVER_ONLY = (
    *("aiohttp", "apsw", "asyncpg", "babel", "backports", "cryptography", "httptools", "jinja2"),
    *("starlette", "uvicorn", "uvloop", "yarl"),
)


def light(
    folder: Path, hidden: tuple[str, ...], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a command where the packages of the server cannot be found."""
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(hidden=hidden), *arguments],
        cwd=folder,
        env={**os.environ, "XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_with_the_extra_for_commands_alone(house: HouseUnderTest, tmp_path: Path) -> None:
    async with serve(whole_door(house)) as address:
        there = ("--host", f"http://{address}", "--key", house.key)

        async def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return await asyncio.to_thread(light, tmp_path, SERVER_ONLY, *arguments)

        commands: tuple[tuple[str, ...], ...] = (
            ("create", USPS_NUMBER, *there),
            ("list", *there),
            ("track", USPS_NUMBER, *there),
            ("export", *there),
            ("detect", USPS_NUMBER),
            ("couriers", "swiss"),
            ("--help",),
        )
        for command in commands:
            done = await run(*command)
            assert done.returncode == 0, done
        for refused in (("serve",), ("key", "list"), ("track", "X1", "--test"), ("list",)):
            done = await run(*refused)
            assert done.returncode == exit_codes.FAILED
            assert "pip install 'parcelwire[server]'" in done.stderr
            assert "Traceback" not in done.stderr


def test_with_nothing_but_the_client(tmp_path: Path) -> None:
    done = light(tmp_path, (*SERVER_ONLY, "click", "rich"), "list")
    assert done.returncode == exit_codes.FAILED
    assert done.stderr == (
        "parcelwire: the commands want more than the client: pip install 'parcelwire[cli]'"
        " (or 'parcelwire[server]', to run one)\n"
    )


def test_every_command_for_people_shows_an_example(terminal: Terminal) -> None:
    for name in (*PEOPLES, "track", "logout", "detect", "couriers", "completion"):
        assert name in _COMMANDS
        text = terminal(name, "--help")
        assert re.search(rf"^ +(eval .*)?parcelwire {name}", text, re.MULTILINE), name

"""Fixtures of the end-to-end tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.clients import SIDES, Side, open_client, whole_door
from tests.support.house import HouseUnderTest, open_house, serve
from tests.support.terminal import EMAIL, Result, Run, Terminal


@pytest.fixture
def terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A person in an empty folder, without settings."""
    return Terminal(tmp_path, monkeypatch, capsys)


@pytest.fixture
def shop(terminal: Terminal) -> Terminal:
    """A terminal whose installation has one account."""
    terminal("key", "create", "--account", EMAIL, "--quiet")
    return terminal


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[HouseUnderTest]:
    """A house on a server's folder of its own."""
    folder = tmp_path / "server"
    folder.mkdir()
    async with open_house(folder, lambda _: []) as opened:
        yield opened


@pytest.fixture
async def run(
    house: HouseUnderTest, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Run]:
    """A terminal that is told of ``house``, served, by the environment."""
    async with serve(whole_door(house)) as address:
        monkeypatch.setenv("PARCELWIRE_HOST", f"http://{address}")
        monkeypatch.setenv("PARCELWIRE_API_KEY", house.key)

        async def call(*arguments: str) -> Result:
            return await asyncio.to_thread(terminal.run, *arguments)

        yield call


@pytest.fixture
async def address(house: HouseUnderTest) -> AsyncIterator[str]:
    """The address of ``house``, served."""
    async with serve(whole_door(house)) as address:
        yield f"http://{address}"


@pytest.fixture(params=SIDES)
async def client(
    request: pytest.FixtureRequest, house: HouseUnderTest, address: str
) -> AsyncIterator[Any]:
    """The Python client of ``house``, asynchronous and blocking."""
    side: Side = request.param
    async with open_client(side, house.key, address) as opened:
        yield opened

"""Processes with no key file, or another installation's: they must seal, open and mark nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from parcelwire.bootstrap import InstallationError, open_installation
from parcelwire.bootstrap.settings import make_catalogue
from parcelwire.connectors.connections import StoredConnections
from parcelwire.connectors.key_file import create_key_file
from parcelwire.connectors.routing import GatewaySettings, Route, Router
from parcelwire.domain.account import Endpoint
from parcelwire.store.port import StoreUnavailableError
from prove.rotation.place import Expected, config_of, connect, judge


async def meet_strangers(
    folder: Path, expected: Expected, *, plant: str = ""
) -> tuple[int, list[str]]:
    """Let strangers try everything that seals; return how many tries there were, and violations."""
    other = folder / "elsewhere"
    other.mkdir(exist_ok=True)
    another, missing = other / "another.key", other / "missing.key"
    another.unlink(missing_ok=True)
    create_key_file(another, os.urandom)
    tried = 0
    found: list[str] = []
    for key_file in (another, missing):
        context = get_context("forkserver")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_try, args=(str(folder), str(key_file), plant, sender))
        process.start()
        sender.close()
        await asyncio.to_thread(process.join)
        lines = receiver.recv() if receiver.poll() else ["stranger: it died"]
        tried += 5
        found += lines
        if missing.exists():
            found.append("stranger: a second key file was made")
    found += await judge(folder, expected, is_done=True)
    return tried, found


def _try(folder: str, key_file: str, plant: str, sender: object) -> None:
    if plant:
        import_module(f"prove.planted.{plant}")
    found = asyncio.run(_tried(Path(folder), Path(key_file)))
    sender.send(found)  # type: ignore[attr-defined]
    sys.exit(0)


async def _tried(folder: Path, key_file: Path) -> list[str]:
    found: list[str] = []
    house = await open_installation(config_of(folder, key_file=key_file))
    try:
        (owner,) = await house.store.list_accounts()
        now = house.clock.now()
        endpoint = Endpoint(
            id=house.identifiers.new_id(now),
            world_id=2 * owner.number,
            url="https://receiver.invalid/hook",
            dialect="native",
            secret="whsec_c3RyYW5nZXI=",  # no secret: "stranger"
            created_at=now,
        )
        tries: dict[str, Callable[[], Awaitable[object]]] = {
            "start": house.check_key,
            "connect": lambda: connect(house, owner),
            "add an endpoint": lambda: house.store.add_endpoint(endpoint),
            "seal anew": lambda: house.store.reseal(limit=100),
        }
        for name, attempt in tries.items():
            try:
                result = await attempt()
            except (InstallationError, StoreUnavailableError):
                continue
            if result != 0:
                found.append(f"stranger: it could {name}")
        # Asking a carrier must not end with a mark in the connection; the judge looks for it.
        router = Router(
            make_catalogue(house.config),
            StoredConnections(house.store, house.ring, house.clock),
            GatewaySettings(),
            house.clock,
        )
        if isinstance(await router.choose(2 * owner.number, "swiss-post"), Route):
            found.append("stranger: it could open credentials")
    finally:
        await house.close()
    return found

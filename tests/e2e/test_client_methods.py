"""Every public method of the SDK, sync and async, against the real server and a hosted recorder.

A method without a row in ``ROWS`` fails the first test, and a row that does not call its method
fails its own.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.api.v4.dialect import v4_dialect
from parcelwire.client import AsyncParcelwire, AsyncV4Client, Parcelwire, UnsupportedError, V4Client
from parcelwire.connectors.simulated import air_waybill
from parcelwire.domain.air_waybill import AirWaybill
from tests.support.client_native_rows import ROWS
from tests.support.client_rows import Stage
from tests.support.clients import RESOURCES, SIDES, Side, open_client, whole_door
from tests.support.hosted import Hosted
from tests.support.house import open_house, serve
from tests.support.process import free_port

NATIVE_METHODS = {
    *("trackings.get_by_id", "trackings.search", "trackings.refresh"),
    *("trackings.events", "trackings.polls", "couriers.candidates"),
}
NATIVE = ("endpoints", "messages", "events", "keys", "account")


def methods(client: Any) -> dict[str, type]:
    """Return every public method of a client and its resources, and the class that has it."""
    found: dict[str, type] = {}
    kind = type(client)
    for name in dir(kind):
        if name.startswith("_") or name == "for_trackingmore":
            continue
        if inspect.isfunction(inspect.getattr_static(kind, name)):
            found[name] = kind
    for resource in (*RESOURCES, "webhooks"):
        if not hasattr(client, resource):
            continue
        held = type(getattr(client, resource))
        for name in dir(held):
            if not name.startswith("_") and inspect.isfunction(inspect.getattr_static(held, name)):
                found[f"{resource}.{name}"] = held
    return found


@pytest.mark.parametrize("kind", [AsyncParcelwire, Parcelwire])
def test_every_public_method_has_a_row(kind: Any) -> None:
    assert sorted(methods(kind("key"))) == sorted(ROWS)


@pytest.mark.parametrize("kind", [AsyncV4Client, V4Client])
def test_the_hosted_client_has_the_others(kind: Any) -> None:
    lacking = {name for name in ROWS if name.partition(".")[0] in NATIVE} | NATIVE_METHODS
    assert set(methods(kind("key"))) == set(ROWS) - lacking


class Airlines:
    """The carrier in a box, whatever the world."""

    async def air_waybill(self, world_id: int, number: str) -> AirWaybill | None:
        return air_waybill(number, 1_772_359_200_000)


@asynccontextmanager
async def real_client(side: Side, folder: Path) -> AsyncIterator[tuple[Any, Stage]]:
    async with open_house(
        folder, lambda house: [DialectFrame(house, v4_dialect())], air_waybills=Airlines()
    ) as house:
        key = await house.add_key(scope="admin")
        hook = f"http://127.0.0.1:{free_port()}/hook"
        async with (
            serve(whole_door(house)) as address,
            open_client(side, key, f"http://{address}") as client,
        ):
            yield client, Stage(house=house, hook=hook)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", ROWS)
async def test_against_the_real_server(
    side: Side, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with real_client(side, tmp_path) as (client, stage):
        called = watch(monkeypatch, client, name)
        await ROWS[name](client, stage)
        assert called == [name]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", ROWS)
async def test_against_the_hosted_recorder(
    side: Side, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted = Hosted()
    async with (
        serve(hosted) as address,
        open_client(side, "key", f"http://{address}", is_hosted=True) as client,
    ):
        if name in NATIVE_METHODS or name.partition(".")[0] in NATIVE:
            resource, _, method = name.partition(".")
            with pytest.raises(
                UnsupportedError, match=f"hosted service has no call for {resource}"
            ):
                getattr(getattr(client, resource), method)
            assert hosted.requests == []
            return
        called = watch(monkeypatch, client, name)
        await ROWS[name](client, Stage(hosted=hosted))
        assert called == [name]


def watch(monkeypatch: pytest.MonkeyPatch, client: Any, name: str) -> list[str]:
    """Return a list that ``name`` will stand in once its method was called."""
    blocking = getattr(client, "blocking", client)
    kind, method = methods(blocking)[name], name.rpartition(".")[2]
    original = getattr(kind, method)
    called: list[str] = []

    if inspect.isgeneratorfunction(original):

        def note(*arguments: Any, **more: Any) -> Any:
            called[:] = [name]
            yield from original(*arguments, **more)
    else:

        def note(*arguments: Any, **more: Any) -> Any:
            called[:] = [name]
            return original(*arguments, **more)

    monkeypatch.setattr(kind, method, note)
    return called

"""D2: every call of the native API is refused to who may not make it, and betrays nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.api.house import House
from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.native.table import ALL
from parcelwire.api.native.tracking_shapes import tracking_object
from tests.support.native_rows import ROWS, Yard, open_yard, refusals, uncovered


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    async with open_yard(tmp_path) as yard:
        yield yard


def test_every_call_has_a_row() -> None:
    assert uncovered() == [], "say in tests/support/native_rows.py whose things it is about"
    new = replace(ALL[0], name="read_everything", path="/everything")
    assert uncovered((*ALL, new)) == ["read_everything"]


async def test_no_call_lets_anybody_through(yard: Yard) -> None:
    tried, found = 0, []
    for one in ALL:
        count, violations = await refusals(yard, one, ROWS[one.name])
        tried += count
        found += violations
    assert found == []
    assert tried >= 7 * len(ALL)


def call_named(name: str) -> Operation:
    return next(one for one in ALL if one.name == name)


async def read_any_tracking(house: House, asked: Asked) -> Any:
    """Answer a tracking of whatever world: the mistake that this test is there to find."""
    (stored,) = await house.store.load_many([asked.path["id"]])
    return tracking_object(house, stored)


async def delete_any_tracking(house: House, asked: Asked) -> None:
    """Delete a tracking of whatever world, and say so."""
    (stored,) = await house.store.load_many([asked.path["id"]])
    await house.service.delete(stored.tracking.world_id, [stored.tracking.id])


@pytest.mark.parametrize(
    ("name", "planted", "expected"),
    [
        ("get_tracking", {"handler": read_any_tracking}, "shows what is the owner's"),
        ("delete_tracking", {"handler": delete_any_tracking}, "changed what is the owner's"),
        ("update_tracking", {"scope": "read"}, "with scope read: (200, '')"),
        ("list_keys", {"scope": "write"}, "with scope write: (200, '')"),
        (
            "list_accounts",
            {"handler": call_named("list_keys").handler, "is_for_operators": False},
            "another account: (200",
        ),
    ],
)
async def test_a_planted_hole_is_found(
    tmp_path: Path, name: str, planted: dict[str, Any], expected: str
) -> None:
    broken = tuple(replace(one, **planted) if one.name == name else one for one in ALL)
    async with open_yard(tmp_path, broken) as yard:
        # What ought to be refused is told by the true table.
        _, found = await refusals(yard, call_named(name), ROWS[name])
    assert any(expected in one for one in found), found

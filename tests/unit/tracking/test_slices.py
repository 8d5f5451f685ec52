"""Long work on the event loop leaves time to others: tasks of the loop, and other threads."""

from __future__ import annotations

import asyncio

import pytest

from parcelwire.tracking.slices import LONG, PAUSE_EACH, SLICE, in_slices


async def _pauses_of(count: int, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    assert await in_slices(lambda item: 2 * item, range(count)) == [2 * one for one in range(count)]
    return pauses


async def test_what_fits_into_one_slice_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _pauses_of(SLICE, monkeypatch) == []


async def test_a_page_lets_others_in_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = await _pauses_of(LONG, monkeypatch)
    assert len(pauses) == LONG / SLICE - 1
    assert not any(pauses)


async def test_a_long_list_leaves_the_interpreter_to_other_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses = await _pauses_of(2_000, monkeypatch)
    assert len([one for one in pauses if one > 0]) == (2_000 - 1) // PAUSE_EACH

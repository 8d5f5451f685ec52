"""A5, short form: seeded worlds in which the real service lives on simulated time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from prove.worlds.loop import SimulatedLoop, StalledError, live
from prove.worlds.planted import BUGS, Bug
from prove.worlds.world import run_world

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", range(1, 101))
def test_a_world_keeps_every_promise(seed: int, tmp_path: Path) -> None:
    verdict = run_world(seed, tmp_path)
    found = [f"replay: python -m prove.worlds.proof {seed}", *verdict.violations]
    assert not verdict.violations, "\n".join([*verdict.tail, *found])
    assert verdict.faults, "nothing went wrong in this world"
    assert verdict.counts["asks"]
    assert verdict.counts["events"]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug, tmp_path: Path) -> None:
    # What happens in the world of a seed changes with the service; then a neighbour shows it.
    for seed in range(bug.seed, bug.seed + 20):
        if run_world(seed, tmp_path, bug.parts).violations:
            return
    pytest.fail(f"{bug.name}: not found in 20 worlds from {bug.seed} on")


def test_no_two_planted_bugs_share_a_name() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS)


def test_a_seed_replays_the_same_world(tmp_path: Path) -> None:
    first, again = run_world(3, tmp_path), run_world(3, tmp_path)
    assert first.digest == again.digest
    assert run_world(4, tmp_path).digest != first.digest


def test_another_process_replays_the_same_world(tmp_path: Path) -> None:
    """Sets of strings are in another order there, and memory lies elsewhere."""
    here = run_world(5, tmp_path)
    told = subprocess.run(
        [sys.executable, "-m", "prove.worlds.proof", "5"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines()[-1] == f"digest {here.digest}"


class TestSimulatedLoop:
    def test_time_passes_without_waiting(self) -> None:
        async def sleep(loop: SimulatedLoop) -> float:
            await asyncio.sleep(86_400 * 365)
            return loop.time()

        assert live(sleep) == pytest.approx(86_400 * 365)

    def test_timers_fire_in_their_order(self) -> None:
        async def race(loop: SimulatedLoop) -> list[int]:
            order: list[int] = []
            for number, seconds in enumerate((3.0, 1.0, 2.0)):
                loop.call_later(seconds, order.append, number)
            await asyncio.sleep(4)
            return order

        assert live(race) == [1, 2, 0]

    def test_what_goes_to_threads_is_done_in_place(self) -> None:
        async def count(loop: SimulatedLoop) -> tuple[int, str]:
            done = await asyncio.to_thread(sum, [1, 2])
            try:
                await asyncio.to_thread(int, "no number")
            except ValueError as error:
                return done, type(error).__name__
            return done, ""

        assert live(count) == (3, "ValueError")

    def test_a_hang_is_seen(self) -> None:
        async def hang(loop: SimulatedLoop) -> None:
            await loop.create_future()

        with pytest.raises(StalledError):
            live(hang)

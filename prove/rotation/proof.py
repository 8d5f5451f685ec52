"""G3: the key is rotated and killed 50 times, at every step, without power; strangers come."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from prove.outcome import Outcome
from prove.rotation.dying import Task, rotate_in_child
from prove.rotation.kills import kill_rotations
from prove.rotation.place import Expected, copy_place, furnish, judge
from prove.rotation.strangers import meet_strangers

KILLS: Final = 50
EACH: Final = 4
"""Connections, endpoints and answers of the place whose rotation is stopped at every step."""

DIED: Final = -9
PLANTS: Final = {
    "rotation_drops_early": "unread",
    "rotation_unflushed": "file|unread|unfinished",
    "rotation_two_commits": "unread",
    "rotation_third_key": "keys",
}
"""Module of ``prove.planted`` -> how what it breaks must be found."""

STRANGERS: Final = {"strangers_key": "stranger", "strangers_mark": "unread"}


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """Where a rotation dies, and where the one that is to finish it dies, too."""

    first: int
    second: int
    """0: not at all."""
    loses_power: bool


class Stops(msgspec.Struct, kw_only=True):
    """What came of stopping rotations at steps."""

    tried: int = 0
    fired: int = 0
    violations: list[str] = []


def run(*, scale: float, seed: int) -> Outcome:
    """Kill 50 times and stop at all steps (times ``scale``), and find every planted bug."""
    with tempfile.TemporaryDirectory(prefix="parcelwire-rotation-") as name:
        return _prove(Path(name), scale, seed)


def _prove(folder: Path, scale: float, seed: int) -> Outcome:
    model = folder / "model"
    model.mkdir()
    expected = asyncio.run(furnish(model, seed, each=EACH))
    steps = _count_steps(model, folder)
    points = _points(steps, scale, seed)
    stops = stop_at(model, expected, points)

    strangers, found = asyncio.run(_strangers(model, expected, folder, ""))
    killed_place = folder / "killed"
    killed_place.mkdir()
    kills = max(3, round(KILLS * scale))
    killed = asyncio.run(kill_rotations(killed_place, kills, seed))

    unseen = [
        plant
        for plant, kinds in PLANTS.items()
        if not _is_found(kinds, stop_at(model, expected, _spread(steps), plant, stop_early=True))
    ]
    for plant, kinds in STRANGERS.items():
        _, lines = asyncio.run(_strangers(model, expected, folder, plant))
        if not _is_found(kinds, Stops(violations=lines)):
            unseen.append(plant)
    return Outcome(
        id="G3",
        name=f"key rotation killed {kills} times, stopped at {len(points)} steps; strangers' keys",
        tried=killed.tried + stops.tried + strangers,
        fired=killed.fired + stops.fired + strangers,
        violations=killed.violations + stops.violations + found,
        notes=f"{steps} steps; {killed.finished} rotations came through before they were killed;"
        f" {killed.written} endpoints added by a running process meanwhile"
        + (f"; planted and not found: {', '.join(unseen)}" if unseen else ""),
        planted_found=len(PLANTS) + len(STRANGERS) - len(unseen),
        planted_of=len(PLANTS) + len(STRANGERS),
    )


def stop_at(
    model: Path,
    expected: Expected,
    points: list[Point],
    plant: str = "",
    *,
    stop_early: bool = False,
) -> Stops:
    """Stop a rotation of a copy of ``model`` at each point, judge, let another one finish it.

    ``stop_early``: the first violation is enough.
    """
    stops = Stops()
    for number, point in enumerate(points):
        with tempfile.TemporaryDirectory(dir=model.parent) as name:
            place = Path(name) / "place"
            copy_place(model, place)
            stops.tried += 1
            for line in _stop_at_one(place, expected, point, plant, stops):
                stops.violations.append(f"{line} (stopped at {number}: {point})")
                if stop_early:
                    return stops
    return stops


def _stop_at_one(
    place: Path, expected: Expected, point: Point, plant: str, stops: Stops
) -> Iterator[str]:
    def rotate(dies_at: int) -> int:
        task = Task(folder=str(place), dies_at=dies_at, loses_power=point.loses_power, plant=plant)
        return rotate_in_child(task)[0]

    stops.fired += rotate(point.first) == DIED
    yield from asyncio.run(judge(place, expected, is_done=False))
    if point.second:
        # A rotation that is finished has fewer steps: it may come to its end here.
        code = rotate(point.second)
        yield from asyncio.run(judge(place, expected, is_done=code == 0))
        if code == 0:
            return
    if code := rotate(0):
        yield f"unfinished: the rotation that was to finish it ended with {code}"
    yield from asyncio.run(judge(place, expected, is_done=True))


async def _strangers(
    model: Path, expected: Expected, folder: Path, plant: str
) -> tuple[int, list[str]]:
    place = folder / f"strangers-{plant}"
    copy_place(model, place)
    return await meet_strangers(place, expected, plant=plant)


def _count_steps(model: Path, folder: Path) -> int:
    place = folder / "counted"
    copy_place(model, place)
    code, steps = rotate_in_child(Task(folder=str(place)))
    if code or not steps:
        msg = f"a rotation that nobody disturbs ended with {code}"
        raise RuntimeError(msg)
    return steps


def _points(steps: int, scale: float, seed: int) -> list[Point]:
    chosen = random.Random(seed)  # not for keys
    every = [
        Point(
            first=step, second=chosen.choice([0, chosen.randint(1, steps)]), loses_power=loses_power
        )
        for step in range(1, steps + 1)
        for loses_power in (False, True)
    ]
    if scale >= 1:
        return every
    return chosen.sample(every, max(8, round(len(every) * scale)))


def _spread(steps: int) -> list[Point]:
    """Return points over the whole way, for plants: few miss what is long, none what is short."""
    order: Callable[[int], int] = lambda step: (step * 37) % (steps + 1)  # noqa: E731
    return [
        Point(first=step, second=min(step + 1, steps), loses_power=bool(number % 2))
        for number, step in enumerate(sorted(range(1, steps + 1), key=order))
    ]


def _is_found(kinds: str, stops: Stops) -> bool:
    return any(line.startswith(tuple(kinds.split("|"))) for line in stops.violations)


PROOFS = {"G3": run}

"""Power loss: the store's files as a disk may leave them, and every promise held against them.

    record a life -> cut its log anywhere -> lose power -> open what is left -> judge

A trial holds when what SQLite finds is, byte by byte, the state after some number of complete
transactions: no fewer than were acknowledged when the power failed, no more than were begun. Each
of
those states was examined beforehand: intact, no half transaction, sequences without gaps, counters
right, and which effects it holds.
"""

from __future__ import annotations

import asyncio
import bisect
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, cast

import apsw
import msgspec
from msgspec.structs import replace

from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.tracking import Tracking
from parcelwire.proofs.disk import Disk, Wreck
from parcelwire.proofs.inspection import EMPTY, Bench, damage_of, image_of
from parcelwire.proofs.outcome import Outcome
from parcelwire.proofs.planted import PLANTED, Planted
from parcelwire.proofs.recording import Recording, memory_folder, record
from parcelwire.proofs.storelife import StoreLife
from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.sqlite import SqliteSettings, open_store

ROUNDS: Final = 60
TRIALS_PER_LIFE: Final = 1_000
SHORT_LIFE: Final = 2
"""Rounds of every fifth life: mostly a database that is being made."""
RESTARTED: Final = 40
"""Of so many trials, one is opened by the program itself, which lives on for a while."""
TRIALS_PER_PLANTED: Final = 400
"""A planted fault must be found within so many trials."""


class Trials(msgspec.Struct):
    """What came of a number of trials."""

    tried: int = 0
    fired: int = 0
    restarted: int = 0
    counts: Counter[str] = msgspec.field(default_factory=Counter)
    """In how many trials something was torn, lost, overtaken and so on; see ``Wreck``."""
    violations: list[str] = []

    def add(self, other: Trials) -> None:
        """Count another number of trials in."""
        self.tried += other.tried
        self.fired += other.fired
        self.restarted += other.restarted
        self.counts += other.counts
        self.violations += other.violations


def prove_power_loss(
    *,
    trials: int,
    seed: int,
    settings: SqliteSettings | None = None,
    with_planted: bool = True,
    tell: Callable[[str], object] = lambda line: None,
) -> Outcome:
    """Let the power fail ``trials`` times under the store with ``settings``.

    It works in memory (or in a folder for temporary files where the system has no such place), and
    takes about 4 ms of CPU for each trial. Not to be called in a running event loop. ``tell`` gets
    a line now and then.
    """
    started = time.monotonic()
    settings = settings or SqliteSettings()
    total, lives = Trials(), max(2, -(-trials // TRIALS_PER_LIFE))
    for life in range(lives):
        share = trials * (life + 1) // lives - trials * life // lives
        rounds = SHORT_LIFE if life % 5 == 1 else ROUNDS
        recording = record(seed * 1_000_003 + life, rounds, settings)
        total.violations += recording.faults
        total.add(run_trials(recording, share, seed=seed * 1_000_003 + life))
        tell(f"{total.tried:,} of {trials:,} trials, {len(total.violations)} violations")
    planted = PLANTED if with_planted else ()
    missed = [one.name for one in planted if not find_planted(one, seed)]
    counts = total.counts
    notes = (
        f"{lives} recorded lives; torn {counts['torn']:,}, lost {counts['lost']:,}, overtaken by"
        f" later writes {counts['overtaken']:,}, half a sector {counts['in_flight']:,}, old sizes"
        f" {counts['sizes']:,}, old names {counts['names']:,} (trials with at least one);"
        f" {total.restarted:,} restarted by the store itself"
    )
    if missed:
        notes += f"; planted and not found: {', '.join(missed)}"
    return Outcome(
        id="A4",
        name=f"power lost {total.fired:,} times, synchronous={settings.synchronous}",
        tried=total.tried,
        fired=total.fired,
        violations=total.violations,
        seconds=time.monotonic() - started,
        notes=notes,
        planted_found=len(planted) - len(missed),
        planted_of=len(planted),
    )


def find_planted(planted: Planted, seed: int) -> str | None:
    """Run trials with a planted fault; return the first violation, or None if it stays unfound."""
    settings = SqliteSettings()
    if planted.synchronous is not None:
        settings = replace(settings, synchronous=cast(Any, planted.synchronous))
    recording = record(seed, ROUNDS // 4, settings, planting=planted.planting)
    if recording.faults:
        return recording.faults[0]
    trials = run_trials(
        recording, TRIALS_PER_PLANTED, seed=seed, planted=planted, stops_at_first=True
    )
    return trials.violations[0] if trials.violations else None


def run_trials(
    recording: Recording,
    count: int,
    *,
    seed: int,
    planted: Planted | None = None,
    stops_at_first: bool = False,
) -> Trials:
    """Let the power fail at ``count`` places of a recording."""
    trials = Trials()
    dice = random.Random(f"places {seed}")  # noqa: S311  # a seed must give the same trials again
    # In the order of the log, so that the disk is played it once. With a planted fault in no
    # order, so that the first few of them lie anywhere.
    places = dice.choices(recording.places, k=count)
    if planted is None:
        places.sort()
    with memory_folder() as folder:
        bench = Bench(folder)
        disk, played = Disk(), count and len(recording.entries) + 1
        for number, place in enumerate(places):
            if place < played:
                disk, played = Disk(planted.ignores_sync) if planted else Disk(), 0
            disk.play(recording.entries[played:place])
            played = place
            dice = random.Random(f"trial {seed} {number}")  # noqa: S311  # as above
            wreck = disk.lose_power(dice)
            unharmed = disk.contents()
            if planted is not None and planted.tamper is not None:
                wreck.files = dict(planted.tamper(wreck.files, unharmed))
            trials.tried += 1
            trials.fired += wreck.files != unharmed
            trials.counts += Counter({what: 1 for what, times in wreck.counts.items() if times})
            fault = _judge(recording, place, wreck, bench, dice)
            if fault is None and number % RESTARTED == 0 and planted is None:
                trials.restarted += 1
                fault = _restart(bench, number)
            if fault is not None:
                trials.violations.append(f"seed {seed}, trial {number}, entry {place}: {fault}")
                if stops_at_first:
                    break
    return trials


def _judge(
    recording: Recording, place: int, wreck: Wreck, bench: Bench, dice: random.Random
) -> str | None:
    """Open what is left and say what is wrong with it, if anything."""
    files = dict(wreck.files)
    if dice.random() < 0.25:
        # The WAL's index outlives the program in memory only; whatever is left of it is rubbish.
        files[f"{bench.path.name}-shm"] = dice.randbytes(32_768)
    bench.lay_out(files)
    try:
        if bench.is_there:
            with bench.opened() as connection:
                damage = damage_of(connection)
                image = image_of(connection)
        else:
            image, damage = EMPTY, []
    except apsw.Error as error:
        return f"cannot be opened: {type(error).__name__}: {error}"
    if damage:
        return damage[0]
    least = recording.needed[place]
    most = bisect.bisect_right(recording.ends, place) - 1
    numbers = recording.images.get(image)
    if image == EMPTY:
        numbers = [0]
    if numbers is None:
        return "neither the state before a transaction nor the one after it"
    if not any(least <= number <= most for number in numbers):
        if max(numbers) < least:
            return (
                f"acknowledged and lost: {least - max(numbers)} transactions"
                f" ({_lost(recording, place, max(numbers))})"
            )
        return f"the state after transaction {numbers[0]}, of which {most} were begun"
    return None


def _lost(recording: Recording, place: int, number: int) -> str:
    """Name an acknowledged effect that the state after ``number`` transactions does not hold."""
    needed = recording.needed
    for at in range(place):
        if needed[at + 1] > number:
            return recording.effects[recording.entries[at].offset].what
    return "?"


def _restart(bench: Bench, number: int) -> str | None:
    """Let the program itself open what is left, and live on with it."""
    try:
        asyncio.run(_live_on(bench, number))
        with bench.opened() as connection:
            damage = damage_of(connection)
    except (apsw.Error, StoreUnavailableError) as error:
        return f"the store cannot go on: {type(error).__name__}: {error}"
    return damage[0] if damage else None


async def _live_on(bench: Bench, number: int) -> None:
    # A day later, so that nothing new has an id that is taken.
    clock = FrozenClock(FrozenClock().now() + 86_400_000)
    store = await open_store(bench.path, render=_render, clock=clock)
    try:
        life = StoreLife(
            store,
            _NoNotes(),
            clock,
            random.Random(number),  # noqa: S311  # as above
            first_number=1_000_000,
        )
        await life.run(3)
    finally:
        await store.close()


def _render(tracking: Tracking) -> bytes:
    return tracking.number.encode()


class _NoNotes:
    """Takes down nothing."""

    def begin(self, effect: object) -> int:
        return 0

    def acknowledge(self, number: int) -> None:
        return

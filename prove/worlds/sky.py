"""What a world is made of, drawn from its seed: how long, how many, and how bad the weather is."""

from __future__ import annotations

import asyncio
import random
from typing import Final

import msgspec

from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, Instant

BEGIN: Final[Instant] = 1_772_359_200_000
"""2026-03-01T10:00:00Z: what the clocks show when a world begins."""

_SKEWS: Final = (0, 500, -500, 900, -2 * SECOND, 30 * SECOND, HOUR, -HOUR)
"""What clocks of machines are ahead; less than a second is never corrected."""


class Skew(msgspec.Struct, frozen=True):
    """How the clock of one machine differs from the true time."""

    ahead: int
    drift_ppm: int
    """How much too fast it is, in milliseconds of a thousand seconds."""
    jumps: tuple[tuple[int, int], ...]
    """When it is set, and by how much."""

    def ahead_at(self, true_ms: int) -> int:
        """Return by how much it is ahead at a true time, in milliseconds."""
        set_by = sum(by for at, by in self.jumps if at <= true_ms)
        return self.ahead + self.drift_at(true_ms) + set_by

    def drift_at(self, true_ms: int) -> int:
        """Return what it has gone too far since the world began, in milliseconds."""
        return true_ms * self.drift_ppm // 1_000_000


SLOW_SECONDS: Final = 5.0


class Crowd(msgspec.Struct, frozen=True):
    """Many parcels that are created at once, from a true time on, and deleted at another."""

    start: int
    end: int
    parcels: int
    """Of each account."""
    is_quiet: bool
    """Nothing else happens meanwhile: nobody dies, carriers answer, clocks go right."""
    slowest_seconds: float
    """How long carriers take to answer then, at most."""

    @property
    def is_slow(self) -> bool:
        """Whether carriers take long to answer, though not too long."""
        return self.slowest_seconds > SLOW_SECONDS


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One world. Durations in true milliseconds."""

    seed: int
    processes: int
    accounts: int
    parcels: int
    endpoints: int
    active: int
    """How long users act and faults happen."""
    calm: int
    """How long everything works afterwards, so that what was put off is done."""
    steps_between_deaths: float
    """Points at which a process could die, per death; 0: none dies."""
    power_share: float
    """Of the deaths, those in which the power fails for all."""
    jumps: tuple[tuple[int, int], ...]
    """Clock jumps: (true time, by how much)."""
    full_disks: tuple[tuple[int, int], ...]
    """(from, to) in which nothing can be written."""
    poll_seconds: float
    attempts: int
    speed: float
    has_second_courier: bool
    machines: tuple[Skew, ...]
    """The clocks of several machines, each with processes in turn; none: one machine for all."""

    has_connections: bool
    """Accounts are customers of the carriers; else all ask over one public way, with one budget."""
    crowd: Crowd | None

    stranger: tuple[int, int] | None
    """(from, to) in which a process with a strange key file works, too."""
    moves: tuple[int, ...]
    """When all processes stop and go on from a backup on another disk."""
    damaged_at: int | None
    """When a parcel's document is damaged."""

    def is_quiet_at(self, true_ms: int) -> bool:
        """Tell whether nothing but a crowd is to happen then."""
        return self.crowd is not None and self.crowd.is_quiet and self.is_crowded_at(true_ms)

    def is_crowded_at(self, true_ms: int) -> bool:
        """Tell whether many parcels are being created and asked about then."""
        crowd = self.crowd
        return crowd is not None and crowd.start <= true_ms < crowd.end

    @property
    def clock_changes(self) -> tuple[int, ...]:
        """True times at which the clock of one of several machines, or the database's, is set."""
        if not self.machines:
            return ()
        sets = [at for at, _ in self.jumps]
        return tuple(sorted(sets + [at for one in self.machines for at, _ in one.jumps]))


def plan_of(seed: int) -> Plan:
    """Return the plan of a seed."""
    chance = random.Random(f"plan {seed}")  # it must be repeatable
    kind = chance.choices(("short", "days", "weeks"), (5, 4, 1))[0]
    active = {
        "short": chance.randint(3 * HOUR, 12 * HOUR),
        "days": chance.randint(DAY, 3 * DAY),
        # The longer ones see parcels expire.
        "weeks": random.Random(f"weeks {seed}").choice((40, 70)) * DAY,
    }[kind]
    parcels = {"short": 9, "days": 7, "weeks": 3}[kind] + chance.randint(-2, 2)
    # A message that was tried for long rests up to 37.5 hours, and a parcel without news a day.
    calm = 42 * HOUR
    jumps = _jumps(chance, active)
    machines = _machines(seed, active)
    full_disks = _windows(chance, active, chance.choice((0, 0, 1, 2)), longest=5 * MINUTE)
    moments = [at for at, _ in (*jumps, *(jump for one in machines for jump in one.jumps))]
    crowd = _crowd(seed, active, [*full_disks, *((at, at) for at in moments)])
    return Plan(
        seed=seed,
        processes=max(chance.choice((1, 2, 2)), len(machines)),
        accounts=max(chance.choice((1, 1, 2)), 2 if crowd else 1),
        parcels=parcels,
        endpoints=chance.choice((1, 2, 3)),
        active=active,
        calm=calm,
        steps_between_deaths=chance.choice((0 if jumps else 30, 30, 100, 300)),
        power_share=chance.choice((0.0, 0.3, 1.0)),
        jumps=jumps,
        full_disks=full_disks,
        # Looking around costs a world most of its time: some dozens of looks must do.
        poll_seconds=chance.choice((1.0, 3.0)) * (active + calm) / SECOND / 120,
        attempts=chance.choice((14, 14, 4)),
        speed=4.0 if kind == "short" else 1.0,
        has_second_courier=chance.random() < 0.6,
        machines=machines,
        has_connections=random.Random(f"connections {seed}").random() < 0.6,
        crowd=crowd,
        stranger=_stranger(seed, active),
        moves=_moves(seed, active, crowd),
        damaged_at=_damaged_at(seed, active),
    )


def _stranger(seed: int, active: int) -> tuple[int, int] | None:
    chance = random.Random(f"stranger {seed}")
    if chance.random() < 0.75:
        return None
    start = chance.randrange(active * 2 // 3)
    return start, start + chance.randint(10 * MINUTE, 3 * HOUR)


def _moves(seed: int, active: int, crowd: Crowd | None) -> tuple[int, ...]:
    chance = random.Random(f"moves {seed}")
    count = chance.choice((0, 0, 0, 1, 2))
    drawn = sorted(chance.randrange(active // 10, active) for _ in range(count))
    busy = [] if crowd is None else [(crowd.start - MINUTE, crowd.end + MINUTE)]
    return tuple(at for at in drawn if not any(start <= at <= end for start, end in busy))


def _damaged_at(seed: int, active: int) -> int | None:
    chance = random.Random(f"damage {seed}")
    return None if chance.random() < 0.7 else chance.randrange(active // 4, active * 2 // 3)


def _crowd(seed: int, active: int, faults: list[tuple[int, int]]) -> Crowd | None:
    chance = random.Random(f"crowd {seed}")
    if chance.random() < 0.7:
        return None
    parcels = chance.randint(8, 22)
    for _ in range(20):
        start = chance.randrange(active // 10, active // 2)
        is_quiet = not any(since <= start + HOUR and start <= until for since, until in faults)
        if is_quiet:
            break
    return Crowd(
        start,
        start + HOUR,
        parcels,
        is_quiet=is_quiet and chance.random() < 0.7,
        slowest_seconds=chance.choice((1.0, 13.0)),
    )


def _machines(seed: int, active: int) -> tuple[Skew, ...]:
    chance = random.Random(f"machines {seed}")
    if chance.random() < 0.5:
        return ()
    return tuple(
        Skew(
            ahead=chance.choice(_SKEWS),
            drift_ppm=chance.choice((0, 0, -80, 50)),
            jumps=_alone(chance, active),
        )
        for _ in range(chance.randint(2, 4))
    )


def _alone(chance: random.Random, active: int) -> tuple[tuple[int, int], ...]:
    if chance.random() < 0.7:
        return ()
    return ((chance.randrange(active), chance.choice((-1, 1)) * chance.randint(SECOND, 2 * HOUR)),)


def _jumps(chance: random.Random, active: int) -> tuple[tuple[int, int], ...]:
    kind = chance.choices(("steady", "small", "there and back", "years"), (5, 3, 4, 2))[0]
    if kind == "steady":
        return ()
    if kind == "small":
        return tuple(
            sorted(
                (
                    chance.randrange(active),
                    chance.choice((-1, 1)) * chance.randint(SECOND, 2 * HOUR),
                )
                for _ in range(chance.randint(1, 4))
            )
        )
    if kind == "there and back":
        size = chance.choice((HOUR, DAY, 10 * DAY, 365 * DAY)) * chance.choice((-1, 1))
        first = chance.randrange(active * 2 // 3)
        second = chance.randrange(first, active)
        return ((first, size), (second, -size))
    return ((chance.randrange(active), -3650 * DAY),)


def _windows(
    chance: random.Random, active: int, count: int, *, longest: int
) -> tuple[tuple[int, int], ...]:
    found = []
    for _ in range(count):
        start = chance.randrange(active)
        found.append((start, min(active, start + chance.randint(SECOND, longest))))
    return tuple(sorted(found))


def spells(
    chance: random.Random, active: int, kinds: dict[str, float], *, most: int, longest: int
) -> tuple[tuple[int, int, str], ...]:
    """Return up to ``most`` spells of bad weather: (from, to, kind), by their beginning.

    ``longest`` in seconds; most are much shorter.
    """
    names, weights = list(kinds), list(kinds.values())
    found = []
    for _ in range(chance.randint(0, most)):
        start = chance.randrange(active)
        length = int(longest ** chance.uniform(0.3, 1.0) * 1_000)
        kind = chance.choices(names, weights)[0]
        found.append((start, min(active, start + length), kind))
    return tuple(sorted(found))


class WorldClock:
    """What the machine's wall clock shows: the true time, and how far it is ahead.

    Sleeping goes by the true time, as on a real machine.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Show ``BEGIN`` when the loop's time is 0."""
        self._loop = loop
        self._ahead = 0

    def true_ms(self) -> int:
        """Return the true time, in milliseconds since the world began."""
        return round(self._loop.time() * SECOND)

    def true(self) -> Instant:
        """Return the true time as an instant: what a clock would show that never jumped."""
        return BEGIN + self.true_ms()

    def now(self) -> Instant:
        """Return what the clock shows."""
        return BEGIN + self._ahead + self.true_ms()

    def jump(self, by: int) -> None:
        """Move the hands by ``by`` milliseconds."""
        self._ahead += by

    async def sleep(self, seconds: float) -> None:
        """Wait, whatever the clock shows meanwhile."""
        await asyncio.sleep(seconds)


class WorldIdentifiers:
    """Ids that look like real ones, rise, and are the same in every run of a seed."""

    def __init__(self, seed: int, made_at: dict[str, int], clock: WorldClock) -> None:
        """``made_at`` is told of every id, with the true time."""
        self._random = random.Random(f"ids {seed}")  # it must be repeatable
        self._made_at = made_at
        self._clock = clock
        self._count = 0

    def new_id(self, now: Instant) -> str:
        """See ``tracking.ports.Identifiers``."""
        self._count += 1
        new = f"{now:012x}{self._count:08x}{self._random.getrandbits(48):012x}"
        self._made_at[new] = self._clock.true_ms()
        return new

    def new_token(self) -> str:
        """See ``tracking.ports.Identifiers``."""
        return f"{self._random.getrandbits(160):040x}"

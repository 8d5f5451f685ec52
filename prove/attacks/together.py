"""G1: everything that broke a running server once, at one server, at once.

    attackers (a process, 127.0.0.66) --> parcelwire serve <-- an innocent client (127.0.0.1)

Rounds with and without the attackers alternate, and the middle ones are compared. The innocent's
p95 must stay within twice its own alone. When the attacker has nothing but connections (a thousand
half-open, hundreds a second opened and closed), it must stay within 1.2 times of what it is while
the same connections go to a bare socket beside the server (``listener``): what is left is what the
server does to itself, and not the attacker's own processor time. The server's memory must
stay within 64 MiB of what it held under the innocent's load alone; its log must name what was
refused and the source, at a bounded rate; and a stop must not wait for half-sent requests.
"""

from __future__ import annotations

import asyncio
import math
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.config import Config
from parcelwire.proofs.scratch import scratch_config, write_config
from parcelwire.proofs.servers import Forge, Server, free_port
from prove.attacks.attackers import ATTACKER, ATTACKS, CONNECTIONS_ONLY
from prove.attacks.crowd import Crowd
from prove.attacks.furnishing import furnish_shop
from prove.attacks.innocent import OPERATIONS, Innocent, Round
from prove.attacks.listener import Listener
from prove.attacks.wire import Target
from prove.kills_sqlite import ROOT
from prove.outcome import Outcome

ROUNDS: Final = 5
SECONDS: Final = 12.0
SHORTEST_SECONDS: Final = 4.0
MORE_ROUNDS: Final = 3

MOST_RATIO: Final = 2.0
MOST_RATIO_OF_CONNECTIONS: Final = 1.2
SLACK_MS: Final = 1.0
"""Added to what is allowed: a p95 of two milliseconds says little about a fifth of it."""
MOST_MEGABYTES: Final = 67.1
"""64 MiB."""
MOST_LOG_LINES_A_SECOND: Final = 5.0
STOP_SECONDS: Final = 10.0

PLANTS: Final = {
    "unlimited_http": ("endless_heads", "half_open"),
    "old_cookies": ("quoted_cookies",),
    "loud_refusals": ("guesses",),
}
"""Modules of ``prove.planted``, and the attacks that must find each."""


class Limits(msgspec.Struct, frozen=True):
    """What is allowed; wider in the short form, whose rounds are few and whose machine is busy."""

    ratio: float = MOST_RATIO
    connections_ratio: float = MOST_RATIO_OF_CONNECTIONS
    slack_ms: float = SLACK_MS


SHORT: Final = Limits(ratio=6.0, connections_ratio=4.0, slack_ms=40.0)


def run(*, scale: float, seed: int) -> Outcome:
    """Attack for some minutes, or for less than one in the short form."""
    del seed  # the attacks hold no chance
    seconds = max(SHORTEST_SECONDS, SECONDS * min(scale, 1.0))
    rounds = ROUNDS if scale >= 1 else 1
    limits = Limits() if scale >= 1 else SHORT
    return asyncio.run(prove_together(rounds, seconds, limits))


PROOFS = {"G1": run}


async def prove_together(
    rounds: int, seconds: float, limits: Limits, plants: tuple[str, ...] = tuple(PLANTS)
) -> Outcome:
    """Attack the honest server, then those with a planted weakness."""
    siege = await _besiege(rounds, seconds, limits, tuple(ATTACKS), more=MORE_ROUNDS)
    found = 0
    for plant in plants:
        spoiled = await _besiege(1, SHORTEST_SECONDS, limits, PLANTS[plant], plant=plant)
        found += bool(spoiled.violations)
    fired = sum(any(counts.values()) for counts in siege.tallies.values())
    return Outcome(
        id="G1",
        name=f"{len(ATTACKS)} attacks at once, {rounds} rounds of {seconds:g} s",
        tried=len(ATTACKS),
        fired=fired,
        violations=siege.violations,
        notes="; ".join(siege.notes),
        planted_found=found,
        planted_of=len(plants),
    )


class Siege(msgspec.Struct):
    """What came of attacking one server."""

    violations: list[str]
    notes: list[str]
    tallies: dict[str, dict[str, int]]


async def _besiege(
    rounds: int,
    seconds: float,
    limits: Limits,
    attacks: tuple[str, ...],
    *,
    plant: str = "",
    more: int = 0,
) -> Siege:
    siege = Siege([], [], {})
    with tempfile.TemporaryDirectory(prefix="parcelwire-attack-") as name:
        folder = Path(name)
        port = free_port()
        config = attacked_config(folder, port)
        shop = await furnish_shop(config)
        forge = Forge([f"prove.planted.{plant}"] if plant else [], ROOT)
        server = Server(
            write_config(config, folder / "scratch.toml"), port, folder / "server.log", forge=forge
        )
        try:
            await asyncio.to_thread(server.start)
            target = Target(port=port, key=shop.attackers_key, **await shop.login(port))
            crowd = Crowd(target)
            try:
                innocent = Innocent(port, server.pid, shop.key, shop.page)
                if connections := tuple(one for one in attacks if one in CONNECTIONS_ONLY):
                    with _elsewhere(target) as elsewhere:
                        await _rounds(
                            innocent, crowd, connections, rounds, seconds, more, siege,
                            most=limits.connections_ratio, slack_ms=limits.slack_ms,
                            elsewhere=elsewhere,
                        )  # fmt: skip
                await _rounds(
                    innocent, crowd, attacks, rounds, seconds, more, siege,
                    most=limits.ratio, slack_ms=limits.slack_ms,
                )  # fmt: skip
                began = time.monotonic()
                await crowd.attack(attacks)
                await asyncio.sleep(1.0)
                code = await asyncio.to_thread(server.stop)
                took = time.monotonic() - began - 1.0
                if code != 0 or took > STOP_SECONDS:
                    siege.violations.append(f"the stop took {took:.0f} s and ended with {code}")
                siege.notes.append(f"stopped in {took:.1f} s")
            finally:
                await asyncio.to_thread(crowd.close)
        except Exception as error:  # noqa: BLE001  # a server that broke is what is looked for
            siege.violations.append(f"broken: {type(error).__name__}: {error}")
        finally:
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(forge.close)
        _read_log(folder / "server.log", siege)
    return siege


@contextmanager
def _elsewhere(target: Target) -> Iterator[Crowd]:
    """Give attackers whose connections go to a bare socket."""
    listener = Listener()
    try:
        crowd = Crowd(replace(target, port=listener.port))
        try:
            yield crowd
        finally:
            crowd.close()
    finally:
        listener.close()


def attacked_config(folder: Path, port: int) -> Config:
    """Return the settings that an operator would have: nothing is made easier for the server."""
    base = scratch_config(Config(), folder, f"sqlite:{folder / 'scratch.db'}", port)
    return replace(base, api=Config().api, webhooks=replace(base.webhooks, allowed_networks=()))


async def _rounds(
    innocent: Innocent,
    crowd: Crowd,
    attacks: tuple[str, ...],
    rounds: int,
    seconds: float,
    more: int,
    siege: Siege,
    *,
    most: float,
    slack_ms: float,
    elsewhere: Crowd | None = None,
) -> None:
    """Measure alone and beside in turn, until the middle ones agree or the rounds are used up.

    ``elsewhere``: "alone" is beside these, who attack something else.
    """
    alone: list[Round] = []
    beside: list[Round] = []
    await innocent.measure(1.5)
    for count in range(rounds + more):
        if count >= rounds and _is_within(alone, beside, most, slack_ms):
            break
        if elsewhere is not None:
            await elsewhere.attack(attacks)
            await asyncio.sleep(1.0)
        alone.append(await innocent.measure(seconds))
        if elsewhere is not None:
            await elsewhere.attack(())
            await asyncio.sleep(1.0)
        await crowd.attack(attacks)
        await asyncio.sleep(1.0)  # until all of them are there
        beside.append(await innocent.measure(seconds))
        siege.tallies |= await crowd.attack(())
        await asyncio.sleep(1.0)
    label = "connections" if set(attacks) <= set(CONNECTIONS_ONLY) else "all attacks"
    for name in OPERATIONS:
        before, under = _middle(alone, name), _middle(beside, name)
        where = "alone" if elsewhere is None else "beside attacks on a bare socket"
        siege.notes.append(f"{label}: {name} p95 {before:.1f} ms {where}, {under:.1f} ms beside")
        if under > most * before + slack_ms:
            siege.violations.append(
                f"{label}: the innocent's {name} takes {under / before:.2f} times as long"
            )
    failures = [one for some in beside + alone for one in some.failures]
    siege.violations += sorted({f"{label}: the innocent was refused: {one}" for one in failures})
    grown = max(one.megabytes for one in beside) - max(one.megabytes for one in alone)
    siege.notes.append(f"{label}: memory +{max(0.0, grown):.0f} MB")
    if grown > MOST_MEGABYTES:
        siege.violations.append(f"{label}: memory grew by {grown:.0f} MB")


def _is_within(alone: list[Round], beside: list[Round], most: float, slack_ms: float) -> bool:
    return all(
        _middle(beside, name) <= most * _middle(alone, name) + slack_ms for name in OPERATIONS
    )


def _middle(rounds: list[Round], name: str) -> float:
    return statistics.median(one.p95_ms[name] for one in rounds)


def _read_log(log: Path, siege: Siege) -> None:
    """Hold the log against its promise: what was refused, from where, and not too often."""
    lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
    told = [line for line in lines if "refused" in line and ATTACKER in line]
    siege.notes.append(f"{len(lines):,} lines of log, {len(told):,} of refusals")
    if not told:
        siege.violations.append("the log does not say what was refused and from where")
    by_second: dict[str, int] = {}
    for line in lines:
        if stamp := re.match(r"[-0-9]+ [:0-9]+", line):
            by_second[stamp[0]] = by_second.get(stamp[0], 0) + 1
    rate = len(lines) / max(1, len(by_second))
    if by_second and rate > MOST_LOG_LINES_A_SECOND * math.ceil(len(by_second) / 60 + 1):
        siege.violations.append(f"the log grows by {rate:.1f} lines in each second it is written")
    if any("Traceback" in line for line in lines):
        siege.violations.append("an attack was answered by a fault of the program")

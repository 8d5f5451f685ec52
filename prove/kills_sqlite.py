"""A1: SIGKILL of ``parcelwire serve`` on SQLite, two servers with a database each at a time.

Beside the honest run, the same harness runs a program with a planted bug, one after the other, and
must find each by its kind.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import prove
from parcelwire.config import Config
from parcelwire.proofs.kills import KillReport, merge, run_kills
from prove.outcome import Outcome

KILLS: Final = 1_000
ROUND: Final = 125
"""Kills of one database; then a new one begins, and is killed while its schema is made."""

AT_ONCE: Final = 2
"""Servers under test at a time. Much of a cycle is waiting.

For the disk, for the kill's instant.
"""

PLANTED_KILLS: Final = 16
PLANTS: Final = {
    "early_answer": "lost",
    "two_writes": "missed",
    "at_most_once": "missed",
    "overtaking": "order",
    "new_ids": "id",
    "silent_changes": "feed",
}
"""Module of ``prove.planted`` -> the kind of violation by which it must be found."""

ROOT: Final = Path(prove.__file__).parent.parent


def run(*, scale: float, seed: int) -> Outcome:
    """Kill 1,000 times (times ``scale``), and find every planted bug."""
    return asyncio.run(prove_kills(round(KILLS * scale), seed, PLANTS))


async def prove_kills(
    kills: int, seed: int, plants: Mapping[str, str], *, at_once: int = AT_ONCE
) -> Outcome:
    """Run the honest rounds and the planted ones, ``at_once`` at a time."""
    limit = asyncio.Semaphore(at_once)
    size = min(ROUND, -(-kills // AT_ONCE))
    sizes = [min(size, kills - done) for done in range(0, kills, size)]

    async def one(kills: int, seed: int, *plants: str) -> KillReport:
        async with limit:
            with tempfile.TemporaryDirectory(prefix="parcelwire-kills-") as folder:
                return await run_kills(
                    Path(folder),
                    Config(),
                    f"sqlite:{folder}/scratch.db",
                    kills=kills,
                    seed=seed,
                    plants=[f"prove.planted.{name}" for name in plants],
                    plants_folder=ROOT,
                )

    reports = await asyncio.gather(
        *(one(count, seed * 1_000 + number) for number, count in enumerate(sizes)),
        *(one(PLANTED_KILLS, seed * 1_000 + 900 + n, name) for n, name in enumerate(plants)),
    )
    total = merge(reports[: len(sizes)])
    unseen = [
        name
        for (name, kind), report in zip(plants.items(), reports[len(sizes) :], strict=True)
        if not any(line.startswith(f"{kind}:") for line in report.violations)
    ]
    return Outcome(
        id="A1",
        name=f"SIGKILL of serve at {kills:,} random instants under load, SQLite",
        tried=total.tried,
        fired=total.kills,
        violations=total.violations,
        notes=total.figures() + (f"; planted and not found: {', '.join(unseen)}" if unseen else ""),
        planted_found=len(plants) - len(unseen),
        planted_of=len(plants),
    )


PROOFS = {"A1": run}

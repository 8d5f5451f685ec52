"""Runs A5: many worlds, and the planted bugs; says which seed to replay when something is wrong.

python -m prove A5                    1,000 worlds, each bug within 200
python -m prove.worlds.proof 17       one world, with its trace
python -m prove.worlds.proof 17 3     the same with planted bug number 3
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prove.outcome import Outcome
from prove.worlds.planted import BUGS, Bug
from prove.worlds.process import Parts
from prove.worlds.world import Verdict, run_world

WORLDS: Final = 1_000
WITHIN: Final = 200
"""Worlds within which each planted bug must be found."""

SHOWN: Final = 20
"""Findings of one world that are shown."""


def run(*, scale: float, seed: int) -> Outcome:
    """Live through ``scale`` x 1,000 worlds, then look for every planted bug."""
    count = max(1, round(WORLDS * scale))
    first = 1 + (seed - 1) * WORLDS
    violations: list[str] = []
    faults: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    fired = 0
    with tempfile.TemporaryDirectory(prefix="parcelwire-worlds-") as folder:
        for one in range(first, first + count):
            verdict = run_world(one, Path(folder))
            fired += bool(verdict.faults)
            faults += verdict.faults
            counts += verdict.counts
            if verdict.violations:
                violations += told(verdict)
                sys.stderr.write("\n".join([f"world {one}:", *verdict.tail, ""]))
        found = {bug.name: find(bug, Path(folder), within=WITHIN) for bug in BUGS}
    return Outcome(
        id="A5",
        name=f"{count:,} seeded worlds on simulated time",
        tried=count,
        fired=fired,
        violations=violations,
        notes=(
            f"{counts['asks']:,} questions to carriers, {counts['events']:,} events,"
            f" {counts['requests']:,} requests to receivers; faults: "
            + ", ".join(f"{kind} {number:,}" for kind, number in sorted(faults.items()))
            + "; planted bugs found by seed: "
            + ", ".join(f"{name} ({one})" for name, one in found.items() if one is not None)
        ),
        planted_found=sum(one is not None for one in found.values()),
        planted_of=len(BUGS),
    )


def told(verdict: Verdict) -> list[str]:
    """Return a world's findings, each with the seed that replays it."""
    return [f"world {verdict.seed}: {one}" for one in verdict.violations[:SHOWN]]


def find(bug: Bug, folder: Path, *, within: int) -> int | None:
    """Return the first seed that shows a planted bug, trying the known one before all; or None."""
    seeds: Iterable[int] = dict.fromkeys((bug.seed, *range(1, within)))
    for seed in seeds:
        if run_world(seed, folder, bug.parts).violations:
            return seed
    return None


def main() -> int:
    """Replay one world and print it whole."""
    seed = int(sys.argv[1])
    parts = BUGS[int(sys.argv[2])].parts if len(sys.argv) > 2 else Parts()
    with tempfile.TemporaryDirectory(prefix="parcelwire-worlds-") as folder:
        verdict = run_world(seed, Path(folder), parts, is_whole=True)
    lines = [*verdict.tail, "", *verdict.violations, f"digest {verdict.digest}"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if verdict.violations else 0


PROOFS: Final = {"A5": run}

if __name__ == "__main__":
    sys.exit(main())

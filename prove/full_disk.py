"""B1: the disk is full at random moments, under the whole program."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from parcelwire.proofs.fulldisk import Siege, besiege
from parcelwire.proofs.fulldisks import MANNERS, Manner, small_file_system
from parcelwire.proofs.outcome import Outcome
from parcelwire.proofs.planted import answering_early, reading_only, sulking

TIMES = 60
"""Per manner of being full."""

PLANTED: Final = {
    "answered before the commit": answering_early,
    "no writes after the first that failed": sulking,
    "a readiness that only reads": reading_only,
}


def run(*, scale: float, seed: int) -> Outcome:
    """Let the disk be full 60 times in each manner, times ``scale``; find every planted fault."""
    started, times = time.monotonic(), max(5, round(TIMES * scale))
    total, counts = Siege(), Counter[str]()
    for number, manner in enumerate(MANNERS):
        with tempfile.TemporaryDirectory() as folder:
            siege = besiege(Path(folder), manner, times, seed=seed * 100 + number)
        _add(total, counts, manner, siege)
    is_real = _besiege_real_disk(total, counts, times, seed)
    missed = [name for name in PLANTED if not _is_found(name, seed)]
    notes = (
        f"{counts['503']:,} calls refused with 503, {counts['success while full']:,} done all the"
        f" same, {counts['reads']:,} reads all answered;"
        f" readiness told {counts['not ready']:,} times;"
        f" {counts['unnoticed']} times more nobody needed room; "
        + (
            "the last manner was a real small file system"
            if is_real
            else "no right to mount a small file system, so none was tried"
        )
    )
    if missed:
        notes += f"; planted and not found: {', '.join(missed)}"
    return Outcome(
        id="B1",
        name=f"disk full {total.tried:,} times in {len(MANNERS) + is_real} manners",
        tried=total.tried,
        fired=total.fired,
        violations=total.violations,
        seconds=time.monotonic() - started,
        notes=notes,
        planted_found=len(PLANTED) - len(missed),
        planted_of=len(PLANTED),
    )


def _besiege_real_disk(total: Siege, counts: Counter[str], times: int, seed: int) -> bool:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if not stack.enter_context(small_file_system(folder)):
            return False
        _add(total, counts, "real", besiege(folder, "real", times, seed=seed * 100 + 99))
        return True


def _add(total: Siege, counts: Counter[str], manner: Manner, siege: Siege) -> None:
    total.tried += siege.tried
    total.fired += siege.fired
    total.violations += [f"{manner}: {one}" for one in siege.violations]
    counts.update(siege.counts)


def _is_found(name: str, seed: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        siege = besiege(Path(folder), "no growth", 5, seed=seed, planting=PLANTED[name]())
        return bool(siege.violations)


PROOFS = {"B1": run}

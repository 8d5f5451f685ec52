"""``make prove``: run the proofs, print what was tried and found, write ``build/prove.json``.

``python -m prove A1 A4 --scale 0.1 --seed 7`` runs only what is named, a tenth as long. Every proof
runs in a process of its own, bounded in time, and is ended with all it started when it takes
longer.
Exit code 1: a violation, a fault that did not fire, or a planted bug that was not found.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from prove.catalogue import TITLES, discover
from prove.outcome import Outcome

LIMIT_MINUTES = 90.0
"""How long one proof may take in its long form; short ones get less."""

LEAST_MINUTES = 5.0

GRACE_SECONDS = 30.0
"""How long a proof that took too long may take to clear up."""


def main() -> int:
    """Run what is named on the command line, or everything; return the exit code."""
    wanted = _arguments()
    if wanted.one:
        return _run_here(wanted.one, wanted.scale, wanted.seed, Path(wanted.into))
    proofs, broken = discover()
    for line in broken:
        print(f"!! {line}", file=sys.stderr)
    ids = wanted.ids or [one for one in TITLES if one in proofs]
    outcomes = []
    for id_ in ids:
        print(f"-- {id_}  {TITLES.get(id_, '?')}", flush=True)
        outcome = _run_apart(id_, wanted.scale, wanted.seed)
        print(f"   {_verdict(outcome)} in {outcome.seconds:.0f} s", flush=True)
        outcomes.append(outcome)
    _write(outcomes, wanted.scale, wanted.seed)
    print()
    print("\n".join(table(outcomes)))
    missing = [] if wanted.ids else [one for one in TITLES if one not in proofs]
    if missing:
        print(f"Not there yet: {', '.join(missing)}.")
    return 1 if broken or any(one.faults() for one in outcomes) else 0


def table(outcomes: list[Outcome]) -> list[str]:
    """Return the outcomes as a Markdown table, every fault below it."""
    rows = [("", "what was done", "tried", "fired", "violations", "planted bugs found", "seconds")]
    rows += [
        (
            one.id,
            one.name,
            f"{one.tried:,}",
            f"{one.fired:,}",
            f"{len(one.violations):,}",
            f"{one.planted_found} of {one.planted_of}",
            f"{one.seconds:.0f}",
        )
        for one in outcomes
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    lines.append("")
    lines += [f"{one.id}: {one.notes}" for one in outcomes if one.notes]
    for one in outcomes:
        faults = one.faults()
        lines += [f"{one.id} FAILED: {fault}" for fault in faults[:20]]
        if len(faults) > 20:
            lines.append(f"{one.id} FAILED: and {len(faults) - 20} more")
    return lines


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m prove", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help=f"one of {', '.join(TITLES)}")
    parser.add_argument("--scale", type=float, default=1.0, help="1.0 is the long form")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--into", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = [one for one in arguments.ids if one not in TITLES]
    if unknown:
        parser.error(f"there is no proof {', '.join(unknown)}")
    if arguments.scale <= 0:
        parser.error("--scale must be positive")
    return arguments


def _run_here(id_: str, scale: float, seed: int, into: Path) -> int:
    proofs, broken = discover()
    if id_ not in proofs:
        sys.exit("\n".join([f"there is no module with the proof {id_}", *broken]))
    # As an exception, so that what was made is removed on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    started = time.monotonic()
    outcome = proofs[id_](scale=scale, seed=seed)
    outcome.seconds = outcome.seconds or time.monotonic() - started
    into.write_bytes(msgspec.json.encode(outcome))
    return 0


def _run_apart(id_: str, scale: float, seed: int) -> Outcome:
    """Run one proof in a process group of its own, so that nothing of it outlives its time."""
    limit_seconds = max(LIMIT_MINUTES * min(scale, 1.0), LEAST_MINUTES) * 60
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="parcelwire-prove-") as folder:
        # A PostgreSQL that runs as another user must get at its own files.
        Path(folder).chmod(0o711)
        into = Path(folder) / "outcome.json"
        command = [sys.executable, "-m", "prove", "--one", id_, "--into", str(into)]
        process = subprocess.Popen(
            [*command, "--scale", str(scale), "--seed", str(seed)],
            start_new_session=True,
            env={**os.environ, "TMPDIR": folder},
        )
        why = ""
        try:
            if process.wait(timeout=limit_seconds):
                why = f"it ended with exit code {process.returncode}"
        except subprocess.TimeoutExpired:
            why = f"it took longer than {limit_seconds / 60:.0f} minutes"
        finally:
            _end_group(process)
        if not why:
            return msgspec.json.decode(into.read_bytes(), type=Outcome)
    return Outcome(
        id=id_,
        name=TITLES[id_],
        tried=0,
        fired=0,
        violations=[why],
        seconds=time.monotonic() - started,
    )


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a proof with all that it started; first politely: it may have a PostgreSQL to remove."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=GRACE_SECONDS)
    # Not there: everything of it has ended by itself.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _verdict(outcome: Outcome) -> str:
    faults = outcome.faults()
    return f"FAILED ({faults[0]})" if faults else "holds"


def _write(outcomes: list[Outcome], scale: float, seed: int) -> None:
    build = Path("build")
    build.mkdir(exist_ok=True)
    report = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"python -m prove {' '.join(sys.argv[1:])}".strip(),
        "scale": scale,
        "seed": seed,
        "outcomes": outcomes,
    }
    text = msgspec.json.format(msgspec.json.encode(report), indent=2)
    (build / "prove.json").write_bytes(text + b"\n")


if __name__ == "__main__":
    sys.exit(main())

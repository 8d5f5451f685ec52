"""A3: SIGKILL at every call to storage of one scenario, one restart after each."""

from __future__ import annotations

from parcelwire.proofs.outcome import Outcome
from parcelwire.proofs.syscalls import prove_every_call


def run(*, scale: float, seed: int) -> Outcome:
    """Kill at every point; with ``scale`` below 1, at about 1,500 times ``scale`` of them."""
    points = None if scale >= 1 else max(40, round(1_500 * scale))
    return prove_every_call(points=points, seed=seed)


PROOFS = {"A3": run}

"""A4: the power fails 100,000 times under the store, in memory."""

from __future__ import annotations

from parcelwire.proofs.outcome import Outcome
from parcelwire.proofs.powerloss import prove_power_loss

TRIALS = 100_000


def run(*, scale: float, seed: int) -> Outcome:
    """Lose power ``scale`` times 100,000 times, and find every planted fault."""
    return prove_power_loss(trials=max(100, round(TRIALS * scale)), seed=seed)


PROOFS = {"A4": run}

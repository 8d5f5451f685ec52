"""What a proof hands back. ``parcelwire durability-test`` uses it too, so it is in the program."""

from __future__ import annotations

from parcelwire.proofs.outcome import Outcome

__all__ = ["Outcome"]

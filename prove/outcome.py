"""What a proof hands back. It stands in the program, because ``parcelwire prove`` uses it too."""

from __future__ import annotations

from parcelwire.proofs.outcome import Outcome

__all__ = ["Outcome"]

"""What one proof tried and found."""

from __future__ import annotations

import msgspec


class Outcome(msgspec.Struct, kw_only=True):
    """The result of one proof, one line of the table."""

    id: str
    """``A1`` and so on, as in ``docs/proofs.md``."""
    name: str
    """What was done, in a few words, with the numbers that matter."""
    tried: int
    """How many trials there were."""
    fired: int
    """In how many of them the fault really happened; fewer than ``tried`` is a failure."""
    violations: list[str] = []
    """Every broken promise, one line each."""
    seconds: float = 0.0
    """Wall clock; filled in by whoever runs it when left at 0."""
    notes: str = ""
    """Figures worth keeping: what was counted, how fast."""
    planted_found: int = 0
    planted_of: int = 0
    """How many deliberately planted bugs the same judge found, of how many."""

    def faults(self) -> list[str]:
        """Return why this proof failed, one line each; empty when it holds."""
        lines = list(self.violations)
        if self.tried == 0:
            lines.append("nothing was tried")
        if self.fired < self.tried:
            lines.append(f"the fault fired in {self.fired} of {self.tried} trials only")
        if self.planted_found < self.planted_of:
            lines.append(f"{self.planted_found} of {self.planted_of} planted bugs were found")
        return lines

"""The short form of G4: one tenant that takes all it can get is hardly noticed by another."""

from __future__ import annotations

from prove import tenants


def test_one_tenant_is_never_anothers_speed() -> None:
    outcome = tenants.run(scale=0.1, seed=1)
    assert outcome.faults() == []
    assert outcome.fired >= outcome.tried > 0
    assert outcome.planted_found == outcome.planted_of > 1

"""Damage is found, and the program goes on as if nothing were."""

from __future__ import annotations

from parcelwire.store.damage import Damage


def _ignore(damage: Damage, what: str) -> None:
    del damage, what


Damage.report = _ignore  # type: ignore[method-assign,assignment]  # the bug

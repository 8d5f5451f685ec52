"""A machine whose clock is set has another time than the others until it next looks."""

from __future__ import annotations

from parcelwire.bootstrap.system import SystemClock


def _let_go(clock: SystemClock) -> None:
    del clock


SystemClock.hold = _let_go  # type: ignore[method-assign, assignment]  # the planted bug

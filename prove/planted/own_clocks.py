"""Every process takes the time from its own machine, whatever the database's clock shows."""

from __future__ import annotations

from parcelwire.bootstrap.clock_watch import ClockWatch


async def _look_nowhere(watch: ClockWatch) -> None:
    del watch


ClockWatch.look = _look_nowhere  # type: ignore[method-assign, assignment]  # the planted bug

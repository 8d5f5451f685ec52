"""Lengths of time as people type them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

import click

LONGEST: Final = timedelta(days=36_525)
"""A hundred years."""

_FORM: Final = re.compile(r"(\d{1,6})([mhdw])\Z", re.ASCII)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class DurationType(click.ParamType[timedelta]):
    """``30m``, ``12h``, ``90d`` or ``4w``: longer than nothing, a hundred years at most."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return how long it is."""
        if isinstance(value, timedelta):
            return value
        found = _FORM.match(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is not a duration; write 30m, 12h, 90d or 4w", param, ctx)
        duration = timedelta(**{_UNITS[found[2]]: int(found[1])})
        if not timedelta() < duration <= LONGEST:
            self.fail(f"{value} is not between one minute and a hundred years", param, ctx)
        return duration

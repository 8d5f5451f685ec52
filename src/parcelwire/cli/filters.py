"""Which trackings a command is about: the options that ``list`` and ``export`` share."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
import msgspec

from parcelwire.cli.command_target import Target
from parcelwire.client.models import Status, Tracking
from parcelwire.couriers.number import normalise

P = ParamSpec("P")
T = TypeVar("T")

_AGO = re.compile(r"(\d{1,6})([mhdw])\Z")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Moment = datetime | date


class MomentType(click.ParamType[Moment]):
    """``2026-03-01``, ``2026-03-01T10:00:00+01:00``, or how long ago: ``30m``, ``12h``, ``7d``."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Moment:
        """Return an instant, or a day in UTC."""
        if isinstance(value, date):
            return value
        text = str(value).strip()
        if ago := _AGO.match(text):
            try:
                return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            except OverflowError:
                self.fail(f"{text} is longer ago than time goes back", param, ctx)
        try:
            if len(text) == len("2026-03-01"):
                return date.fromisoformat(text)
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail(
                f"{text!r} is not a time; write 2026-03-01, 2026-03-01T10:00:00+01:00 or 7d",
                param,
                ctx,
            )
        # A time without offset is what the clock here shows.
        return moment if moment.tzinfo is not None else moment.astimezone()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a tracking has to fulfil."""

    statuses: tuple[str, ...] = ()
    courier: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    updated_since: Moment | None = None
    prefix: str | None = None
    archived: bool | None = None


def filter_options(function: Callable[P, T]) -> Callable[P, T]:
    """Give a command the options that choose trackings; it takes them as ``wanted``."""

    @wraps(function)
    def gather(*args: Any, **kwargs: Any) -> T:
        wanted = Wanted(**{name: kwargs.pop(name) for name in Wanted.__struct_fields__})
        return function(*args, wanted=wanted, **kwargs)  # type: ignore[arg-type]  # click's words

    options = (
        click.option(
            "--status",
            "statuses",
            multiple=True,
            type=click.Choice([status.value for status in Status]),
            help="Filter by status; repeatable.",
        ),
        click.option("--courier", help="Filter by courier code."),
        click.option(
            "--since",
            type=MomentType(),
            help="Created at or after this time: 2026-03-01, 2026-03-01T10:00+01:00, or 7d (ago).",
        ),
        click.option("--until", type=MomentType(), help="Created at or before this time."),
        click.option("--updated-since", type=MomentType(), help="Updated at or after this time."),
        click.option("--prefix", help="Filter by the beginning of the number."),
        click.option(
            "--archived/--not-archived",
            default=None,
            help="Only archived trackings, or only the others.",
        ),
    )
    wrapped: Any = gather
    for option in reversed(options):
        wrapped = option(wrapped)
    result: Callable[P, T] = wrapped
    return result


SHORTEST_PREFIX = 3
"""That a Parcelwire searches for itself; TrackingMore has no such condition at all."""


async def select(target: Target, wanted: Wanted, page_size: int) -> AsyncIterator[Tracking]:
    """Yield what fulfils ``wanted``, newest created first, page by page as it is needed."""
    prefix = normalise(wanted.prefix) if wanted.prefix else ""
    if len(prefix) >= SHORTEST_PREFIX and target.has_native_api:
        by_prefix = target.client.trackings.search(
            prefix,
            courier_code=wanted.courier,
            status=wanted.statuses or "",
            is_archived=wanted.archived,
            created_date_min=wanted.since,
            created_date_max=wanted.until,
            updated_date_min=wanted.updated_since,
            page_size=page_size,
        )
        async for tracking in by_prefix:
            yield tracking
        return
    found = target.client.trackings.list(
        status=wanted.statuses or None,
        courier_code=wanted.courier,
        created_date_min=wanted.since,
        created_date_max=wanted.until,
        updated_date_min=wanted.updated_since,
        is_archived=wanted.archived,
        page_size=page_size,
    )
    async for tracking in found:
        if normalise(tracking.tracking_number).startswith(prefix):
            yield tracking

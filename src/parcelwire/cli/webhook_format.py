"""What the commands of ``parcelwire webhook`` share.

The group, options, and how things are told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from parcelwire.cli.timeline import plain
from parcelwire.client.native_models import Attempt, Endpoint
from parcelwire.domain.status import Status
from parcelwire.webhooks.notices import EVENT_TYPES
from parcelwire.webhooks.request_builder import DIALECTS

F = TypeVar("F", bound=Callable[..., Any])

dialect_option = click.option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default=DIALECTS[0],
    show_default=True,
    help="Form of the body: Parcelwire's own, or one of TrackingMore's.",
)

status_option = click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([status.value for status in Status]),
    help="Filter events by status; repeatable.",
)


def event_type_options(types: Sequence[str] = EVENT_TYPES) -> Callable[[F], F]:
    """Return the option ``--event-type``."""
    return click.option(
        "--event-type",
        "event_types",
        multiple=True,
        type=click.Choice(types),
        help="Filter events by type; repeatable.",
    )


@click.group()
def webhook() -> None:
    """Manage webhook endpoints and deliveries."""


def state_of(endpoint: Endpoint) -> str:
    """Return an endpoint's state in words."""
    if endpoint.state == "enabled":
        return "enabled"
    if endpoint.state == "paused":
        return "paused"
    return f"disabled ({plain(endpoint.disabled_reason or 'no reason given')})"


def moment(at: datetime | None) -> str:
    """Return a time of the API for people: UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z" if at is not None else ""


def result_of(attempt: Attempt) -> str:
    """Return what came of an attempt, in words."""
    status = attempt.status_code
    what = f"HTTP {status}" if status is not None else plain(attempt.error or "no answer")
    return f"{what} after {attempt.duration_ms} ms"

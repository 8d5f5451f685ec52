"""Endpoints: the URLs that are told what happens. Made, changed, paused, tried, given secrets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.domain.clock import SECOND, Instant, from_datetime
from parcelwire.domain.field_problems import InvalidInputError
from parcelwire.domain.status import Status
from parcelwire.pages.dashboard.forms import Form
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.visit import Problem, Visit
from parcelwire.pages.dashboard.words import plural
from parcelwire.webhooks.commands import (
    DEFAULT_OVERLAP_SECONDS,
    LEAST_RATE,
    LONGEST_DESCRIPTION,
    MOST_CONCURRENCY,
    MOST_RATE,
    REPLAYABLE,
    CreateEndpoint,
    ReplayMessages,
    UpdateEndpoint,
)
from parcelwire.webhooks.endpoints import MOST_WAITING, MOST_WAITING_IN_LISTS, EndpointView
from parcelwire.webhooks.errors import (
    EndpointDisabledError,
    TooManyEndpointsError,
)
from parcelwire.webhooks.notices import EVENT_TYPES
from parcelwire.webhooks.ports import MessageFilter
from parcelwire.webhooks.request_builder import DIALECTS

_LABELS: Final = {"native": "Parcelwire", "v4": "TrackingMore v4", "v2": "TrackingMore v2"}
DIALECT_LABELS: Final = {dialect: _LABELS.get(dialect, dialect) for dialect in DIALECTS}

_REFUSED: Final[Mapping[str, str]] = {
    "url": "This address is refused: {}.",
    "headers": "These headers are refused: {}.",
    "dialect": "Choose a form that exists.",
    "statuses": "Choose statuses that exist.",
    "event_types": "Choose events that exist.",
    "description": f"The description has at most {LONGEST_DESCRIPTION} characters.",
    "rate_per_second": f"Messages a second: {LEAST_RATE} to {MOST_RATE:,}, or empty.",
    "concurrency": f"Requests at once: 1 to {MOST_CONCURRENCY:,}, or empty.",
}
"""What is told of a field that was refused; ``{}``: why."""


class _FormError(Exception):
    """A field cannot be read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


async def show(visit: Visit) -> Response:
    """Show all endpoints of the world."""
    return await _show(visit)


async def _show(visit: Visit, problems: tuple[Problem, ...] = ()) -> Response:
    return await visit.show(
        "endpoints.html",
        rows=await visit.house.endpoints.list_endpoints(visit.world_id),
        most_waiting=MOST_WAITING_IN_LISTS,
        dialects=DIALECT_LABELS,
        statuses=list(Status),
        event_types=EVENT_TYPES,
        problems=problems,
    )


def _fields(form: Form) -> dict[str, Any]:
    """Return what a form says of an endpoint, without its headers.

    What is no figure becomes one that is out of bounds.
    """
    concurrency = _figure(form.get("concurrency"))
    if concurrency is not None:
        concurrency = int(concurrency) if concurrency.is_integer() else 0
    return {
        "url": form.get("url"),
        "description": form.get("description"),
        "statuses": tuple(form.all("statuses")),
        "event_types": tuple(form.all("event_types")),
        "rate_per_second": _figure(form.get("rate_per_second")),
        "concurrency": concurrency,
    }


def _figure(text: str) -> float | None:
    """Return a figure; None for an empty field, NaN for what is none."""
    try:
        return float(text) if text else None
    except ValueError:
        return math.nan


def _headers(form: Form) -> dict[str, str] | msgspec.UnsetType:
    """Return the headers that are typed, one a line; unset where they stay as they are.

    Raises:
        _FormError: a line is no header.
    """
    lines = [line for line in form.text("headers").splitlines() if line.strip()]
    if not lines and not form.has("clear_headers"):
        return msgspec.UNSET
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise _FormError(Problem("headers", "Write each header as Name: value."))
        headers[name.strip()] = value.strip()
    return headers


def _refusals(error: InvalidInputError) -> tuple[Problem, ...]:
    return tuple(
        Problem(one.field, _REFUSED[one.field].format(one.message)) for one in error.problems
    )


async def create(visit: Visit) -> Response:
    """Make an endpoint; its secret is shown this once."""
    form = visit.form
    try:
        headers = _headers(form)
        made = await visit.house.endpoints.create(
            visit.world_id,
            CreateEndpoint(
                dialect=form.get("dialect", DIALECTS[0]),
                headers={} if headers is msgspec.UNSET else headers,
                **_fields(form),
            ),
        )
    except _FormError as error:
        return await _show(visit, (error.problem,))
    except InvalidInputError as error:
        return await _show(visit, _refusals(error))
    except TooManyEndpointsError as error:
        text = f"There are {error.limit} endpoints already."
        return await _show(visit, (Problem("url", text),))
    return await _show_one(visit, made, secret=made.endpoint.secret)


# --- one endpoint -----------------------------------------------------------------------------


async def _load(visit: Visit) -> EndpointView:
    return await visit.house.endpoints.get(visit.world_id, visit.path["id"])


async def show_one(visit: Visit) -> Response:
    """Show one endpoint."""
    return await _show_one(visit, await _load(visit))


async def _show_one(
    visit: Visit, view: EndpointView, problems: tuple[Problem, ...] = (), *, secret: str = ""
) -> Response:
    endpoint = view.endpoint
    newest = await visit.house.messages.list_messages(
        visit.world_id, MessageFilter(endpoint_id=endpoint.id), limit=20
    )
    return await visit.show(
        "endpoint.html",
        one=endpoint,
        secret=secret,
        waiting=view.waiting,
        most_waiting=MOST_WAITING,
        messages=newest.messages,
        overlaps=len(endpoint.secrets_at(visit.now)) > 1,
        dialects=DIALECT_LABELS,
        statuses=list(Status),
        event_types=EVENT_TYPES,
        problems=problems,
    )


async def _go(visit: Visit, text: str, *, tone: str = "good") -> Response:
    return await visit.go(f"/endpoints/{visit.path['id']}", text, tone=tone)


async def change(visit: Visit) -> Response:
    """Change what an endpoint wants."""
    try:
        command = UpdateEndpoint(headers=_headers(visit.form), **_fields(visit.form))
        await visit.house.endpoints.update(visit.world_id, visit.path["id"], command)
    except _FormError as error:
        return await _show_one(visit, await _load(visit), (error.problem,))
    except InvalidInputError as error:
        return await _show_one(visit, await _load(visit), _refusals(error))
    return await _go(visit, "It is saved.")


async def pause(visit: Visit) -> Response:
    """Send nothing for a while; messages are kept."""
    await visit.house.endpoints.pause(visit.world_id, visit.path["id"])
    return await _go(visit, "It is paused; messages are kept and wait.")


async def enable(visit: Visit) -> Response:
    """Send again, beginning with what waited."""
    await visit.house.endpoints.enable(visit.world_id, visit.path["id"])
    return await _go(visit, "It is enabled; what waited is sent now.")


async def rotate(visit: Visit) -> Response:
    """Give an endpoint a new secret; the one before signs on for a while, or ends."""
    keeps = visit.form.get("overlap", "yes") == "yes"
    rotated = await visit.house.endpoints.rotate_secret(
        visit.world_id,
        visit.path["id"],
        overlap_seconds=DEFAULT_OVERLAP_SECONDS if keeps else 0,
    )
    return await _show_one(visit, rotated, secret=rotated.endpoint.secret)


async def test(visit: Visit) -> Response:
    """Send a made-up event now, and tell what came back."""
    tests = visit.house.test_delivery
    try:
        message_id = await tests.send(visit.world_id, visit.path["id"])
    except EndpointDisabledError:
        return await _go(visit, "It is switched off; nothing was sent.", tone="trouble")
    attempt = await tests.first_attempt(message_id)
    if attempt is None:
        text = "No attempt was made in time; the test waits like any message."
        return await _go(visit, text, tone="warn")
    if attempt.is_success:
        text = f"The test arrived: HTTP {attempt.status} in {attempt.duration_ms} ms."
        return await _go(visit, text)
    said = attempt.error or f"HTTP {attempt.status}"
    return await _go(visit, f"The test was not taken: {said}.", tone="trouble")


async def replay(visit: Visit) -> Response:
    """Send messages again, in their order."""
    form = visit.form
    try:
        until = _moment(form, "until")
        command = ReplayMessages(
            states=tuple(state for state in REPLAYABLE if state in form.all("states")),
            created_min=_moment(form, "since"),
            # The form tells a minute.
            created_max=None if until is None else until + 60 * SECOND - 1,
        )
        replayed = await visit.house.messages.replay(visit.world_id, visit.path["id"], command)
    except _FormError as error:
        return await _show_one(visit, await _load(visit), (error.problem,))
    except InvalidInputError:
        problem = Problem("states", "Say which: a state, or a time.")
        return await _show_one(visit, await _load(visit), (problem,))
    text = f"{plural(replayed.count, 'message')} will be sent again."
    if not replayed.is_complete:
        text += " There are more: repeat it with a later beginning."
    return await _go(visit, text)


def _moment(form: Form, field: str) -> Instant | None:
    """Return a date and time of a form, in UTC.

    Raises:
        _FormError: it is none.
    """
    text = form.get(field)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        instant = from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except ValueError:
        why = f"{text[:40]} is no time; write 2026-03-01T10:00."
        raise _FormError(Problem(field, why)) from None
    return max(0, instant)


async def delete(visit: Visit) -> Response:
    """Delete an endpoint; what waits for it is given up."""
    await visit.house.endpoints.delete(visit.world_id, visit.path["id"])
    return await visit.go("/endpoints", "The endpoint is gone.")


PAGE: Final = Page(
    path="/endpoints",
    title="Endpoints",
    section="Webhooks",
    order=10,
    scope="read",
    world=WorldRule.OWN,
    handler=show,
    shortcut="e",
    parts=(
        Part("POST", "/endpoints", create, "write", WorldRule.OWN),
        Part("GET", "/endpoints/{id}", show_one, "read", WorldRule.OWN),
        Part("POST", "/endpoints/{id}", change, "write", WorldRule.OWN),
        Part("POST", "/endpoints/{id}/pause", pause, "write", WorldRule.OWN),
        Part("POST", "/endpoints/{id}/enable", enable, "write", WorldRule.OWN),
        Part("POST", "/endpoints/{id}/rotate", rotate, "write", WorldRule.OWN),
        Part("POST", "/endpoints/{id}/test", test, "write", WorldRule.OWN),
        Part("POST", "/endpoints/{id}/replay", replay, "write", WorldRule.OWN),
        Part("POST", "/endpoints/{id}/delete", delete, "write", WorldRule.OWN),
    ),
)

"""Endpoints: the URLs that are told what happens. Made, changed, paused, tried, given secrets."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec.structs import replace
from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import DAY, SECOND, Instant, from_datetime
from parcelwire.domain.status import Status
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.visit import Problem, Visit, missing
from parcelwire.pages.dashboard.words import plural
from parcelwire.webhooks import standing
from parcelwire.webhooks.address import AddressRefusedError
from parcelwire.webhooks.headers import HeadersRefusedError, check_headers
from parcelwire.webhooks.ports import MessageFilter, MessageState
from parcelwire.webhooks.secrets import new_secret

MOST_ENDPOINTS: Final = 100
MOST_WAITING: Final = 1_000
MOST_REPLAYED: Final = 10_000
OVERLAP: Final = DAY
DIALECTS: Final = {
    "native": "Parcelwire",
    "v4": "TrackingMore v4",
    "v2": "TrackingMore v2",
}
EVENT_TYPES: Final = (
    "tracking.status_changed",
    "tracking.updated",
    "endpoint.failing",
    "endpoint.disabled",
    "endpoint.recovered",
)
_ID: Final = re.compile(r"[0-9a-f]{32}")


class Row(msgspec.Struct, frozen=True):
    """An endpoint of the list, and how many messages wait for it."""

    endpoint: Endpoint
    waiting: int


async def show(visit: Visit) -> Response:
    """Show all endpoints of the world."""
    return await _show(visit)


async def _show(visit: Visit, problems: tuple[Problem, ...] = ()) -> Response:
    store = visit.house.store
    rows = [
        Row(one, await store.count_waiting(one.id, most=MOST_WAITING))
        for one in await store.list_endpoints(visit.world_id)
    ]
    return await visit.show(
        "endpoints.html",
        rows=rows,
        most_waiting=MOST_WAITING,
        dialects=DIALECTS,
        statuses=list(Status),
        event_types=EVENT_TYPES,
        problems=problems,
    )


def _fields(visit: Visit, problems: list[Problem], before: Endpoint | None) -> dict[str, object]:
    """Return the fields of an endpoint that its form sets."""
    form = visit.form
    description = form.get("description")
    if len(description) > 500:
        problems.append(Problem("description", "The description has at most 500 characters."))
    rate = _figure(form.get("rate_per_second"), 0.01, 10_000)
    if rate is None:
        problems.append(Problem("rate_per_second", "Messages a second: 0.01 to 10,000, or empty."))
    concurrency = _figure(form.get("concurrency"), 1, 1_000)
    if concurrency is None or (concurrency and not float(concurrency).is_integer()):
        problems.append(Problem("concurrency", "Requests at once: 1 to 1,000, or empty."))
        concurrency = 0
    fields: dict[str, object] = {
        "description": description,
        "statuses": tuple(one for one in form.all("statuses") if one in set(Status)),
        "event_types": tuple(one for one in form.all("event_types") if one in EVENT_TYPES),
        "rate_per_second": rate or None,
        "concurrency": int(concurrency) or None,
    }
    typed = form.text("headers").strip()
    if typed or before is None or form.has("clear_headers"):
        fields["headers"] = _headers(typed, problems)
    return fields


def _figure(text: str, least: float, most: float) -> float | None:
    """Return a figure; 0 for an empty field, None for what is none or out of bounds."""
    if not text:
        return 0
    try:
        figure = float(text)
    except ValueError:
        return None
    return figure if math.isfinite(figure) and least <= figure <= most else None


def _headers(typed: str, problems: list[Problem]) -> dict[str, str]:
    headers = {}
    for line in typed.splitlines():
        if line.strip():
            name, colon, value = line.partition(":")
            if not colon:
                problems.append(Problem("headers", "Write each header as Name: value."))
                return {}
            headers[name.strip()] = value.strip()
    try:
        return check_headers(headers)
    except HeadersRefusedError as error:
        problems.append(Problem("headers", f"These headers are refused: {error}."))
        return {}


async def _check_url(visit: Visit, url: str, problems: list[Problem]) -> None:
    try:
        await visit.house.endpoints.check_url(url)
    except AddressRefusedError as error:
        problems.append(Problem("url", f"This address is refused: {error}."))


async def create(visit: Visit) -> Response:
    """Make an endpoint; its secret is shown this once."""
    form, store = visit.form, visit.house.store
    problems: list[Problem] = []
    url, dialect = form.get("url"), form.get("dialect", "native")
    if dialect not in DIALECTS:
        problems.append(Problem("dialect", "Choose a form that exists."))
    fields = _fields(visit, problems, None)
    await _check_url(visit, url, problems)
    if len(await store.list_endpoints(visit.world_id)) >= MOST_ENDPOINTS:
        problems.append(Problem("url", f"There are {MOST_ENDPOINTS} endpoints already."))
    if problems:
        return await _show(visit, tuple(problems))
    secret = new_secret(visit.house.random_bytes)
    endpoint = replace(
        Endpoint(
            id=visit.house.identifiers.new_id(visit.now),
            world_id=visit.world_id,
            url=url,
            dialect=dialect,
            secret=secret,
            created_at=visit.now,
        ),
        **fields,
    )
    await store.add_endpoint(endpoint)
    return await _show_one(visit, endpoint, secret=secret)


# --- one endpoint -----------------------------------------------------------------------------


async def load(visit: Visit) -> Endpoint:
    """Return the endpoint that the path names.

    Raises:
        RefusalError: this world has none of this id.
    """
    endpoint_id, endpoint = visit.path["id"], None
    if _ID.fullmatch(endpoint_id):
        endpoint = await visit.house.store.load_endpoint(visit.world_id, endpoint_id)
    if endpoint is None:
        raise missing("endpoint")
    return endpoint


async def show_one(visit: Visit) -> Response:
    """Show one endpoint."""
    return await _show_one(visit, await load(visit))


async def _show_one(
    visit: Visit, endpoint: Endpoint, problems: tuple[Problem, ...] = (), *, secret: str = ""
) -> Response:
    store = visit.house.store
    until = endpoint.previous_secret_until
    newest = await store.list_messages(
        visit.world_id, MessageFilter(endpoint_id=endpoint.id), limit=20
    )
    return await visit.show(
        "endpoint.html",
        one=endpoint,
        secret=secret,
        waiting=await store.count_waiting(endpoint.id, most=MOST_WAITING),
        most_waiting=MOST_WAITING,
        messages=newest.messages,
        overlaps=bool(endpoint.previous_secret) and until is not None and until > visit.now,
        dialects=DIALECTS,
        statuses=list(Status),
        event_types=EVENT_TYPES,
        problems=problems,
    )


async def _save(visit: Visit, before: Endpoint, after: Endpoint, text: str) -> Response:
    if not await visit.house.store.save_endpoint(after, expected=before):
        raise missing("endpoint")
    return await visit.go(f"/endpoints/{before.id}", text)


async def change(visit: Visit) -> Response:
    """Change what an endpoint wants."""
    endpoint = await load(visit)
    problems: list[Problem] = []
    url = visit.form.get("url")
    fields = _fields(visit, problems, endpoint)
    if url != endpoint.url:
        await _check_url(visit, url, problems)
    if problems:
        return await _show_one(visit, endpoint, tuple(problems))
    return await _save(visit, endpoint, replace(endpoint, url=url, **fields), "It is saved.")


async def pause(visit: Visit) -> Response:
    """Send nothing for a while; messages are kept."""
    endpoint = await load(visit)
    after = standing.pause(endpoint) if endpoint.is_enabled else endpoint
    return await _save(visit, endpoint, after, "It is paused; messages are kept and wait.")


async def enable(visit: Visit) -> Response:
    """Send again, beginning with what waited."""
    endpoint = await load(visit)
    answer = await _save(
        visit, endpoint, standing.enable(endpoint), "It is enabled; what waited is sent now."
    )
    visit.house.endpoints.wake()
    return answer


async def rotate(visit: Visit) -> Response:
    """Give an endpoint a new secret; the one before signs too for a day."""
    before = await load(visit)
    secret = new_secret(visit.house.random_bytes)
    keeps = visit.form.get("overlap", "yes") == "yes"
    after = replace(
        before,
        secret=secret,
        previous_secret=before.secret if keeps else "",
        previous_secret_until=visit.now + OVERLAP if keeps else None,
    )
    if not await visit.house.store.save_endpoint(after, expected=before):
        raise missing("endpoint")
    return await _show_one(visit, after, secret=secret)


async def test(visit: Visit) -> Response:
    """Send a made-up event now, and tell what came back."""
    endpoint = await load(visit)
    place = f"/endpoints/{endpoint.id}"
    if not endpoint.is_enabled:
        return await visit.go(place, "It is switched off; nothing was sent.", tone="trouble")
    message = visit.house.endpoints.compose_test(endpoint)
    await visit.house.store.add_messages([message])
    attempt = await visit.house.endpoints.first_attempt(message.id)
    if attempt is None:
        return await visit.go(
            place, "No attempt was made in time; the test waits like any message.", tone="warn"
        )
    if 200 <= attempt.status <= 299:
        return await visit.go(
            place, f"The test arrived: HTTP {attempt.status} in {attempt.duration_ms} ms."
        )
    said = attempt.error or f"HTTP {attempt.status}"
    return await visit.go(place, f"The test was not taken: {said}.", tone="trouble")


async def replay(visit: Visit) -> Response:
    """Send messages again, in their order."""
    endpoint = await load(visit)
    form, problems = visit.form, list[Problem]()
    states = tuple(
        MessageState(one)
        for one in dict.fromkeys(form.all("states"))
        if one in {"delivered", "dead"}
    )
    since = _moment(form.get("since"), "since", problems)
    until = _moment(form.get("until"), "until", problems)
    if not (states or since is not None or until is not None):
        problems.append(Problem("states", "Say which: a state, or a time."))
    if problems:
        return await _show_one(visit, endpoint, tuple(problems))
    where = MessageFilter(
        endpoint_id=endpoint.id,
        states=states,
        created_min=since,
        created_max=None if until is None else until + 60 * SECOND - 1,
    )
    count = await visit.house.store.replay(visit.world_id, where, visit.now, limit=MOST_REPLAYED)
    visit.house.endpoints.wake()
    text = f"{plural(count, 'message')} will be sent again."
    if count >= MOST_REPLAYED:
        text += " There are more: repeat it with a later beginning."
    return await visit.go(f"/endpoints/{endpoint.id}", text)


def _moment(text: str, field: str, problems: list[Problem]) -> Instant | None:
    """Return a date and time of a form, in UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        instant = from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except ValueError:
        problems.append(Problem(field, f"{text[:40]} is no time; write 2026-03-01T10:00."))
        return None
    return max(0, instant)


async def delete(visit: Visit) -> Response:
    """Delete an endpoint; what waits for it is given up."""
    endpoint = await load(visit)
    await visit.house.store.delete_endpoint(visit.world_id, endpoint.id)
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

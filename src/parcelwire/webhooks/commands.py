"""What can be asked about endpoints and messages: the commands, their bounds, their check. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.domain.field_problems import FieldCode, FieldProblem, text_problem
from parcelwire.domain.status import Status
from parcelwire.webhooks.headers import HeadersRefusedError, check_headers
from parcelwire.webhooks.notices import EVENT_TYPES
from parcelwire.webhooks.ports import MessageState
from parcelwire.webhooks.request_builder import DIALECTS

MOST_ENDPOINTS: Final = 100
"""Of one world: every change is written down once for each."""
LEAST_RATE: Final = 0.01
MOST_RATE: Final = 10_000
"""Messages a second."""
MOST_CONCURRENCY: Final = 1_000
"""Requests at one time."""
LONGEST_DESCRIPTION: Final = 500
"""Characters."""
DEFAULT_OVERLAP_SECONDS: Final = 86_400
"""How long a secret signs on beside the one that replaces it."""
LONGEST_OVERLAP_SECONDS: Final = 7 * 86_400
MOST_REPLAYED: Final = 10_000
"""Messages of one replay."""
REPLAYABLE: Final = (MessageState.DELIVERED, MessageState.DEAD)
"""What can be replayed; those still pending are sent anyway."""
REPLAY_CONDITIONS: Final = ("created_min", "created_max", "states", "event_types", "tracking_id")
"""Of these fields of ``ReplayMessages`` one at least says which messages."""


class CreateEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A new endpoint. See ``domain.account.Endpoint`` for what the fields mean."""

    url: str
    dialect: str = DIALECTS[0]
    statuses: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    rate_per_second: float | None = None
    concurrency: int | None = None
    description: str = ""


class UpdateEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of an endpoint: what is unset stays; lists and headers are replaced whole."""

    # The dialect is not among it: messages that wait, or are replayed, were worded in it.

    url: str | msgspec.UnsetType = msgspec.UNSET
    statuses: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    event_types: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    headers: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    rate_per_second: float | msgspec.UnsetType | None = msgspec.UNSET
    concurrency: int | msgspec.UnsetType | None = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET


class ReplayMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages of an endpoint to send again; all conditions together, and at least one.

    Bounds inclusive.
    """

    created_min: Instant | None = None
    created_max: Instant | None = None
    states: tuple[MessageState, ...] = ()
    event_types: tuple[str, ...] = ()
    tracking_id: str | None = None
    limit: int = MOST_REPLAYED
    """At most this many, the oldest first; never more than ``MOST_REPLAYED`` at once."""


_STATUSES: Final = frozenset(status.value for status in Status)

# A comparison with NaN is false, so that no bound lets it through.
_RULES: Final[Mapping[str, tuple[Callable[[Any], bool], FieldCode, str]]] = {
    "dialect": (lambda dialect: dialect in DIALECTS, "unknown", f"is one of {', '.join(DIALECTS)}"),
    "statuses": (_STATUSES.issuperset, "unknown", f"are of {', '.join(sorted(_STATUSES))}"),
    "event_types": (
        frozenset(EVENT_TYPES).issuperset,
        "unknown",
        f"are of {', '.join(EVENT_TYPES)}",
    ),
    "rate_per_second": (
        lambda rate: rate is None or LEAST_RATE <= rate <= MOST_RATE,
        "invalid",
        f"is {LEAST_RATE} to {MOST_RATE:,} messages a second",
    ),
    "concurrency": (
        lambda count: count is None or 1 <= count <= MOST_CONCURRENCY,
        "invalid",
        f"is 1 to {MOST_CONCURRENCY:,} requests at one time",
    ),
}


def check_fields(
    command: CreateEndpoint | UpdateEndpoint,
) -> tuple[dict[str, Any], list[FieldProblem]]:
    """Return the fields that a command sets, as they are stored, and what is wrong with them.

    What is given twice among statuses and event types counts once. The URL is not looked at: only
    somebody who can resolve its host can judge it.
    """
    pairs = ((name, getattr(command, name)) for name in command.__struct_fields__)
    fields = {name: value for name, value in pairs if value is not msgspec.UNSET}
    problems: list[FieldProblem] = []
    if problem := text_problem("description", fields.get("description", ""), LONGEST_DESCRIPTION):
        problems.append(problem)
    problems += [
        FieldProblem(field=name, code=code, message=message)
        for name, (is_right, code, message) in _RULES.items()
        if name in fields and not is_right(fields[name])
    ]
    for name in ("statuses", "event_types"):
        if name in fields:
            fields[name] = tuple(dict.fromkeys(str(one) for one in fields[name]))
    if "headers" in fields:
        try:
            fields["headers"] = check_headers(fields["headers"])
        except HeadersRefusedError as error:
            problems.append(not_allowed("headers", error))
    return fields, problems


def replay_problem(command: ReplayMessages) -> FieldProblem | None:
    """Return what is wrong with a replay that would send everything again; None: it would not."""
    if any(getattr(command, name) not in (None, ()) for name in REPLAY_CONDITIONS):
        return None
    *first, last = REPLAY_CONDITIONS
    message = f"name at least one of {', '.join(first)} and {last}"
    return FieldProblem(field="", code="missing", message=message)


def not_allowed(field: str, error: Exception) -> FieldProblem:
    """Return the problem of a field whose value an endpoint may not have; the error says why."""
    return FieldProblem(field=field, code="not-allowed", message=str(error))


def overlap_problem(seconds: int) -> FieldProblem | None:
    """Return why an old secret may not sign for so long beside a new one; None when it may."""
    if 0 <= seconds <= LONGEST_OVERLAP_SECONDS:
        return None
    message = f"is 0 to {LONGEST_OVERLAP_SECONDS:,} seconds"
    return FieldProblem(field="overlap_seconds", code="invalid", message=message)

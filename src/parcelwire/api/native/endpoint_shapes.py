"""How the native API words endpoints: what it takes, what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from parcelwire.api.native.operations import given
from parcelwire.domain.account import EndpointState
from parcelwire.domain.clock import iso_utc
from parcelwire.domain.field_problems import NO_NUL_PATTERN
from parcelwire.domain.status import Status
from parcelwire.webhooks.commands import (
    DEFAULT_OVERLAP_SECONDS,
    LEAST_RATE,
    LONGEST_DESCRIPTION,
    LONGEST_OVERLAP_SECONDS,
    MOST_CONCURRENCY,
    MOST_RATE,
    CreateEndpoint,
    UpdateEndpoint,
)
from parcelwire.webhooks.endpoints import MOST_WAITING, MOST_WAITING_IN_LISTS, EndpointView
from parcelwire.webhooks.message import TEST_EVENT_TYPE
from parcelwire.webhooks.notices import EVENT_TYPES
from parcelwire.webhooks.ports import Attempt
from parcelwire.webhooks.request_builder import DIALECTS

if TYPE_CHECKING:
    Dialect: TypeAlias = str
    EventType: TypeAlias = str
    SentType: TypeAlias = str
else:
    # The webhooks' own lists, as literals: so the description names what there is.
    Dialect = Literal[DIALECTS]
    EventType = Literal[EVENT_TYPES]
    SentType = EventType | Literal[TEST_EVENT_TYPE]

# "$" alone would let a line feed pass behind it.
Id = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", max_length=32)]
Url = Annotated[
    str,
    Meta(
        min_length=1,
        description="`http` or `https`, to a public address; at most 2,048 characters",
        examples=["https://shop.example.com/hooks/parcels"],
    ),
]
Description = Annotated[str, Meta(max_length=LONGEST_DESCRIPTION, pattern=NO_NUL_PATTERN)]
Rate = Annotated[float, Meta(ge=LEAST_RATE, le=MOST_RATE, description="Messages a second at most")]
Concurrency = Annotated[
    int, Meta(ge=1, le=MOST_CONCURRENCY, description="Requests at one time at most")
]
Headers = Annotated[
    dict[str, str],
    Meta(description="Headers of your own, sent with every message; their values are not shown"),
]
Statuses = Annotated[
    tuple[Status, ...],
    Meta(max_length=len(Status), description="Only events with one of these statuses; empty: all"),
]
EventTypes = Annotated[
    tuple[EventType, ...],
    Meta(max_length=len(EVENT_TYPES), description="Only events of these types; empty: all"),
]


class EndpointCreateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new endpoint."""

    url: Url
    dialect: Annotated[Dialect, Meta(description="Form of the body, and of an older signature")] = (
        DIALECTS[0]
    )
    statuses: Statuses = ()
    event_types: EventTypes = ()
    headers: Headers = {}
    rate_per_second: Rate | None = None
    concurrency: Concurrency | None = None
    description: Description = ""

    def command(self) -> CreateEndpoint:
        """Return it as the use case takes it."""
        return CreateEndpoint(**asdict(self))


class EndpointUpdateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change. What is left out stays; lists and headers are replaced whole."""

    url: Url | msgspec.UnsetType = msgspec.UNSET
    statuses: Statuses | msgspec.UnsetType | None = msgspec.UNSET
    event_types: EventTypes | msgspec.UnsetType | None = msgspec.UNSET
    headers: Headers | msgspec.UnsetType | None = msgspec.UNSET
    rate_per_second: Rate | msgspec.UnsetType | None = msgspec.UNSET
    concurrency: Concurrency | msgspec.UnsetType | None = msgspec.UNSET
    description: Description | msgspec.UnsetType | None = msgspec.UNSET

    def command(self) -> UpdateEndpoint:
        """Return it as the use case takes it: null empties a field (RFC 7396)."""
        fields: dict[str, Any] = {
            name: _EMPTY.get(name) if value is None else value
            for name, value in given(self).items()
        }
        return UpdateEndpoint(**fields)


_EMPTY: Final[Mapping[str, Any]] = {
    "statuses": (),
    "event_types": (),
    "headers": {},
    "description": "",
}


class SecretRotationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to replace a secret."""

    overlap_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_OVERLAP_SECONDS,
            description="How long the old secret signs beside the new one; 0: not at all",
        ),
    ] = DEFAULT_OVERLAP_SECONDS


class EndpointHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How an endpoint does."""

    failing_since: Annotated[
        str | None, Meta(description="First failure since the last success; null: all is well")
    ]
    pending_count: Annotated[
        int,
        Meta(
            description=f"Messages not delivered yet; counted up to {MOST_WAITING:,}, and in lists"
            f" up to {MOST_WAITING_IN_LISTS:,}"
        ),
    ]


class EndpointObject(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint, without its secret. Times are UTC."""

    id: str
    url: str
    dialect: str
    state: Annotated[
        EndpointState,
        Meta(description="`paused` by its owner, `disabled` by what it answered"),
    ]
    disabled_reason: Annotated[str | None, Meta(description="Null while it is enabled")]
    statuses: tuple[str, ...]
    event_types: tuple[str, ...]
    header_names: Annotated[
        tuple[str, ...], Meta(description="Headers of its owner's own, without their values")
    ]
    rate_per_second: float | None
    concurrency: int | None
    description: str
    created_at: str
    previous_secret_expires_at: Annotated[
        str | None, Meta(description="Until when the secret before this one signs too")
    ]
    health: EndpointHealth


class EndpointWithSecret(EndpointObject, frozen=True, kw_only=True):
    """An endpoint with the secret that was made just now. It is shown this once."""

    secret: Annotated[str, Meta(description="`whsec_` and base64, as in Standard Webhooks")]


class EndpointList(msgspec.Struct, frozen=True, kw_only=True):
    """All endpoints of the key's world, oldest first."""

    items: list[EndpointObject]


class AttemptObject(msgspec.Struct, frozen=True, kw_only=True):
    """One try to deliver a message."""

    id: str
    attempted_at: str
    duration_ms: int
    status_code: Annotated[int | None, Meta(description="HTTP status; null: nothing answered")]
    error: Annotated[str | None, Meta(description="What went wrong, in words")]
    response_body: Annotated[str, Meta(description="The start of the answer's body")]


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a test event."""

    __test__ = False  # pytest takes names like this one for tests

    message_id: str
    is_delivered: bool
    attempt: Annotated[
        AttemptObject | None,
        Meta(description="Null: none was made in time; the message waits like any other"),
    ]


def endpoint_object(view: EndpointView) -> EndpointObject:
    """Return an endpoint as it is shown."""
    return EndpointObject(**_fields(view))


def endpoint_with_secret(view: EndpointView, secret: str) -> EndpointWithSecret:
    """Return an endpoint as it is shown once, with its new secret (or what stands for it)."""
    return EndpointWithSecret(**_fields(view), secret=secret)


def _fields(view: EndpointView) -> dict[str, Any]:
    endpoint = view.endpoint
    failing_since = endpoint.failing_since
    until = endpoint.previous_secret_until if endpoint.previous_secret else None
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "dialect": endpoint.dialect,
        "state": endpoint.state,
        "disabled_reason": None if endpoint.is_enabled else endpoint.disabled_reason,
        "statuses": endpoint.statuses,
        "event_types": endpoint.event_types,
        "header_names": tuple(sorted(endpoint.headers)),
        "rate_per_second": endpoint.rate_per_second,
        "concurrency": endpoint.concurrency,
        "description": endpoint.description,
        "created_at": iso_utc(endpoint.created_at),
        "previous_secret_expires_at": None if until is None else iso_utc(until),
        "health": EndpointHealth(
            failing_since=None if failing_since is None else iso_utc(failing_since),
            pending_count=view.waiting,
        ),
    }


def attempt_object(attempt: Attempt) -> AttemptObject:
    """Return an attempt as it is shown."""
    return AttemptObject(
        id=attempt.id,
        attempted_at=iso_utc(attempt.at),
        duration_ms=attempt.duration_ms,
        status_code=attempt.status or None,
        error=attempt.error or None,
        response_body=attempt.response_body,
    )

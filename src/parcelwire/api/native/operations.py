"""What a call of the native API is made of. Routes and the OpenAPI description follow from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import msgspec

from parcelwire.api.house import House
from parcelwire.api.native.idempotency import Repeatable
from parcelwire.domain.access import Scope, WorldRule
from parcelwire.domain.account import Account, ApiKey
from parcelwire.tracking.ports import Once


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of a call that takes none."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One call whose key, query and body were checked."""

    key: ApiKey
    account: Account
    path: Mapping[str, str]
    """The values of the path's ``{names}``."""
    query: Any
    """An instance of the operation's ``query``."""
    body: Any
    """An instance of the operation's ``request``, or None where it has none."""
    repeatable: Repeatable | None = None
    """Given when the call came with an idempotency key that the operation takes."""

    @property
    def world_id(self) -> int:
        """The world the caller's key opens."""
        return self.key.world_id

    def once(
        self,
        status: int,
        encode: Callable[[Any], Any],
        *,
        secret: str = "",
        had_effect: Callable[[Any], bool] = lambda _: True,
    ) -> Once | None:
        """Return what makes a store's write happen once; None when no idempotency key was sent.

        ``encode`` turns the use case's result into the shape to be answered with ``status`` (None:
        no body); it runs inside the write's transaction: quick and pure. The framework then answers
        those very bytes, whatever the handler returns, and keeps them for repetitions. ``secret``
        is kept beside them, sealed: see ``sealed``. A refusal, and a shape that ``had_effect`` says
        changed nothing, is not kept: the handler's own answer goes out, and the key may be used
        again.
        """
        if self.repeatable is None:
            return None
        return self.repeatable.once(status, encode, secret=secret, had_effect=had_effect)


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One call: how it is reached, what it takes, what it answers, who does it."""

    name: str
    """Stable name for generated clients."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    """After ``/api``, with ``{names}``."""
    summary: str
    handler: Callable[[House, Asked], Awaitable[Any]]
    """Returns an instance of ``answer``, or raises ``ProblemError`` or an error of a use case."""
    answer: Any = None
    """Shape of the body on success; None: there is no body."""
    success: Literal[200, 201, 202, 204] = 200
    """Status on success; 204 exactly where there is no body."""
    scope: Scope
    """What a key must at least be good for."""
    world: WorldRule
    """Whose things it shows and changes."""
    is_for_operators: bool = False
    """Refused to all but live keys of accounts named in ``api.operators``."""
    text: str = ""
    """More than the summary, for the description."""
    path_texts: Mapping[str, str] = {}
    """What each name in ``path`` is."""
    query: type[msgspec.Struct] = NoQuery
    """Shape of the query; all its fields have defaults."""
    request: Any = None
    """Shape of the body; None: the call has none, and one sent with it is not read."""
    problems: tuple[str, ...] = ()
    """Kinds of problems (``problems.KINDS``) beside those that any such call can meet."""
    takes_idempotency_key: bool = False
    """The handler gives ``asked.once`` to the store."""
    finish: Callable[[House, Asked, Any], Awaitable[Any]] | None = None
    """Makes of what was recorded under an idempotency key (an instance of ``answer``) what is
    answered, at first and at every repetition: opens a sealed secret, waits for what had only
    begun. Without such a key the handler's own answer goes out."""
    location: str = ""
    """Path after ``/api`` of what was made, with ``{names}`` of the answer's members; becomes the
    ``Location`` header of a 201 or 202, and of the problem that says it is there already."""
    example: Any = None
    """An example of the body to send."""
    answer_example: Any = None
    """An example of the body answered."""
    path_examples: Mapping[str, str] = {}
    """An example of each name in ``path``."""
    limit: Literal["create", "other"] = "other"
    """Which of the two rate limits counts it."""
    counts_items: bool = False
    """Counts as many calls as it has items: its rate limit headers are made when it is done."""


def given(patch: msgspec.Struct) -> dict[str, Any]:
    """Return the fields that a PATCH body really has, with their values.

    Shapes of such bodies declare each field as ``X | None | msgspec.UnsetType = msgspec.UNSET``:
    what is left out stays as it is, null empties it (RFC 7396).
    """
    pairs = ((name, getattr(patch, name)) for name in patch.__struct_fields__)
    return {name: value for name, value in pairs if value is not msgspec.UNSET}

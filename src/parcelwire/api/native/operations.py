"""What a call of the native API is made of. Routes and the OpenAPI description follow from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import msgspec

from parcelwire.api.house import House
from parcelwire.domain.account import Account, ApiKey


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

    @property
    def world_id(self) -> int:
        """The world the caller's key opens."""
        return self.key.world_id


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One call: how it is reached, what it takes, what it answers, who does it."""

    name: str
    """Stable name for generated clients."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    """After ``/api``, with ``{names}``."""
    summary: str
    handler: Callable[[House, Asked], Awaitable[Any]]
    """Returns an instance of ``answer``, or raises ``ProblemError``."""
    answer: Any
    """Shape of the body on success."""
    path_texts: Mapping[str, str] = {}
    """What each name in ``path`` is."""
    query: type[msgspec.Struct] = NoQuery
    """Shape of the query; all its fields have defaults."""
    request: Any = None
    """Shape of the body; None: the call has none, and one sent with it is not read."""
    is_writing: bool = False
    """Refused to keys that may only read."""
    limit: Literal["create", "other"] = "other"
    """Which of the two rate limits counts it."""

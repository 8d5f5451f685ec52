"""Which path is which call of a version: its dialect, its OpenAPI description and the table of
permissions all follow its routes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Literal, get_origin

import msgspec

from parcelwire.api.wire import Call, Reply
from parcelwire.domain.access import Scope, WorldRule

Path = tuple[str, ...]
"""Segments after the version's prefix, decoded, empty ones dropped. In a route, ``{names}`` may
stand at the end."""

Handler = Callable[[Call], Awaitable[Reply]]

Locate = Callable[[str, Path], Path | None]
"""(method, segments) -> the path of the route that they mean, as it stands in the table."""


class Parameter(msgspec.Struct, frozen=True):
    """One value of a query, or of a header."""

    name: str
    description: str
    kind: Literal["string", "integer"] = "string"
    place: Literal["query", "header"] = "query"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One call."""

    name: str
    methods: tuple[str, ...]
    """The documented one first, then those that clients use as well. HEAD goes with GET."""
    path: Path
    summary: str
    scope: Scope
    """What a key must at least be good for."""
    world: WorldRule
    """Whose things it shows and changes."""
    answer: Any
    """Shape of ``data`` on success."""
    code: int = 200
    """Code of success."""
    request: Any = None
    """Shape of the body; None: the call has none (and a body sent with it is passed over)."""
    parameters: tuple[Parameter, ...] = ()
    takes_posted_parameters: bool = False
    """With POST the parameters may stand in a JSON body."""
    limit: Literal["create", "other"] = "other"
    """Which of the two rate limits counts it."""
    counts_items: bool = False
    """Counts as many calls as it has items: its rate limit headers are made when it is done."""

    @property
    def label(self) -> str:
        """The path as text."""
        return "/".join(self.path)

    @property
    def is_list(self) -> bool:
        """Whether ``data`` is an array on success."""
        return get_origin(self.answer) is list

    def reads_body(self, method: str) -> bool:
        """Tell whether a body sent with ``method`` is read."""
        return self.request is not None or (self.takes_posted_parameters and method == "POST")


Methods = Mapping[str, tuple[Route, Handler]]
"""What a path answers to: method -> call."""


class RouteTable:
    """Finds the call that a path means."""

    def __init__(
        self,
        routes: Iterable[Route],
        handlers: Mapping[str, Handler],
        locate: Locate | None = None,
    ) -> None:
        """``handlers``: name of a route -> who answers it.

        ``locate`` is asked about every path that stands in no route word by word. None: the names
        at the end of a route's path stand for one segment each, and may be left out, so that a
        call without its id is still told that the id is missing.

        Raises:
            KeyError: a route has no handler.
        """
        self._by_path: dict[Path, dict[str, tuple[Route, Handler]]] = {}
        self._locate = locate or self._locate_by_names
        # The longest first: of "a" and "a/b" with a name each, "a/b" means the second.
        self._named: Final[dict[int, dict[Path, Path]]] = {}
        for route in routes:
            methods = self._by_path.setdefault(route.path, {})
            methods.update((method, (route, handlers[route.name])) for method in route.methods)
            words = tuple(one for one in route.path if not one.startswith("{"))
            if len(words) < len(route.path):
                self._named.setdefault(len(words), {})[words] = route.path
        self._lengths = sorted(self._named, reverse=True)

    def find(self, method: str, segments: Path) -> Methods | None:
        """Return the calls of the path that ``segments`` mean; None: there is no such path."""
        found = self._by_path.get(segments)
        if found is None and (path := self._locate(method, segments)) is not None:
            found = self._by_path[path]
        return found

    def _locate_by_names(self, _: str, segments: Path) -> Path | None:
        for length in self._lengths:
            path = self._named[length].get(segments[:length])
            if path is not None and len(segments) <= len(path):
                return path
        return None

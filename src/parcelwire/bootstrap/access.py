"""Who may do what: one table of everything that can be asked of an installation.

It is read from where the actions themselves are declared: the routes of the dialects, the native
API's operations, the dashboard's pages and parts, the public addresses. Each of those has to name
its scope and its world; what does not cannot be imported. ``docs/authorization.md`` is written from
this table, so that a changed row is seen in review, and proof G2 tries every row with everybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from parcelwire.api.native import table as native
from parcelwire.api.trackingmore.declaration import Declaration
from parcelwire.bootstrap.dialects import own_dialects
from parcelwire.domain.access import Scope, WorldRule
from parcelwire.pages.application import ROUTES as PUBLIC_ROUTES
from parcelwire.pages.dashboard.registry import CORE_ROUTES, Page, discover
from parcelwire.pages.dashboard.visit import ROOT

ANYONE: Final = "anyone"


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be asked of an installation."""

    surface: str
    """``native``, ``dashboard``, ``public``, or the prefix of a dialect."""
    method: str
    path: str
    """From the root, with ``{names}``."""
    scope: Scope | Literal["anyone"]
    """What a key must at least be good for; ``anyone``: no key is needed."""
    world: WorldRule
    is_for_operators: bool = False

    @property
    def name(self) -> str:
        """Method and path, which no two actions share."""
        return f"{self.method} {self.path}"


def access_table(
    pages: Iterable[Page] | None = None, dialects: Sequence[Declaration] | None = None
) -> tuple[Action, ...]:
    """Return every action. ``pages``: the dashboard's; ``dialects``: those that are spoken; None:
    all there are.

    Raises:
        ValueError: two actions share method and path, or a dialect without a rule for the live
            world declares one.
    """
    spoken = own_dialects() if dialects is None else dialects
    prefixes = {dialect.prefix for dialect in spoken}
    found = (
        *_dialects(spoken),
        *_native(),
        *_dashboard(discover() if pages is None else pages),
        *_public(),
    )
    counts = Counter(one.name for one in found)
    problems = [f"{name} is declared {count} times" for name, count in counts.items() if count > 1]
    problems += [
        f"{one.name}: {one.surface} does not know actions of the live world alone"
        for one in found
        if one.surface in prefixes and one.world is WorldRule.LIVE
    ]
    if problems:
        raise ValueError("; ".join(problems))
    return found


def _dialects(spoken: Iterable[Declaration]) -> Iterator[Action]:
    for dialect in spoken:
        for route in dialect.routes:
            for method in route.methods:
                yield Action(
                    surface=dialect.prefix,
                    method=method,
                    path=f"/{dialect.prefix}/{route.label}",
                    scope=route.scope,
                    world=route.world,
                )


def _native() -> Iterator[Action]:
    for one in native.ALL:
        yield Action(
            surface="native",
            method=one.method,
            path=f"/api{one.path}",
            scope=one.scope,
            world=one.world,
            is_for_operators=one.is_for_operators,
        )


def _dashboard(pages: Iterable[Page]) -> Iterator[Action]:
    for core in CORE_ROUTES:
        yield Action(
            surface="dashboard",
            method=core.method,
            path=ROOT + core.path,
            scope="read" if core.needs_session else ANYONE,
            world=WorldRule.ACCOUNT,
        )
    for page in pages:
        yield Action(
            surface="dashboard",
            method="GET",
            path=ROOT + page.path,
            scope=page.scope,
            world=page.world,
            is_for_operators=page.is_for_operators,
        )
        for part in page.parts:
            yield Action(
                surface="dashboard",
                method=part.method,
                path=ROOT + part.path,
                scope=part.scope,
                world=part.world,
                is_for_operators=page.is_for_operators,
            )


def _public() -> Iterator[Action]:
    for one in PUBLIC_ROUTES:
        yield _open(one.method, one.path, one.world)
    for path in ("/healthz", "/readyz", "/api/openapi.json", "/api/docs", "/v2/carriers/{picture}"):
        yield _open("GET", path, WorldRule.INSTALLATION)


def _open(method: str, path: str, world: WorldRule) -> Action:
    return Action(surface="public", method=method, path=path, scope=ANYONE, world=world)

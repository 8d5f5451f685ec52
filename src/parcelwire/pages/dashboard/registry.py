"""Which pages the dashboard has. A page is one module; nothing else has to know of it.

    # screens/alerts.py
    async def show(visit: Visit) -> Response:
        return visit.show("alerts.html", alerts=...)

    PAGE = Page(
        path="/alerts",
        title="Alerts",
        section="Insight",
        scope="read",
        world=WorldRule.OWN,
        handler=show,
    )

``templates/alerts.html`` extends ``layout.html``. Everything that a page does beside being shown
(its forms' POSTs, fragments, downloads) are its ``parts``.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Awaitable, Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal

import msgspec
from starlette.responses import Response

from parcelwire.domain.access import Scope, WorldRule, may

if TYPE_CHECKING:
    from parcelwire.pages.dashboard.visit import Visit

Handler = Callable[["Visit"], Awaitable[Response]]

SECTIONS: Final = ("Parcels", "Webhooks", "Carriers", "Insight", "Account")
"""The menu's order; sections that pages bring beside these follow."""


class Part(msgspec.Struct, frozen=True):
    """A further call that belongs to a page. A POST has passed the checks of its origin."""

    method: Literal["GET", "POST"]
    path: str
    """Below ``/dashboard``; ``{id}`` in it is in ``visit.path``."""
    handler: Handler
    scope: Scope
    world: WorldRule
    """Whose things it shows and changes."""
    most_bytes: int = 1_000_000
    """A longer body is refused."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the dashboard."""

    path: str
    """Below ``/dashboard``, e.g. ``/trackings``."""
    title: str
    handler: Handler
    section: str = ""
    """Under which heading the menu names it; empty: it is not in the menu."""
    order: int = 100
    """Place within its section."""
    scope: Scope
    world: WorldRule
    """Whose things it shows and changes."""
    is_for_operators: bool = False
    """It and its parts show what belongs to the installation, not to one account."""
    parts: tuple[Part, ...] = ()
    shortcut: str = ""
    """A letter: ``g`` and it lead here."""


class CoreRoute(msgspec.Struct, frozen=True):
    """One of the dashboard's own routes, which belong to no page."""

    method: Literal["GET", "POST"]
    path: str
    """Below ``/dashboard``."""
    name: str
    """The application's method that answers."""
    needs_session: bool = False
    """Any session will do: it is about the session itself."""


CORE_ROUTES: Final = (
    CoreRoute("GET", "", "home"),
    CoreRoute("GET", "/", "home"),
    CoreRoute("GET", "/login", "login"),
    CoreRoute("POST", "/login", "login"),
    CoreRoute("POST", "/logout", "logout", needs_session=True),
    CoreRoute("POST", "/world", "world", needs_session=True),
)


class MenuSection(msgspec.Struct, frozen=True):
    """A heading of the menu and what is under it."""

    title: str
    pages: tuple[Page, ...]


def discover() -> list[Page]:
    """Return the pages of all modules in ``screens``."""
    package = import_module("parcelwire.pages.dashboard.screens")
    modules = (
        import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    )
    return [module.PAGE for module in modules if hasattr(module, "PAGE")]


def menu_of(
    pages: Iterable[Page], scope: str, *, is_operator: bool, has_live: bool = True
) -> list[MenuSection]:
    """Return the menu for somebody with ``scope``; ``has_live``: who may look at the live world."""
    by_section: dict[str, list[Page]] = {title: [] for title in SECTIONS}
    for page in pages:
        is_reached = has_live or page.world is not WorldRule.LIVE
        if page.section and is_reached and may_see(page, scope, is_operator=is_operator):
            by_section.setdefault(page.section, []).append(page)
    return [
        MenuSection(title, tuple(sorted(found, key=lambda page: (page.order, page.title))))
        for title, found in by_section.items()
        if found
    ]


def may_see(page: Page, scope: str, *, is_operator: bool) -> bool:
    """Tell whether somebody may see a page."""
    return may(scope, page.scope) and (is_operator or not page.is_for_operators)

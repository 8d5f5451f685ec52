"""One request of somebody who is logged in, as the handlers of pages see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

import msgspec
from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from parcelwire.accounts.quotas import tracking_quota
from parcelwire.accounts.sessions import Session
from parcelwire.domain.access import Scope, may
from parcelwire.domain.clock import Instant
from parcelwire.pages.dashboard.forms import Form
from parcelwire.pages.dashboard.house import Dashboard

ROOT: Final = "/dashboard"


class RefusalError(Exception):
    """The request cannot be answered as asked; shown as a page of its own."""

    def __init__(self, status: int, title: str, text: str = "") -> None:
        """``title`` and ``text`` are for people."""
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text


def missing(what: str) -> RefusalError:
    """Return the refusal for what is not there, or not this account's: both look alike."""
    return RefusalError(404, f"There is no such {what}", "It may have been deleted, or never was.")


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a form: which field, and why."""

    field: str
    text: str


class ShownPage(Protocol):
    """What the layout shows of a page (``registry.Page``)."""

    @property
    def path(self) -> str:
        """Below ``/dashboard``."""
        ...

    @property
    def title(self) -> str:
        """For people."""
        ...


class Visit:
    """What a handler is given."""

    def __init__(
        self,
        house: Dashboard,
        request: Request,
        session: Session,
        *,
        templates: Environment,
        page: ShownPage,
        menu: Sequence[object],
        form: Form,
    ) -> None:
        """Made by the application for each request; ``menu`` is for the layout."""
        self.house = house
        self.request = request
        self.session = session
        self.page = page
        self.form = form
        self.now: Instant = house.clock.now()
        self._templates = templates
        self._menu = menu

    @property
    def world_id(self) -> int:
        """The world that is looked at: nothing outside it may be shown or changed."""
        return self.session.world_id

    @property
    def path(self) -> dict[str, str]:
        """The parts of the path that have a name."""
        return self.request.path_params

    @property
    def quota(self) -> int | None:
        """How many trackings this world may have created in all; None: any number."""
        return tracking_quota(self.session.account, self.world_id)

    @property
    def is_fragment(self) -> bool:
        """Whether a part of the page is enough (htmx asks)."""
        headers = self.request.headers
        return "hx-request" in headers and "hx-boosted" not in headers

    def may(self, scope: Scope) -> bool:
        """Tell whether this person may do what needs ``scope``."""
        return may(self.session.scope, scope)

    def courier_name(self, code: str) -> str:
        """Return a courier's name, or its code where it has none here."""
        courier = self.house.registry.get(code)
        return courier.name if courier is not None else code

    def query(self, name: str) -> str:
        """Return one parameter of the query, without outer blanks."""
        return self.request.query_params.get(name, "").strip().replace("\0", "")

    def queries(self, name: str) -> list[str]:
        """Return a parameter that may be given several times."""
        return [one.strip().replace("\0", "") for one in self.request.query_params.getlist(name)]

    def render(self, template: str, **context: Any) -> str:
        """Return a template as text."""
        return self._templates.get_template(template).render(
            visit=self, now=self.now, root=ROOT, csrf=self.session.csrf, **context
        )

    async def show(
        self,
        template: str,
        *,
        status: int | None = None,
        problems: Iterable[Problem] = (),
        **context: Any,
    ) -> Response:
        """Answer a whole page.

        Without a ``status`` it is 422 with ``problems`` (of a form), else 200.
        """
        found = list(problems)
        flashes = await self.house.sessions.take_flashes(self.session)
        text = self.render(
            template,
            menu=self._menu,
            flashes=flashes,
            problems=found,
            wrong={problem.field: problem.text for problem in found},
            **context,
        )
        return HTMLResponse(text, status or (422 if found else 200))

    def fragment(self, template: str, **context: Any) -> Response:
        """Answer a part of a page."""
        return HTMLResponse(self.render(template, **context))

    async def go(self, path: str, text: str = "", *, tone: str = "good") -> Response:
        """Lead to another page of the dashboard, where ``text`` is shown."""
        if text:
            await self.house.sessions.tell(self.session, tone, text)
        return RedirectResponse(ROOT + path, 303)

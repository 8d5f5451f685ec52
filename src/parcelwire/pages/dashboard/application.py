"""The dashboard as an ASGI application: who comes in, what they may, and then the page's own code.

path -> page -> session -> scope -> (POST: origin, form, CSRF token) -> handler -> headers
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from parcelwire.accounts.errors import LoginError
from parcelwire.accounts.sessions import Session
from parcelwire.domain.access import Scope, WorldRule, may
from parcelwire.domain.url_path import sent_path
from parcelwire.pages.dashboard.cookies import device_cookie, session_cookie
from parcelwire.pages.dashboard.forms import Form, FormError, read_form
from parcelwire.pages.dashboard.house import Dashboard
from parcelwire.pages.dashboard.registry import (
    CORE_ROUTES,
    CoreRoute,
    Handler,
    Page,
    discover,
    menu_of,
)
from parcelwire.pages.dashboard.visit import ROOT, RefusalError, Visit, missing
from parcelwire.pages.dashboard.words import FILTERS
from parcelwire.pages.limits import source_in
from parcelwire.store.port import KeyUnavailableError, StoreUnavailableError
from parcelwire.webhooks.errors import EndpointNotFoundError, MessageNotFoundError

log = logging.getLogger(__name__)

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

HOME: Final = "/trackings"
LOGIN_BYTES: Final = 8_000
"""Of a login form: a stranger may send one."""

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": CSP,
    # "no-referrer" would take the origin from our own forms' POSTs.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class _Call(msgspec.Struct, frozen=True):
    """What answers one method of one path."""

    page: Page
    handler: Handler
    scope: Scope
    world: WorldRule
    most_bytes: int


def make_templates() -> Environment:
    """Return the dashboard's templates."""
    templates = Environment(
        loader=PackageLoader("parcelwire.pages.dashboard"),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    templates.filters.update(FILTERS)
    return templates


def in_front_of(make: Callable[[], ASGIApp], other: ASGIApp) -> ASGIApp:
    """Return what hands everything under ``/dashboard`` to it, and the rest to ``other``.

    ``make`` is called at the first such request: a start does not wait for pages of operators.
    """
    made: list[ASGIApp] = []

    async def choose(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and (scope["path"] + "/").startswith(ROOT + "/"):
            if not made:
                made.append(make())
            await made[0](scope, receive, send)
        else:
            await other(scope, receive, send)

    return choose


def application(house: Dashboard, *, extra: Iterable[Page] = ()) -> Starlette:
    """Return the application that answers everything under ``/dashboard``.

    ``extra``: pages beside those of ``screens``.
    """
    return _Application(house, [*discover(), *extra]).starlette()


class _Application:
    def __init__(self, house: Dashboard, pages: list[Page]) -> None:
        self._house = house
        self._pages = pages
        self._sessions = house.sessions
        self._templates = make_templates()
        public = urlsplit(house.settings.public_url)
        self._public_host = public.netloc.casefold()
        is_secure = public.scheme == "https"
        self._cookie = session_cookie(ROOT, is_secure=is_secure)
        self._device_cookie = device_cookie(f"{ROOT}/login", is_secure=is_secure)

    def starlette(self) -> Starlette:
        calls: dict[str, dict[str, _Call]] = {}
        for page in self._pages:
            calls.setdefault(page.path, {})["GET"] = _Call(
                page, page.handler, page.scope, page.world, 0
            )
            for part in page.parts:
                calls.setdefault(part.path, {})[part.method] = _Call(
                    page, part.handler, part.scope, part.world, part.most_bytes
                )
        answers = {
            "home": self._home,
            "login": self._login,
            "logout": self._logout,
            "world": self._world,
        }
        core: dict[str, list[CoreRoute]] = {}
        for one in CORE_ROUTES:
            core.setdefault(one.path, []).append(one)
        routes = [
            Route(
                ROOT + path,
                self._guarded(answers[found[0].name]),
                methods=[one.method for one in found],
            )
            for path, found in core.items()
        ]
        # A path of fixed words before one with a name in its place.
        for path, by_method in sorted(calls.items(), key=lambda one: "{" in one[0]):
            routes.append(
                Route(ROOT + path, self._guarded(self._calling(by_method)), methods=[*by_method])
            )
        made = Starlette(routes=routes, exception_handlers={HTTPException: self._refuse_route})
        made.router.redirect_slashes = False
        return made

    # -- around every answer --------------------------------------------------------------------

    def _guarded(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            try:
                response = await answer(request)
            except RefusalError as refusal:
                response = self._refused(refusal)
            except EndpointNotFoundError:
                response = self._refused(missing("endpoint"))
            except MessageNotFoundError:
                response = self._refused(missing("message"))
            except FormError as error:
                response = self._refused(
                    RefusalError(error.status, "This cannot be read", str(error))
                )
            except StoreUnavailableError as error:
                log.warning("store unavailable: %s", error)
                response = self._refused(_store_refusal(error))
                response.headers["retry-after"] = "60"
            except Exception:
                log.exception("%s %r failed", request.method, request.scope["path"])
                response = self._refused(
                    RefusalError(500, "Something went wrong", "It is written down in the log.")
                )
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return guarded

    def _refused(self, refusal: RefusalError) -> Response:
        text = self._templates.get_template("refusal.html").render(
            root=ROOT, title=refusal.title, text=refusal.text
        )
        return HTMLResponse(text, refusal.status)

    async def _refuse_route(self, _: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        title = "This cannot be done here" if status == 405 else "There is no such page"
        response = self._refused(RefusalError(status, title))
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    # -- pages ----------------------------------------------------------------------------------

    def _calling(self, by_method: dict[str, _Call]) -> Callable[[Request], Awaitable[Response]]:
        async def call(request: Request) -> Response:
            found = by_method["GET" if request.method == "HEAD" else request.method]
            session = await self._session_of(request)
            if session is None:
                return self._to_login(request)
            # Nobody's form is read who may not send it.
            _check_scope(session, found)
            form = Form()
            if request.method == "POST":
                form = await self._checked_form(request, session, found.most_bytes)
            visit = Visit(
                self._house,
                request,
                session,
                templates=self._templates,
                page=found.page,
                menu=menu_of(
                    self._pages,
                    session.scope,
                    is_operator=session.is_operator,
                    has_live=session.has_both_worlds,
                ),
                form=form,
            )
            if found.world is WorldRule.LIVE and session.is_test:
                return await visit.show("live_only.html", status=403)
            return await found.handler(visit)

        return call

    async def _session_of(self, request: Request) -> Session | None:
        token = self._cookie.token(request.scope["headers"])
        return None if token is None else await self._sessions.find(token)

    def _to_login(self, request: Request) -> Response:
        # Not from request.url: that is made of the Host header, which may say anything.
        url = sent_path(request.scope)
        if query := request.scope["query_string"].decode("latin-1"):
            url = f"{url}?{query}"
        place = f"{ROOT}/login"
        if request.method in {"GET", "HEAD"} and "hx-request" not in request.headers:
            place += f"?next={quote(url, safe='')}"
        if "hx-request" in request.headers:
            return Response(status_code=401, headers={"hx-redirect": place})
        return RedirectResponse(place, 303)

    def _check_origin(self, request: Request) -> None:
        """Refuse a POST that another site made the browser send.

        Raises:
            RefusalError: it says so itself.
        """
        origin = request.headers.get("origin")
        if origin is None:
            # No browser of today leaves both out; what is no browser has no cookies to misuse.
            is_ours = request.headers.get("sec-fetch-site", "none") in {"same-origin", "none"}
        else:
            try:
                host = urlsplit(origin).netloc.casefold()
            except ValueError:
                host = ""
            is_ours = host != "" and host in {
                request.headers.get("host", "").casefold(),
                self._public_host,
            }
        if not is_ours:
            raise RefusalError(403, "This came from another site", "Nothing was changed.")

    async def _checked_form(self, request: Request, session: Session, most_bytes: int) -> Form:
        self._check_origin(request)
        form = await read_form(request, most_bytes=most_bytes)
        if not session.is_csrf(form.get("csrf")):
            raise RefusalError(
                403, "This form is too old", "Nothing was changed. Go back, reload, try again."
            )
        return form

    # -- coming and going -----------------------------------------------------------------------

    async def _home(self, request: Request) -> Response:
        session = await self._session_of(request)
        return RedirectResponse(ROOT + (HOME if session is not None else "/login"), 303)

    async def _login(self, request: Request) -> Response:
        following = _place_of(request.query_params.get("next", ""))
        if request.method != "POST":
            if await self._session_of(request) is not None:
                return RedirectResponse(ROOT + HOME, 303)
            return self._login_page(following=following)
        self._check_origin(request)
        form = await read_form(request, most_bytes=LOGIN_BYTES)
        following = _place_of(form.get("next"))
        key, email = form.get("key"), form.get("email")
        source, device = source_in(request), ""
        try:
            if key:
                token = await self._sessions.open_with_key(key, source=source)
            elif email:
                opened = await self._sessions.open_with_password(
                    email,
                    form.text("password"),
                    source=source,
                    device=self._device_cookie.token(request.scope["headers"]) or "",
                )
                token, device = opened.token, opened.device
            else:
                raise LoginError
        except LoginError as error:
            return self._login_page(following=following, email=email, error=error)
        old = self._cookie.token(request.scope["headers"])
        if old is not None:
            await self._sessions.end(old)
        response = RedirectResponse(following or ROOT + HOME, 303)
        response.headers["set-cookie"] = self._cookie.setting(token)
        if device:
            response.headers.append("set-cookie", self._device_cookie.setting(device))
        return response

    def _login_page(
        self, *, following: str, email: str = "", error: LoginError | None = None
    ) -> Response:
        text = self._templates.get_template("login.html").render(
            root=ROOT, following=following, email=email, error=error
        )
        if error is None:
            return HTMLResponse(text)
        if error.is_suspended:
            return HTMLResponse(text, 403)
        if not error.wait_seconds:
            return HTMLResponse(text, 401)
        headers = {"retry-after": str(error.wait_seconds)}
        return HTMLResponse(text, 503 if error.is_busy else 429, headers)

    async def _logout(self, request: Request) -> Response:
        session = await self._session_of(request)
        if session is not None:
            await self._checked_form(request, session, 10_000)
            await self._sessions.end(session.token)
        response = RedirectResponse(f"{ROOT}/login", 303)
        response.headers["set-cookie"] = self._cookie.ending()
        return response

    async def _world(self, request: Request) -> Response:
        session = await self._session_of(request)
        if session is None:
            return self._to_login(request)
        form = await self._checked_form(request, session, 10_000)
        await self._sessions.choose_world(session, is_test=form.get("world") == "test")
        return RedirectResponse(_place_of(form.get("next")) or ROOT + HOME, 303)


def _store_refusal(error: StoreUnavailableError) -> RefusalError:
    if isinstance(error, KeyUnavailableError):
        return RefusalError(
            503,
            "The server's encryption key is missing",
            "Nothing was changed. The operator can find details in the log.",
        )
    return RefusalError(503, "The database does not answer", "Please try again in a minute.")


def _check_scope(session: Session, call: _Call) -> None:
    if not may(session.scope, call.scope):
        raise RefusalError(
            403,
            "This key may not do that",
            f"It needs the scope {call.scope}; this one has {session.scope}.",
        )
    if call.page.is_for_operators and not session.is_operator:
        raise RefusalError(403, "This is for operators", "See api.operators in the settings.")


def _place_of(typed: str) -> str:
    """Return a place of the dashboard to go on to; empty for anything else."""
    is_ours = typed.startswith(ROOT + "/") and typed.isascii() and typed.isprintable()
    return typed if is_ours and "\\" not in typed and "//" not in typed else ""

"""A mock Swiss Post: the business API with its token endpoint, and the public tracking page.

    POST /OAuth/token                            client credentials (those given to the factory)
    GET  /api/mailpieces/{key}/detail            ... /events/, POST /api/mailpieces
    GET  /ekp-web/api/user                       an anonymous session
    POST /ekp-web/api/history                    ... and the steps that follow

The number chooses the scenario (``swiss_post_scenarios.BY_ENDING``); the script chooses the
behaviour. A behaviour is taken once per query: by the detail request of the API, by the search of
the page. Before its first event a parcel is unknown here, as it is at the real carrier.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from parcelwire.connectors.carriers.swiss_post.events import LANGUAGES, find_phrase
from parcelwire.connectors.mock_servers import Behaviour, Script
from parcelwire.connectors.mock_servers.control import add_control
from parcelwire.connectors.mock_servers.serving import misbehave
from parcelwire.connectors.mock_servers.swiss_post_scenarios import (
    SITE,
    Happened,
    describe_api_event,
    describe_detail,
    describe_shipment,
    describe_site,
    describe_web_event,
    list_happened,
)
from parcelwire.domain.clock import SECOND, Clock, Instant

TOKEN_SECONDS: Final = 3600
COOKIE: Final = "NPKlpipSession"
_SCOPE: Final = "MYSB_MAILPIECE_TRACKING_B2B_READ"
_IDENTITY: Final = "identity-"
_SESSION_DIED: Final = 403


class _Session(msgspec.Struct):
    """One anonymous visitor of the page."""

    user_id: str
    csrf_token: str
    numbers: dict[str, str] = {}
    """What was searched in this session: number by hash."""


def application(
    clock: Clock,
    script: Script | None = None,
    *,
    client_id: str | None = None,
    client_secret: str | None = None,
) -> web.Application:
    """Build the server. Without ``client_id`` and ``client_secret`` it gives nobody a token."""
    script = script if script is not None else Script()
    server = _Server(clock, script, client_id, client_secret)
    app = web.Application()
    add_control(app, script)
    router = app.router
    router.add_post("/OAuth/token", server.give_token)
    router.add_get("/api/mailpieces/{key}/detail", server.show_detail)
    router.add_get("/api/mailpieces/{key}/events/", server.show_api_events)
    router.add_post("/api/mailpieces", server.search_mailpieces)
    router.add_get("/ekp-web/api/user", server.open_session)
    router.add_post("/ekp-web/api/history", server.search)
    router.add_get("/ekp-web/api/history/not-included/{hash}", server.show_found)
    router.add_get("/ekp-web/api/shipment/id/{identity}/events", server.show_web_events)
    router.add_get("/ekp-web/api/autocomplete/postoffice/id/{site}", server.show_site)
    return app


def base_urls(address: str) -> dict[str, str]:
    """Return the connector's base URLs for a server that listens at ``address``."""
    return {"api": f"{address}/api", "token": address, "web": f"{address}/ekp-web"}


class _Server:
    """The handlers and what they remember."""

    def __init__(
        self, clock: Clock, script: Script, client_id: str | None, client_secret: str | None
    ) -> None:
        """Start with no token, no session and no parcel."""
        self._clock = clock
        self._script = script
        self._client = (client_id, client_secret)
        self._tokens: dict[str, Instant] = {}
        self._sessions: dict[str, _Session] = {}
        self._hidden: set[str] = set()
        """Numbers whose last query was to be answered with "unknown"."""
        self._count = 0

    async def give_token(self, request: web.Request) -> web.StreamResponse:
        """Trade client credentials for an access token."""
        answer = await self._misbehave(request, None)
        if answer is not None:
            return answer
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return _json({"error": "unsupported_grant_type"}, 400)
        if not self._is_client(form):
            return _json({"error": "invalid_client"}, 401)
        if _SCOPE not in str(form.get("scope", "")).split():
            return _json({"error": "invalid_scope"}, 400)
        token = self._invent("token")
        self._tokens[token] = self._clock.now() + TOKEN_SECONDS * SECOND
        answer_body = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": _SCOPE,
        }
        return _json(answer_body)

    async def show_detail(self, request: web.Request) -> web.StreamResponse:
        """Answer with the status of a mailpiece."""
        number = request.match_info["key"]
        behaviour = self._script.take(number)
        answer = await misbehave(request, behaviour, self._script, self._clock)
        if answer is not None:
            return answer
        refused = self._refuse_token(request, behaviour)
        if refused is not None:
            return refused
        self._remember(number, behaviour)
        happened = self._happened(number)
        if not happened:
            return _json({"code": "NOT_FOUND", "message": "mailpiece not found"}, 404)
        title = self._phrase(request, happened[-1].step.status)
        return _json(describe_detail(happened, title))

    async def show_api_events(self, request: web.Request) -> web.StreamResponse:
        """Answer with the events of a mailpiece, newest first."""
        refused = self._refuse_token(request, Behaviour.FOUND)
        if refused is not None:
            return refused
        happened = self._happened(request.match_info["key"])
        if not happened:
            return _json({"code": "NOT_FOUND", "message": "mailpiece not found"}, 404)
        events = [
            describe_api_event(event, self._phrase(request, event.step.code, event.step.reason))
            for event in reversed(happened)
        ]
        return _json({"events": events})

    async def search_mailpieces(self, request: web.Request) -> web.StreamResponse:
        """Answer with the mailpieces of the numbers asked for."""
        refused = self._refuse_token(request, Behaviour.FOUND)
        if refused is not None:
            return refused
        number = (await _read_body(request)).get("ids")
        if not isinstance(number, str):
            return _json({"code": "BAD_REQUEST", "message": "ids is missing"}, 400)
        listed = [{"mailpieceId": number, "mailpieceKey": number}] * bool(self._happened(number))
        return _json({"mailpieces": listed})

    async def open_session(self, request: web.Request) -> web.StreamResponse:
        """Give an anonymous visitor a name, a token and a cookie."""
        answer = await self._misbehave(request, None)
        if answer is not None:
            return answer
        cookie = self._invent("cookie")
        session = _Session(f"<[anonymous]>{self._invent('user')[:24]}", self._invent("csrf"))
        self._sessions[cookie] = session
        response = _json({"userIdentifier": session.user_id, "loggedIn": False})
        response.headers["X-CSRF-TOKEN"] = session.csrf_token
        response.set_cookie(COOKIE, cookie, path="/ekp-web", httponly=True)
        return response

    async def search(self, request: web.Request) -> web.StreamResponse:
        """Register a number in the session; only then is it found there."""
        number = (await _read_body(request)).get("searchQuery")
        if not isinstance(number, str):
            return _json({"message": "searchQuery is missing"}, 400)
        behaviour = self._script.take(number)
        answer = await misbehave(request, behaviour, self._script, self._clock)
        if answer is not None:
            return answer
        if behaviour is Behaviour.TOKEN_EXPIRED:
            self._sessions.pop(request.cookies.get(COOKIE, ""), None)
        session = self._session(request)
        if session is None or request.headers.get("X-CSRF-TOKEN") != session.csrf_token:
            return _json({"message": "forbidden"}, _SESSION_DIED)
        self._remember(number, behaviour)
        digest = hashlib.sha256(number.encode()).hexdigest()
        session.numbers[digest] = number
        return _json({"hash": digest})

    async def show_found(self, request: web.Request) -> web.StreamResponse:
        """Answer with what the session's search of this hash found."""
        session = self._session(request)
        if session is None:
            return _json({"message": "forbidden"}, _SESSION_DIED)
        number = session.numbers.get(request.match_info["hash"], "")
        happened = self._happened(number) if number else []
        if not happened:
            return _json([])
        return _json([describe_shipment(number, _IDENTITY + number, happened)])

    async def show_web_events(self, request: web.Request) -> web.StreamResponse:
        """Answer with the events of a shipment, newest first."""
        if self._known_session(request) is None:
            return _json({"message": "forbidden"}, _SESSION_DIED)
        number = request.match_info["identity"].removeprefix(_IDENTITY)
        happened = self._happened(number)
        return _json([describe_web_event(number, event) for event in reversed(happened)])

    async def show_site(self, request: web.Request) -> web.StreamResponse:
        """Answer with the site where parcels wait."""
        if self._known_session(request) is None:
            return _json({"message": "forbidden"}, _SESSION_DIED)
        return _json(describe_site() if request.match_info["site"] == SITE else {})

    async def _misbehave(
        self, request: web.Request, number: str | None
    ) -> web.StreamResponse | None:
        behaviour = self._script.take(number)
        return await misbehave(request, behaviour, self._script, self._clock)

    def _happened(self, number: str) -> list[Happened]:
        if number in self._hidden:
            return []
        return list_happened(self._script, number, self._clock.now())

    def _remember(self, number: str, behaviour: Behaviour) -> None:
        if behaviour is Behaviour.UNKNOWN:
            self._hidden.add(number)
        else:
            self._hidden.discard(number)

    def _is_client(self, form: Mapping[str, Any]) -> bool:
        # No credentials given to the factory means: nobody is a client.
        return all(
            wanted is not None and hmac.compare_digest(str(form.get(name)), wanted)
            for name, wanted in zip(("client_id", "client_secret"), self._client, strict=True)
        )

    def _refuse_token(self, request: web.Request, behaviour: Behaviour) -> web.Response | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if behaviour is Behaviour.TOKEN_EXPIRED:
            self._tokens.pop(token, None)
        if self._tokens.get(token, 0) > self._clock.now():
            return None
        return _json({"code": "UNAUTHORIZED", "message": "token is missing or expired"}, 401)

    def _session(self, request: web.Request) -> _Session | None:
        session = self._known_session(request)
        is_own = session is not None and request.query.get("userId") == session.user_id
        return session if is_own else None

    def _known_session(self, request: web.Request) -> _Session | None:
        return self._sessions.get(request.cookies.get(COOKIE, ""))

    def _phrase(self, request: web.Request, code: str, reason: str | None = None) -> str:
        language = request.headers.get("Accept-Language", "de")[:2]
        spoken = language if language in LANGUAGES else "de"
        return find_phrase(code, spoken, reason) or "Neues Ereignis"

    def _invent(self, kind: str) -> str:
        """Return a value that this server has not given yet; it guards nothing real."""
        self._count += 1
        seed = f"{kind}-{self._count}-{self._clock.now()}"
        return hashlib.sha256(seed.encode()).hexdigest()


async def _read_body(request: web.Request) -> Mapping[str, Any]:
    try:
        body = msgspec.json.decode(await request.read())
    except msgspec.MsgspecError:
        return {}
    return body if isinstance(body, dict) else {}


def _json(body: Any, status: int = 200) -> web.Response:
    return web.json_response(body, status=status)

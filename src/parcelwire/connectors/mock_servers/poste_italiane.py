"""Poste Italiane's protocol on a local port: the business API and Dovequando, over real HTTP.

    POST /gp/internet/user/sessions                              a token for 3599 s, on this clock
    POST, GET /gp/internet/postalandlogistics/parcel/tracking    bare token in Authorization
    POST /online/dovequando/DQ-REST/ricercasemplice, ricercamultipla

Shapes, codes and texts are those of the carrier (see the connector's README.md); parcels, places
and products are invented. The scenario of a number is chosen by its end: "…IT" lives inside Italy,
other letters make it international; the last digit 7 waits for collection, 8 goes back to its
sender, 9 is delivered at the second attempt. ``Script.scenarios`` chooses another one by name.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from parcelwire.connectors.mock_servers import Behaviour, Script
from parcelwire.connectors.mock_servers.control import SCRIPT_KEY, add_control
from parcelwire.connectors.mock_servers.poste_italiane_scenarios import (
    PRODUCT,
    STAGE_DELIVERED,
    Scene,
    lived_scenes,
)
from parcelwire.connectors.mock_servers.serving import misbehave
from parcelwire.domain.clock import SECOND, Clock, Instant

TOKEN_SECONDS: Final = 3599
API: Final = "/gp/internet"
DOVEQUANDO: Final = "/online/dovequando/DQ-REST"


class _Desk:
    """What the handlers share: who may ask, which tokens live, what the time is."""

    def __init__(
        self, clock: Clock, credentials: Mapping[str, str] | None, answers_many: bool
    ) -> None:
        self.clock = clock
        self.credentials = dict(credentials) if credentials else None
        self.answers_many = answers_many
        self.tokens: dict[str, Instant] = {}
        self.issued = 0

    def issue(self) -> str:
        self.issued += 1
        token = f"local-token-{self.issued}"
        self.tokens[token] = self.clock.now() + TOKEN_SECONDS * SECOND
        return token

    def may_enter(self, request: web.Request) -> bool:
        """Tell whether client id and bare token of ``request`` are good."""
        if self.credentials is None:
            return False
        is_client = request.headers.get("POSTE_clientID") == self.credentials["client_id"]
        token = request.headers.get("Authorization", "")
        return is_client and self.tokens.get(token, 0) > self.clock.now()


_DESK: Final = web.AppKey("desk", _Desk)


def application(
    clock: Clock,
    script: Script | None = None,
    *,
    credentials: Mapping[str, str] | None = None,
    answers_many: bool = True,
) -> web.Application:
    """Return the server. ``credentials`` (``client_id``, ``client_secret``) open the business API.

    Without credentials that API refuses everybody. ``answers_many`` False answers only the first
    of several waybills, which the carrier may do, for all that is known.
    """
    app = web.Application()
    add_control(app, script or Script())
    app[_DESK] = _Desk(clock, credentials, answers_many)
    app.router.add_post(f"{API}/user/sessions", _give_token)
    app.router.add_post(f"{API}/postalandlogistics/parcel/tracking", _track)
    app.router.add_get(f"{API}/postalandlogistics/parcel/tracking", _track)
    app.router.add_post(f"{DOVEQUANDO}/ricercasemplice", _search_one)
    app.router.add_post(f"{DOVEQUANDO}/ricercamultipla", _search_many)
    return app


def base_urls(address: str) -> dict[str, str]:
    """Return the connector's base URLs for a server that listens at ``address``."""
    return {"api": f"{address}{API}", "web": address}


# -- The business API ------------------------------------------------------------------------------


async def _give_token(request: web.Request) -> web.StreamResponse:
    desk, script = request.app[_DESK], request.app[SCRIPT_KEY]
    # A token that is refused however fresh is still handed out.
    if script.every is None or script.every.behaviour is not Behaviour.TOKEN_EXPIRED:
        odd = await misbehave(request, script.take(), script, desk.clock)
        if odd is not None:
            return odd
    body = await _body(request)
    asked = {name: body.get(name) for name in ("clientId", "secretId")}
    known = desk.credentials
    if (
        known is None
        or asked != {"clientId": known["client_id"], "secretId": known["client_secret"]}
        or request.headers.get("POSTE_clientID") != known["client_id"]
    ):
        return web.json_response({"error": "invalid_client"}, status=401)
    if body.get("grantType") != "client_credentials" or not body.get("scope"):
        return web.json_response({"error": "invalid_request"}, status=400)
    return web.json_response(
        {
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "ext_expires_in": TOKEN_SECONDS,
            "access_token": desk.issue(),
        }
    )


async def _track(request: web.Request) -> web.StreamResponse:
    desk, script = request.app[_DESK], request.app[SCRIPT_KEY]
    if not desk.may_enter(request):
        return web.json_response({"message": "Unauthorized"}, status=401)
    numbers = await _waybills(request)
    if not numbers:
        complaint = {"code": "101", "field": "waybillNumber", "message": "campo obbligatorio"}
        return web.json_response(_envelope(101, [], [complaint]))
    behaviours = {number: script.take(number) for number in numbers}
    for behaviour in behaviours.values():
        if behaviour is Behaviour.TOKEN_EXPIRED:
            desk.tokens.clear()
            return web.json_response({"message": "Unauthorized"}, status=401)
        odd = await misbehave(request, behaviour, script, desk.clock)
        if odd is not None:
            return odd
    answered = numbers if desk.answers_many else numbers[:1]
    shipments = []
    messages = []
    for number in answered:
        scenes = _scenes(request, number, behaviours[number])
        if scenes:
            shipments.append(_shipment(number, scenes))
        else:
            messages.append(
                {
                    "code": "207",
                    "field": "",
                    "message": "tracking senza risultati",
                    "objectName": "",
                    "severity": 1,
                }
            )
    return web.json_response(_envelope(0, shipments, messages))


async def _waybills(request: web.Request) -> list[str]:
    if request.method == "GET":
        return request.query.getall("waybillNumber", [])
    inner = (await _body(request)).get("arg0")
    entries = inner.get("shipmentsData") if isinstance(inner, dict) else None
    return [
        entry["waybillNumber"]
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("waybillNumber"), str)
    ]


def _envelope(
    code: int, shipments: list[dict[str, Any]], messages: list[dict[str, Any]]
) -> dict[str, Any]:
    outcome = "OK" if code == 0 else "KO"
    return {
        "return": {
            "messages": [{"messages": messages}],
            "outcome": outcome,
            "code": code,
            "result": outcome,
            "shipment": shipments,
        }
    }


def _shipment(number: str, scenes: list[Scene]) -> dict[str, Any]:
    return {
        "waybillNumber": number,
        "product": PRODUCT,
        "NotificationFlag": "N",
        "returnFlag": "N",
        "tracking": [
            {
                "data": scene.wall_time,
                "officeDescription": scene.place,
                "StatusDescription": scene.sentence,
                "appStatusDescription": scene.sentence,
                "ivrStatusDescription": f"{scene.sentence} #luogo#",
                "synthesisStatusDescription": f"{scene.sentence} ({scene.place})",
                "phase": scene.phase,
                "officeId": "UP",
                "status": scene.code,
            }
            for scene in reversed(scenes)
        ],
    }


# -- Dovequando ------------------------------------------------------------------------------------


async def _search_one(request: web.Request) -> web.StreamResponse:
    number = (await _body(request)).get("codiceSpedizione")
    if not isinstance(number, str) or not number:
        return web.Response(status=400, text="Bad Request")
    behaviour, odd = await _decide(request, number)
    return odd or web.json_response(_parcel(request, number, behaviour, unknown="1"))


async def _search_many(request: web.Request) -> web.StreamResponse:
    numbers = (await _body(request)).get("listaCodici")
    if not isinstance(numbers, list) or not all(isinstance(number, str) for number in numbers):
        return web.Response(status=400, text="Bad Request")
    parcels = []
    for number in numbers:
        behaviour, odd = await _decide(request, number)
        if odd is not None:
            return odd
        parcels.append(_parcel(request, number, behaviour, unknown="2"))
    return web.json_response(parcels)


async def _decide(request: web.Request, number: str) -> tuple[Behaviour, web.StreamResponse | None]:
    script = request.app[SCRIPT_KEY]
    behaviour = script.take(number)
    # There is no session here that could expire.
    return behaviour, await misbehave(request, behaviour, script, request.app[_DESK].clock)


def _parcel(
    request: web.Request, number: str, behaviour: Behaviour, unknown: str
) -> dict[str, Any]:
    scenes = _scenes(request, number, behaviour)
    if not scenes:
        return {"idTracciatura": number, "esitoRicerca": unknown, "stato": "1"}
    newest = scenes[-1]
    parcel: dict[str, Any] = {
        "idTracciatura": number,
        "tipoSpedizione": "P",
        "tipoProdotto": PRODUCT,
        "esitoRicerca": "3",
        "stato": "5" if newest.box == STAGE_DELIVERED else "4",
        "flagRitorno": newest.goes_back,
        "sintesiStato": newest.sentence,
        "azioni": "",
        "listaMovimenti": [
            {
                "dataOra": scene.at,
                "statoLavorazione": scene.fragment,
                "luogo": scene.place,
                "box": scene.box,
                "flagRitorno": scene.goes_back,
            }
            for scene in scenes
        ],
        "flagNotifica": False,
        "statoDaVerificare": False,
    }
    if newest.promise:
        parcel["dataPrevistaConsegna"] = newest.promise
    return parcel


# -- Shared ----------------------------------------------------------------------------------------


def _scenes(request: web.Request, number: str, behaviour: Behaviour) -> list[Scene]:
    if behaviour is Behaviour.UNKNOWN:
        return []
    return lived_scenes(number, request.app[SCRIPT_KEY], request.app[_DESK].clock.now())


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(await request.read())
    except (msgspec.MsgspecError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}

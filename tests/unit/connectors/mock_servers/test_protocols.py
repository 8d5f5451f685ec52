"""Protocols of many carriers, each said by a description: keys, tokens, SOAP, batches, pages."""

from __future__ import annotations

import base64
import json
from typing import Any

import aiohttp
import pytest

from parcelwire.connectors.mock_servers import Behaviour
from tests.unit.connectors.mock_servers.conftest import Start

JSON = {"content-type": "application/json"}
BASIC = base64.b64encode(b"shop:secret").decode()

HEADER_KEY_AND_PAGES = """
[credentials]
key = "k-1"
[[routes]]
request = "GET /track/shipments"
require = { "header.dhl-api-key" = "{key}" }
numbers = "query.trackingNumber"
paging = { size = 2, by = "query.offset", counts = "events" }
answer = "shipments"
unknown = "no_result"
[answers.no_result]
status = 404
type = "application/problem+json"
body = '{"title": "No result found", "status": 404}'
[answers.shipments]
body = '''
{"nextUrl": {{ ("?offset=" ~ parcel.more if parcel.more else none)|tojson }},
 "events": {{ parcel.events|map(attribute="code")|list|tojson }} }
'''
[scenarios.all]
events = [{at = 0.1, code = "A"}, {at = 0.2, code = "B"}, {at = 0.3, code = "C"}]
"""


async def test_a_key_in_a_header_and_parts_by_offset(start: Start) -> None:
    mock = await start(f'scenario = "all"\n{HEADER_KEY_AND_PAGES}')
    path, key = "GET /track/shipments?trackingNumber=1", {"DHL-API-Key": "k-1"}
    assert (await mock.ask(path))[0] == 401
    assert (await mock.ask(path, headers={"DHL-API-Key": "k-2"}))[0] == 401
    first = json.loads((await mock.ask(path, headers=key))[1])
    assert first == {"nextUrl": "?offset=2", "events": ["A", "B"]}
    second = json.loads((await mock.ask(f"{path}&offset=2", headers=key))[1])
    assert second == {"nextUrl": None, "events": ["C"]}
    mock.script.show(Behaviour.UNKNOWN, "1")
    status, body = await mock.ask(path, headers=key)
    assert (status, json.loads(body)["title"]) == (404, "No result found")
    assert (await mock.ask("GET /track/shipments", headers=key))[0] == 400


@pytest.mark.parametrize(
    ("page", "codes", "more"),
    [("", ["A", "B"], "2"), ("1", ["A", "B"], "2"), ("2", ["C"], None), ("x", ["A", "B"], "2")],
)
async def test_parts_by_page(start: Start, page: str, codes: list[str], more: str | None) -> None:
    text = HEADER_KEY_AND_PAGES.replace(
        'by = "query.offset", counts = "events"', 'by = "query.page"'
    )
    mock = await start(f'scenario = "all"\n{text}')
    path = f"GET /track/shipments?trackingNumber=1&page={page}"
    body = json.loads((await mock.ask(path, headers={"DHL-API-Key": "k-1"}))[1])
    assert body == {"nextUrl": more and f"?offset={more}", "events": codes}


BASIC_TOKEN = """
[credentials]
client_id = "shop"
client_secret = "secret"
[[routes]]
request = "POST /security/v1/oauth/token"
reads = "form"
issues = "token"
lifetime_seconds = 14399
answer = "token"
[routes.require]
"header.authorization" = "Basic {basic.client_id.client_secret}"
"body.grant_type" = "client_credentials"
[[routes]]
request = "GET /api/track/v1/details/{number}"
require = { "header.authorization" = "Bearer {token}", "header.transid" = "*" }
numbers = "path.number"
answer = "details"
[answers.token]
body = '{"access_token": "{{ issued.token }}", "expires_in": "14399"}'
[answers.details]
body = '{"number": {{ parcel.number|tojson }}, "locale": "{{ asked.first("query.locale") }}"}'
"""


async def test_a_token_for_http_basic_lives_for_its_time(start: Start) -> None:
    mock = await start(BASIC_TOKEN)
    token = "POST /security/v1/oauth/token"
    form = {"grant_type": "client_credentials"}
    assert (await mock.ask(token, data=form))[0] == 401
    good = {"authorization": f"Basic {BASIC}"}
    assert (await mock.ask(token, data={"grant_type": "password"}, headers=good))[0] == 400
    value = json.loads((await mock.ask(token, data=form, headers=good))[1])["access_token"]
    path = "GET /api/track/v1/details/1Z?locale=de_CH"
    headers = {"authorization": f"Bearer {value}", "transId": "x"}
    status, body = await mock.ask(path, headers=headers)
    assert (status, json.loads(body)) == (200, {"number": "1Z", "locale": "de_CH"})
    assert (await mock.ask(path, headers={"authorization": f"Bearer {value}"}))[0] == 400
    mock.clock.advance(14_400)
    assert (await mock.ask(path, headers=headers))[0] == 401


SOAP = """
[credentials]
user = "delis"
password = "secret"
[[routes]]
request = "POST /soap/LoginService"
reads = "xml"
when = { "header.soapaction" = "getAuth" }
issues = "token"
refused = "fault"
answer = "login"
[routes.require]
"body.Envelope.Body.getAuth.delisId" = "{user}"
"body.Envelope.Body.getAuth.password" = "{password}"
[[routes]]
request = "POST /soap/ParcelLifeCycleService"
reads = "xml"
require = { "body.Envelope.Header.authentication.authToken" = "{token}" }
refused = "fault"
numbers = "body.Envelope.Body.getTrackingData.parcelLabelNumber"
answer = "tracking"
[answers.login]
type = "text/xml"
body = "<Envelope><Body><authToken>{{ issued.token }}</authToken></Body></Envelope>"
[answers.fault]
status = 500
type = "text/xml"
body = "<Envelope><Body><Fault><faultcode>authenticationFault</faultcode></Fault></Body></Envelope>"
[answers.tracking]
type = "text/xml"
body = '''
<Envelope><Body>
{% for parcel in parcels %}
<label>{{ parcel.number|e }}</label>
{% endfor %}
</Body></Envelope>
'''
"""


async def test_soap_with_a_login_of_its_own(start: Start) -> None:
    mock = await start(SOAP)
    envelope = (
        '<s:Envelope xmlns:s="urn:soap"><s:Header>{}</s:Header><s:Body>{}</s:Body></s:Envelope>'
    )
    login = "<n:getAuth xmlns:n='urn:n'><delisId>delis</delisId><password>{}</password></n:getAuth>"
    path, action = "POST /soap/LoginService", {"SOAPAction": "getAuth"}
    wrong = envelope.format("", login.format("other"))
    assert "authenticationFault" in (await mock.ask(path, data=wrong, headers=action))[1]
    right = envelope.format("", login.format("secret"))
    assert (await mock.ask(path, data=right))[0] == 404  # without the action, another's
    _, body = await mock.ask(path, data=right, headers=action)
    token = body.partition("<authToken>")[2].partition("<")[0]
    head = f"<authentication><authToken>{token}</authToken></authentication>"
    numbers = (
        "<parcelLabelNumber>1&amp;2</parcelLabelNumber><parcelLabelNumber>3</parcelLabelNumber>"
    )
    call = envelope.format(head, f"<getTrackingData>{numbers}</getTrackingData>")
    _, body = await mock.ask("POST /soap/ParcelLifeCycleService", data=call)
    assert "<label>1&amp;2</label>\n<label>3</label>" in body


BATCH = """
[credentials]
key = "k"
[[routes]]
request = "POST /json"
when = { "body.calledMethod" = "getStatusDocuments" }
require = { "body.apiKey" = "{key}" }
refused = "bad_key"
numbers = "body.methodProperties.Documents[].DocumentNumber"
most = 2
answer = "documents"
[[routes]]
request = "GET /summary"
require = { "query.pw" = "{key}" }
numbers = "query.ids"
separator = ","
answer = "documents"
[answers.bad_key]
body = '{"success": false, "errorCodes": ["20000200068"]}'
[answers.documents]
body = '''
[
{% for parcel in parcels %}
{{ [parcel.number, parcel.is_known, parcel.is_valid]|tojson }}{{ "," if not loop.last }}
{% endfor %}
]
'''
[[numbers]]
ends_with = "0"
behaviour = "unknown"
[[numbers]]
starts_with = "X"
behaviour = "invalid"
[[numbers]]
matches = "^9{3}"
behaviour = "rate_limited"
"""


async def test_batches_keys_in_bodies_and_numbers_with_a_life_of_their_own(start: Start) -> None:
    mock = await start(BATCH)

    def call(key: str, *numbers: Any) -> dict[str, Any]:
        documents = [{"DocumentNumber": one} for one in numbers]
        inner = {"Documents": documents}
        return {"apiKey": key, "calledMethod": "getStatusDocuments", "methodProperties": inner}

    status, body = await mock.ask("POST /json", json=call("other", "1"))
    assert (status, json.loads(body)["success"]) == (200, False)
    _, body = await mock.ask("POST /json", json=call("k", "1", "20", "3"))
    assert json.loads(body) == [["1", True, True], ["20", False, True]]
    assert (await mock.ask("POST /json", json=call("k", 7)))[0] == 400
    assert (await mock.ask("POST /json", json={"calledMethod": "other"}))[0] == 404
    _, body = await mock.ask("GET /summary?pw=k&ids=1,X2,30")
    assert json.loads(body) == [["1", True, True], ["X2", False, False], ["30", False, True]]
    status, _ = await mock.ask("GET /summary?pw=k&ids=1,9991")
    assert status == 429
    assert mock.script.shown[Behaviour.RATE_LIMITED] == 1


SESSION = """
[[routes]]
request = "GET /start"
issues = "visit"
values = ["cookie", "csrf"]
answer = "start"
[[routes]]
request = "POST /search"
require = { "cookie.sid" = "{visit.cookie}", "header.x-csrf" = "{visit.csrf}" }
refused = "gone"
numbers = "body.q"
remembers = true
answer = "hash"
[[routes]]
request = "GET /result/{hash}"
require = { "cookie.sid" = "{visit.cookie}" }
refused = "gone"
numbers = "path.hash"
by_hash = true
follows = true
answer = "result"
[answers.start]
headers = { "Set-Cookie" = "sid={{ issued.cookie }}", "X-CSRF" = "{{ issued.csrf }}" }
body = '{"cookie": "{{ issued.cookie }}", "csrf": "{{ issued.csrf }}"}'
[answers.gone]
status = 403
[answers.hash]
body = "{{ parcel.number|sha256 }}"
[answers.result]
body = "{{ parcel.number if parcel.is_known else 'nothing' }}"
"""


async def test_a_page_finds_only_what_was_searched_in_the_same_session(start: Start) -> None:
    mock = await start(SESSION)
    visits = [json.loads((await mock.ask("GET /start"))[1]) for _ in range(2)]
    own, other = ({"cookie": f"sid={one['cookie']}", "x-csrf": one["csrf"]} for one in visits)
    mixed = {**own, "x-csrf": other["x-csrf"]}
    assert (await mock.ask("POST /search", json={"q": "7"}, headers=mixed))[0] == 403
    _, digest = await mock.ask("POST /search", json={"q": "7"}, headers=own)
    assert (await mock.ask(f"GET /result/{digest}", headers=own))[1] == "7"
    assert (await mock.ask(f"GET /result/{digest}", headers=other))[1] == "nothing"
    mock.script.show(Behaviour.UNKNOWN, "7", times=1)
    await mock.ask("POST /search", json={"q": "7"}, headers=own)
    # The steps that follow know what the first did.
    assert (await mock.ask(f"GET /result/{digest}", headers=own))[1] == "nothing"
    mock.script.show(Behaviour.TOKEN_EXPIRED, "7", times=1)
    assert (await mock.ask("POST /search", json={"q": "7"}, headers=own))[0] == 403
    assert (await mock.ask(f"GET /result/{digest}", headers=own))[0] == 403


PLAIN = """
[[routes]]
request = "GET /track/{number}"
numbers = "path.number"
answer = "parcel"
[answers.parcel]
body = "{{ parcel.number }}"
"""


@pytest.mark.parametrize(
    ("behaviour", "status", "part"),
    [
        (Behaviour.FORBIDDEN, 403, "<html>"),
        (Behaviour.HTML, 200, "<html>"),
        (Behaviour.RATE_LIMITED, 429, "too many"),
        (Behaviour.UNAVAILABLE, 503, "out of order"),
        (Behaviour.BROKEN, 200, '{"parcels": ['),
        (Behaviour.SLOW, 200, "5"),
    ],
)
async def test_bad_moments_are_alike_everywhere(
    start: Start, behaviour: Behaviour, status: int, part: str
) -> None:
    mock = await start(PLAIN)
    mock.script.show(behaviour, "5")
    answer = await mock.ask("GET /track/5")
    assert answer[0] == status
    assert part in answer[1]
    assert mock.script.shown[behaviour] == 1
    assert (await mock.ask("GET /track/6"))[1] == "6"


async def test_a_carrier_has_its_own_way_of_being_busy(start: Start) -> None:
    own = '[answers.rate_limited]\nbody = \'{"errors": ["To many requests"]}\'\n'
    mock = await start(PLAIN + own)
    mock.script.retry_after = "77"
    mock.script.show(Behaviour.RATE_LIMITED)
    assert await mock.ask("GET /track/5") == (200, '{"errors": ["To many requests"]}')


async def test_silence_lasts_until_the_client_goes_away(start: Start) -> None:
    mock = await start(PLAIN)
    mock.script.show(Behaviour.SILENT)
    with pytest.raises(TimeoutError):
        await mock.ask("GET /track/5", timeout=aiohttp.ClientTimeout(total=0.2))
    mock.script.calm()
    assert (await mock.ask("GET /track/5"))[0] == 200


async def test_a_template_that_is_wrong_is_told(start: Start) -> None:
    mock = await start(PLAIN.replace("parcel.number", "parcel.nothing"))
    status, body = await mock.ask("GET /track/5")
    assert status == 500
    assert "answer parcel of GET /track/{number}: UndefinedError" in body
    assert mock.server.trouble in json.loads(body)["message"]

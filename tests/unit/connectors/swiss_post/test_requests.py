"""What is sent to Swiss Post, and what no log may show of it."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from parcelwire.connectors.base import CarrierContext, Response, TrackingQuery
from parcelwire.connectors.carriers.swiss_post import CONNECTOR, api, web

SESSION = web.Session("<[anonymous]>a b/c&d", "csrf-1", {"NPKlpipSession": "cookie-1", "b": "2"})
QUESTION = TrackingQuery(number="990012345678901234", courier_code="swiss-post")


def test_the_token_request_holds_the_credentials_in_a_secret_body() -> None:
    request = api.build_token("https://api.post.ch", {"client_id": "a&b", "client_secret": "c=d é"})
    assert request.url == "https://api.post.ch/OAuth/token"
    assert request.is_secret_body
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["a&b"],
        "client_secret": ["c=d é"],
        "scope": ["MYSB_MAILPIECE_TRACKING_B2B_READ"],
    }


@pytest.mark.parametrize(
    ("language", "sent"), [("de-CH", "de"), ("fr_CH", "fr"), ("IT", "it"), ("rm-CH", "en")]
)
@pytest.mark.parametrize("transport", ["api", "web"])
def test_a_region_is_asked_in_its_language(transport: str, language: str, sent: str) -> None:
    token = {"api_token": {"value": "t", "expires_at": 10**15}}
    context = CarrierContext(transport=transport, now=0, language=language, session_state=token)
    request = next(CONNECTOR.track([QUESTION], context))
    assert request.headers["accept-language"] == sent


@pytest.mark.parametrize("key", ["990012345678901234", "opaque/key?x=1#y", "../../admin", "ä %"])
def test_a_key_stays_one_part_of_the_path(key: str) -> None:
    for request in (
        api.build_detail("https://h/v1", "t", key, "de"),
        api.build_events("https://h/v1", "t", key, "de"),
    ):
        parts = urlsplit(request.url)
        assert (parts.query, parts.fragment) == ("", "")
        assert parts.path.removeprefix("/v1/mailpieces/").strip("/").count("/") == 1
        assert "authorization" in request.secret_headers
        assert request.headers["accept-language"] == "de"


def test_the_page_gets_its_cookie_and_csrf_token_and_no_log_does() -> None:
    request = web.build_search("https://h/ekp-web", SESSION, "9900", "fr")
    assert request.headers["cookie"] == "NPKlpipSession=cookie-1; b=2"
    assert request.headers["x-csrf-token"] == "csrf-1"
    assert request.secret_headers >= {"cookie", "x-csrf-token"}
    assert json.loads(request.body) == {"searchQuery": "9900"}
    assert parse_qs(urlsplit(request.url).query) == {"userId": ["<[anonymous]>a b/c&d"]}


@pytest.mark.parametrize("digest", ["ab12", "search/hash", "a?b"])
def test_a_hash_stays_one_part_of_the_path(digest: str) -> None:
    path = urlsplit(web.build_result("https://h/ekp-web", SESSION, digest, "de").url).path
    assert path.count("/") == "/ekp-web/api/history/not-included/x".count("/")


def test_a_cookie_without_values_is_not_sent() -> None:
    bare = web.Session("u", "c", {})
    assert "cookie" not in web.build_place("https://h", bare, "300199", "de").headers


@pytest.mark.parametrize("bad", ["a\r\nx-evil: 1", "ä", ""])
def test_nothing_that_breaks_headers_is_sent_back(bad: str) -> None:
    opened = Response(
        status=200,
        headers={"x-csrf-token": "csrf-1"},
        cookies={"NPKlpipSession": "cookie-1", "other": bad},
        body=b'{"userIdentifier": "<[anonymous]>1"}',
    )
    session = web.parse_user(opened)
    assert session is not None
    assert session.cookies == {"NPKlpipSession": "cookie-1"}
    assert web.parse_user(replace(opened, headers={"x-csrf-token": bad})) is None


def test_hosts_can_be_replaced_by_name() -> None:
    context = CarrierContext(
        transport="api",
        now=0,
        credentials={"client_id": "a", "client_secret": "b"},
        base_urls={"token": "http://127.0.0.1:1/"},
    )
    assert next(CONNECTOR.track([QUESTION], context)).url == "http://127.0.0.1:1/OAuth/token"


def test_an_unknown_transport_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError, match="fax"):
        next(CONNECTOR.track([QUESTION], CarrierContext(transport="fax", now=0)))


def test_no_question_needs_no_request() -> None:
    with pytest.raises(StopIteration) as end:
        next(CONNECTOR.track([], CarrierContext(transport="web", now=0)))
    assert end.value.value == []


def test_the_manifest_tells_how_it_may_be_used() -> None:
    manifest = CONNECTOR.manifest
    assert (manifest.code, manifest.home_zone) == ("swiss-post", "Europe/Zurich")
    official, page = manifest.transport("api"), manifest.transport("web")
    assert official.is_official
    assert official.credential_fields == ("client_id", "client_secret")
    assert not page.is_official
    assert page.credential_fields == ()
    assert {official.batch_size, page.batch_size} == {1}

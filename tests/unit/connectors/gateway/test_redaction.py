"""What the gateway lets through of credentials, and of what they were exchanged for: nothing."""

import json
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from parcelwire.connectors.base import Request, Response
from parcelwire.connectors.redaction import Redactor
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.report import (
    CarrierReport,
    DeliveryWindow,
    Outcome,
    ParcelFacts,
    ProofOfDelivery,
    UnmappedCode,
)
from parcelwire.domain.status import Status, Substatus
from tests.unit.connectors.gateway.bench import (
    LIVE,
    SECRET,
    Bench,
    make_connection,
    make_tracking,
)

Make = Callable[..., Bench]

TOKEN = "eyJhbGciOiJub25lIn0/canary+token=="
PASSWORD = 'pa"ss/wörd <1>'


def _found(text: str) -> CarrierReport:
    return CarrierReport(
        number="N1",
        outcome=Outcome.FOUND,
        checkpoints=(
            Checkpoint(
                local_time="2026-03-01T10:00:00",
                text=f"asked by {text}",
                status=Status.TRANSIT,
                substatus=Substatus.TRANSIT,
                raw_code=text,
                event_id=text,
                location=text,
            ),
        ),
        facts=ParcelFacts(
            reference_number=text, proof=ProofOfDelivery(image_url=f"https://x/?t={text}")
        ),
        window=DeliveryWindow(earliest="2026-03-02", latest="2026-03-02", source=text),
        unmapped=(UnmappedCode(kind="code", value=text, sample=f'{{"code": "{text}"}}'),),
        detail=text,
        raw=f'{{"echo": "{text}"}}'.encode(),
    )


@pytest.mark.parametrize(
    "write",
    [
        lambda secret: secret,
        lambda secret: json.dumps(secret)[1:-1],
        lambda secret: quote(secret, safe=""),
        lambda secret: b64encode(f"shop:{secret}".encode()).decode(),
    ],
)
@pytest.mark.parametrize("secret", [SECRET, TOKEN])
async def test_neither_key_nor_token_is_in_any_part_of_a_report(
    make_bench: Make, write: Callable[[str], str], secret: str
) -> None:
    """The key as it was stored, the token that the carrier gave for it: raw answer, checkpoints,
    facts, window, unmapped and detail."""
    bench = make_bench([make_connection()])
    bench.carrier.token_body = TOKEN
    bench.post.sabotage = lambda reports: [replace(_found(write(secret)), number="N1")]
    (report,) = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    assert report.outcome is Outcome.FOUND
    shown = msgspec.json.encode(replace(report, raw=b"")).decode() + report.raw.decode()
    assert write(secret) not in shown
    assert secret not in shown
    assert shown.count("[secret]") == 11
    assert report.checkpoints[0].local_time == "2026-03-01T10:00:00"
    assert report.checkpoints[0].status is Status.TRANSIT


async def test_a_remembered_token_is_secret_in_later_conversations(make_bench: Make) -> None:
    bench = make_bench([make_connection()])
    bench.carrier.token_body = TOKEN
    await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    bench.carrier.track_body = f"the token {quote(TOKEN, safe='')} is of no use here"
    (report,) = await bench.fetch(LIVE, "paper-post", [make_tracking("N2")])
    assert bench.carrier.requests.count("token") == 1
    assert report.raw == b"the token [secret] is of no use here"
    assert report.unmapped[0].sample == "the token [secret] is of no use here"


async def test_a_large_answer_is_cleaned_too(make_bench: Make) -> None:
    bench = make_bench([make_connection()])
    large = replace(_found("a"), raw=b"%20" * 50_000 + quote(SECRET).encode())
    bench.post.sabotage = lambda reports: [large]
    (report,) = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    assert report.raw == b"%20" * 50_000 + b"[secret]"


def _seen(request: Request, response: Response | None = None) -> Redactor:
    redactor = Redactor([])
    redactor.see(request, response or Response(status=200))
    return redactor


@pytest.mark.parametrize(
    ("request_", "response", "secrets"),
    [
        (
            Request(method="GET", url="https://x", headers={"Authorization": "Bearer tok-12345"}),
            None,
            ["tok-12345"],
        ),
        (
            Request(
                method="GET",
                url="https://x",
                headers={
                    "authorization": "Basic " + b64encode(f"shop:{PASSWORD}".encode()).decode()
                },
            ),
            None,
            [PASSWORD, b64encode(f"shop:{PASSWORD}".encode()).decode()],
        ),
        (
            Request(
                method="GET",
                url="https://x",
                headers={
                    "authorization": 'OAuth oauth_version="1.0", oauth_signature="AbC%2Bdef%3D"'
                },
            ),
            None,
            ["AbC%2Bdef%3D", "AbC+def="],
        ),
        (
            Request(
                method="GET",
                url="https://x",
                headers={"X-Sign": "0123456789abcdef"},
                secret_headers=frozenset({"x-sign"}),
            ),
            None,
            ["0123456789abcdef"],
        ),
        (
            Request(
                method="GET",
                url="https://x/?number=99001234&sign=abcdef0123&access_token=to%2Bken-9",
            ),
            None,
            ["abcdef0123", "to+ken-9"],
        ),
        (
            Request(method="GET", url="https://x", headers={"cookie": "sid=0123456789ab; l=de"}),
            Response(status=200, cookies={"next": "ba9876543210"}),
            ["0123456789ab", "ba9876543210"],
        ),
        (
            Request(method="POST", url="https://x", body=b"{}", is_secret_body=True),
            Response(
                status=200,
                body=json.dumps(
                    {
                        "data": {"access_token": "the-access", "refreshToken": "the-refresh"},
                        "token_type": "bearer-of-tokens",
                        "expires_in": "tomorrow-evening",
                    }
                ).encode(),
            ),
            ["the-access", "the-refresh"],
        ),
        (
            Request(
                method="POST",
                url="https://x",
                body=b"grant_type=client_credentials&client_assertion=signed-by-us",
                is_secret_body=True,
            ),
            Response(status=200, headers={"x-csrf-token": "csrf-0123"}),
            ["signed-by-us", "csrf-0123"],
        ),
    ],
)
def test_what_a_conversation_shows_of_secrets_joins_them(
    request_: Request, response: Response | None, secrets: list[str]
) -> None:
    redactor = _seen(request_, response)
    for secret in secrets:
        assert redactor.text(f"<{secret}>") == "<[secret]>"
    harmless = "shop 99001234 client_credentials bearer-of-tokens tomorrow-evening 1.0 l=de 200 OK"
    assert redactor.text(harmless) == harmless


_TEXT = st.text(max_size=40)


@given(
    url=st.one_of(_TEXT, st.builds("https://{}:{}@h/?token={}".format, _TEXT, _TEXT, _TEXT)),
    headers=st.dictionaries(st.sampled_from(["authorization", "cookie", "x-token"]), _TEXT),
    bodies=st.tuples(st.binary(max_size=60), st.binary(max_size=60)),
    cookies=st.dictionaries(_TEXT, _TEXT, max_size=3),
    is_secret=st.booleans(),
)
@settings(deadline=None)
def test_whatever_a_conversation_shows_is_taken(
    url: str,
    headers: dict[str, str],
    bodies: tuple[bytes, bytes],
    cookies: dict[str, str],
    is_secret: bool,
) -> None:
    redactor = Redactor(["0123456789"])
    redactor.see(
        Request(method="POST", url=url, headers=headers, body=bodies[0], is_secret_body=is_secret),
        Response(status=200, headers=headers, cookies=cookies, body=bodies[1]),
    )
    assert redactor.text("<0123456789>") == "<[secret]>"
    assert redactor.clean(_found("01234567")).number == "N1"


def test_a_flood_of_tokens_pushes_no_key_out() -> None:
    flood = json.dumps([{"token": f"token-{n:05}"} for n in range(2_000)]).encode()
    redactor = Redactor(["the-key-of-the-shop"])
    for _ in range(3):
        redactor.see(
            Request(method="POST", url="https://x", is_secret_body=True),
            Response(status=200, body=flood),
        )
    assert redactor.text("the-key-of-the-shop, token-00000") == "[secret], [secret]"


def test_a_time_stays_readable_whatever_is_secret() -> None:
    """A secret that looks like a part of a date must not make a checkpoint unreadable."""
    redactor = Redactor(["2026-03"])
    report = redactor.clean(_found("2026-03"))
    assert report.checkpoints[0].local_time == "2026-03-01T10:00:00"
    assert report.checkpoints[0].text == "asked by [secret]"

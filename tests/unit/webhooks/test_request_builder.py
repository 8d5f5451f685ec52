from __future__ import annotations

import json
import random
import re
import time
from typing import Any

import pytest
import standardwebhooks
import svix.webhooks
from msgspec.structs import replace

from parcelwire.signatures.signing import make_secret
from parcelwire.signatures.verify import verify_standard, verify_v2, verify_v4
from parcelwire.webhooks.ports import Skipped
from parcelwire.webhooks.request_builder import DIALECTS, UnsendableError, make_request
from tests.unit.webhooks.builders import (
    ACCOUNT,
    NOW,
    SECRET,
    make_claimed,
    make_endpoint,
    make_event,
    make_tracking,
)

SECONDS = NOW // 1_000


def awkward_payload(source: random.Random) -> bytes:
    """JSON with whatever a carrier's text may hold, compact or with blanks, escaped or not."""
    letters = "aÄß漢🙂\u2028\u200b\"\\/\x07.{}[]: ,\n\r\t'<>&%"
    text = "".join(source.choice(letters) for _ in range(source.randrange(60)))
    return json.dumps(
        {"id": f"{source.getrandbits(64):x}", "text": text, "list": [1.5, None, True, {"a": text}]},
        ensure_ascii=source.random() < 0.5,
        indent=source.choice([None, None, 2]),
    ).encode()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_thousand_messages_are_verified_by_other_peoples_packages(dialect: str) -> None:
    # Both packages look at the clock themselves.
    now = int(time.time() * 1_000)
    source = random.Random(1)
    secret = make_secret(source.randbytes(32))
    first = standardwebhooks.Webhook(secret)
    second = svix.webhooks.Webhook(secret)
    endpoint = make_endpoint(dialect=dialect, secret=secret)
    verified = 0
    for number in range(1_000):
        payload = awkward_payload(source)
        claimed = make_claimed(endpoint, id=f"{number:032x}", payload=payload)
        request = make_request(claimed, ACCOUNT, now)
        content = first.verify(request.body, request.headers)
        second.verify(request.body, request.headers)
        verify_standard(request.body, request.headers, secret, now=now / 1_000)
        assert content["data"] == json.loads(payload)
        verified += 1
    assert verified == 1_000
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        first.verify(request.body + b" ", request.headers)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_headers_that_all_dialects_have(dialect: str) -> None:
    claimed = make_claimed(make_endpoint(dialect=dialect), sequence=17)
    request = make_request(claimed, ACCOUNT, NOW)
    later = make_request(claimed, ACCOUNT, NOW + 60_000)
    assert request.headers["webhook-id"] == later.headers["webhook-id"] == "a" * 32
    assert request.headers["webhook-timestamp"] == str(SECONDS)
    assert later.headers["webhook-timestamp"] == str(SECONDS + 60)
    assert request.headers["webhook-signature"] != later.headers["webhook-signature"]
    assert request.headers["parcelwire-sequence"] == "17"
    assert request.headers["parcelwire-tracking-id"] == claimed.message.tracking_id
    assert request.headers["parcelwire-event"] == "tracking.status_changed"
    assert request.headers["content-type"] == "application/json"
    assert re.fullmatch(r"Parcelwire/\S+", request.headers["user-agent"])
    assert all(re.fullmatch(r"[\x20-\x7e]+", value) for value in request.headers.values())


class TestV2:
    def request(self, payload: bytes = b'{"id":"1"}', account: Any = ACCOUNT) -> Any:
        return make_request(
            make_claimed(make_endpoint(dialect="v2"), payload=payload), account, NOW
        )

    def test_the_body_is_the_documented_one(self) -> None:
        content = json.loads(self.request().body)
        assert list(content) == ["meta", "data", "verifyInfo"]
        assert content["meta"] == {"code": 200, "type": "Success", "message": "Success"}
        assert content["data"] == {"id": "1"}
        assert content["verifyInfo"]["timeStr"] == SECONDS
        assert re.fullmatch("[0-9a-f]{64}", content["verifyInfo"]["signature"])
        assert verify_v2(self.request().body, ACCOUNT.email, now=SECONDS) == content

    def test_v2_has_no_signature_of_v4(self) -> None:
        assert not {"timestamp", "signature"} & set(self.request().headers)

    @pytest.mark.parametrize("blank", [b"\n", b"\r\n", b"\r"])
    def test_a_receiver_that_reads_one_line_reads_all(self, blank: bytes) -> None:
        """TrackingMore's PHP receiver takes the first {...} that crosses no line break."""
        body = self.request(b'{%s "id":%s"1"%s}' % (blank, blank, blank)).body
        found = re.search(rb"\{.*\}", body)
        assert found is not None
        assert json.loads(found.group(0))["verifyInfo"]["timeStr"] == SECONDS

    @pytest.mark.parametrize("account", [None, type(ACCOUNT)(number=1, email="")])
    def test_without_an_account_there_is_no_key(self, account: Any) -> None:
        with pytest.raises(UnsendableError, match="account"):
            self.request(account=account)


class TestV4:
    def test_the_body_and_the_headers_of_its_signature(self) -> None:
        request = make_request(make_claimed(make_endpoint(dialect="v4")), None, NOW)
        content = json.loads(request.body)
        assert content == {
            "meta": {"code": 200, "message": "Request response is successful"},
            "data": {"id": "1"},
        }
        assert request.headers["timestamp"] == str(SECONDS)
        assert verify_v4(request.headers, SECRET, now=SECONDS) == SECONDS

    def test_the_published_example(self) -> None:
        endpoint = make_endpoint(dialect="v4", secret="2e55b9a3-4dd1-4416-9897-c4bd1e3d738f")
        request = make_request(make_claimed(endpoint), None, 1_662_371_528_000)
        assert request.headers["signature"] == (
            "a37084ab68ae16b77db1f8463f31be9fcc965e2515e03efecf8139bb1e511b06"
        )


class TestNative:
    def test_the_body_says_which_event_it_is(self) -> None:
        request = make_request(make_claimed(sequence=4), None, NOW + 86_400_000)
        assert json.loads(request.body) == {
            "id": "b" * 32,
            "type": "tracking.status_changed",
            "timestamp": "2026-03-01T10:00:00+00:00",
            "tracking_id": "0" * 31 + "1",
            "sequence": 4,
            "data": {"id": "1"},
        }

    def test_it_carries_a_whole_event(self) -> None:
        from parcelwire.webhooks.native import render_native

        tracking = make_tracking()
        payload = render_native(tracking, make_event(tracking))
        request = make_request(make_claimed(payload=payload), None, NOW)
        data = json.loads(request.body)["data"]
        assert data["tracking"]["checkpoints"][0]["location"] == "Härkingen"
        assert data["changes"][0]["type"] == "status_changed"


class TestSecrets:
    OLD = make_secret(bytes(32))

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_while_a_secret_is_replaced_both_fit(self, dialect: str) -> None:
        endpoint = make_endpoint(
            dialect=dialect, previous_secret=self.OLD, previous_secret_until=NOW + 1
        )
        request = make_request(make_claimed(endpoint), ACCOUNT, NOW)
        assert request.headers["webhook-signature"].count("v1,") == 2
        for secret in (SECRET, self.OLD):
            verify_standard(request.body, request.headers, secret, now=SECONDS)
        if dialect == "v4":
            verify_v4(request.headers, SECRET, now=SECONDS)

    @pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%"])
    def test_a_broken_secret_is_said_and_not_shown(self, secret: str) -> None:
        with pytest.raises(UnsendableError, match="no usable secret") as caught:
            make_request(make_claimed(make_endpoint(secret=secret)), None, NOW)
        assert not secret or secret not in str(caught.value)

    def test_after_the_overlap_only_the_new_one_fits(self) -> None:
        endpoint = make_endpoint(previous_secret=self.OLD, previous_secret_until=NOW)
        request = make_request(make_claimed(endpoint), None, NOW)
        assert request.headers["webhook-signature"].count("v1,") == 1
        verify_standard(request.body, request.headers, SECRET, now=SECONDS)


class TestOwnHeaders:
    def test_they_are_sent_with_ours(self) -> None:
        own = {"authorization": "Basic abc", "user-agent": "Shop/1"}
        request = make_request(make_claimed(make_endpoint(headers=own)), None, NOW)
        assert request.headers["authorization"] == "Basic abc"
        assert request.headers["user-agent"] == "Shop/1"
        verify_standard(request.body, request.headers, SECRET, now=SECONDS)

    @pytest.mark.parametrize(
        "own", [{"x": "a\r\nwebhook-id: forged"}, {"webhook-id": "forged"}, {"x\n": "a"}]
    )
    def test_a_row_with_impossible_ones_is_not_sent(self, own: dict[str, str]) -> None:
        with pytest.raises(UnsendableError, match="own headers"):
            make_request(make_claimed(make_endpoint(headers=own)), None, NOW)


class TestSkipped:
    SKIPPED = (Skipped("c" * 32, 1), Skipped("d" * 32, 2))

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_all_dialects_name_their_numbers_in_a_header(self, dialect: str) -> None:
        claimed = replace(make_claimed(make_endpoint(dialect=dialect)), skipped=self.SKIPPED)
        request = make_request(claimed, ACCOUNT, NOW)
        assert request.headers["parcelwire-skipped"] == "1,2"
        assert ("skipped" in json.loads(request.body)) is (dialect == "native")

    def test_the_native_body_names_the_messages(self) -> None:
        request = make_request(replace(make_claimed(), skipped=self.SKIPPED), None, NOW)
        assert json.loads(request.body)["skipped"] == [
            {"message_id": "c" * 32, "sequence": 1},
            {"message_id": "d" * 32, "sequence": 2},
        ]

    def test_without_any_nothing_is_said(self) -> None:
        request = make_request(make_claimed(), None, NOW)
        assert "parcelwire-skipped" not in request.headers
        assert "skipped" not in json.loads(request.body)


def test_an_unknown_dialect_cannot_be_sent() -> None:
    with pytest.raises(UnsendableError, match="v9"):
        make_request(make_claimed(make_endpoint(dialect="v9")), ACCOUNT, NOW)

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.signatures.signing import key_of, make_secret, sign_standard, sign_timestamp
from parcelwire.signatures.verify import (
    Delivery,
    MissingSignatureError,
    StaleTimestampError,
    VerificationError,
    WrongSignatureError,
    verify_standard,
    verify_v2,
    verify_v4,
)
from tests.unit.webhooks.builders import SECRET

TIME = 1_772_359_200
BODY = '{"text":"Härkingen"}'.encode()
OTHER = make_secret(bytes(32))


def signed(
    changes: Mapping[str, str | None] | None = None, secrets: Sequence[str] = (SECRET,)
) -> dict[str, str]:
    signatures = [sign_standard(secret, "msg1", TIME, BODY) for secret in secrets]
    headers: dict[str, str | None] = {
        "Webhook-Id": "msg1",
        "Webhook-Timestamp": str(TIME),
        "Webhook-Signature": " ".join(signatures),
        **(changes or {}),
    }
    return {name: value for name, value in headers.items() if value is not None}


class TestSecrets:
    def test_a_secret_gives_back_the_bytes_it_was_made_of(self) -> None:
        assert key_of(make_secret(bytes(range(24)))) == bytes(range(24))

    def test_padding_may_be_missing(self) -> None:
        assert key_of(make_secret(bytes(range(25))).rstrip("=")) == bytes(range(25))

    @pytest.mark.parametrize("length", [0, 23, 65])
    def test_too_few_or_many_bytes_make_no_secret(self, length: int) -> None:
        with pytest.raises(ValueError, match="24 to 64"):
            make_secret(bytes(length))

    @pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%", "whsec_ä", "whsec_a"])
    def test_what_holds_no_key_is_refused_without_being_shown(self, secret: str) -> None:
        with pytest.raises(ValueError, match="webhook secret") as caught:
            key_of(secret)
        assert len(secret) < 7 or secret not in str(caught.value)

    def test_a_secret_from_elsewhere_is_its_own_key(self) -> None:
        assert key_of("2e55b9a3-4dd1") == b"2e55b9a3-4dd1"


class TestStandard:
    def test_the_example_of_the_specification(self) -> None:
        """Standard Webhooks publishes this secret, message and signature."""
        body = b'{"test": 2432232314}'
        signature = sign_standard(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            body,
        )
        assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_a_good_message(self) -> None:
        assert verify_standard(BODY, signed(), SECRET, now=TIME) == Delivery("msg1", TIME)

    def test_text_is_as_good_as_bytes(self) -> None:
        assert verify_standard(BODY.decode(), signed(), SECRET, now=TIME)

    def test_one_of_several_signatures_or_secrets_is_enough(self) -> None:
        both = signed(secrets=[OTHER, SECRET])
        assert verify_standard(BODY, both, SECRET, now=TIME)
        assert verify_standard(BODY, both, OTHER, now=TIME)
        assert verify_standard(BODY, signed(), [OTHER, SECRET], now=TIME)

    def test_signatures_of_other_versions_are_passed_over(self) -> None:
        good = sign_standard(SECRET, "msg1", TIME, BODY)
        headers = signed({"Webhook-Signature": f"v1a,AAAA v2,BBBB {good}"})
        assert verify_standard(BODY, headers, SECRET, now=TIME)
        headers = signed({"Webhook-Signature": "v2," + good.removeprefix("v1,")})
        with pytest.raises(WrongSignatureError):
            verify_standard(BODY, headers, SECRET, now=TIME)

    @pytest.mark.parametrize(
        ("body", "changes"),
        [
            (BODY + b" ", {}),
            (b"", {}),
            (BODY, {"Webhook-Id": "msg2"}),
            (BODY, {"Webhook-Timestamp": str(TIME + 1)}),
            (BODY, {"Webhook-Signature": "v1,"}),
            (BODY, {"Webhook-Signature": "v1"}),
            (BODY, {"Webhook-Signature": "v1,nonsense%"}),
            (BODY, {"Webhook-Signature": "v1," + "A" * 44}),
        ],
    )
    def test_whatever_was_changed_shows(self, body: bytes, changes: dict[str, str]) -> None:
        with pytest.raises(WrongSignatureError):
            verify_standard(body, signed(changes), SECRET, now=TIME)

    def test_another_secret_does_not_fit(self) -> None:
        with pytest.raises(WrongSignatureError):
            verify_standard(BODY, signed(), OTHER, now=TIME)

    @pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
    @pytest.mark.parametrize("value", [None, ""])
    def test_all_three_headers_are_needed(self, name: str, value: str | None) -> None:
        with pytest.raises(MissingSignatureError):
            verify_standard(BODY, signed({name: value}), SECRET, now=TIME)

    @pytest.mark.parametrize(
        "text",
        ["1e9", "1_772_359_200", "+1772359200", " 1772359200", "nan", "²", "1" * 13, "-1", "1.0"],
    )
    def test_odd_timestamps_are_refused(self, text: str) -> None:
        with pytest.raises(MissingSignatureError):
            verify_standard(BODY, signed({"Webhook-Timestamp": text}), SECRET, now=TIME)

    @pytest.mark.parametrize(("now", "side"), [(TIME + 301, "old"), (TIME - 301, "future")])
    def test_an_old_message_cannot_be_played_again(self, now: float, side: str) -> None:
        with pytest.raises(StaleTimestampError, match=side):
            verify_standard(BODY, signed(), SECRET, now=now)

    @pytest.mark.parametrize("now", [TIME - 300, TIME + 300, TIME + 299.9])
    def test_clocks_may_differ_by_the_tolerance(self, now: float) -> None:
        assert verify_standard(BODY, signed(), SECRET, now=now)

    def test_a_time_that_is_no_number_refuses(self) -> None:
        with pytest.raises(StaleTimestampError):
            verify_standard(BODY, signed(), SECRET, now=float("nan"))

    @pytest.mark.parametrize("secrets", ["", [], ["whsec_"]])
    def test_a_receiver_without_a_secret_is_told_so(self, secrets: Any) -> None:
        with pytest.raises(ValueError, match="secret"):
            verify_standard(BODY, signed(), secrets, now=TIME)


class TestV4:
    KEY = "2e55b9a3-4dd1-4416-9897-c4bd1e3d738f"
    SIGNATURE = "a37084ab68ae16b77db1f8463f31be9fcc965e2515e03efecf8139bb1e511b06"

    def test_the_published_example(self) -> None:
        assert sign_timestamp(self.KEY, 1662371528) == self.SIGNATURE
        headers = {"Timestamp": "1662371528", "Signature": self.SIGNATURE}
        assert verify_v4(headers, self.KEY, now=1662371530) == 1662371528

    def test_capital_digits_are_as_good(self) -> None:
        headers = {"timestamp": "1662371528", "signature": self.SIGNATURE.upper()}
        assert verify_v4(headers, [SECRET, self.KEY], now=1662371530)

    @pytest.mark.parametrize(
        ("headers", "error"),
        [
            ({}, MissingSignatureError),
            ({"timestamp": "1662371528"}, MissingSignatureError),
            ({"signature": SIGNATURE}, MissingSignatureError),
            ({"timestamp": "1662371528", "signature": ""}, MissingSignatureError),
            ({"timestamp": "1662371529", "signature": SIGNATURE}, WrongSignatureError),
            ({"timestamp": "1662371528", "signature": SIGNATURE[:-1]}, WrongSignatureError),
            ({"timestamp": "1662371528", "signature": "ä" + SIGNATURE[1:]}, WrongSignatureError),
            ({"timestamp": "1662371000", "signature": SIGNATURE}, StaleTimestampError),
        ],
    )
    def test_anything_else_is_refused(
        self, headers: dict[str, str], error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            verify_v4(headers, self.KEY, now=1662371530)


class TestV2:
    def body(self, **changes: Any) -> bytes:
        info = {"timeStr": TIME, "signature": sign_timestamp("shop@example.com", TIME), **changes}
        return json.dumps({"meta": {"code": 200}, "data": {"id": "1"}, "verifyInfo": info}).encode()

    def test_a_good_body_comes_back_read(self) -> None:
        assert verify_v2(self.body(), "shop@example.com", now=TIME)["data"] == {"id": "1"}

    def test_the_time_may_be_text(self) -> None:
        assert verify_v2(self.body(timeStr=str(TIME)), "shop@example.com", now=TIME)

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"timeStr": TIME + 1}, WrongSignatureError),
            ({"timeStr": None}, MissingSignatureError),
            ({"timeStr": True}, MissingSignatureError),
            ({"timeStr": 1.5}, MissingSignatureError),
            ({"signature": None}, MissingSignatureError),
            ({"signature": 7}, MissingSignatureError),
            ({"signature": "00"}, WrongSignatureError),
        ],
    )
    def test_changes_show(self, changes: dict[str, Any], error: type[Exception]) -> None:
        with pytest.raises(error):
            verify_v2(self.body(**changes), "shop@example.com", now=TIME)

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[]", b"1", b"{}", b'{"verifyInfo":[]}', b"\xff", b"[" * 100_000],
        ids=["empty", "cut", "list", "number", "bare", "list inside", "bytes", "deep"],
    )
    def test_a_body_that_is_no_message_is_refused(self, body: bytes) -> None:
        with pytest.raises(MissingSignatureError):
            verify_v2(body, "shop@example.com", now=TIME)

    def test_old_and_foreign_messages_are_refused(self) -> None:
        with pytest.raises(StaleTimestampError):
            verify_v2(self.body(), "shop@example.com", now=TIME + 301)
        with pytest.raises(WrongSignatureError):
            verify_v2(self.body(), "other@example.com", now=TIME)
        with pytest.raises(ValueError, match="e-mail"):
            verify_v2(self.body(), "", now=TIME)


LONE = "\ud800"
"""Half of a surrogate pair: JSON can hold it, and so can a header that was decoded leniently."""
# st.text() leaves halves of pairs out, whatever alphabet it is given.
ANY_TEXT = st.lists(st.characters() | st.integers(0xD800, 0xDFFF).map(chr), max_size=40).map(
    "".join
)


class TestWhatNobodyCanHaveSigned:
    @pytest.mark.parametrize("signature", [LONE, LONE * 64, "a" * 63 + LONE, "é" * 64, "²"])
    def test_a_signature_is_wrong_whatever_it_holds(self, signature: str) -> None:
        info = {"timeStr": TIME, "signature": signature}
        body = json.dumps({"verifyInfo": info}).encode()
        assert b"\\u" in body
        with pytest.raises(WrongSignatureError):
            verify_v2(body, "shop@example.com", now=TIME)
        with pytest.raises(WrongSignatureError):
            verify_v4({"timestamp": str(TIME), "signature": signature}, SECRET, now=TIME)
        with pytest.raises(WrongSignatureError):
            verify_standard(
                BODY, signed({"Webhook-Signature": f"v1,{signature}"}), SECRET, now=TIME
            )

    def test_the_rest_of_a_message_too(self) -> None:
        with pytest.raises(WrongSignatureError):
            verify_standard(BODY, signed({"Webhook-Id": f"msg1{LONE}"}), SECRET, now=TIME)
        with pytest.raises(WrongSignatureError):
            verify_standard(BODY.decode() + LONE, signed(), SECRET, now=TIME)
        for body in (f'{{"verifyInfo":{{"timeStr":"{LONE}"}}}}', LONE):
            with pytest.raises(MissingSignatureError):
                verify_v2(body, "shop@example.com", now=TIME)

    @pytest.mark.parametrize("secret", [LONE, f"whsec_{LONE}"])
    def test_an_unusable_secret_is_the_receivers_and_not_shown(self, secret: str) -> None:
        for check in (
            lambda: verify_standard(BODY, signed(), secret, now=TIME),
            lambda: verify_v2(TestV2().body(), secret, now=TIME),
        ):
            with pytest.raises(ValueError, match=r"secret|e-mail") as caught:
                check()
            assert type(caught.value) is ValueError
            assert LONE not in str(caught.value)

    @given(st.lists(ANY_TEXT, min_size=4, max_size=4), ANY_TEXT)
    def test_no_text_is_more_than_refused(self, values: list[str], body: str) -> None:
        names = ("webhook-id", "webhook-timestamp", "webhook-signature", "signature")
        headers = {**signed(), **dict(zip(names, values, strict=True)), "timestamp": str(TIME)}
        for changed in (headers, {**headers, "webhook-timestamp": str(TIME)}):
            with pytest.raises(VerificationError):
                verify_standard(body, changed, SECRET, now=TIME)
        with pytest.raises(VerificationError):
            verify_v4(headers, SECRET, now=TIME)
        info = json.dumps({"verifyInfo": {"timeStr": TIME, "signature": values[3]}})
        with pytest.raises(VerificationError):
            verify_v2(info, "shop@example.com", now=TIME)
        with pytest.raises(VerificationError):
            verify_v2(body, "shop@example.com", now=TIME)


def test_receivers_need_nothing_but_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules); import parcelwire.signatures.verify;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before} - {'parcelwire'};"
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

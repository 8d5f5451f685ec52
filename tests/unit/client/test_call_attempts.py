"""All tries of one call, without I/O."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from parcelwire.client.call_attempts import Call, CallAttempts, Done, HttpResponse, Wait
from parcelwire.client.calls import create_tracking, list_trackings, read_air_waybill
from parcelwire.client.error_mapping import error_for
from parcelwire.client.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NetworkError,
    NotFoundError,
    ParcelwireError,
    QuotaExceededError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    UnexpectedResponseError,
)
from parcelwire.client.settings import PARCELWIRE, TRACKINGMORE, ClientOptions, settings_for

CREATE = create_tracking({"tracking_number": "1"})
TRACKING = {"id": "1", "tracking_number": "2", "courier_code": "3", "delivery_status": "transit"}


class Watch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def begin(
    call: Call[Any] = CREATE, watch: Watch | None = None, *, is_hosted: bool = False, **options: Any
) -> CallAttempts[Any]:
    given: ClientOptions = {**options}  # type: ignore[typeddict-item]  # whatever a test wants
    settings = settings_for(
        "key", "http://h:1/v4/", TRACKINGMORE if is_hosted else PARCELWIRE, given
    )
    return CallAttempts(call, settings, Random(1), watch or Watch())


def answer(status: int, code: int, data: Any = None, **headers: str) -> HttpResponse:
    envelope = {"meta": {"code": code, "message": "said"}, "data": data}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status, named, msgspec.json.encode(envelope))


def wait(attempts: CallAttempts[Any], got: HttpResponse) -> float:
    outcome = attempts.on_response(got)
    assert isinstance(outcome, Wait)
    return outcome.seconds


def test_a_good_answer() -> None:
    attempts = begin()
    outcome = attempts.on_response(answer(200, 200, TRACKING))
    assert isinstance(outcome, Done)
    assert outcome.value.id == "1"
    assert not attempts.maybe_applied


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, 401, AuthenticationError),
        (403, 403, ForbiddenError),
        (404, 404, NotFoundError),
        (400, 4102, NotFoundError),
        (400, 4112, NotFoundError),
        (400, 4101, ConflictError),
        (400, 4190, QuotaExceededError),
        (400, 4110, InvalidRequestError),
        (400, 4999, InvalidRequestError),
        (429, 429, RateLimitError),
        (500, 511, ServerError),
        (503, 512, ServerError),
        # v2 tells everything with HTTP 200.
        (200, 4001, AuthenticationError),
        (200, 4017, NotFoundError),
        (200, 4021, QuotaExceededError),
        (200, 4031, InvalidRequestError),
        (200, 500, ServerError),
    ],
)
def test_codes(status: int, code: int, kind: type[APIError]) -> None:
    with pytest.raises(kind) as caught:
        begin(max_retries=0).on_response(answer(status, code, x_request_id="theirs"))
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.status_code, error.message) == (code, status, "said")
    assert error.request_id == "theirs"
    assert str(code) in str(error)
    assert isinstance(error, ParcelwireError)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b"\xff",
        b"[]",
        b"null",
        b'{"meta":{}}',
        b'{"meta":{"code":"200"},"data":1}',
        b'{"data":{}}',
        b"[" * 5_000,
    ],
)
def test_what_is_no_answer_of_this_api(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError) as caught:
        begin().on_response(HttpResponse(200, {}, body))
    assert caught.value.body == body[:1024]
    assert caught.value.request_id
    with pytest.raises(ServerError):
        begin(max_retries=0).on_response(HttpResponse(502, {}, body))
    with pytest.raises(RateLimitError) as limited:
        begin(max_retries=0).on_response(HttpResponse(429, {"retry-after": "7"}, body))
    assert limited.value.retry_after_seconds == 7


@pytest.mark.parametrize("data", [None, [], "text", {}, {**TRACKING, "id": None}])
def test_data_of_another_shape(data: Any) -> None:
    with pytest.raises(UnexpectedResponseError, match="shape") as caught:
        begin().on_response(answer(200, 200, data))
    assert caught.value.status_code == 200


def test_pauses_grow_and_end() -> None:
    attempts = begin(max_retries=3)
    for full in (0.5, 1, 2):
        assert full / 2 <= wait(attempts, answer(503, 512)) <= full
    with pytest.raises(ServerError):
        attempts.on_response(answer(503, 512))
    many = begin(max_retries=50)
    assert max(wait(many, answer(500, 511)) for _ in range(50)) <= 10


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 507, 599])
def test_what_passes_is_tried_again_up_to_four_times(status: int) -> None:
    for said in (answer(status, status), HttpResponse(status, {}, b"a proxy's page")):
        attempts = begin()
        for _ in range(4):
            assert wait(attempts, said) > 0
        with pytest.raises(ParcelwireError):
            attempts.on_response(said)


def test_the_server_may_ask_for_a_longer_pause() -> None:
    assert wait(begin(), answer(503, 512, retry_after="5")) == 5
    assert wait(begin(), answer(429, 429, retry_after=" 40 ")) == 40
    assert wait(begin(), answer(429, 429, retry_after="0")) > 0
    for strange in ("-1", "soon", "1.5", "", "²"):
        assert wait(begin(), answer(429, 429, retry_after=strange)) <= 0.5
    with pytest.raises(RateLimitError) as caught:
        begin().on_response(answer(429, 429, retry_after="61"))
    assert caught.value.retry_after_seconds == 61
    with pytest.raises(ServerError):
        begin(max_retry_delay_seconds=1).on_response(answer(503, 512, retry_after="2"))


SUNDAY = "Sun, 01 Mar 2026 10:00:%02d GMT"


@pytest.mark.parametrize(
    ("until", "now", "pause"),
    [
        (SUNDAY % 40, SUNDAY % 0, 40),
        ("Sunday, 01-Mar-26 10:00:40 GMT", SUNDAY % 0, 40),
        ("Sun Mar  1 10:00:40 2026", SUNDAY % 0, 40),
        ("Sun, 01 Mar 2026 11:00:40 +0100", SUNDAY % 0, 40),
        # Without the server's time by this machine's.
        (SUNDAY % 40, "", 30),
        (SUNDAY % 40, "yesterday", 30),
        # It is over already: as long as without.
        (SUNDAY % 0, SUNDAY % 40, 0),
        (SUNDAY % 0, SUNDAY % 0, 0),
    ],
)
def test_the_pause_may_be_said_as_a_date(until: str, now: str, pause: float) -> None:
    settings = settings_for("key", "http://h:1", PARCELWIRE, {})
    for status, code in ((429, 429), (503, 512)):
        attempts = CallAttempts(CREATE, settings, Random(1), Watch(), clock=lambda: 1_772_359_210.0)
        waited = wait(attempts, answer(status, code, retry_after=until, date=now))
        assert waited == pause if pause else 0 < waited <= 0.5


def test_a_date_that_is_too_far_away_is_told() -> None:
    with pytest.raises(RateLimitError) as caught:
        begin().on_response(
            answer(429, 429, retry_after="Sun, 01 Mar 2026 11:00:00 GMT", date=SUNDAY % 0)
        )
    assert caught.value.retry_after_seconds == 3600
    # Nobody says what time it is.
    assert wait(begin(), answer(429, 429, retry_after=SUNDAY % 40)) <= 0.5


def test_the_hosted_service_wants_two_minutes() -> None:
    with pytest.raises(RateLimitError) as caught:
        begin(is_hosted=True).on_response(answer(429, 429))
    assert caught.value.retry_after_seconds == 120
    assert wait(begin(is_hosted=True, max_retry_delay_seconds=200), answer(429, 429)) == 120
    assert wait(begin(is_hosted=True), answer(429, 429, retry_after="3")) == 3


@pytest.mark.parametrize("call", [CREATE, list_trackings({"courier_code": "usps"})])
def test_no_answer_is_tried_again(call: Call[Any]) -> None:
    attempts = begin(call, max_retries=1)
    assert (
        attempts.on_network_error(OSError("cut"), was_sent=False, is_timeout=False).seconds <= 0.5
    )
    maybe_applied_before = attempts.maybe_applied
    with pytest.raises(NetworkError, match="cut") as caught:
        attempts.on_network_error(OSError("cut"), was_sent=True, is_timeout=False)
    assert (maybe_applied_before, attempts.maybe_applied) == (False, True)
    assert not isinstance(caught.value, TimeoutError)
    assert caught.value.request_id == attempts.request_id
    assert isinstance(caught.value.__cause__, OSError)


def test_timeouts_are_network_errors_and_timeout_errors() -> None:
    with pytest.raises(RequestTimeoutError, match="OSError") as caught:
        begin(max_retries=0).on_network_error(OSError(), was_sent=True, is_timeout=True)
    assert isinstance(caught.value, NetworkError)
    assert isinstance(caught.value, TimeoutError)


def test_what_costs_something_is_repeated_only_when_it_was_not_done() -> None:
    call = read_air_waybill("235-69030430")
    assert begin(call).on_network_error(OSError(), was_sent=False, is_timeout=False)
    assert wait(begin(call), answer(429, 429)) > 0
    with pytest.raises(NetworkError):
        begin(call).on_network_error(OSError(), was_sent=True, is_timeout=False)
    for status, code in ((500, 511), (503, 512)):
        with pytest.raises(ServerError):
            begin(call).on_response(answer(status, code))


def test_an_error_is_not_repeated() -> None:
    attempts = begin()
    with pytest.raises(InvalidRequestError):
        attempts.on_response(answer(400, 4110))
    assert not attempts.maybe_applied


class TestWhoseItIs:
    """Whether "already exists" is the work of an own lost try."""

    DATE = "Sun, 01 Mar 2026 10:00:00 GMT"
    AT = 1_772_359_200.0

    def conflict(self, attempts: CallAttempts[Any], **headers: str) -> None:
        with pytest.raises(ConflictError):
            attempts.on_response(answer(400, 4101, {"id": "1"}, **headers))

    def test_without_a_lost_try_it_is_somebody_elses(self) -> None:
        attempts = begin()
        self.conflict(attempts, date=self.DATE)
        assert not attempts.may_have_created(self.AT)

    def test_by_the_servers_clock(self) -> None:
        watch = Watch()
        attempts = begin(watch=watch)
        attempts.on_network_error(OSError(), was_sent=True, is_timeout=True)
        watch.now += 60
        self.conflict(attempts, date=self.DATE)
        # The first try began a minute before the answer; clocks may differ by half of one.
        assert attempts.may_have_created(self.AT - 60)
        assert attempts.may_have_created(self.AT - 85)
        assert attempts.may_have_created(self.AT)
        assert not attempts.may_have_created(self.AT - 95)

    def test_where_times_are_not_known_a_lost_try_is_the_reason(self) -> None:
        for headers in ({}, {"date": "yesterday"}, {"date": ""}):
            attempts = begin()
            attempts.on_network_error(OSError(), was_sent=True, is_timeout=False)
            self.conflict(attempts, **headers)
            assert attempts.may_have_created(self.AT - 10_000)
        attempts.on_response(answer(200, 200, TRACKING, date=self.DATE))
        assert attempts.may_have_created(None)

    @pytest.mark.parametrize(("status", "code"), [(500, 511), (503, 512)])
    def test_a_server_error_may_have_come_after_the_deed(self, status: int, code: int) -> None:
        attempts = begin()
        wait(attempts, answer(status, code))
        assert attempts.maybe_applied

    def test_a_refusal_to_listen_came_before_it(self) -> None:
        attempts = begin()
        wait(attempts, answer(429, 429))
        assert not attempts.maybe_applied


def test_headers() -> None:
    attempts = begin(headers={"X-Shop": "7", "User-Agent": "shop/1"})
    headers = attempts.headers()
    assert headers == attempts.headers()
    assert headers["tracking-api-key"] == "key"
    assert len(headers["idempotency-key"]) == 32
    assert (headers["x-shop"], headers["user-agent"]) == ("7", "shop/1")
    assert begin(idempotency_key="mine").headers()["idempotency-key"] == "mine"
    assert "idempotency-key" not in begin(list_trackings({})).headers()


def test_a_conflict_without_a_tracking() -> None:
    nothing: list[Any] = [[], None, {}, "text"]
    for data in nothing:
        error = error_for(4101, "said", status=400, data=data)
        assert isinstance(error, ConflictError)
        assert error.existing is None

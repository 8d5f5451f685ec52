from __future__ import annotations

from typing import Any

import pytest

from parcelwire.domain.clock import DAY, SECOND
from parcelwire.webhooks.ports import AttemptResult, MessageState
from parcelwire.webhooks.schedule import (
    Answer,
    decide,
    read_retry_after,
    rest_seconds,
    retry_delay_seconds,
)
from parcelwire.webhooks.settings import WebhookSettings
from tests.unit.webhooks.builders import NOW, make_message

SETTINGS = WebhookSettings()
PUBLISHED = [30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 30720, 61440, 122880]

NOT_SUCCESS = [
    *(
        100,
        101,
        199,
        300,
        301,
        302,
        303,
        304,
        307,
        308,
        400,
        401,
        403,
        404,
        405,
        409,
        411,
        413,
        415,
    ),
    *(418, 422, 429, 451, 499, 500, 501, 502, 503, 504, 520, 599, 600, 999),
]
NONSENSE = [
    *(None, "", "soon", "-1", "1.5", "1e3", "١٢", "\x00", "," * 50),
    "Sun, 99 Mar 2026 10:00:00 GMT",
    "Sun, 01 Mar 99999999999 10:00:00 GMT",
    "Sun, 01 Mar 2026 10:00:00 +9999999",
]


def after(answer: Answer, tries_before: int = 0, jitter: float = 0.0) -> AttemptResult:
    return decide(
        make_message(attempts=tries_before),
        answer,
        attempt_id="attempt",
        started_at=NOW - 250,
        now=NOW,
        settings=SETTINGS,
        random=lambda: jitter,
    )


def seconds_until_next(result: AttemptResult) -> float:
    assert result.state is MessageState.PENDING
    assert result.next_at is not None
    return (result.next_at - NOW) / SECOND


class TestDelays:
    def test_they_are_the_published_ones(self) -> None:
        assert [retry_delay_seconds(k, SETTINGS, lambda: 0.0) for k in range(1, 14)] == PUBLISHED

    def test_jitter_lengthens_by_at_most_a_tenth_and_never_shortens(self) -> None:
        for retry, plain in enumerate(PUBLISHED, 1):
            assert retry_delay_seconds(retry, SETTINGS, lambda: 0.5) == pytest.approx(plain * 1.05)
            assert retry_delay_seconds(retry, SETTINGS, lambda: 0.999) < plain * 1.1

    def test_no_delay_is_longer_than_the_cap(self) -> None:
        for retry in (14, 50, 2_000):
            assert retry_delay_seconds(retry, SETTINGS, lambda: 0.0) == PUBLISHED[-1]

    def test_fifteen_attempts_and_then_no_more(self) -> None:
        failed = Answer(status=500, error="answered 500")
        waits = [seconds_until_next(after(failed, tries)) for tries in range(14)]
        assert waits == [*PUBLISHED, PUBLISHED[-1]]
        assert sum(waits) * SECOND > 4.2 * DAY
        last = after(failed, 14)
        assert (last.state, last.next_at) == (MessageState.DEAD, None)


class TestAnswers:
    """Forty answers, each handled as Standard Webhooks says."""

    @pytest.mark.parametrize("status", [200, 201, 202, 203, 204, 205, 206, 207, 226, 299])
    def test_any_2xx_is_success(self, status: int) -> None:
        result = after(Answer(status=status))
        assert (result.state, result.next_at) == (MessageState.DELIVERED, None)
        assert result.disable_endpoint_reason == ""

    @pytest.mark.parametrize("status", NOT_SUCCESS)
    def test_everything_else_is_tried_again(self, status: int) -> None:
        assert seconds_until_next(after(Answer(status=status, error="answered"))) == 30
        assert after(Answer(status=status), 14).state is MessageState.DEAD

    @pytest.mark.parametrize("error", ["the host name has no address", "no connection", "no TLS"])
    def test_no_answer_is_tried_again(self, error: str) -> None:
        result = after(Answer(status=0, error=error))
        assert seconds_until_next(result) == 30
        assert (result.attempt.status, result.attempt.error) == (0, error)

    @pytest.mark.parametrize("tries", [0, 5, 14, 20])
    def test_410_switches_the_endpoint_off_and_keeps_the_message(self, tries: int) -> None:
        result = after(Answer(status=410, error="answered 410"), tries)
        assert result.disable_endpoint_reason == "the receiver answered 410 Gone"
        assert (result.state, result.next_at) == (MessageState.PENDING, NOW)

    def test_the_attempt_is_written_down(self) -> None:
        answer = Answer(status=503, error="answered 503", body="busy", duration_ms=250)
        attempt = after(answer).attempt
        assert (attempt.id, attempt.message_id, attempt.at) == ("attempt", "a" * 32, NOW - 250)
        assert (attempt.status, attempt.response_body, attempt.duration_ms) == (503, "busy", 250)


class TestRetryAfter:
    # 2026-03-01T10:00:00Z is NOW.
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("0", 0),
            ("120", 120),
            (" 120 ", 120),
            ("Sun, 01 Mar 2026 10:10:00 GMT", 600),
            ("Sunday, 01-Mar-26 10:10:00 GMT", 600),
            ("Sun Mar  1 10:10:00 2026", 600),
            ("Sun, 01 Mar 2026 11:10:00 +0100", 600),
            ("Sun, 01 Mar 2026 10:10:00 -0000", 600),
            ("Sun, 01 Mar 2026 09:00:00 GMT", 0),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ],
    )
    def test_both_forms_are_read(self, value: str, seconds: float) -> None:
        assert read_retry_after(value, NOW) == seconds

    @pytest.mark.parametrize("value", NONSENSE)
    def test_nonsense_is_as_good_as_nothing(self, value: str | None) -> None:
        assert read_retry_after(value, NOW) is None
        assert seconds_until_next(after(Answer(status=429, retry_after=value))) == 30

    def test_an_endless_number_is_read_without_harm(self) -> None:
        assert read_retry_after("9" * 5_000, NOW) is not None

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize(
        ("value", "tries", "seconds"),
        [
            ("120", 0, 120),
            ("Sun, 01 Mar 2026 10:10:00 GMT", 0, 600),
            ("120", 5, 960),
            ("5", 0, 30),
            ("999999999", 0, 122_880),
        ],
    )
    def test_it_is_the_earliest_time_to_come_back(
        self, status: int, value: str, tries: int, seconds: float
    ) -> None:
        assert seconds_until_next(after(Answer(status=status, retry_after=value), tries)) == seconds

    @pytest.mark.parametrize("status", [0, 301, 400, 404, 500, 502])
    def test_with_other_answers_it_means_nothing(self, status: int) -> None:
        assert seconds_until_next(after(Answer(status=status, retry_after="7200"))) == 30

    def test_it_does_not_prolong_the_life_of_a_message(self) -> None:
        assert after(Answer(status=429, retry_after="5"), 14).state is MessageState.DEAD


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (Answer(status=429, retry_after="7"), 7),
        (Answer(status=503, retry_after="999999"), 122_880),
        (Answer(status=503), 30),
        (Answer(status=502, retry_after="7"), 30),
        (Answer(status=504), 30),
        (Answer(status=500), 0),
        (Answer(status=200, retry_after="7"), 0),
        (Answer(status=0, error="no connection"), 0),
    ],
)
def test_an_overloaded_receiver_gets_a_rest(answer: Answer, seconds: float) -> None:
    assert rest_seconds(answer, NOW, SETTINGS) == seconds


@pytest.mark.parametrize(
    "changes",
    [
        {"max_attempts": 0},
        {"retry_base_seconds": 0},
        {"jitter": -0.1},
        {"jitter": 1.1},
        {"request_timeout_seconds": 0},
        {"answer_bytes": 0},
        {"max_concurrent_deliveries": 0},
        {"lease_margin_seconds": 0},
        {"grace_seconds": -1},
        {"poll_seconds": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        WebhookSettings(**changes)

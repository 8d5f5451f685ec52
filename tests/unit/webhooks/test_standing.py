from __future__ import annotations

from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, Instant
from parcelwire.webhooks.failing import note_result
from parcelwire.webhooks.notices import NoticeType
from parcelwire.webhooks.ports import Attempt, AttemptResult, Failure, MessageState
from parcelwire.webhooks.schedule import Answer
from parcelwire.webhooks.settings import WebhookSettings
from parcelwire.webhooks.standing import (
    WELL,
    Verdict,
    enable,
    judge_failure,
    judge_success,
    pause,
)
from tests.unit.webhooks.builders import NOW, make_endpoint

SETTINGS = WebhookSettings()
BROKEN = Answer(status=500, error="answered 500")
LONGEST_WAIT = 2 * DAY


class Row:
    """An endpoint's row, kept as the store keeps it."""

    def __init__(self, settings: WebhookSettings = SETTINGS) -> None:
        self.settings = settings
        self.endpoint = make_endpoint()

    def fail(
        self, now: Instant, *, due_at: Instant | None = None, answer: Answer = BROKEN
    ) -> Verdict:
        failure = Failure(
            at=now, due_at=now if due_at is None else due_at, longest_wait_ms=LONGEST_WAIT
        )
        verdict = judge_failure(self.endpoint, answer, failure, self.settings)
        self.endpoint = kept(self.endpoint, verdict, failure)
        return verdict

    def succeed(self) -> Verdict:
        verdict = judge_success(self.endpoint)
        self.endpoint = kept(self.endpoint, verdict, None)
        return verdict


def kept(endpoint: Endpoint, verdict: Verdict, failure: Failure | None) -> Endpoint:
    return note_result(
        endpoint,
        AttemptResult(
            attempt=Attempt(id="1", message_id="2", at=NOW, duration_ms=1, status=500),
            state=MessageState.PENDING,
            failure=failure,
            failing_reported_at=verdict.told_at,
            has_recovered=verdict.has_recovered,
            disable_endpoint_reason=verdict.disable_reason,
            disable_after_ms=verdict.disable_after_ms,
        ),
    )


class TestFailing:
    def test_it_is_told_once_after_the_time_and_three_attempts(self) -> None:
        row = Row()
        told = [row.fail(NOW + at * SECOND).notice for at in (0, 599, 600, 601, 9_000)]
        assert told == [None, None, NoticeType.FAILING, None, None]
        assert (row.endpoint.failing_since, row.endpoint.failing_reported_at) == (
            NOW,
            NOW + 600 * SECOND,
        )

    def test_two_attempts_are_not_enough(self) -> None:
        row = Row()
        told = [row.fail(NOW + at * SECOND).notice for at in (0, 3_600, 3_601)]
        assert told == [None, None, NoticeType.FAILING]


class TestRecovered:
    def test_a_success_clears_the_row_and_is_told_only_where_the_failure_was(self) -> None:
        row = Row()
        assert row.succeed() is WELL
        row.fail(NOW)
        quiet = row.succeed()
        assert (quiet.has_recovered, quiet.notice) == (True, None)
        for at in (10, 400, 900):
            row.fail(NOW + at * SECOND)
        loud = row.succeed()
        assert (loud.has_recovered, loud.notice) == (True, NoticeType.RECOVERED)
        assert loud.failing_since == NOW + 10 * SECOND
        assert (row.endpoint.failing_since, row.endpoint.failing_reported_at) == (None, None)
        assert row.succeed() is WELL


class TestDisabling:
    def test_after_five_days_of_nothing_but_failures(self) -> None:
        row = Row()
        for at in (0, 1, 2, 3, 4):
            assert not row.fail(NOW + at * DAY).disable_reason
        last = row.fail(NOW + 5 * DAY)
        assert last.disable_reason == "nothing but failures for 5 days; the last: answered 500"
        assert last.notice is NoticeType.DISABLED

    def test_a_success_in_between_begins_the_time_anew(self) -> None:
        row = Row()
        for at in (0, 1, 2, 3, 4):
            row.fail(NOW + at * DAY)
        row.succeed()
        assert not row.fail(NOW + 5 * DAY).disable_reason
        assert not row.fail(NOW + 9 * DAY).disable_reason

    def test_not_on_two_attempts_however_far_apart(self) -> None:
        row = Row(WebhookSettings(disable_after_seconds=600))
        row.fail(NOW)
        assert not row.fail(NOW + DAY).disable_reason
        assert row.fail(NOW + DAY + 1).disable_reason

    def test_never_with_0(self) -> None:
        row = Row(WebhookSettings(disable_after_seconds=0))
        assert not any(row.fail(NOW + at * DAY).disable_reason for at in range(40))

    def test_410_does_so_at_once_and_is_told(self) -> None:
        verdict = Row().fail(NOW, answer=Answer(status=410, error="answered 410"))
        assert verdict.disable_reason == "the receiver answered 410 Gone"
        assert verdict.notice is NoticeType.DISABLED

    def test_who_enables_it_begins_anew_and_others_hear_of_the_recovery(self) -> None:
        row = Row()
        for at in range(6):
            row.fail(NOW + at * DAY)
        assert not row.endpoint.is_enabled
        row.endpoint = enable(row.endpoint)
        assert row.endpoint.is_enabled
        assert not row.fail(NOW + 20 * DAY).disable_reason
        assert row.succeed().notice is NoticeType.RECOVERED

    def test_a_pause_is_no_fault(self) -> None:
        paused = pause(make_endpoint())
        assert (paused.is_enabled, paused.is_paused) == (False, True)
        assert enable(paused) == make_endpoint()


class TestWhatCounts:
    """Only time in which attempts failed makes an endpoint a failing one."""

    def test_a_server_that_was_off_for_six_days(self) -> None:
        row = Row()
        row.fail(NOW)
        row.fail(NOW + MINUTE)
        back = NOW + 6 * DAY
        verdicts = [row.fail(back + at * MINUTE, due_at=NOW + 2 * MINUTE) for at in range(4)]
        assert [one.notice for one in verdicts] == [None] * 4
        assert row.endpoint.failing_ms == 4 * MINUTE
        # Since when it fails is told as it was.
        assert row.endpoint.failing_since == NOW

    def test_a_server_that_was_off_for_half_a_day(self) -> None:
        row = Row()
        for at in range(9):
            row.fail(NOW + at * MINUTE)
        assert row.fail(NOW + DAY // 2, due_at=NOW + 9 * MINUTE).notice is None
        assert row.endpoint.failing_ms == 9 * MINUTE

    def test_a_wait_between_attempts_counts(self) -> None:
        row = Row()
        for at in range(3):
            row.fail(NOW + at * DAY, due_at=NOW + at * DAY - MINUTE)
        assert row.endpoint.failing_ms == 2 * DAY

    def test_messages_that_waited_for_others_count(self) -> None:
        row = Row()
        for at in range(0, 60, 5):
            row.fail(NOW + at * MINUTE, due_at=NOW - DAY)
        assert row.endpoint.failing_ms == 55 * MINUTE

    def test_a_rest_that_the_receiver_asked_for_counts(self) -> None:
        row = Row()
        for at in range(3):
            now = NOW + at * DAY
            failure = Failure(
                at=now, due_at=NOW - DAY, rests_until=now + DAY, longest_wait_ms=LONGEST_WAIT
            )
            row.endpoint = kept(row.endpoint, WELL, failure)
        assert row.endpoint.failing_until == NOW + 3 * DAY
        row.fail(NOW + 3 * DAY + MINUTE, due_at=NOW - DAY)
        assert row.endpoint.failing_ms == MINUTE
        assert row.endpoint.failing_until == NOW + 3 * DAY + MINUTE

    def test_two_clocks_that_differ_count_no_time_twice(self) -> None:
        for skew in (20 * SECOND, 5 * MINUTE, HOUR, DAY, 3 * DAY, 30 * DAY):
            row = Row()
            for at in range(0, 120, 2):
                row.fail(NOW + at * MINUTE)
                ahead = NOW + (at + 1) * MINUTE + skew
                row.fail(ahead, due_at=NOW + at * MINUTE)
                row.fail(ahead, due_at=ahead)
            assert row.endpoint.failing_ms <= 2 * HOUR + min(skew, LONGEST_WAIT), skew


class TestClockJumps:
    def test_ten_years_ahead_make_no_ten_years_of_failures(self) -> None:
        row = Row()
        for at in (0, 10, 20):
            row.fail(NOW + at * SECOND)
        later = NOW + 3_650 * DAY
        for at in range(5):
            verdict = row.fail(later + at * SECOND)
            assert (verdict.disable_reason, verdict.notice) == ("", None)
        assert row.fail(later + 600 * SECOND).notice is NoticeType.FAILING

    def test_ten_years_back_do_not_stop_the_count_for_ten_years(self) -> None:
        row = Row()
        for at in (0, 10, 20):
            row.fail(NOW + at * SECOND)
        before = NOW - 3_650 * DAY
        told = [row.fail(before + at * SECOND).notice for at in (0, 300, 600, 900)]
        assert told == [None, None, NoticeType.FAILING, None]
        assert row.endpoint.failing_since == before

    def test_a_row_of_a_version_that_did_not_count(self) -> None:
        row = Row()
        row.endpoint = replace(row.endpoint, failing_since=NOW - 4 * DAY)
        for at in (0, 1, 2):
            assert not row.fail(NOW + at * MINUTE).disable_reason
        assert row.endpoint.failing_since == NOW - 4 * DAY

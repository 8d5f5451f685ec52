from __future__ import annotations

from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import DAY, SECOND, Instant
from parcelwire.webhooks.notices import NoticeType
from parcelwire.webhooks.schedule import Answer
from parcelwire.webhooks.settings import WebhookSettings
from parcelwire.webhooks.standing import WELL, Verdict, Watch, enable, pause
from tests.unit.webhooks.builders import NOW, make_endpoint

SETTINGS = WebhookSettings()
BROKEN = Answer(status=500, error="answered 500")


class Row:
    """An endpoint's row, kept as the store keeps it, and a watch that judges by it."""

    def __init__(self, settings: WebhookSettings = SETTINGS) -> None:
        self.settings = settings
        self.watch = Watch(settings)
        self.endpoint = make_endpoint()

    def restart(self) -> None:
        self.watch = Watch(self.settings)

    def fail(self, now: Instant, *, tries: int = 1, answer: Answer = BROKEN) -> Verdict:
        verdict = self.watch.judge_failure(self.endpoint, answer, tries=tries, now=now)
        self.endpoint = kept(self.endpoint, verdict)
        return verdict

    def succeed(self, now: Instant) -> Verdict:
        verdict = self.watch.judge_success(self.endpoint, now)
        self.endpoint = kept(self.endpoint, verdict)
        return verdict


def kept(endpoint: Endpoint, verdict: Verdict) -> Endpoint:
    if verdict.has_recovered:
        return replace(endpoint, failing_since=None, failing_told_at=None)
    since = endpoint.failing_since
    if verdict.failing_since is not None:
        since = verdict.failing_since if since is None else min(since, verdict.failing_since)
    return replace(
        endpoint,
        failing_since=since,
        failing_told_at=verdict.told_at or endpoint.failing_told_at,
        is_enabled=endpoint.is_enabled and not verdict.disable_why,
        disabled_why=verdict.disable_why or endpoint.disabled_why,
    )


class TestFailing:
    def test_it_is_told_once_after_the_time_and_three_attempts(self) -> None:
        row = Row()
        told = [row.fail(NOW + at * SECOND).notice for at in (0, 599, 600, 601, 9_000)]
        assert told == [None, None, NoticeType.FAILING, None, None]
        assert (row.endpoint.failing_since, row.endpoint.failing_told_at) == (
            NOW,
            NOW + 600 * SECOND,
        )

    def test_two_attempts_are_not_enough(self) -> None:
        row = Row()
        told = [row.fail(NOW + at * SECOND).notice for at in (0, 3_600, 3_601)]
        assert told == [None, None, NoticeType.FAILING]

    def test_a_message_tried_by_other_workers_counts_as_well(self) -> None:
        row = Row()
        assert row.fail(NOW).notice is None
        row.restart()
        assert row.fail(NOW + 700 * SECOND, tries=3).notice is NoticeType.FAILING

    def test_a_restart_does_not_tell_again(self) -> None:
        row = Row()
        for at in (0, 300, 600):
            row.fail(NOW + at * SECOND)
        row.restart()
        assert [row.fail(NOW + at * SECOND).notice for at in range(700, 705)] == [None] * 5

    def test_what_was_claimed_before_it_was_told_does_not_tell_again(self) -> None:
        row = Row()
        claimed = row.endpoint
        for at in (0, 300, 600):
            row.fail(NOW + at * SECOND)
        verdict = row.watch.judge_failure(claimed, BROKEN, tries=1, now=NOW + 601 * SECOND)
        assert (verdict.notice, verdict.failing_since) == (None, NOW)

    def test_who_could_not_be_told_is_told_the_next_time(self) -> None:
        row = Row()
        for at in (0, 300):
            row.fail(NOW + at * SECOND)
        row.watch.judge_failure(row.endpoint, BROKEN, tries=1, now=NOW + 600 * SECOND)
        row.watch.forget_telling(row.endpoint.id)
        assert row.fail(NOW + 601 * SECOND).notice is NoticeType.FAILING


class TestRecovered:
    def test_a_success_clears_the_row_and_is_told_only_where_the_failure_was(self) -> None:
        row = Row()
        assert row.succeed(NOW) is WELL
        row.fail(NOW)
        quiet = row.succeed(NOW + SECOND)
        assert (quiet.has_recovered, quiet.notice) == (True, None)
        for at in (10, 400, 900):
            row.fail(NOW + at * SECOND)
        loud = row.succeed(NOW + 901 * SECOND)
        assert (loud.has_recovered, loud.notice) == (True, NoticeType.RECOVERED)
        assert loud.failing_since == NOW + 10 * SECOND
        assert (row.endpoint.failing_since, row.endpoint.failing_told_at) == (None, None)
        assert row.succeed(NOW + 902 * SECOND) is WELL

    def test_one_claimed_before_does_not_recover_a_second_time(self) -> None:
        row = Row()
        for at in (0, 400, 900):
            row.fail(NOW + at * SECOND)
        claimed = row.endpoint
        assert row.succeed(NOW + 901 * SECOND).notice is NoticeType.RECOVERED
        assert row.watch.judge_success(claimed, NOW + 902 * SECOND) is WELL

    def test_a_failure_claimed_before_begins_a_new_stretch(self) -> None:
        row = Row()
        for at in (0, 400, 900):
            row.fail(NOW + at * SECOND)
        claimed = row.endpoint
        row.succeed(NOW + 901 * SECOND)
        verdict = row.watch.judge_failure(claimed, BROKEN, tries=9, now=NOW + 902 * SECOND)
        assert (verdict.failing_since, verdict.notice) == (NOW + 902 * SECOND, None)

    def test_a_success_claimed_before_others_failed_clears_what_they_noted(self) -> None:
        row = Row()
        claimed = row.endpoint
        row.fail(NOW)
        assert row.watch.judge_success(claimed, NOW + SECOND).has_recovered


class TestDisabling:
    def test_after_five_days_of_nothing_but_failures(self) -> None:
        row = Row()
        for at in (0, 1, 2, 3, 4):
            assert not row.fail(NOW + at * DAY).disable_why
        last = row.fail(NOW + 5 * DAY)
        assert last.disable_why == "nothing but failures for 5 days; the last: answered 500"
        assert last.notice is NoticeType.DISABLED

    def test_a_success_in_between_begins_the_time_anew(self) -> None:
        row = Row()
        for at in (0, 1, 2, 3, 4):
            row.fail(NOW + at * DAY)
        row.succeed(NOW + 4 * DAY + 1)
        assert not row.fail(NOW + 5 * DAY).disable_why
        assert not row.fail(NOW + 9 * DAY).disable_why

    def test_not_on_two_attempts_however_far_apart(self) -> None:
        row = Row()
        row.fail(NOW)
        assert not row.fail(NOW + 400 * DAY).disable_why
        assert row.fail(NOW + 400 * DAY + 1).disable_why

    def test_never_with_0(self) -> None:
        row = Row(WebhookSettings(disable_after_seconds=0))
        assert not any(row.fail(NOW + at * DAY).disable_why for at in range(0, 4_000, 100))

    def test_410_does_so_at_once_and_is_told(self) -> None:
        verdict = Row().fail(NOW, answer=Answer(status=410, error="answered 410"))
        assert verdict.disable_why == "the receiver answered 410 Gone"
        assert verdict.notice is NoticeType.DISABLED

    def test_who_enables_it_begins_anew_and_others_hear_of_the_recovery(self) -> None:
        row = Row()
        for at in range(6):
            row.fail(NOW + at * DAY)
        assert not row.endpoint.is_enabled
        row.endpoint = enable(row.endpoint)
        assert row.endpoint.is_enabled
        assert not row.fail(NOW + 20 * DAY, tries=9).disable_why
        assert row.succeed(NOW + 20 * DAY + 1).notice is NoticeType.RECOVERED

    def test_a_pause_is_no_fault(self) -> None:
        paused = pause(make_endpoint())
        assert (paused.is_enabled, paused.is_paused) == (False, True)
        assert enable(paused) == make_endpoint()


class TestClockJumps:
    def test_ten_years_ahead_make_no_ten_years_of_failures(self) -> None:
        row = Row()
        for at in (0, 10, 20):
            row.fail(NOW + at * SECOND)
        later = NOW + 3_650 * DAY
        row.watch.distrust_time_before(later)
        for at in range(5):
            verdict = row.fail(later + at * SECOND)
            assert (verdict.disable_why, verdict.notice) == ("", None)
        assert row.fail(later + 600 * SECOND).notice is NoticeType.FAILING
        assert row.fail(later + 5 * DAY).disable_why

    def test_ten_years_back_do_not_stop_the_count_for_ten_years(self) -> None:
        row = Row()
        for at in (0, 10, 20):
            row.fail(NOW + at * SECOND)
        before = NOW - 3_650 * DAY
        row.watch.distrust_time_before(before)
        told = [row.fail(before + at * SECOND).notice for at in (0, 300, 600, 900)]
        assert told == [None, None, NoticeType.FAILING, None]
        assert row.endpoint.failing_since == before

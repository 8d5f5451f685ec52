"""How an endpoint stands: well, failing, to be switched off, recovered.

The endpoint's row keeps since when it fails and when others were told (``AttemptResult`` carries
both into the transaction that stores the attempt). What a worker read with a message can be older
than what it learned from the messages beside it, so ``Watch`` remembers what this process has seen
since and goes by whichever is newer.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, Instant
from parcelwire.webhooks.notices import NoticeType
from parcelwire.webhooks.schedule import GONE, Answer
from parcelwire.webhooks.settings import WebhookSettings

FEWEST_FAILURES = 3
"""So many failed attempts, at least, make an endpoint a failing one, however long they take."""

_REMEMBERED = 10_000


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt says about its endpoint."""

    failing_since: Instant | None = None
    told_at: Instant | None = None
    """Given: others are told now."""
    has_recovered: bool = False
    disable_why: str = ""
    notice: NoticeType | None = None


WELL = Verdict()


class _Seen(msgspec.Struct):
    failing_since: Instant | None = None
    told_at: Instant | None = None
    failures: int = 0
    recovered_at: Instant | None = None


class Watch:
    """Judges endpoints by their attempts. One per worker; knows no clock."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._failing_after = round(settings.failing_after_seconds * SECOND)
        self._disable_after = round(settings.disable_after_seconds * SECOND)
        self._seen: dict[str, _Seen] = {}
        self._trusted_from: Instant | None = None

    def distrust_time_before(self, now: Instant) -> None:
        """Count failing times from ``now`` on only: the clock has jumped.

        An endpoint that failed a minute ago by the old time has not failed for ten years.
        """
        self._trusted_from = now

    def judge_success(self, endpoint: Endpoint, now: Instant) -> Verdict:
        """Return what follows from a message that was taken."""
        seen = self._seen.get(endpoint.id)
        if endpoint.failing_since is None and endpoint.failing_told_at is None and seen is None:
            return WELL
        since, told_at = self._known(endpoint, seen, now)
        if since is None and told_at is None:
            return WELL
        self._remember(endpoint.id, _Seen(recovered_at=now))
        return Verdict(
            failing_since=since,
            has_recovered=True,
            notice=None if told_at is None else NoticeType.RECOVERED,
        )

    def judge_failure(
        self, endpoint: Endpoint, answer: Answer, *, tries: int, now: Instant
    ) -> Verdict:
        """Return what follows from a failed attempt; ``tries``: this message's, this one included.

        Several workers each count their own attempts; a message's own count is everybody's.
        """
        seen = self._seen.get(endpoint.id)
        since, told_at = self._known(endpoint, seen, now)
        since = now if since is None else since
        if seen is None or seen.failing_since is None:
            seen = _Seen(recovered_at=seen.recovered_at if seen else None)
            self._remember(endpoint.id, seen)
        seen.failing_since = since
        seen.told_at = told_at
        seen.failures += 1
        why = self._why_disable(answer, max(seen.failures, tries), self._length(since, now))
        if why:
            # Whoever enables it again begins anew, and so does the count.
            self._seen.pop(endpoint.id, None)
            return Verdict(
                failing_since=since, told_at=now, disable_why=why, notice=NoticeType.DISABLED
            )
        is_told = told_at is not None and told_at >= since
        if (
            is_told
            or max(seen.failures, tries) < FEWEST_FAILURES
            or self._length(since, now) < self._failing_after
        ):
            return Verdict(failing_since=since)
        seen.told_at = now
        return Verdict(failing_since=since, told_at=now, notice=NoticeType.FAILING)

    def forget_telling(self, endpoint_id: str) -> None:
        """Take back that others were told: they could not be."""
        if (seen := self._seen.get(endpoint_id)) is not None:
            seen.told_at = None

    def _why_disable(self, answer: Answer, failures: int, length: int) -> str:
        if answer.status == GONE:
            return "the receiver answered 410 Gone"
        if not self._disable_after or failures < FEWEST_FAILURES or length < self._disable_after:
            return ""
        return f"nothing but failures for {_in_words(length)}; the last: {answer.error}"

    def _known(
        self, endpoint: Endpoint, seen: _Seen | None, now: Instant
    ) -> tuple[Instant | None, Instant | None]:
        """Return since when it fails and when that was told, as far as anybody knows."""
        since, told_at = endpoint.failing_since, endpoint.failing_told_at
        if seen is not None:
            recovered_at = seen.recovered_at
            if recovered_at is not None and recovered_at <= now:
                # Read before it recovered.
                since = None if since is not None and since <= recovered_at else since
                told_at = None if told_at is not None and told_at <= recovered_at else told_at
            since = _earlier(since, seen.failing_since)
            told_at = _later(told_at, seen.told_at)
        if since is not None and since > now:
            since = now  # a clock that was set back
        if told_at is not None and told_at > now:
            told_at = now
        return since, told_at

    def _length(self, since: Instant, now: Instant) -> int:
        trusted = self._trusted_from
        if trusted is not None and trusted > now:
            trusted = self._trusted_from = now
        return now - max(since, trusted or 0)

    def _remember(self, endpoint_id: str, seen: _Seen) -> None:
        if len(self._seen) > _REMEMBERED:
            self._seen.clear()  # the endpoints' rows still know
        self._seen[endpoint_id] = seen


def enable(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint as its owner's switching it on leaves it: it begins anew.

    That others were told of a failure is kept, so that they hear of its recovery.
    """
    return replace(endpoint, is_enabled=True, is_paused=False, disabled_why="", failing_since=None)


def pause(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint as its owner's pausing leaves it: messages are kept and wait."""
    return replace(endpoint, is_enabled=False, is_paused=True, disabled_why="paused by its owner")


def _earlier(one: Instant | None, other: Instant | None) -> Instant | None:
    return other if one is None else one if other is None else min(one, other)


def _later(one: Instant | None, other: Instant | None) -> Instant | None:
    return other if one is None else one if other is None else max(one, other)


def _in_words(length: int) -> str:
    for unit, name in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if length >= 2 * unit:
            return f"{length // unit} {name}"
    return f"{length // SECOND} seconds"

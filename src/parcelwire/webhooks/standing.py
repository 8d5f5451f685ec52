"""How an endpoint stands: well, failing, to be switched off, recovered.

The endpoint's row keeps since when it fails and when others were told; what an attempt adds to it
is written in the transaction that stores the attempt (``webhooks.failing``). The functions here
judge by the row alone; nothing is remembered between two calls.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint, without_failures
from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, Instant
from parcelwire.webhooks.failing import FEWEST_FAILURES, note_failure
from parcelwire.webhooks.notices import NoticeType
from parcelwire.webhooks.ports import Failure
from parcelwire.webhooks.schedule import GONE, Answer
from parcelwire.webhooks.settings import WebhookSettings


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt says about its endpoint."""

    failing_since: Instant | None = None
    told_at: Instant | None = None
    """Given: others are told now."""
    has_recovered: bool = False
    disable_reason: str = ""
    disable_after_ms: int = 0
    """See ``AttemptResult``."""
    notice: NoticeType | None = None


WELL = Verdict()


def judge_success(endpoint: Endpoint) -> Verdict:
    """Return what follows from a message that was taken."""
    since, told_at = endpoint.failing_since, endpoint.failing_reported_at
    if since is None and told_at is None:
        return WELL
    return Verdict(
        failing_since=since,
        has_recovered=True,
        notice=None if told_at is None else NoticeType.RECOVERED,
    )


def judge_failure(
    endpoint: Endpoint, answer: Answer, failure: Failure, settings: WebhookSettings
) -> Verdict:
    """Return what follows from a failed attempt, which the row does not yet have."""
    after = note_failure(endpoint, failure)
    since, now = after.failing_since, failure.at
    if answer.status == GONE:
        why = "the receiver answered 410 Gone"
        return Verdict(
            failing_since=since, told_at=now, disable_reason=why, notice=NoticeType.DISABLED
        )
    if after.failing_count < FEWEST_FAILURES:
        return Verdict(failing_since=since)
    disable_after = round(settings.disable_after_seconds * SECOND)
    if 0 < disable_after <= after.failing_ms:
        length = _in_words(after.failing_ms)
        return Verdict(
            failing_since=since,
            told_at=now,
            disable_reason=f"nothing but failures for {length}; the last: {answer.error}",
            disable_after_ms=disable_after,
            notice=NoticeType.DISABLED,
        )
    told_at = after.failing_reported_at
    is_told = told_at is not None and since is not None and told_at >= since
    if is_told or after.failing_ms < round(settings.failing_after_seconds * SECOND):
        return Verdict(failing_since=since)
    return Verdict(failing_since=since, told_at=now, notice=NoticeType.FAILING)


def enable(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint as its owner's switching it on leaves it: it begins anew.

    That others were told of a failure is kept, so that they hear of its recovery.
    """
    return replace(without_failures(endpoint), is_enabled=True, is_paused=False, disabled_reason="")


def pause(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint as its owner's pausing leaves it: messages are kept and wait."""
    return replace(
        endpoint, is_enabled=False, is_paused=True, disabled_reason="paused by its owner"
    )


def _in_words(length: int) -> str:
    for unit, name in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if length >= 2 * unit:
            return f"{length // unit} {name}"
    return f"{length // SECOND} seconds"

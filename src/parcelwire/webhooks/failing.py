"""What attempts do to an endpoint's row: pure functions, the same for both stores and the worker.

    since ----- attempts fail ----- until      gap      this failure
      \\_______ failing_ms ________/  \\_ counted, or not _/

An endpoint is switched off for the time in which it failed, not for the time that passed. A gap
between two failures counts as failing when the second attempt came when it was due: then nothing
but the schedule lies in it. The part of a gap in which the message was due and nobody sent it (the
server was off, the clock jumped ahead, the endpoint was switched off) does not count, nor does a
gap longer than the schedule's longest wait, nor one that is negative because another worker's clock
is ahead. As every worker adds to the row only what lies beyond ``failing_until``, no time counts
twice.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from parcelwire.domain.account import Endpoint, without_failures
from parcelwire.domain.clock import MINUTE
from parcelwire.webhooks.ports import AttemptResult, Failure

FEWEST_FAILURES: Final = 3
"""So many failed attempts, at least, make an endpoint a failing one, however long they take."""

LATE_MS: Final = 10 * MINUTE
"""An attempt that is later than this was held up by more than other messages, or two clocks that
differ a little.
"""

_NOTED_EVERY_MS: Final = MINUTE


def note_failure(endpoint: Endpoint, failure: Failure) -> Endpoint:
    """Return an endpoint with one more failed attempt."""
    at = failure.at
    if endpoint.failing_since is None:
        return replace(
            endpoint,
            failing_since=at,
            failing_until=max(at, failure.rests_until),
            failing_ms=0,
            failing_count=1,
        )
    until = _until(endpoint, failure)
    gap = max(0, at - until)
    if gap > failure.longest_wait_ms:
        gap = 0
    late = at - max(until, failure.due_at)
    if late > LATE_MS:
        gap = max(0, gap - late)
    return replace(
        endpoint,
        failing_since=min(endpoint.failing_since, at),
        failing_until=max(until, at, failure.rests_until),
        failing_ms=endpoint.failing_ms + gap,
        failing_count=endpoint.failing_count + 1,
    )


def is_worth_noting(endpoint: Endpoint, failure: Failure) -> bool:
    """Tell whether a failure adds enough to the row that it is written.

    An endpoint may fail many times a second; its row need not be written as often.
    """
    return (
        endpoint.failing_since is None
        or endpoint.failing_count < FEWEST_FAILURES
        or endpoint.failing_until != (until := _until(endpoint, failure))
        or failure.at - until >= _NOTED_EVERY_MS
        or failure.rests_until - until >= _NOTED_EVERY_MS
    )


def note_result(endpoint: Endpoint, result: AttemptResult) -> Endpoint:
    """Return an endpoint with what an attempt says about it."""
    if result.has_recovered:
        endpoint = replace(without_failures(endpoint), failing_reported_at=None)
    if result.failure is not None:
        endpoint = note_failure(endpoint, result.failure)
    if result.disable_endpoint_reason and endpoint.failing_ms < result.disable_after_ms:
        # Meanwhile it recovered elsewhere, or its owner enabled it anew: nobody was told, either.
        return endpoint
    if result.failing_reported_at is not None:
        endpoint = replace(endpoint, failing_reported_at=result.failing_reported_at)
    if result.disable_endpoint_reason:
        endpoint = replace(
            endpoint,
            is_enabled=False,
            is_paused=False,
            disabled_reason=result.disable_endpoint_reason,
        )
    return endpoint


def says_something(result: AttemptResult) -> bool:
    """Tell whether an attempt's result changes its endpoint."""
    return bool(
        result.has_recovered
        or result.failure is not None
        or result.failing_reported_at is not None
        or result.disable_endpoint_reason
    )


def is_news(endpoint: Endpoint, result: AttemptResult) -> bool:
    """Tell whether a result's notices are news of an endpoint that stood like this before.

    Of two workers who come to the same conclusion only the first tells it.
    """
    told_at, since = endpoint.failing_reported_at, endpoint.failing_since
    if result.disable_endpoint_reason:
        return endpoint.is_enabled and not note_result(endpoint, result).is_enabled
    if result.has_recovered:
        return told_at is not None
    return told_at is None or (since is not None and told_at < since)


def _until(endpoint: Endpoint, failure: Failure) -> int:
    """Return up to when failures are noted, as far as this failure's clock can mean it."""
    until = endpoint.failing_until
    if until is None:  # noted by a version that did not keep it
        until = endpoint.failing_since or failure.at
    # Further ahead than any rest or wait: written by a clock that was set back since.
    return failure.at if until - failure.at > failure.longest_wait_ms else until

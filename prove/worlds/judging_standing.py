"""Whether endpoints were switched off when they had failed for days, and only then.

Judged by what receivers saw and owners did, not by what the endpoint's row says of its failures:

    reset ---- failure -- failure -- ... -- failure ----> off, or called again
     |          \\______ how long it failed _____/
     a success that was surely stored, or an owner's enabling
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from parcelwire.domain.clock import HOUR, MINUTE, SECOND
from parcelwire.webhooks.failing import FEWEST_FAILURES
from prove.worlds.ledger import Receipt, Span, Standing
from prove.worlds.process import Ground

GONE: Final = 410
RESTING: Final = frozenset({429, 502, 503, 504})
"""Answers after which an endpoint is left alone for a while, which counts for nothing."""
LONGEST_REST: Final = 30 * MINUTE
"""No simulated receiver asks for more."""
PROMPT: Final = 9 * MINUTE
"""What an attempt is later than this may not count: from ten minutes on, for the service."""
SLACK: Final = 2 * HOUR
"""By which two processes' times, and what is noted only now and then, may lengthen a failure."""
AROUND: Final = MINUTE
"""A death so near to an attempt may have swallowed what came of it."""


def judge_standing(ground: Ground, endpoint_id: str) -> list[str]:
    """Judge one endpoint over its whole life."""
    receipts = [one for one in ground.ledger.receipts if one.endpoint_id == endpoint_id]
    return [
        *_judge_seen(ground, endpoint_id, receipts),
        *_judge_called(ground, endpoint_id, receipts),
    ]


# -- switched off only when it failed for long enough ---------------------------------------------


def _judge_seen(ground: Ground, endpoint_id: str, receipts: list[Receipt]) -> list[str]:
    found = []
    seen = ground.ledger.standings[endpoint_id]
    for before, after in pairwise([Standing(at=0, is_enabled=True), *seen]):
        if after.is_enabled or after.is_paused or not before.is_enabled:
            continue
        since = _last_reset(ground, endpoint_id, receipts, after.at)
        failed = [one for one in receipts if since <= _end(one) <= after.at and not _is_well(one)]
        if any(one.status == GONE for one in failed):
            continue
        length = _longest_failure(ground, failed)
        if len(failed) < FEWEST_FAILURES or length < _disable_after(ground):
            found.append(
                f"endpoint {endpoint_id} was found switched off at {after.at} ({after.why}), after"
                f" {len(failed)} failures in {length / HOUR:.1f} hours, since {since}"
            )
    return found


def _last_reset(ground: Ground, endpoint_id: str, receipts: list[Receipt], until: int) -> int:
    """Return from when on failures count, at the earliest, for what stood at ``until``."""
    since = 0
    for one in receipts:
        if _end(one) <= until and _is_well(one) and not _is_doubtful(ground, one.at, _end(one)):
            # What failed while it was under way may have been noted after it.
            since = max(since, one.at - round(ground.webhooks.lease_seconds * SECOND))
    for span in ground.ledger.enablings[endpoint_id]:
        if span.start < until:  # whoever enables an endpoint has looked at it at that very moment
            since = max(since, span.start)
    return since


def _longest_failure(ground: Ground, failed: list[Receipt]) -> int:
    """Return for how long, at most, an endpoint can be said to have failed."""
    length = SLACK
    for before, after in pairwise(failed):
        gap = _end(after) - _end(before)
        jumps = [abs(by) for at, by in ground.ledger.jumps if before.at <= at <= _end(after)]
        # A wait that no schedule makes was no failing: nobody called.
        if jumps or gap <= _longest_wait(ground):
            length += gap + sum(jumps)
    return length


# -- switched off always when it failed for long enough -------------------------------------------


def _judge_called(ground: Ground, endpoint_id: str, receipts: list[Receipt]) -> list[str]:
    """No endpoint is called again that has surely failed for as long as it takes."""
    changes = [*ground.ledger.enablings[endpoint_id], *ground.ledger.pausings[endpoint_id]]
    length, count = 0, 0
    over: Receipt | None = None
    before: Receipt | None = None
    for one in receipts:
        if before is not None and _was_changed(changes, before, one):
            length, count, over, before = 0, 0, None, None
        if _is_well(one):
            length, count, over, before = 0, 0, None, None
            continue
        if over is not None and one.at > _end(over) + HOUR:
            return [
                f"endpoint {endpoint_id} was called at {one.at}, after {count} failures and nothing"
                f" else for {length / HOUR:.1f} hours, up to {_end(over)}"
            ]
        count += 1
        if before is not None:
            length += _sure_gap(ground, endpoint_id, receipts, before, one)
        is_over = length > _disable_after(ground) and count >= FEWEST_FAILURES
        if over is None and is_over and not _is_doubtful(ground, one.at, _end(one)):
            over = one
        before = one
    return []


def _sure_gap(
    ground: Ground, endpoint_id: str, receipts: list[Receipt], before: Receipt, after: Receipt
) -> int:
    """Return how much of the time between two failures was surely failing."""
    start, end = _end(before), _end(after)
    if end <= start or end - start > _longest_wait(ground) - PROMPT:
        return 0
    if _is_doubtful(ground, before.at, end) or _has_jump(ground, before.at, end):
        return 0
    late = _lateness(ground, endpoint_id, receipts, after)
    if late is None:
        return 0
    waited = late if late > PROMPT else 0
    return max(0, end - start - waited - (LONGEST_REST if before.status in RESTING else 0))


def _lateness(
    ground: Ground, endpoint_id: str, receipts: list[Receipt], receipt: Receipt
) -> int | None:
    """Return by how much, at most, an attempt came later than it was due; None: nobody knows."""
    ledger, settings = ground.ledger, ground.webhooks
    earlier = [
        one for one in receipts if one.message_id == receipt.message_id and one.at < receipt.at
    ]
    if not earlier:
        return receipt.at - ledger.made_at[receipt.message_id]
    first, last = earlier[0].at, earlier[-1]
    is_replayed = any(
        one == endpoint_id and span.start <= receipt.at and (span.end is None or span.end >= first)
        for span, one in ledger.replays
    )
    if is_replayed or any(first <= at <= receipt.at for at in ledger.deaths):
        return None
    plain = settings.retry_base_seconds * (1 << (len(earlier) - 1))
    wait = round(min(plain, settings.longest_delay_seconds) * SECOND)
    return receipt.at - _end(last) - wait


def _was_changed(changes: list[Span], before: Receipt, after: Receipt) -> bool:
    return any(
        span.start <= _end(after) and (span.end is None or span.end >= before.at)
        for span in changes
    )


# -- both -----------------------------------------------------------------------------------------


def _is_well(receipt: Receipt) -> bool:
    return 200 <= receipt.status < 300


def _end(receipt: Receipt) -> int:
    return receipt.at if receipt.ended_at is None else receipt.ended_at


def _is_doubtful(ground: Ground, start: int, end: int) -> bool:
    """Tell whether what came of an attempt in that time may not have been stored."""
    return any(start <= at <= end + AROUND for at in ground.ledger.deaths) or any(
        since <= end + AROUND and start <= until for since, until in ground.plan.full_disks
    )


def _has_jump(ground: Ground, start: int, end: int) -> bool:
    # A clock that is put right by a second changes nothing here, every four hours.
    jumps = [by for at, by in ground.ledger.jumps if start <= at <= end]
    return sum(map(abs, jumps)) > MINUTE or any(
        since <= end and start <= until for since, until in ground.ledger.wrong_clocks
    )


def _longest_wait(ground: Ground) -> int:
    settings = ground.webhooks
    return round(settings.longest_delay_seconds * (1 + settings.jitter) * SECOND) + 10 * MINUTE


def _disable_after(ground: Ground) -> int:
    return round(ground.webhooks.disable_after_seconds * SECOND)

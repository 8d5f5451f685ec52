"""When to ask about a parcel again, and the sentence that says why then. Pure.

The nearer a parcel is to its recipient the more often it is asked about; a silent one ever less
often; a finished one
never. Nights in the carrier's home zone are left out, because nothing is scanned then. Every time
carries its reason, so
that "why has nothing happened?" has an answer.
"""

from __future__ import annotations

import zlib
from datetime import timedelta
from zoneinfo import ZoneInfo

from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, Instant, from_datetime, to_datetime
from parcelwire.domain.merge import quiet_since
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import CarrierPolicy, PollState

NO_WAY_INTERVAL = 6 * HOUR
"""How often a tracking nobody can ask about looks whether there is a way now."""

_STOPPED = {
    "final": "finished: not asked any more",
    "expired": "expired: not asked any more",
    "invalid_number": "the carrier says no such number exists: not asked any more",
    "by_user": "stopped by request",
}


class PollPlanner:
    """Implements ``tracking.ports.Planner``."""

    def __init__(self, speed: float = 1.0) -> None:
        """``speed`` divides every interval: for demonstrations and tests against local servers."""
        self._speed = speed

    def first(self, tracking: Tracking, policy: CarrierPolicy | None, now: Instant) -> PollState:
        """Ask a new tracking at once, or look later when nobody can ask its courier."""
        if tracking.is_stopped:
            return PollState(due_at=None, due_reason=_stopped(tracking))
        if policy is None:
            return PollState(due_at=now + NO_WAY_INTERVAL, due_reason=_no_way(tracking))
        return PollState(due_at=now, due_reason="new: asked at once")

    def after(
        self,
        tracking: Tracking,
        before: PollState,
        policy: CarrierPolicy | None,
        report: CarrierReport,
        now: Instant,
    ) -> PollState:
        """Return the poll state after ``report``."""
        is_answer = report.outcome not in {Outcome.NO_CONNECTION, Outcome.UNAVAILABLE}
        due_at, reason = self._due(tracking, before, policy, report, now)
        return PollState(
            due_at=due_at,
            due_reason=reason,
            checked_at=now if is_answer else before.checked_at,
            last_outcome=report.outcome,
            last_detail=report.detail[:300],
            checks=before.checks + 1,
        )

    def _due(
        self,
        tracking: Tracking,
        before: PollState,
        policy: CarrierPolicy | None,
        report: CarrierReport,
        now: Instant,
    ) -> tuple[Instant | None, str]:
        if tracking.is_stopped:
            return None, _stopped(tracking)
        if policy is None or report.outcome is Outcome.NO_CONNECTION:
            return now + NO_WAY_INTERVAL, _no_way(tracking)
        if report.outcome is Outcome.RATE_LIMITED:
            return _named(report, now) or now + 2 * MINUTE, "the carrier asked us to wait"
        if report.outcome is Outcome.UNAVAILABLE:
            # The carrier's pause is the back-off. The second time, it may be this number alone.
            is_again = before.last_outcome == Outcome.UNAVAILABLE
            return (
                _named(report, now) or now + (15 if is_again else 1) * MINUTE,
                "the carrier is out of order: again when it is back",
            )
        if report.outcome is Outcome.AUTH_FAILED:
            return now + HOUR, "the carrier refused the connection's credentials"
        checks = before.checks + 1
        interval, reason = _interval(tracking, now)
        if report.outcome is Outcome.NOT_UNDERSTOOD:
            interval = max(interval, 2 * HOUR)
            reason = "the carrier's last answer was not understood: again in a while"
        interval = max(interval, policy.min_interval_seconds * SECOND)
        speed = max(self._speed, policy.time_scale)
        if speed != 1.0:
            return now + max(SECOND // 4, round(interval / speed)), reason
        due_at = now + interval + _spread(tracking.id, checks, interval // 10)
        awake_at = _after_quiet_hours(due_at, policy)
        if awake_at != due_at:
            due_at = awake_at + abs(_spread(tracking.id, checks, 30 * MINUTE))
            reason += "; after the carrier's night"
        return due_at, reason


def _named(report: CarrierReport, now: Instant) -> Instant | None:
    """Return the time that the carrier named for the next question, within a day from now."""
    if report.retry_at is None:
        return None
    return max(now + SECOND, min(report.retry_at, now + DAY))


def _interval(tracking: Tracking, now: Instant) -> tuple[int, str]:
    silence = now - quiet_since(tracking)
    if tracking.status in (Status.PENDING, Status.NOTFOUND):
        if silence < DAY:
            return 2 * HOUR, "not known to the carrier yet: every 2 hours on the first day"
        if silence < 4 * DAY:
            return 4 * HOUR, "not known to the carrier yet: every 4 hours"
        return 12 * HOUR, "not known to the carrier for days: twice a day"
    if tracking.substatus is Substatus.PICKUP_OUT_FOR_DELIVERY and silence < DAY:
        return 30 * MINUTE, "out for delivery: every 30 minutes"
    if tracking.status is Status.PICKUP:
        return 4 * HOUR, "waiting for collection: every 4 hours"
    if tracking.status is Status.UNDELIVERED:
        return 2 * HOUR, "delivery failed: every 2 hours"
    if tracking.substatus is Substatus.EXCEPTION_RETURNING:
        return 12 * HOUR, "on its way back: twice a day"
    if tracking.status is Status.EXCEPTION:
        return 6 * HOUR, "in trouble: every 6 hours"
    if _is_promised_today(tracking, now) or (
        tracking.substatus is Substatus.TRANSIT_AT_DELIVERY_FACILITY and silence < DAY
    ):
        return HOUR, "close to delivery: every hour"
    if silence < 3 * DAY:
        return 4 * HOUR, "on its way: every 4 hours"
    if silence < 10 * DAY:
        return 8 * HOUR, "no news for days: every 8 hours"
    return DAY, "no news for long: once a day"


def _is_promised_today(tracking: Tracking, now: Instant) -> bool:
    promise = tracking.promise
    if promise is None:
        return False
    today = to_datetime(now).date().isoformat()
    return promise.earliest[:10] <= today <= promise.latest[:10]


def _spread(tracking_id: str, checks: int, width: int) -> int:
    """Return a figure within ±width that differs from parcel to parcel but not from run to run."""
    if width <= 0:
        return 0
    return zlib.crc32(f"{tracking_id}:{checks}".encode()) % (2 * width) - width


def _after_quiet_hours(due_at: Instant, policy: CarrierPolicy) -> Instant:
    start, end = policy.quiet_from_hour, policy.quiet_to_hour
    if start == end:
        return due_at
    local = to_datetime(due_at).astimezone(ZoneInfo(policy.home_zone))
    is_quiet = start <= local.hour < end if start < end else local.hour >= start or local.hour < end
    if not is_quiet:
        return due_at
    morning = local.replace(hour=end, minute=0, second=0, microsecond=0)
    if morning <= local:
        morning += timedelta(days=1)
    return from_datetime(morning)


def _stopped(tracking: Tracking) -> str:
    return _STOPPED.get(tracking.stopped_reason or "", "stopped")


def _no_way(tracking: Tracking) -> str:
    return f"no connection to {tracking.courier_code} is configured: looked at again in 6 hours"

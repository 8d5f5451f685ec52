"""What follows from one attempt: delivered, tried again then, given up, or endpoint switched off.

Pure. The waits begin with TrackingMore's: 30 s x 2^(k-1) before retry k up to the fourteenth
attempt.
Its two published texts disagree by one step from the eighth attempt on; this is the one that gives
a receiver more time. Those fourteen end after 2.8 days, so there is a fifteenth, after the longest
wait once more: a receiver that is down over a long weekend misses nothing. How answers are read
follows Standard Webhooks: any 2xx is success, everything
else is not (a redirect included, which is never followed), 410 switches the endpoint off, and
``Retry-After`` is heeded.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

import msgspec

from parcelwire.domain.clock import SECOND, Instant, from_datetime
from parcelwire.webhooks.ports import (
    Attempt,
    AttemptResult,
    Message,
    MessageState,
    is_success,
)
from parcelwire.webhooks.settings import WebhookSettings

RandomShare = Callable[[], float]
"""A random source: each call gives a number from 0 up to but not including 1."""

GONE = 410
MAY_SAY_WHEN = frozenset({429, 503})
"""Answers whose ``Retry-After`` is heeded."""
OVERLOADED = frozenset({429, 502, 503, 504})
"""Answers that mean "slower": the whole endpoint is left alone for a while, not the message only.
"""


class Answer(msgspec.Struct, kw_only=True):
    """What a receiver answered. ``status`` 0: nothing did, and ``error`` says why."""

    status: int
    error: str = ""
    body: str = ""
    """The start of the answer's body, for the attempt log."""
    retry_after: str | None = None
    """The header as it came."""
    duration_ms: int = 0

    @property
    def is_success(self) -> bool:
        """Any 2xx."""
        return is_success(self.status)


def retry_delay_seconds(retry: int, settings: WebhookSettings, random: RandomShare) -> float:
    """Return the wait before retry number ``retry`` (1, 2, 3 ...), jitter included.

    Jitter only ever lengthens: a receiver can rely on no retry coming earlier than the table says.
    """
    # Beyond 2^40 the cap has long decided; a float would overflow at 2^1024.
    plain = settings.retry_base_seconds * (1 << min(retry - 1, 40))
    return min(plain, settings.longest_delay_seconds) * (1 + settings.jitter * random())


def read_retry_after(value: str | None, now: Instant) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for (RFC 9110 section 10.2.3).

    Both forms are read, whole seconds and an HTTP date. None when there is none or it makes no
    sense; 0 when the date has passed.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        # "-0000" and the old forms without a zone are UTC too: HTTP knows no other.
        moment = moment.replace(tzinfo=UTC)
    try:
        return max(0.0, (from_datetime(moment) - now) / SECOND)
    except (OverflowError, ValueError, OSError):
        return None


def rest_seconds(answer: Answer, now: Instant, settings: WebhookSettings) -> float:
    """Return for how long the whole endpoint is to be left alone after ``answer``; mostly 0."""
    if answer.status not in OVERLOADED:
        return 0.0
    asked = None
    if answer.status in MAY_SAY_WHEN:
        asked = read_retry_after(answer.retry_after, now)
    wait = settings.retry_base_seconds if asked is None else asked
    return min(wait, settings.longest_delay_seconds)


def decide(
    message: Message,
    answer: Answer,
    *,
    attempt_id: str,
    started_at: Instant,
    now: Instant,
    settings: WebhookSettings,
    random: RandomShare,
) -> AttemptResult:
    """Return the attempt and what follows from it. ``now`` is when the answer was complete."""
    attempt = Attempt(
        id=attempt_id,
        message_id=message.id,
        at=started_at,
        duration_ms=answer.duration_ms,
        status=answer.status,
        error=answer.error,
        response_body=answer.body,
    )
    if answer.is_success:
        return AttemptResult(attempt=attempt, state=MessageState.DELIVERED)
    if answer.status == GONE:
        # Not dead: it waits, as all later ones do, for the day the endpoint is enabled again.
        return AttemptResult(
            attempt=attempt,
            state=MessageState.PENDING,
            next_at=now,
            disable_endpoint_reason="the receiver answered 410 Gone",
        )
    tries = message.attempts + 1
    if tries >= settings.max_attempts:
        return AttemptResult(attempt=attempt, state=MessageState.DEAD)
    delay = retry_delay_seconds(tries, settings, random)
    if answer.status in MAY_SAY_WHEN:
        asked = read_retry_after(answer.retry_after, now) or 0.0
        # It says when to come back at the earliest; a schedule that waits longer satisfies it too.
        delay = max(delay, min(asked, settings.longest_delay_seconds))
    return AttemptResult(
        attempt=attempt,
        state=MessageState.PENDING,
        next_at=now + round(delay * SECOND),
    )

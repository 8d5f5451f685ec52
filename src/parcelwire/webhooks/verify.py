"""Check that a webhook came from Parcelwire, and that it was not played again: for receivers.

Works in the light install (``pip install parcelwire``) and imports nothing but the standard library
beside ``parcelwire.signatures``.

    import time
    from parcelwire.webhooks import verify

    seen = verify.SeenIds()

    def receive(body: bytes, headers: dict[str, str]) -> int:
        now = time.time()
        try:
            delivery = verify.verify_standard(body, headers, SECRET, now=now)
        except verify.VerificationError:
            return 400
        if seen.is_new(delivery.message_id, now=now):
            ...  # store it, then
            seen.add(delivery.message_id, now=now)
        return 204

``verify_standard`` checks Standard Webhooks' signature, which all of Parcelwire's messages have;
``verify_v4`` and ``verify_v2`` check TrackingMore's. All three refuse a message whose signed time
is more than ``tolerance_seconds`` away; within that time, ``SeenIds`` tells a message that was seen
before, be it Parcelwire's own repetition or somebody else's.
"""

from __future__ import annotations

from collections import OrderedDict

from parcelwire.signatures.verify import (
    TOLERANCE_SECONDS,
    Delivery,
    MissingSignatureError,
    StaleTimestampError,
    VerificationError,
    WrongSignatureError,
    verify_standard,
    verify_v2,
    verify_v4,
)

__all__ = [
    "TOLERANCE_SECONDS",
    "Delivery",
    "MissingSignatureError",
    "SeenIds",
    "StaleTimestampError",
    "VerificationError",
    "WrongSignatureError",
    "verify_standard",
    "verify_v2",
    "verify_v4",
]


class SeenIds:
    """Remembers message ids in this process, bounded in time and number.

    Retries of one message come for up to 4.3 days, and a receiver of several processes needs a
    memory that they share: keep the ids in your database then (a unique column, written in the
    transaction that handles the message), and use this for one process or in tests.
    """

    def __init__(self, *, keep_seconds: float = 432_000, most: int = 100_000) -> None:
        """Keep ids for ``keep_seconds``, the newest ``most`` at most.

        Raises:
            ValueError: when one of the two is not positive.
        """
        if not (keep_seconds > 0 and most > 0):
            msg = "keep_seconds and most must be more than 0"
            raise ValueError(msg)
        self._keep_seconds = keep_seconds
        self._most = most
        self._until: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def is_new(self, message_id: str, *, now: float) -> bool:
        """Tell whether this id was not added within the time.

        It is not added: do that once the message is stored, so that a crash between the two does
        not make the next try look like a repetition.
        """
        until = self._until.get(message_id)
        return until is None or until <= now

    def add(self, message_id: str, *, now: float) -> None:
        """Remember an id from ``now`` (seconds since 1970) on."""
        self._until.pop(message_id, None)
        self._until[message_id] = now + self._keep_seconds
        while self._until:
            oldest, until = next(iter(self._until.items()))
            if len(self._until) <= self._most and until > now:
                break
            del self._until[oldest]

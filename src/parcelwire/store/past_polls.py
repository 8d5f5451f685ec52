"""How both engines write down past polls: two dozen bytes each, the newest in front.

    trail  = record record ... record
    record = length of the words (1 byte), second since 1970 (4), milliseconds it took (2), words

Every poll writes one, so it is added by putting bytes before bytes, and what falls off the end is
cut by length: nothing is read, and no trail grows beyond ``LONGEST_TRAIL``. The words are the same
for most polls: they are made once and remembered, and the poll plan's own sentences are numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Final

import msgspec

from parcelwire.domain.clock import SECOND, Instant
from parcelwire.domain.report import Outcome
from parcelwire.tracking.ports import DEFERRED, PastPoll

LONGEST_WORDS: Final = 63
"""Bytes of the words of one past poll; most have 16."""

LONGEST_TRAIL: Final = 600
"""Bytes: 26 polls as most are, and 20 that brought a short word of trouble each. It is written with
every poll, so that twice as much would cost every poll a tenth of its time.
"""

LONGEST_DEFERRED: Final = 350
"""The same for polls that were deferred: five with the longest words."""

# The place in these lists is what is stored: add at the end, and change nothing.
_OUTCOMES: Final = (
    Outcome.FOUND,
    Outcome.UNKNOWN_NUMBER,
    Outcome.INVALID_NUMBER,
    Outcome.AUTH_FAILED,
    Outcome.RATE_LIMITED,
    Outcome.UNAVAILABLE,
    Outcome.NOT_UNDERSTOOD,
    Outcome.NO_CONNECTION,
    DEFERRED,
)
_SENTENCES: Final = (
    "new: asked at once",
    "asked for by hand or by a program",
    "not known to the carrier yet: every 2 hours on the first day",
    "not known to the carrier yet: every 4 hours",
    "not known to the carrier for days: twice a day",
    "out for delivery: every 30 minutes",
    "waiting for collection: every 4 hours",
    "delivery failed: every 2 hours",
    "on its way back: twice a day",
    "in trouble: every 6 hours",
    "close to delivery: every hour",
    "on its way: every 4 hours",
    "no news for days: every 8 hours",
    "no news for long: once a day",
    "the carrier asked us to wait",
    "the carrier is out of order: again when it is back",
    "the carrier refused the connection's credentials",
    "the carrier's last answer was not understood: again in a while",
    "waiting for its turn in the carrier's budget",
    "the carrier's budget was spent or it is paused: left to the plan",
    "waiting for its next turn in the carrier's budget",
)
_BEGINNINGS: Final = (
    "the carrier is paused: ",
    "its courier does not know it: ",
    "its answer could not be stored: ",
    "no connection to ",
)
_NIGHT: Final = "; after the carrier's night"

_OUTCOME_CODES: Final = {str(one): code for code, one in enumerate(_OUTCOMES)}
_CODES: Final = {
    text + night: code * 2 + is_night
    for code, text in enumerate(_SENTENCES)
    for is_night, night in enumerate(("", _NIGHT))
}
_TEXTS: Final = {code: text for text, code in _CODES.items()}

_HEAD: Final = Struct(">BIH")
_LATEST: Final = 2**32 - 1
_LONGEST_MS: Final = 2**16 - 1
"""A conversation is broken off long before."""


class _Words(msgspec.Struct, array_like=True):
    """What is the same for many polls."""

    outcome: int | str
    """A known one's place and, in the lowest bit, whether it was news; or its name."""
    connector: str = ""
    why: int | str = ""
    rest: str = ""
    detail: str = ""


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Words).decode


def encode_past(past: PastPoll | None) -> bytes:
    """Return what to put before a trail; nothing for None."""
    if past is None:
        return b""
    words = _words_of(past.outcome, past.has_changes, past.connector, past.reason, past.detail)
    seconds, duration_ms = past.at // SECOND, past.duration_ms
    if not (0 <= seconds <= _LATEST and 0 <= duration_ms <= _LONGEST_MS):
        seconds = min(max(0, seconds), _LATEST)
        duration_ms = min(max(0, duration_ms), _LONGEST_MS)
    return _HEAD.pack(len(words), seconds, duration_ms) + words


def encode_deferred(at: Instant | None, why: str) -> bytes:
    """Return what to put before the trail of polls that were deferred; nothing without a time."""
    return b"" if at is None else encode_past(PastPoll(at=at, outcome=DEFERRED, reason=why))


def decode_trails(trails: Sequence[bytes], limit: int) -> list[PastPoll]:
    """Return the newest ``limit`` past polls of some trails, newest first.

    The last record of a trail that was cut is passed over.
    """
    found = [past for trail in trails for past in _records(trail)]
    # Of those of one second, one trail's stay in their order.
    found.sort(key=lambda past: past.at, reverse=True)
    return found[:limit]


def _records(trail: bytes) -> list[PastPoll]:
    found, start = [], 0
    while start + _HEAD.size < len(trail):
        length, seconds, duration_ms = _HEAD.unpack_from(trail, start)
        begin = start + _HEAD.size
        start = begin + length
        if start > len(trail):
            break
        words = _decode(trail[begin:start])
        outcome, has_changes = _outcome_of(words.outcome)
        found.append(
            PastPoll(
                at=seconds * SECOND,
                outcome=outcome,
                duration_ms=duration_ms,
                connector=words.connector,
                has_changes=has_changes,
                reason=_lengthen(words.why, words.rest),
                detail=words.detail,
            )
        )
    return found


@lru_cache(maxsize=4_096)
def _words_of(outcome: str, has_changes: bool, connector: str, why: str, detail: str) -> bytes:
    place = _OUTCOME_CODES.get(outcome)
    code, rest = _shorten(why)
    words = _Words(
        outcome if place is None else place << 1 | has_changes,
        connector=connector,
        why=code,
        rest=rest,
        detail=detail,
    )
    texts = [name for name in words.__struct_fields__ if isinstance(getattr(words, name), str)]
    for name in texts:
        # Half surrogates have no bytes.
        text = getattr(words, name)[:LONGEST_WORDS].encode("utf-8", "replace").decode()
        setattr(words, name, text)
    while len(packed := _encode(words)) > LONGEST_WORDS:
        longest = max(texts, key=lambda name: len(getattr(words, name).encode()))
        text = getattr(words, longest).removesuffix("…")
        setattr(words, longest, text[: len(text) * 7 // 8 - 1] + "…")
    return packed


def _outcome_of(packed: int | str) -> tuple[str, bool]:
    if isinstance(packed, str):
        return packed, False
    return str(_OUTCOMES[packed >> 1]), bool(packed & 1)


def _shorten(why: str) -> tuple[int | str, str]:
    code = _CODES.get(why)
    if code is not None:
        return code, ""
    for place, beginning in enumerate(_BEGINNINGS):
        if why.startswith(beginning):
            return -1 - place, why[len(beginning) :]
    return why, ""


def _lengthen(code: int | str, rest: str) -> str:
    if isinstance(code, str):
        return code
    return _TEXTS[code] if code >= 0 else _BEGINNINGS[-1 - code] + rest

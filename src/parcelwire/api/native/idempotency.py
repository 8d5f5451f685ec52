"""Idempotency keys: a call that is sent again has its effect once and is answered the same bytes.

header Idempotency-Key --> Repeatable --once()--> store's write (effect and record: one commit)
                               |
sent again: the record is found, or AlreadyDoneError --> replay(): the recorded bytes, or a problem
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from parcelwire.api.native.problems import ProblemError
from parcelwire.domain.clock import Instant
from parcelwire.tracking.ports import IdempotencyRecord, Once

HEADER: Final = "idempotency-key"
REPLAYED: Final = "idempotency-replayed"
LONGEST: Final = 255

_PRINTABLE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?\Z")

_encode: Final = msgspec.json.Encoder().encode


class Repeatable:
    """One call that came with an idempotency key."""

    def __init__(self, world_id: int, key: str, fingerprint: bytes, at: Instant) -> None:
        """``fingerprint`` tells this call from others that came with the same key by mistake."""
        self.world_id = world_id
        self.key = key
        self.fingerprint = fingerprint
        self.at = at
        self.made: tuple[int, bytes] | None = None
        """Status and body as recorded with the effect, once the write has happened. None if it was
        refused.
        """
        self.secret = ""
        """What the answer tells and its recorded body leaves out."""

    def once(
        self,
        status: int,
        encode: Callable[[Any], Any],
        *,
        secret: str = "",
        had_effect: Callable[[Any], bool] = lambda _: True,
    ) -> Once:
        """Return what the store needs to make its write happen once; see ``Asked.once``."""
        self.secret = secret

        def answer(result: Any) -> tuple[int, bytes] | None:
            # A transaction that has to be tried again comes here again: the last one counts.
            self.made = None
            if isinstance(result, Exception):
                # The use case raises it, too. What is in the way may be gone the next time.
                return None
            shape = encode(result)
            if had_effect(shape):
                self.made = (status, b"" if shape is None else _encode(shape))
            return self.made

        return Once(
            world_id=self.world_id,
            key=self.key,
            fingerprint=self.fingerprint,
            at=self.at,
            answer=answer,
            secret=secret,
        )

    def replay(self, record: IdempotencyRecord) -> tuple[int, bytes]:
        """Return status and body of the first time.

        Raises:
            ProblemError: the key was used for another call.
        """
        if record.fingerprint != self.fingerprint:
            raise ProblemError(
                "idempotency-key-reused", "the key was sent before with another call or body"
            )
        self.secret = record.secret
        return record.status, record.body


def check_key(typed: str) -> str:
    """Return an idempotency key.

    Raises:
        ProblemError: it is empty, too long, or not of printable ASCII characters.
    """
    if len(typed) > LONGEST or not _PRINTABLE.match(typed):
        raise ProblemError(
            "invalid-idempotency-key", f"Idempotency-Key: 1 to {LONGEST} printable characters"
        )
    return typed


def fingerprint_of(method: str, path: str, query: bytes, body: bytes) -> bytes:
    """Return what tells a call from another: SHA-256 over its parts, each with its length."""
    made = hashlib.sha256()
    for part in (method.encode(), path.encode(), query, body):
        made.update(len(part).to_bytes(8) + part)
    return made.digest()

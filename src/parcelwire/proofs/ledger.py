"""What was promised and what came: the judge of the fault proofs, itself tested with planted
faults.

A shop was promised something when it was answered with success. It may find more than that: what
was stored before a server died and could no longer be acknowledged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec


class Receipt(msgspec.Struct, frozen=True):
    """One message as a receiver got it, in the order of arrival."""

    tracking_id: str
    sequence: int
    message_id: str
    endpoint: str = ""
    """Which of the receiver's endpoints it came to."""


class Ledger(msgspec.Struct):
    """Everything a fault run noted down."""

    acknowledged: set[str]
    """Ids of trackings whose creation was answered with success."""
    stored: set[str]
    """Ids of trackings that are in the store at the end."""
    last_sequences: dict[str, int]
    """Tracking id -> number of its last event, from the store at the end."""
    event_sequences: dict[str, list[int]]
    """Tracking id -> numbers of all its events, in the order of the events feed."""
    receipts: list[Receipt]
    endpoints: tuple[str, ...] = ("",)
    """Every endpoint that was to get all messages."""
    deleted: set[str] = set()
    """Ids of trackings whose deletion was answered with success."""
    doubtful: set[str] = set()
    """Ids of trackings whose deletion was asked for and not answered: they may be there or not."""
    allowed_notes: dict[str, set[str]] = {}
    """Tracking id -> what its note may be: the last one acknowledged, and those sent after it."""
    stored_notes: dict[str, str] = {}
    """Tracking id -> its note in the store at the end."""
    overlaps: list[str] = []
    """Requests of one (endpoint, tracking) that were under way at once, as the receiver saw it."""

    def violations(self) -> list[str]:
        """Return every broken promise, one line each."""
        return [
            *self._lost(),
            *self._gaps(),
            *self._disorder(),
            *self._missed(),
            *(f"overlap: {one}" for one in self.overlaps),
        ]

    @property
    def duplicates(self) -> int:
        """How many receipts repeated a message that had come before."""
        return len(self.receipts) - len(
            {(one.endpoint, one.tracking_id, one.sequence) for one in self.receipts}
        )

    def _lost(self) -> Iterable[str]:
        there = self.stored | self.deleted | self.doubtful
        for one in sorted(self.acknowledged - there):
            yield f"lost: acknowledged tracking {one}"
        for one in sorted(self.deleted & self.stored):
            yield f"lost: acknowledged deletion of {one}"
        for one, allowed in self.allowed_notes.items():
            if one in self.stored and self.stored_notes.get(one, "") not in allowed:
                yield f"lost: acknowledged note of {one}, it has {self.stored_notes.get(one, '')!r}"

    def _gaps(self) -> Iterable[str]:
        for tracking_id, last in self.last_sequences.items():
            numbers = self.event_sequences.get(tracking_id, [])
            if numbers != list(range(1, last + 1)):
                yield f"feed: {tracking_id} has events {numbers}, its last is {last}"

    def _disorder(self) -> Iterable[str]:
        received: dict[tuple[str, str], int] = defaultdict(int)
        ids: dict[tuple[str, str, int], str] = {}
        for receipt in self.receipts:
            key = (receipt.endpoint, receipt.tracking_id, receipt.sequence)
            first = ids.setdefault(key, receipt.message_id)
            if first != receipt.message_id:
                yield f"id: {key} came as {first} and as {receipt.message_id}"
            line = (receipt.endpoint, receipt.tracking_id)
            # The same one again is a duplicate; anything else out of turn is disorder.
            if receipt.sequence not in (received[line], received[line] + 1):
                yield f"order: {line} got {receipt.sequence} after {received[line]}"
            received[line] = max(received[line], receipt.sequence)

    def _missed(self) -> Iterable[str]:
        received: dict[tuple[str, str], set[int]] = defaultdict(set)
        for receipt in self.receipts:
            received[(receipt.endpoint, receipt.tracking_id)].add(receipt.sequence)
        for endpoint in self.endpoints:
            for tracking_id, last in self.last_sequences.items():
                missing = set(range(1, last + 1)) - received[(endpoint, tracking_id)]
                for number in sorted(missing):
                    yield f"missed: {tracking_id} event {number} at endpoint {endpoint!r}"

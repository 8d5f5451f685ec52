"""What was promised and what came.

The judge of the fault tests, itself tested with planted faults.
"""

from __future__ import annotations

from collections import defaultdict

import msgspec


class Receipt(msgspec.Struct, frozen=True):
    """One message as a receiver got it, in the order of arrival."""

    tracking_id: str
    sequence: int
    message_id: str


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

    def violations(self) -> list[str]:
        """Return every broken promise, one line each."""
        found = [f"lost: acknowledged tracking {one}" for one in self.acknowledged - self.stored]
        for tracking_id, last in self.last_sequences.items():
            numbers = self.event_sequences.get(tracking_id, [])
            if numbers != list(range(1, last + 1)):
                found.append(f"feed: {tracking_id} has events {numbers}, its last is {last}")
        received: dict[str, list[int]] = defaultdict(list)
        ids: dict[tuple[str, int], str] = {}
        for receipt in self.receipts:
            key = (receipt.tracking_id, receipt.sequence)
            first = ids.setdefault(key, receipt.message_id)
            if first != receipt.message_id:
                found.append(f"id: {key} came as {first} and as {receipt.message_id}")
            seen = received[receipt.tracking_id]
            if receipt.sequence not in seen:
                if seen and receipt.sequence != seen[-1] + 1:
                    found.append(
                        f"order: {receipt.tracking_id} got {receipt.sequence} after {seen}"
                    )
                seen.append(receipt.sequence)
        for tracking_id, last in self.last_sequences.items():
            missing = set(range(1, last + 1)) - set(received[tracking_id])
            found.extend(f"missed: {tracking_id} event {number}" for number in sorted(missing))
        return found

    @property
    def duplicates(self) -> int:
        """How many receipts repeated a message that had come before."""
        return len(self.receipts) - len({(r.tracking_id, r.sequence) for r in self.receipts})

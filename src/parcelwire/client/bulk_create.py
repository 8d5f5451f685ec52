"""``create_many``: chunks of 40, and which answer belongs to which item. No I/O.

The answer of a batch names numbers, not positions, and numbers in their compact form; so items
and answers are brought together by number and courier, in order where a number comes twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from parcelwire.client.calls import BatchAnswer, BatchError
from parcelwire.client.details import fields_of
from parcelwire.client.error_mapping import error_for
from parcelwire.client.errors import (
    ConflictError,
    CreateManyResult,
    CreateResult,
    ParcelwireError,
    UnexpectedResponseError,
)
from parcelwire.client.models import Tracking, TrackingRef

CHUNK: Final = 40
"""TrackingMore's limit, and ours on its wire."""


class Chunk:
    """Up to 40 items that go together."""

    def __init__(
        self, items: Sequence[Mapping[str, str]], results: list[CreateResult], part: int = 0
    ) -> None:
        self.items = items
        self.results = results
        self.part = part

    def match(self, answer: BatchAnswer) -> None:
        """Fill in the results from the server's answer."""
        created = _Pile(answer.success or ())
        refused = _Pile(answer.error or ())
        left = list(zip(self.items, self.results, strict=True))
        # The surest first: nobody may take what fits somebody else better.
        for rule in (_is_exact, _is_open, _is_close):
            rest = []
            for item, result in left:
                if (ref := created.take(item, rule)) is not None:
                    result.tracking = ref
                elif (error := refused.take(item, rule)) is not None:
                    result.error = _error_of(error)
                else:
                    rest.append((item, result))
            left = rest
        self._match_rest([result for _, result in left], [*created.rest(), *refused.rest()])

    def _match_rest(self, left: list[CreateResult], rest: list[Any]) -> None:
        # A number that the server writes in another way than it was typed: what is left on both
        # sides is the same only if it is one each.
        if len(left) == 1 and len(rest) == 1:
            if isinstance(rest[0], BatchError):
                left[0].error = _error_of(rest[0])
            else:
                left[0].tracking = rest[0]
            return
        for result in left:
            msg = "the answer does not say what became of this number"
            result.error = UnexpectedResponseError(msg)

    def conflicts(self) -> list[CreateResult]:
        """Return the results whose number was already tracked."""
        return [result for result in self.results if isinstance(result.error, ConflictError)]

    def claim(self, known: Iterable[Tracking], made: set[str]) -> None:
        """Turn conflicts with what an earlier try of this chunk ``made`` into what they are."""
        by_id = {tracking.id: tracking for tracking in known}
        claimed: set[str] = set()
        for result in self.conflicts():
            assert isinstance(result.error, ConflictError)  # noqa: S101  (conflicts() chose them)
            existing = result.error.existing
            # A number that stands twice in the chunk was made once; the second is a conflict.
            if existing is None or existing.id not in made or existing.id in claimed:
                continue
            claimed.add(existing.id)
            found = by_id.get(existing.id)
            result.tracking = TrackingRef(
                id=existing.id,
                tracking_number=found.tracking_number if found else existing.tracking_number,
                courier_code=found.courier_code if found else existing.courier_code,
            )
            result.error = None


def plan(
    items: Iterable[Any],
) -> tuple[CreateManyResult, list[Chunk]]:
    """Return the results to be filled in, and the chunks that fill them.

    Raises:
        TypeError: an item is neither a number nor a mapping, or a value of it cannot be sent.
    """
    bodies: list[dict[str, str]] = []
    results: list[CreateResult] = []
    for item in items:
        # Whoever does not check types finds out here which item is wrong.
        if not isinstance(item, str | Mapping):
            msg = f"an item must be a number or a mapping, not {type(item).__name__}"
            raise TypeError(msg)
        fields = fields_of({"tracking_number": item} if isinstance(item, str) else item)
        number = fields.get("tracking_number", "")
        results.append(CreateResult(index=len(results), tracking_number=number))
        bodies.append(fields)
    chunks = [
        Chunk(bodies[start : start + CHUNK], results[start : start + CHUNK], start // CHUNK)
        for start in range(0, len(bodies), CHUNK)
    ]
    return CreateManyResult(items=results), chunks


def interrupt(result: CreateManyResult, error: ParcelwireError) -> None:
    """Give ``error`` to every item without an outcome, and the whole result to ``error``."""
    for item in result.items:
        if item.tracking is None and item.error is None:
            item.error = error
    error.partial_result = result


Rule = Callable[[str, str], bool]
"""(courier of the item, courier of the entry) -> do they belong together?"""


def _is_exact(asked: str, said: str) -> bool:
    return bool(asked) and asked == said


def _is_open(asked: str, said: str) -> bool:
    return not asked or not said


def _is_close(_asked: str, _said: str) -> bool:
    # The server may know the courier under another of its codes.
    return True


class _Pile:
    """What the server said about several numbers, taken item by item."""

    def __init__(self, entries: Iterable[TrackingRef | BatchError]) -> None:
        self._entries: dict[str, list[Any]] = {}
        for entry in entries:
            self._entries.setdefault(_key(entry.tracking_number), []).append(entry)

    def take(self, item: Mapping[str, str], rule: Rule) -> Any:
        """Return and remove the first entry of the item's number that fits by ``rule``, or None."""
        courier = item.get("courier_code", "").strip().lower()
        entries = self._entries.get(_key(item.get("tracking_number")), [])
        for index, entry in enumerate(entries):
            if rule(courier, (entry.courier_code or "").lower()):
                return entries.pop(index)
        return None

    def rest(self) -> list[Any]:
        """Return what nobody took."""
        return [entry for entries in self._entries.values() for entry in entries]


def _key(number: str | None) -> str:
    return "".join(c for c in (number or "").upper() if c.isalnum())


def _error_of(entry: BatchError) -> ParcelwireError:
    data = entry.to_dict() if entry.id else None
    return error_for(entry.code, entry.message, status=400, data=data)

"""Long reads are done at once, as many as are asked for, each in one go and on the event loop."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from parcelwire.api.shares import LongReads
from parcelwire.api.v2 import listing as of_v2
from parcelwire.store import stand_ins
from parcelwire.store.sqlite import listing
from parcelwire.store.sqlite.reader import Reader


@contextlib.asynccontextmanager
async def _at_once(_: LongReads, world_id: int) -> AsyncIterator[None]:
    yield


async def _in_one_go(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    return [work(item) for item in items]


async def _scan_here(reader: Reader, sql: str, bindings: Any = ()) -> list[Any]:
    return reader._scan(sql, bindings)


LongReads.slot = _at_once  # type: ignore[method-assign, assignment]  # planted
Reader.scan = _scan_here  # type: ignore[method-assign, assignment]  # planted
for module in (of_v2, listing, stand_ins):
    module.in_slices = _in_one_go  # type: ignore[attr-defined]

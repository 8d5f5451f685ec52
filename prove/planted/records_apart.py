"""What was answered under an idempotency key is recorded after the effect, in a second write."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from prove.planted import Method, spoil_store


def _apart(write: Method) -> Method:
    async def write_then_record(store: Any, *arguments: Any, once: Any = None, **more: Any) -> Any:
        result = await write(store, *arguments, **more)
        if once is not None:
            recorded = once.answer(result)
            await store.create_trackings([], once=replace(once, answer=lambda _: recorded))
        return result

    return write_then_record


# Not create_trackings itself: the number's own uniqueness would hide the second effect.
for name in ("add_endpoint", "add_key"):
    spoil_store(name)(_apart)

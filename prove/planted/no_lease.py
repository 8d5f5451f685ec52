"""A claim keeps nobody else away: the lease of a message ends at once."""

from __future__ import annotations

from typing import Any

from prove.planted import Method, spoil_store


@spoil_store("claim_messages")
def _(claim: Method) -> Method:
    async def claim_without_lease(store: Any, now: int, **options: Any) -> Any:
        return await claim(store, now, **{**options, "lease_until": now + 1})

    return claim_without_lease

"""What a dead worker had claimed stays out of everybody's reach for a minute."""

from __future__ import annotations

from typing import Any

from parcelwire.domain.clock import MINUTE
from prove.planted import Method, spoil_store


@spoil_store("claim_messages")
def _(claim: Method) -> Method:
    async def claim_long(store: Any, now: int, **options: Any) -> Any:
        return await claim(store, now, **{**options, "lease_until": now + MINUTE})

    return claim_long

"""A message that failed steps aside until its next attempt; later ones of its parcel pass it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from parcelwire.domain.clock import SECOND
from parcelwire.webhooks.ports import AttemptResult, MessageState
from prove.planted import Method, later, spoil_store

_worlds: dict[str, int] = {}


@spoil_store("claim_messages")
def _(claim: Method) -> Method:
    async def claim_and_note(store: Any, now: int, **options: Any) -> Any:
        claimed = await claim(store, now, **options)
        _worlds.update({one.message.id: one.message.world_id for one in claimed})
        return claimed

    return claim_and_note


@spoil_store("finish_attempts")
def _(finish: Method) -> Method:
    async def finish_aside(store: Any, results: Sequence[AttemptResult]) -> None:
        async def resend(message_id: str, at: int) -> None:
            await asyncio.sleep(1.0)
            await store.resend(_worlds[message_id], message_id, at + SECOND)

        failed = [one for one in results if one.state is MessageState.PENDING]
        aside = [replace(one, state=MessageState.DEAD) for one in failed]
        await finish(store, [*(one for one in results if one not in failed), *aside])
        for one in failed:
            later(resend(one.attempt.message_id, one.attempt.at))

    return finish_aside

"""Bugs that show in what users and receivers do, and in what they get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import apsw

from parcelwire.domain.account import Endpoint
from parcelwire.domain.changes import Event
from parcelwire.domain.tracking import Tracking
from parcelwire.store.codec import pack
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.ids import id_value
from parcelwire.tracking.ports import (
    NewMessage,
    Once,
    Save,
    Stored,
)
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.ports import AttemptResult, MessageState
from prove.worlds.planted.bug import Bug
from prove.worlds.process import Parts
from prove.worlds.stores import WorldStore


class _OvertakesRetries(WorldStore):
    """While a message waits for its retry, the next one of its line goes out."""

    async def finish_attempts(self, results: Sequence[AttemptResult]) -> None:
        await super().finish_attempts(results)
        waiting = [
            id_value(one.attempt.message_id) for one in results if one.state is MessageState.PENDING
        ]

        def work(connection: apsw.Connection) -> None:
            for identity in waiting:
                for key, endpoint_id, tracking_id in connection.execute(
                    "SELECT n.key, n.endpoint_id, n.tracking_id FROM message m JOIN message n"
                    " ON n.endpoint_id = m.endpoint_id AND n.tracking_id = m.tracking_id"
                    " WHERE m.id = ? AND n.key <> m.key AND n.state = 'pending'"
                    " ORDER BY n.sequence LIMIT 1",
                    (identity,),
                ).fetchall():
                    connection.execute(
                        "UPDATE line SET message_key = ?, ready_at = 0"
                        " WHERE endpoint_id = ? AND tracking_id = ? AND leased_until = 0",
                        (key, endpoint_id, tracking_id),
                    )

        await self._write(work)


class _DropsForPaused(MessageComposer):
    """An endpoint that is switched off gets no messages, not even later."""

    def compose(
        self, event: Event, tracking: Tracking, endpoints: Sequence[Endpoint]
    ) -> tuple[NewMessage, ...]:
        return super().compose(event, tracking, [one for one in endpoints if one.is_enabled])


class _KeepsLateAnswers(WorldStore):
    """What a carrier says is kept, although its parcel was deleted while it was asked."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._keys: dict[str, int] = {}

    async def load(self, world_id: int, tracking_id: str) -> Stored | None:
        for (key,) in await self._reader.rows(queries.KEY_OF_TRACKING, (id_value(tracking_id),)):
            self._keys[tracking_id] = key
        return await super().load(world_id, tracking_id)

    async def change_courier(
        self, change: Save, *, once: Once | None = None
    ) -> Literal["saved", "conflict", "taken"]:
        result = await super().change_courier(change, once=once)
        key, raw = self._keys.get(change.tracking.id), change.raw
        if result == "conflict" and key is not None and raw is not None:
            values = (key, raw.at, raw.connector, raw.outcome, pack(raw.body))

            def write(connection: apsw.Connection) -> None:
                connection.execute(queries.ADD_RAW_ANSWER, values)

            await self._write(write)
        return result


BUGS: Final = (
    Bug("order broken after a retry", Parts(store=_OvertakesRetries), 2),
    Bug("messages of a paused endpoint dropped", Parts(composer=_DropsForPaused), 2),
    Bug("an answer kept about a deleted parcel", Parts(store=_KeepsLateAnswers), 2),
)

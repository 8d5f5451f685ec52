"""Bugs that show in what users and receivers do, and in what they get."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Final, Literal

import apsw
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.changes import Event, StatusChanged
from parcelwire.domain.clock import DAY, Instant
from parcelwire.domain.merge import Merged
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.store.codec import pack
from parcelwire.store.sqlite import feed_queries, queries
from parcelwire.store.sqlite.ids import id_value
from parcelwire.store.sqlite.writer import Work
from parcelwire.tracking.ports import (
    NewMessage,
    Once,
    Save,
    Stored,
)
from parcelwire.tracking.refresh import Refresher
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.ports import Attempt, AttemptResult, MessageState
from prove.worlds.planted.bug import Bug
from prove.worlds.process import Parts
from prove.worlds.stores import WorldStore

FIVE_DAYS: Final = 5 * DAY
_FIRST_FAILURE: Final = """
SELECT min(a.at) FROM attempt a JOIN message m ON m.key = a.message_key
WHERE m.endpoint_id = ? AND NOT a.status BETWEEN 200 AND 299 AND a.key > (
    SELECT coalesce(max(b.key), 0) FROM attempt b JOIN message n ON n.key = b.message_key
    WHERE n.endpoint_id = ? AND b.status BETWEEN 200 AND 299
)
"""


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
                        "UPDATE delivery_queue SET message_key = ?, ready_at = 0"
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


class _RemembersKeys(WorldStore):
    """Knows of every tracking that was read where its rows stand, also when it is gone."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._keys: dict[str, int] = {}

    async def load(self, world_id: int, tracking_id: str) -> Stored | None:
        for (key,) in await self._reader.rows(queries.KEY_OF_TRACKING, (id_value(tracking_id),)):
            self._keys[tracking_id] = key
        return await super().load(world_id, tracking_id)


class _KeepsLateAnswers(_RemembersKeys):
    """What a carrier says is kept, although its parcel was deleted while it was asked."""

    async def change_courier(
        self, change: Save, *, once: Once | None = None
    ) -> Literal["saved", "conflict", "taken"]:
        result = await super().change_courier(change, once=once)
        key, raw = self._keys.get(change.tracking.id), change.raw
        if result == "conflict" and key is not None and raw is not None:
            values = (key, raw.at, raw.connector, raw.outcome, pack(raw.body))

            def write(connection: apsw.Connection) -> None:
                connection.execute(queries.ADD_RAW_RESPONSE, values)

            await self._write(write)
        return result


class _RemembersOverRow(WorldStore):
    """Endpoints are switched off by the time since the first failure after the last success: also
    when their owners enabled them anew meanwhile, or nothing was sent for days.
    """

    async def finish_attempts(self, results: Sequence[AttemptResult]) -> None:
        await super().finish_attempts([await self._judged(one) for one in results])

    async def _judged(self, result: AttemptResult) -> AttemptResult:
        attempt = result.attempt
        sql = "SELECT endpoint_id FROM message WHERE id = ?"
        rows = await self._reader.rows(sql, (id_value(attempt.message_id),))
        if not rows:
            return result
        endpoint_id = rows[0][0]
        if result.state is MessageState.DELIVERED:
            self._note_success(endpoint_id)
            return result
        since = await self._failing_since(endpoint_id, attempt)
        if attempt.at - since < FIVE_DAYS:
            return result
        why = f"nothing but failures since {since}"
        return replace(result, disable_endpoint_reason=why, disable_after_ms=0)

    def _note_success(self, endpoint_id: Any) -> None:
        """Do nothing: successes are in the log."""

    async def _failing_since(self, endpoint_id: Any, attempt: Attempt) -> Instant:
        ((since,),) = await self._reader.rows(_FIRST_FAILURE, (endpoint_id, endpoint_id))
        return attempt.at if since is None else int(since)


class _GoesByOwnStreak(_RemembersOverRow):
    """A worker knows only of the messages that it delivered itself."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._since: dict[Any, Instant] = {}

    def _note_success(self, endpoint_id: Any) -> None:
        self._since.pop(endpoint_id, None)

    async def _failing_since(self, endpoint_id: Any, attempt: Attempt) -> Instant:
        return self._since.setdefault(endpoint_id, attempt.at)


class _NeverSwitchesOff(WorldStore):
    """Whatever a worker concludes from an endpoint's failures, the row stays as it is."""

    async def finish_attempts(self, results: Sequence[AttemptResult]) -> None:
        await super().finish_attempts(
            [replace(one, disable_endpoint_reason="") if one.failure else one for one in results]
        )


class _KeepsLateRecords(WorldStore):
    """A record is written whether its parcel is there or not."""

    async def change_record(self, *place: Any, at: Instant, **_: Any) -> bytes | None:
        return await super().change_record(*place, at=at)


class _StopsAtYoung(WorldStore):
    """The feed is pruned from its front, up to the first event that is not old."""

    async def prune_events(self, before: Instant, *, limit: int = 1_000) -> int:
        rows = await self._reader.scan(feed_queries.OLDEST_EVENTS, (0, limit))
        looked = self._unreadable.look_for_old_events(rows, before)
        old = takewhile(lambda one: one[1], looked)
        return await self._delete_events([key for key, _, _ in old])


class _TakesEmptyForPruned(WorldStore):
    """Of a feed without events all that there was counts as gone."""

    async def pruned_cursor(self, world_id: int) -> int:
        if await self.first_cursor(world_id) is None:
            return 1 << 60
        return await super().pruned_cursor(world_id)


class _ForgetsWhatWentAway(WorldStore):
    """Nobody keeps which events are gone."""

    async def pruned_cursor(self, world_id: int) -> int:
        return 0


class _KeepsRefusals(WorldStore):
    """What was refused under an idempotency key stays refused under it."""

    async def _write_once(self, work: Work[Any], once: Once | None, **options: Any) -> Any:
        if once is not None:
            answer = once.answer
            once = replace(once, answer=lambda result: answer(result) or (409, b"refused"))
        return await super()._write_once(work, once, **options)


class _LosesStatusByHand(Refresher):
    """A parcel that expires stands as expired, whatever was said of it by hand."""

    async def build_save(self, before: Tracking, merged: Merged, now: Instant) -> Save:
        after = merged.tracking
        if after.expired_at is None or after.status_override is None or after.is_final:
            return await super().build_save(before, merged, now)
        told = StatusChanged(
            from_status=before.status,
            from_substatus=before.substatus,
            to_status=Status.EXPIRED,
            to_substatus=Substatus.EXPIRED,
        )
        others = tuple(one for one in merged.changes if not isinstance(one, StatusChanged))
        changes = others if before.status is Status.EXPIRED else (told, *others)
        lost = replace(after, status=Status.EXPIRED, substatus=Substatus.EXPIRED, reason=None)
        return await super().build_save(before, Merged(lost, changes, is_dirty=True), now)


class _OverlooksFirstMoment(WorldStore):
    """A time of 0 counts as none."""

    async def change_courier(
        self, change: Save, *, once: Once | None = None
    ) -> Literal["saved", "conflict", "taken"]:
        tracking = replace(change.tracking, ordered_at=change.tracking.ordered_at or None)
        return await super().change_courier(replace(change, tracking=tracking), once=once)


BUGS: Final = (
    Bug("order broken after a retry", Parts(store=_OvertakesRetries), 1),
    Bug("messages of a paused endpoint dropped", Parts(composer=_DropsForPaused), 2),
    Bug("an answer kept about a deleted parcel", Parts(store=_KeepsLateAnswers), 26),
    Bug("a record kept of a deleted parcel", Parts(store=_KeepsLateRecords), 1),
    Bug("failures remembered over the row", Parts(store=_RemembersOverRow), 47),
    Bug("a worker that goes by its own streak", Parts(store=_GoesByOwnStreak), 47),
    Bug("an endpoint that is never switched off", Parts(store=_NeverSwitchesOff), 89),
    Bug("an event that hides the old ones behind it", Parts(store=_StopsAtYoung), 119),
    Bug("an empty feed taken for a pruned one", Parts(store=_TakesEmptyForPruned), 14),
    Bug("events that are gone without a word", Parts(store=_ForgetsWhatWentAway), 56),
    Bug("a refusal kept under its key", Parts(store=_KeepsRefusals), 1),
    Bug("a status set by hand lost to expiry", Parts(refresher=_LosesStatusByHand), 56),
    Bug("an order of the first moment of 1970", Parts(store=_OverlooksFirstMoment), 1),
)

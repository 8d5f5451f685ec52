"""Thirteen bugs that were put in on purpose: whoever judges worlds must find each of them.

Each replaces one part of the service by a subclass that does what the bug would do. Nothing of the
product knows of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import apsw
import msgspec
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.changes import Event, StatusChanged
from parcelwire.domain.clock import Instant
from parcelwire.domain.merge import Merged
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import DEFAULT_SUBSTATUS
from parcelwire.domain.tracking import Tracking
from parcelwire.polling.plan import PollPlanner
from parcelwire.store.codec import pack
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.ids import id_value
from parcelwire.store.sqlite.store import SqliteStore
from parcelwire.store.sqlite.writer import Work
from parcelwire.tracking.ports import (
    AlreadyDoneError,
    CarrierPolicy,
    NewMessage,
    Once,
    PollResult,
    PollState,
    Save,
    Stored,
)
from parcelwire.tracking.refresh import Refresher
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.ports import AttemptResult, ClaimedMessage, MessageState
from prove.worlds.disk import Disk
from prove.worlds.process import Parts


class _LazyDisk(Disk):
    """A commit is acknowledged before it is flushed."""

    synchronous: Literal["FULL", "NORMAL"] = "NORMAL"


class _LosesOutboxRow(SqliteStore):
    """Every third change forgets its last message."""

    _changes = 0

    async def change_courier(
        self, change: Save, *, once: Once | None = None
    ) -> Literal["saved", "conflict", "taken"]:
        if change.messages:
            self._changes += 1
            if self._changes % 3 == 0:
                change = replace(change, messages=change.messages[:-1])
        return await super().change_courier(change, once=once)


class _EndsLeases(SqliteStore):
    """A lease on a message ends as soon as it is given."""

    async def claim_messages(
        self, now: Instant, *, lease_until: Instant, **options: Any
    ) -> list[ClaimedMessage]:
        return await super().claim_messages(now, lease_until=now + 1, **options)


class _RecallsNothing(SqliteStore):
    """What a clock ahead has put off stays put off."""

    async def recall_messages(
        self, now: Instant, *, beyond: Instant, far_only: bool = False
    ) -> int:
        return 0


class _UsesSequenceAgain(Refresher):
    """A change that leaves the status alone gets the number of the one before."""

    async def change_of(self, before: Tracking, merged: Merged, now: Instant) -> Save:
        change = await super().change_of(before, merged, now)
        event = change.event
        if event is None or before.sequence == 0:
            return change
        if any(isinstance(one, StatusChanged) for one in event.changes):
            return change
        return replace(
            change,
            tracking=replace(change.tracking, sequence=before.sequence),
            event=replace(event, sequence=before.sequence),
        )


class _UndoesDelivered(Refresher):
    """The newest scan decides, whatever stood before."""

    async def change_of(self, before: Tracking, merged: Merged, now: Instant) -> Save:
        after = merged.tracking
        said = [one for one in after.visible_checkpoints if one.status is not None]
        newest = said[-1] if said else None
        if newest is None or newest.status is None or not after.is_final:
            return await super().change_of(before, merged, now)
        substatus = newest.substatus or DEFAULT_SUBSTATUS[newest.status]
        undone = replace(after, status=newest.status, substatus=substatus, reason=newest.reason)
        others = tuple(one for one in merged.changes if not isinstance(one, StatusChanged))
        if (before.status, before.substatus) == (undone.status, undone.substatus):
            return await super().change_of(before, Merged(undone, others, is_dirty=True), now)
        told = StatusChanged(
            from_status=before.status,
            from_substatus=before.substatus,
            to_status=undone.status,
            to_substatus=undone.substatus,
            reason=undone.reason,
        )
        return await super().change_of(before, Merged(undone, (told, *others), is_dirty=True), now)


class _TakesRepeatsForNew(Refresher):
    """A scan is known by its place in the answer."""

    async def apply(
        self,
        stored: Stored,
        report: CarrierReport,
        policy: CarrierPolicy | None,
        *,
        held_until: Instant = 0,
        may_expire: bool = True,
        why: str | None = None,
    ) -> Stored | PollResult | None:
        scans = tuple(
            replace(one, event_id=one.event_id or f"{place}")
            for place, one in enumerate(report.checkpoints)
        )
        report = replace(report, checkpoints=scans)
        return await super().apply(
            stored, report, policy, held_until=held_until, may_expire=may_expire, why=why
        )


class _OvertakesRetries(SqliteStore):
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


class _ForgetsAfterOutage(PollPlanner):
    """After an outage nobody says when to ask again."""

    def after(
        self,
        tracking: Tracking,
        before: PollState,
        policy: CarrierPolicy | None,
        report: CarrierReport,
        now: Instant,
    ) -> PollState:
        poll = super().after(tracking, before, policy, report, now)
        return replace(poll, due_at=None) if report.outcome is Outcome.UNAVAILABLE else poll


class _SkipsInFeed(SqliteStore):
    """A full page of the feed leaves out the last event but one."""

    async def events_after(self, world_id: int, cursor: int, limit: int) -> list[tuple[int, Event]]:
        page = await super().events_after(world_id, cursor, limit)
        return [*page[:-2], page[-1]] if 1 < len(page) == limit else page


class _RecordsApart(SqliteStore):
    """The record of an idempotency key has a transaction of its own, after the effect's."""

    async def _write_once(
        self,
        work: Work[Any],
        once: Once | None,
        *,
        counts: Callable[[Any], bool] = lambda _: True,
        rows: int = 1,
    ) -> Any:
        if once is None:
            return await self._write(work)
        record = await self.done_before(once.world_id, once.key)
        if record is not None:
            raise AlreadyDoneError(record)
        result = await self._write(work)
        if not counts(result) or (answered := once.answer(result)) is None:
            return result
        status, body = answered
        values = (once.world_id, once.key, once.fingerprint, once.at, status, pack(body))

        def write(connection: apsw.Connection) -> None:
            connection.execute(queries.ADD_DONE, values)

        await self._write(write)
        return result


class _KeepsLateAnswers(SqliteStore):
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


class Bug(msgspec.Struct, frozen=True):
    """One planted bug."""

    name: str
    parts: Parts
    seed: int
    """A world that is known to show it, unless the service has changed since."""


BUGS: Final = (
    Bug("acknowledged before it is durable", Parts(disk=_LazyDisk), 2),
    Bug("a row of the outbox lost", Parts(store=_LosesOutboxRow), 1),
    Bug("a lease not honoured", Parts(store=_EndsLeases), 3),
    Bug("a retry lost when the clock goes back", Parts(store=_RecallsNothing), 3),
    Bug("a sequence number used twice", Parts(refresher=_UsesSequenceAgain), 1),
    Bug("a delivery undone by a stray scan", Parts(refresher=_UndoesDelivered), 1),
    Bug("a repeated scan taken for a new one", Parts(refresher=_TakesRepeatsForNew), 1),
    Bug("order broken after a retry", Parts(store=_OvertakesRetries), 2),
    Bug("messages of a paused endpoint dropped", Parts(composer=_DropsForPaused), 2),
    Bug("the due time lost after an outage", Parts(planner=_ForgetsAfterOutage), 1),
    Bug("the cursor of the feed skips an event", Parts(store=_SkipsInFeed), 1),
    Bug("an idempotency record outside the transaction", Parts(store=_RecordsApart), 7),
    Bug("an answer kept about a deleted parcel", Parts(store=_KeepsLateAnswers), 2),
)

"""What is to be told and what was: the records that keep a mail from going out twice.

    queue   (kind notice-due)  one entry a mail to be sent, by world and time; made again without
                               harm
    notice  (kind notice)      one a (parcel, occasion, recipient): waiting -> sending -> sent
                                                                     ^______|  \\-> refused, failed,
                                                                     later         unknown, skipped
    trouble (kind notice-trouble)  what did not go well, for the operator's eyes

A mail goes out only between "sending", durable, and what comes of it. Whoever finds an old
"sending" finds the trace of a crash: perhaps the mail went out, so it is never sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Final, Literal

import msgspec

from parcelwire.domain.account import record_scope
from parcelwire.domain.clock import MINUTE, Clock, Instant
from parcelwire.notices.ports import NoticeStore

QUEUE_KIND: Final = "notice-due"
NOTICE_KIND: Final = "notice"
TROUBLE_KIND: Final = "notice-trouble"
EVERYWHERE: Final = "mail"
"""Scope of what belongs to the installation."""

CONFIRM: Final = "confirm"
"""Occasions that begin so ask for a confirmation: no news, and not about where a parcel stands."""

CONFIRM_SENDER: Final = f"{CONFIRM}-sender-"
"""Of these, those that are about an address of the account's own, and so about no parcel."""

STALE: Final = 15 * MINUTE
"""Longer than any conversation with a mail server."""

State = Literal["waiting", "sending", "sent", "refused", "failed", "unknown", "skipped"]

_log = logging.getLogger(__name__)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One mail to be sent. The recipient is known by the address's digest only."""

    tracking_id: str
    occasion: str
    digest: str

    @property
    def parcel_id(self) -> str | None:
        """The tracking with which all that is known of the mail goes; None: it is about none."""
        return None if self.occasion.startswith(CONFIRM_SENDER) else self.tracking_id


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """A mail in the queue."""

    scope: str
    """Whose it is: the world's number."""
    id: str
    entry: Entry

    @property
    def due_at(self) -> Instant:
        """When it may be sent."""
        return int(self.id[:13])


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one mail."""

    state: State = "waiting"
    at: Instant = 0
    """When it came to that state."""
    due_at: Instant = 0
    tries: int = 0
    claim: str = ""
    why: str = ""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """One mail that did not go as it should."""

    at: Instant
    tracking_id: str
    number: str
    occasion: str
    state: State
    why: str


_decode: Final = msgspec.json.Decoder(Notice).decode
_decode_entry: Final = msgspec.json.Decoder(Entry).decode
_decode_trouble: Final = msgspec.json.Decoder(Trouble).decode
_encode: Final = msgspec.json.Encoder().encode


class Journal:
    """Reads and writes these records."""

    def __init__(self, store: NoticeStore, clock: Clock) -> None:
        """Keep them in ``store``."""
        self._store = store
        self._clock = clock

    async def put(self, scope: str, entry: Entry, due_at: Instant) -> None:
        """Queue a mail of a world; doing it again with the same time changes nothing.

        Nothing is queued when the parcel has been deleted. The same holds for all that is written
        here about a mail.
        """
        entry_id = f"{due_at:013d}.{entry.tracking_id}.{entry.occasion}.{entry.digest}"
        await self._store.change_record(
            QUEUE_KIND,
            scope,
            entry_id,
            lambda _: _encode(entry),
            at=self._clock.now(),
            tracking_id=entry.parcel_id,
        )

    async def due(self, scopes: Sequence[str], limit: int) -> list[Queued]:
        """Return mails of these worlds whose time has come, ``limit`` of each, longest due first.

        In turn, one of each world: so a long queue of one holds up none of another.
        """
        now = self._clock.now()
        queues = []
        for scope in scopes:
            found = await self._store.list_records(QUEUE_KIND, scope, limit=limit)
            queued = [
                Queued(scope=scope, id=entry_id, entry=_decode_entry(document))
                for entry_id, document in found
            ]
            queues.append([one for one in queued if one.due_at <= now])
        return [one for turn in zip_longest(*queues) for one in turn if one is not None]

    async def scopes(self, after: str, limit: int) -> list[str]:
        """Return worlds with queued mails, by name: those behind ``after``."""
        return await self._store.list_scopes(QUEUE_KIND, after=after, limit=limit)

    async def drop(self, queued: Queued) -> None:
        """Take an entry off the queue."""
        await self._store.change_record(
            QUEUE_KIND, queued.scope, queued.id, lambda _: None, at=self._clock.now()
        )

    async def move(self, queued: Queued, due_at: Instant) -> None:
        """Queue an entry for later."""
        await self.put(queued.scope, queued.entry, due_at)
        if queued.due_at != due_at:
            await self.drop(queued)

    async def hand_over(self, queued: Queued, scope: str) -> None:
        """Put an entry into the queue of another world."""
        await self.put(scope, queued.entry, queued.due_at)
        await self.drop(queued)

    async def claim(self, entry: Entry, claim: str) -> Notice:
        """Take a mail to be sent, if nobody has; ``claim`` is in the answer if it was taken."""
        now = self._clock.now()

        def note(document: bytes | None) -> bytes:
            known = Notice() if document is None else _decode(document)
            if known.state == "waiting" and known.due_at <= now:
                known = Notice(state="sending", at=now, tries=known.tries + 1, claim=claim)
            elif known.state == "sending" and abs(now - known.at) > STALE:
                known = msgspec.structs.replace(
                    known, state="unknown", at=now, why="the sender was interrupted", claim=claim
                )
            return _encode(known)

        document = await self._change(entry, note, now)
        return Notice() if document is None else _decode(document)

    async def note(
        self, entry: Entry, state: State, *, why: str = "", due_at: Instant = 0, tries: int = 0
    ) -> None:
        """Write down what became of a mail."""
        now = self._clock.now()
        notice = Notice(state=state, at=now, due_at=due_at, tries=tries, why=why)
        await self._change(entry, lambda _: _encode(notice), now)

    async def skip(self, entry: Entry, why: str) -> None:
        """Write down that a mail is not wanted any more, unless something became of it."""
        now = self._clock.now()
        notice = Notice(state="skipped", at=now, why=why)

        def note(document: bytes | None) -> bytes:
            if document is not None and _decode(document).state != "waiting":
                return document
            return _encode(notice)

        await self._change(entry, note, now)

    async def _change(
        self, entry: Entry, change: Callable[[bytes | None], bytes], now: Instant
    ) -> bytes | None:
        return await self._store.change_record(
            NOTICE_KIND,
            entry.tracking_id,
            _id_of(entry),
            change,
            at=now,
            tracking_id=entry.parcel_id,
        )

    async def tell_trouble(
        self, entry: Entry, world_id: int, number: str, state: State, why: str
    ) -> None:
        """Log a mail that did not go as it should, and keep it to be shown.

        ``number``: the tracking number that it is about, if any.
        """
        now = self._clock.now()
        _log.warning("notices: %s of %s: %s (%s)", entry.occasion, entry.tracking_id, state, why)
        trouble = Trouble(
            at=now,
            tracking_id=entry.tracking_id,
            number=number,
            occasion=entry.occasion,
            state=state,
            why=why,
        )
        # Newest first in a list by id.
        trouble_id = f"{10**13 - now:013d}.{entry.tracking_id}.{entry.occasion}.{entry.digest[:8]}"
        await self._store.change_record(
            TROUBLE_KIND,
            record_scope(world_id),
            trouble_id,
            lambda _: _encode(trouble),
            at=now,
            tracking_id=entry.parcel_id,
        )


def _id_of(entry: Entry) -> str:
    return f"{entry.occasion}.{entry.digest}"


def notice_of(document: bytes) -> Notice:
    """Return a notice record's content."""
    return _decode(document)


def trouble_of(document: bytes) -> Trouble:
    """Return a trouble record's content."""
    return _decode_trouble(document)

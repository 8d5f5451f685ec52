"""Tens of thousands of made-up (synthetic) rows, the same on both engines, written straight into
the tables.

With ten times the rows the same accounts have ten times of everything in the same days, as a shop
that grew. What is rare stays as rare as it was: so a query that walks over what it does not want
shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

import apsw
import asyncpg
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import DAY, HOUR, MINUTE
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import make_page_token
from parcelwire.store.codec import encode_event, encode_tracking, pack
from tests.contract.store.samples import NOW, make_endpoint, make_event, make_tracking, render

BIG, TIDY = 2, 4
"""Worlds with six and three tenths of all; in ``TIDY`` nothing was ever archived."""
SMALL: Final = tuple(range(6, 46, 2))
"""Twenty worlds that share the last tenth."""
RARE: Final = 40
"""So many trackings of ``BIG`` are of a status, and of a courier, that no other one is of."""
RARE_STATUS, RARE_COURIER, COURIER = Status.UNDELIVERED, "rare-post", "dhl"
SPAN: Final = 400 * DAY
EVENT_TYPE, RARE_TYPE = "tracking.updated", "endpoint.disabled"
KIND: Final = "mail"

_STATUSES: Final = (Status.DELIVERED,) * 14 + (
    *(Status.TRANSIT, Status.TRANSIT, Status.TRANSIT, Status.PENDING),
    *(Status.NOTFOUND, Status.EXCEPTION, Status.EXPIRED, Status.PICKUP),
)
_COURIERS: Final = (COURIER, COURIER, COURIER, "ups", "gls", "dpd", "swiss-post", "royal-mail")
_LANES: Final = ((None, None), ("CH", "DE"), ("DE", "CH"), ("FR", "CH"))
_TRACKING: Final = make_tracking()
_DOCUMENT: Final = encode_tracking(_TRACKING)
_RENDITION: Final = render(_TRACKING)
_EVENT: Final = make_event(_TRACKING)
_PAYLOAD: Final = pack(b'{"synthetic":true}')


def _endpoint(number: int, world_id: int, **fields: Any) -> Endpoint:
    return make_endpoint(world_id, id=f"{number:032x}", **fields)


BUSY, OFF, LATER, OTHER = (
    _endpoint(1, BIG),
    _endpoint(2, BIG, is_enabled=False, disabled_reason="it failed for five days"),
    _endpoint(3, BIG),
    _endpoint(4, TIDY),
)
"""Endpoints: one whose messages are delivered (a hundredth is dead), one with a long queue that was
switched off, one whose messages wait for their next attempt, and another world's.
"""
ENDPOINTS: Final = (BUSY, OFF, LATER, OTHER)


def _spread(number: int, salt: float) -> float:
    """Return a part of 1 that looks like chance and is the same each time."""
    return (number * salt) % 1.0


class Parcel:
    """One tracking, and what comes with it."""

    def __init__(self, number: int, count: int) -> None:
        """``number`` of ``count``, the oldest first."""
        self.number = number
        self.created_at = NOW - SPAN * (count - number) // count
        self.id = f"{self.created_at:012x}{number:020x}"
        self.text = f"RA{number:09d}CH"
        tenth = number % 10
        self.world_id = BIG if tenth < 6 else TIDY if tenth < 9 else SMALL[number // 10 % 20]
        self.status = _STATUSES[int(_spread(number, 0.7548776662466927) * len(_STATUSES))]
        self.courier = _COURIERS[int(_spread(number, 0.5698402909980532) * len(_COURIERS))]
        if number % (count // RARE) == 0:  # all of them in the big world
            self.status, self.courier = RARE_STATUS, RARE_COURIER
        self.is_archived = self.world_id == BIG and _spread(number, 0.8191725133961645) < 0.1
        is_untouched = self.status is Status.PENDING
        self.updated_at = min(NOW, self.created_at + (0 if is_untouched else number % 97 * HOUR))
        self.ordered_at = None if number % 4 == 0 else self.created_at - number % 50 * HOUR
        self.order = f"order-{number}" if number % 3 == 0 else None
        self.lane = _LANES[number % 4]
        self.transit_days = number % 9 if self.status is Status.DELIVERED else None
        self.is_over = self.status in (Status.DELIVERED, Status.EXPIRED)
        is_due = _spread(number, 0.4142135623730951) < 0.05
        self.due_at = (
            None if self.is_over else NOW + (-1 if is_due else 1) * (number % 240) * MINUTE
        )
        self.checks = 0 if is_untouched else 1 + number % 30
        self.endpoint = (
            (BUSY, BUSY, BUSY, BUSY, OFF, LATER)[tenth]
            if self.world_id == BIG
            else OTHER
            if self.world_id == TIDY
            else None
        )

    @property
    def page_token(self) -> str:
        """The address of its page."""
        return make_page_token(self.id, f"secret-{self.number:024d}")

    @property
    def message(self) -> tuple[str, int, int]:
        """State, attempts, due time of the message that was told of it."""
        if self.endpoint is OFF:
            return "pending", 0, self.created_at
        if self.endpoint is LATER:
            return "pending", 1, NOW + (1 if self.number // 10 % 20 else -1) * HOUR
        return ("dead" if self.number % 100 == 0 else "delivered"), 1, self.created_at


Row = tuple[Any, ...]
Rows = dict[tuple[str, str], Iterable[Row]]
"""Rows by table and columns."""

_TRACKING_COLUMNS: Final = (
    "id, world_id, number, courier_code, version, status, is_archived, created_at, updated_at,"
    " ordered_at, order_id, page_token, origin, destination, transit_days"
)
_POLL_COLUMNS: Final = (
    "world_id, due_at, leased_until, checked_at, checks, due_reason, last_outcome, last_detail"
)
_MESSAGE_COLUMNS: Final = (
    "id, endpoint_id, tracking_id, event_id, world_id, created_at, due_at, sequence, attempts,"
    " state, event_type"
)
_ATTEMPT_COLUMNS: Final = "id, at, duration_ms, status, error, response_body"
_JOURNEY_COLUMNS: Final = (
    "world_id, created_on, version, courier_code, origin, destination, status, ended_on,"
    " transit_days, is_on_time, is_first_attempt, had_exception"
)


def _tracking(one: Parcel, id_of: Callable[[str], Any]) -> Row:
    return (
        id_of(one.id),
        one.world_id,
        one.text,
        one.courier,
        1,
        one.status.value,
        one.is_archived,
        one.created_at,
        one.updated_at,
        one.ordered_at,
        one.order,
        one.page_token,
        *one.lane,
        one.transit_days,
    )


def _poll(one: Parcel) -> Row:
    checked_at = one.updated_at if one.checks else None
    return one.world_id, one.due_at, 0, checked_at, one.checks, "on its way", "found", ""


def _message(one: Parcel, id_of: Callable[[str], Any]) -> Row:
    assert one.endpoint is not None
    state, attempts, due_at = one.message
    return (
        id_of(one.id),
        id_of(one.endpoint.id),
        id_of(one.id),
        id_of(one.id),
        one.world_id,
        one.created_at,
        due_at,
        1,
        attempts,
        state,
        EVENT_TYPE,
    )


def _attempt(one: Parcel, id_of: Callable[[str], Any]) -> Row:
    return id_of(one.id), one.created_at, 42, 204, "", ""


def _journey(one: Parcel) -> Row:
    is_delivered = one.transit_days is not None
    day = one.created_at // DAY
    return (
        one.world_id,
        day,
        1,
        one.courier,
        *one.lane,
        one.status.value,
        day + (one.transit_days or 0) if is_delivered else None,
        one.transit_days,
        one.number % 2 == 0 if is_delivered else None,
        True if is_delivered else None,
        one.status is Status.EXCEPTION,
    )


def _event(one: Parcel) -> bytes:
    return encode_event(
        replace(_EVENT, world_id=one.world_id, tracking_id=one.id, at=one.created_at)
    )


def _done(one: Parcel) -> Row:
    return one.world_id, f"key-{one.number}", bytes(32), one.created_at, 200, b"{}"


def _record(one: Parcel, id_of: Callable[[str], Any]) -> Row:
    return KIND, str(one.world_id), one.id, one.created_at, _PAYLOAD, id_of(one.id)


def _remote_area(one: Parcel) -> Row:
    return "CH", f"{one.number:07d}", "dhl"


def _told(parcels: list[Parcel]) -> list[Parcel]:
    return [one for one in parcels if one.endpoint is not None]


def _common(parcels: list[Parcel], id_of: Callable[[str], Any]) -> Rows:
    """Return the rows of tables that both engines have alike."""
    return {
        ("idempotency_record", "world_id, key, fingerprint, at, status, body"): map(_done, parcels),
        ("record", "kind, scope, id, at, document, tracking_id"): (
            _record(one, id_of) for one in parcels
        ),
        ("remote_area", "country, place, company"): map(_remote_area, parcels),
    }


def _totals(parcels: list[Parcel]) -> tuple[Counter[tuple[int, str, bool]], Counter[int]]:
    return (
        Counter((one.world_id, one.status.value, one.is_archived) for one in parcels),
        Counter(one.world_id for one in parcels),
    )


# --- SQLite -----------------------------------------------------------------------------------


def fill_sqlite(path: str, count: int) -> None:
    """Fill a file with the rows of so many trackings."""
    parcels = [Parcel(number, count) for number in range(count)]
    connection = apsw.Connection(path)
    connection.execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; BEGIN")
    for (table, columns), rows in _of_sqlite(parcels).items():
        places = ", ".join("?" * (columns.count(",") + 1))
        connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)  # noqa: S608  # our own words
    totals, created = _totals(parcels)
    for key, total in totals.items():
        connection.execute("INSERT INTO counter VALUES (?, ?, ?, ?)", (*key, total))
    for world_id, total in created.items():
        connection.execute("INSERT INTO world VALUES (?, ?)", (world_id, total))
    connection.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


def _of_sqlite(parcels: list[Parcel]) -> Rows:
    id_of = bytes.fromhex
    told = _told(parcels)
    pending = [one for one in told if one.message[0] == "pending"]
    # Keys are the numbers, from 1.
    return {
        ("tracking", f"key, {_TRACKING_COLUMNS}"): (
            (one.number + 1, *_tracking(one, id_of)) for one in parcels
        ),
        ("doc", "key, packed, rendition"): (
            (one.number + 1, _DOCUMENT, _RENDITION) for one in parcels
        ),
        ("poll", f"key, {_POLL_COLUMNS}"): ((one.number + 1, *_poll(one)) for one in parcels),
        ("raw_response", "tracking_key, at, connector, outcome, packed"): (
            (one.number + 1, one.updated_at, one.courier, "found", _PAYLOAD) for one in parcels[::2]
        ),
        ("event", "world_id, packed, tracking_id"): (
            (one.world_id, _event(one), id_of(one.id)) for one in parcels
        ),
        ("message", f"key, {_MESSAGE_COLUMNS}"): (
            (one.number + 1, *_message(one, id_of)) for one in told
        ),
        ("payload", "key, packed"): ((one.number + 1, _PAYLOAD) for one in told),
        ("delivery_queue", "endpoint_id, tracking_id, message_key, ready_at, leased_until"): (
            (*_message(one, id_of)[1:3], one.number + 1, one.message[2], 0) for one in pending
        ),
        ("attempt", f"message_key, {_ATTEMPT_COLUMNS}"): (
            (one.number + 1, *_attempt(one, id_of)) for one in told if one.message[1]
        ),
        ("journey", f"key, {_JOURNEY_COLUMNS}"): (
            (one.number + 1, *_journey(one)) for one in parcels
        ),
        ("unmapped_code", "connector, kind, value, count, sample, last_seen_at"): (
            (one.courier, "code", str(one.number), one.number % 1000, "", one.created_at)
            for one in parcels
        ),
        **_common(parcels, id_of),
    }


# --- PostgreSQL -------------------------------------------------------------------------------


async def fill_postgres(dsn: str, count: int) -> None:
    """Fill a database with the rows of so many trackings, and have its statistics taken."""
    parcels = [Parcel(number, count) for number in range(count)]
    connection = await asyncpg.connect(dsn)
    for (table, columns), rows in _of_postgres(parcels).items():
        await connection.copy_records_to_table(table, records=rows, columns=columns.split(", "))
    totals, created = _totals(parcels)
    await connection.executemany(
        "insert into counter (world_id, metric, is_archived, total) values ($1, $2, $3, $4)",
        [
            *((*key, total) for key, total in totals.items()),
            *((world_id, "created", False, total) for world_id, total in created.items()),
        ],
    )
    await connection.execute(
        "insert into feed_head select world_id, max(cursor) from event group by 1"
    )
    await connection.execute("select setval('event_cursor', max(cursor)) from event")
    await connection.execute("vacuum analyze")
    await connection.close()


def _of_postgres(parcels: list[Parcel]) -> Rows:
    def same(text: str) -> str:
        return text

    told = _told(parcels)
    pending = [one for one in told if one.message[0] == "pending"]
    return {
        ("tracking", _TRACKING_COLUMNS): (_tracking(one, same) for one in parcels),
        ("doc", "tracking_id, body, rendition"): (
            (one.id, _DOCUMENT, pack(_RENDITION)) for one in parcels
        ),
        ("poll", f"tracking_id, courier_code, {_POLL_COLUMNS}"): (
            (one.id, one.courier, *_poll(one)) for one in parcels
        ),
        ("raw_response", "tracking_id, at, connector, outcome, body"): (
            (one.id, one.updated_at, one.courier, "found", _PAYLOAD) for one in parcels[::2]
        ),
        ("event", "cursor, world_id, tracking_id, body"): (
            (one.number + 1, one.world_id, one.id, _event(one)) for one in parcels
        ),
        ("message", f"{_MESSAGE_COLUMNS}, payload, tried_at"): (
            (*_message(one, same), _PAYLOAD, one.created_at if one.message[1] else None)
            for one in told
        ),
        ("pending_message", "endpoint_id, tracking_id, sequence, message_id"): (
            (*_message(one, same)[1:3], 1, one.id) for one in pending
        ),
        ("delivery_queue", "endpoint_id, tracking_id, due_at, leased_until, pending_count"): (
            (*_message(one, same)[1:3], one.message[2], 0, 1) for one in pending
        ),
        ("attempt", f"message_id, {_ATTEMPT_COLUMNS}"): (
            (one.id, *_attempt(one, same)) for one in told if one.message[1]
        ),
        ("journey", f"tracking_id, {_JOURNEY_COLUMNS}"): (
            (one.id, *_journey(one)) for one in parcels
        ),
        ("unmapped_code", "connector, kind, digest, value, sample, count, last_seen_at"): (
            (
                one.courier,
                "code",
                one.number.to_bytes(32, "big"),
                str(one.number),
                "",
                one.number % 1000,
                one.created_at,
            )
            for one in parcels
        ),
        **_common(parcels, same),
    }

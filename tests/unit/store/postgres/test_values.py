"""Texts that PostgreSQL cannot keep as they are: NUL, half surrogates, and very long ones."""

from __future__ import annotations

import pytest

from parcelwire.domain.clock import SECOND
from parcelwire.domain.report import UnmappedCode
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details
from parcelwire.store.postgres import PostgresStore
from parcelwire.store.postgres.values import clean, is_id, key_of, read_id, some_id
from parcelwire.tracking.ports import PollState, TrackingFilter
from parcelwire.webhooks.ports import Attempt, AttemptResult, MessageState
from tests.contract.store.samples import (
    NOW,
    WORLD,
    advance,
    create,
    make_endpoint,
    make_message,
    new_id,
)

NASTY = "a\0b \ud800 \U0001f4e6 é"
TAMED = "a\ufffdb ? \U0001f4e6 é"


def test_only_what_cannot_be_kept_is_replaced() -> None:
    assert clean(NASTY) == TAMED
    assert clean("Zürich \U0001f4e6") == "Zürich \U0001f4e6"
    assert clean("") == ""


def test_a_key_is_the_text_itself_until_it_is_very_long() -> None:
    assert key_of("RA123456785CH") == "RA123456785CH"
    assert key_of("é" * 250) == "é" * 250
    assert key_of("é" * 251) != key_of("é" * 252)
    assert len(key_of("é" * 100_000)) == len("sha256:") + 64


@pytest.mark.parametrize("text", ["", "x", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "0" * 31 + "\n"])
def test_what_is_no_id_is_none(text: str) -> None:
    assert not is_id(text)
    if text:
        with pytest.raises(ValueError, match="not an id"):
            some_id(text)


def test_no_tracking_is_stored_as_zeros() -> None:
    class Column:
        hex = some_id("")

    assert read_id(Column()) == ""


@pytest.mark.parametrize("text", [NASTY, "x" * 10_000, "é'\"\\%_"])
async def test_any_text_is_stored_and_found(store: PostgresStore, text: str) -> None:
    detail = PollState(due_at=NOW, due_reason=text, last_outcome=text, last_detail=text)
    tracking = await create(store, details=Details(order_id=text.replace("\ud800", "")))
    tracking = await advance(store, tracking, status=Status.TRANSIT, poll=detail)
    page = await store.list_trackings(
        WORLD, TrackingFilter(order_ids=(text.replace("\ud800", ""),)), offset=0, limit=10
    )
    assert [one.tracking for one in page] == [tracking]
    assert page[0].poll.last_detail == clean(text)

    await store.add_unmapped_codes(
        "swiss-post", [UnmappedCode(kind="text", value=text, sample=text)] * 2, NOW
    )
    assert await store.list_unmapped_codes() == [
        ("swiss-post", "text", clean(text), 2, clean(text), NOW)
    ]


async def test_any_answer_of_a_receiver_is_stored(store: PostgresStore) -> None:
    endpoint = make_endpoint(description=NASTY)
    await store.add_endpoint(endpoint)
    message = make_message(endpoint, "", 0)
    await store.add_messages([message])
    (claimed,) = await store.claim_messages(NOW, lease_until=NOW + SECOND, limit=1, per_endpoint=1)
    assert claimed.message.tracking_id == ""
    attempt = Attempt(
        id=new_id(), message_id=message.id, at=NOW, duration_ms=1, status=200, response_body=NASTY
    )
    await store.finish_attempts([AttemptResult(attempt=attempt, state=MessageState.DELIVERED)])
    assert [one.response_body for one in await store.list_attempts(message.id)] == [TAMED]


async def test_figures_beyond_a_column_are_no_fault(store: PostgresStore) -> None:
    where = TrackingFilter(created_min=-(10**30), created_max=10**30)
    await create(store)
    assert len(await store.list_trackings(WORLD, where, offset=0, limit=10**30)) == 1
    assert await store.list_trackings(WORLD, where, offset=10**30, limit=10) == []
    assert await store.count_trackings(WORLD, where) == 1
    assert await store.events_after(WORLD, 10**30, 10) == []
    assert await store.load_account(10**30) is None

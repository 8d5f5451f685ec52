"""The bodies that the page of webhooks shows are those that are sent, member by member."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import MINUTE
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.notices import Notice, NoticeType, compose_notices
from parcelwire.webhooks.ports import Skipped
from parcelwire.webhooks.request_builder import make_request
from tests.support.pages_run import blocks
from tests.unit.webhooks.builders import (
    ACCOUNT,
    NOW,
    Identifiers,
    make_claimed,
    make_endpoint,
    make_event,
    make_tracking,
    plain_renderer,
)

NATIVE, V4, V2, AFTER_SKIPPED, FAILING, DISABLED, RECOVERED = map(
    json.loads, blocks("docs/webhooks.md", "json")
)


def sent(dialect: str) -> Any:
    """Return the body of a message about a parcel."""
    composer = MessageComposer({"v2": plain_renderer, "v4": plain_renderer}, Identifiers())
    tracking = make_tracking()
    (message,) = composer.compose(make_event(tracking), tracking, [make_endpoint(dialect=dialect)])
    claimed = make_claimed(
        make_endpoint(dialect=dialect), payload=message.payload, event_type=message.event_type
    )
    return json.loads(make_request(claimed, ACCOUNT, NOW).body)


def test_a_native_body() -> None:
    body = sent("native")
    assert list(NATIVE) == list(body)
    assert list(NATIVE["data"]) == list(body["data"])
    (change,) = NATIVE["data"]["changes"]
    assert set(change) - {"..."} <= set(body["data"]["changes"][0])
    assert set(NATIVE["data"]["tracking"]) - {"..."} <= set(body["data"]["tracking"])


@pytest.mark.parametrize(("dialect", "shown"), [("v4", V4), ("v2", V2)])
def test_bodies_of_trackingmores_dialects(dialect: str, shown: Any) -> None:
    body = sent(dialect)
    assert list(shown) == list(body)
    assert shown["meta"] == body["meta"]
    if dialect == "v2":
        assert list(shown["verifyInfo"]) == list(body["verifyInfo"])
        assert shown["verifyInfo"]["timeStr"] == body["verifyInfo"]["timeStr"]


def test_a_body_after_messages_that_were_given_up() -> None:
    skipped = (Skipped(message_id="a", sequence=5), Skipped(message_id="b", sequence=6))
    claimed = replace(make_claimed(sequence=7), skipped=skipped)
    body = json.loads(make_request(claimed, None, NOW).body)
    assert list(AFTER_SKIPPED) == list(body)
    assert [list(one) for one in AFTER_SKIPPED["skipped"]] == [list(one) for one in body["skipped"]]
    assert [one["sequence"] for one in AFTER_SKIPPED["skipped"]] == [5, 6]


@pytest.mark.parametrize(
    ("shown", "kind", "status"),
    [
        (FAILING, NoticeType.FAILING, 500),
        (DISABLED, NoticeType.DISABLED, 0),
        (RECOVERED, NoticeType.RECOVERED, 0),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bodies_about_an_endpoint(shown: Any, kind: NoticeType, status: int) -> None:
    about = make_endpoint(url="https://shop.example.com/hook?word=secret", dialect="v4")
    about = replace(about, id="1" * 32, description="the shop")
    notice = Notice(
        type=kind,
        endpoint=about,
        at=NOW + 10 * MINUTE,
        failing_since=NOW,
        reason=shown["data"].get("reason", ""),
        status=status,
    )
    (message,) = compose_notices(notice, [make_endpoint()], Identifiers())
    claimed = make_claimed(
        tracking_id=message.tracking_id,
        sequence=message.sequence,
        event_type=message.event_type,
        payload=message.payload,
        created_at=message.created_at,
    )
    body = json.loads(make_request(claimed, None, NOW).body)
    assert list(shown) == list(body)
    assert shown["type"] == body["type"] == kind
    theirs = {**shown["data"], "endpoint": {**shown["data"]["endpoint"], "id": about.id}}
    assert theirs == body["data"]

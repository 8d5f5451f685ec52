"""Trackings and events that were stored when some of their members had other names."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from parcelwire.domain.changes import CourierCorrected, DeliveryWindowChanged
from parcelwire.domain.report import DeliveryWindow
from parcelwire.domain.tracking import Correction, Details, Tracking
from parcelwire.store import codec
from tests.contract.store.samples import NOW, make_event, make_tracking

WINDOW = DeliveryWindow(
    earliest="2026-03-02", latest="2026-03-03", source="carrier", reported_at=NOW
)
TRACKING = replace(
    make_tracking(),
    is_stopped=True,
    stopped_reason="by_user",
    is_auto_correct_disabled=True,
    window=WINDOW,
    details=Details(
        tracking_origin_country="CH",
        tracking_destination_country="IT",
        # Neither is a member's name: a quotation mark within a text has a backslash before it.
        note='"why": and "said_by":',
    ),
    corrections=(Correction(at=NOW, from_courier="a", to_courier="b", reason="the shop said so"),),
)
EVENT = replace(
    make_event(TRACKING),
    changes=(
        CourierCorrected(from_courier="a", to_courier="b", reason="b knows it"),
        DeliveryWindowChanged(before=None, after=WINDOW),
    ),
)
FIRST = {
    "stopped_reason": "stopped_why",
    "is_auto_correct_disabled": "is_auto_correct_off",
    "source": "said_by",
    "reported_at": "said_at",
    "tracking_origin_country": "asked_origin_country",
    "tracking_destination_country": "asked_destination_country",
    "reason": "why",
}


def in_first_names(document: bytes) -> bytes:
    text = document.decode()
    for now, first in FIRST.items():
        text = text.replace(f'"{now}":"', f'"{first}":"').replace(f'"{now}":t', f'"{first}":t')
        text = text.replace(f'"{now}":1', f'"{first}":1')
    return text.replace("delivery_window_changed", "window_moved").encode()


@pytest.mark.parametrize("packs_from", [10, 1_000_000])
def test_what_was_stored_with_the_first_names_is_read(packs_from: int) -> None:
    tracking = in_first_names(codec.encode_json(TRACKING))
    event = in_first_names(codec.encode_json(EVENT))
    for first in FIRST.values():
        assert f'"{first}":'.encode() in tracking + event, first
    assert codec.decode_tracking(codec.pack(tracking, packs_from=packs_from)) == TRACKING
    assert codec.decode_event(codec.pack(event, packs_from=packs_from)) == EVENT


def test_what_is_stored_now_is_read_as_it_is() -> None:
    odd: Tracking = replace(TRACKING, details=Details(note="x" * 20_000))
    for one in (TRACKING, odd):
        assert codec.decode_tracking(codec.encode_tracking(one)) == one
    assert codec.decode_event(codec.encode_event(EVENT)) == EVENT


@pytest.mark.parametrize("size", [1, 1_000])
def test_recorded_answers_are_told_again_with_the_names_of_today(size: int) -> None:
    text = "x" * size
    first = b'{"waiting":1,"disabled_why":null,"is_own":true,"answer":"%s"}' % text.encode()
    said = {"pending_count": 1, "disabled_reason": None, "is_current": True, "response_body": text}
    assert msgspec.json.decode(codec.unpack_answer(codec.pack(first))) == said
    # What is recorded now is told again as it is.
    assert codec.unpack_answer(codec.pack_answer(first)) == first

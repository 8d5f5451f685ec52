"""Answers cannot be changed, at any depth, and can therefore be keys and members of sets."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from parcelwire.client import models, native_models
from parcelwire.client.frozen import FrozenDict, FrozenList, freeze
from parcelwire.client.models import AirWaybill, Tracking, TrackingRef, WebhookEvent
from parcelwire.client.native_models import Account, Event, MessageDetail
from parcelwire.client.reading import Model, read

POINT = {"checkpoint_date": "2026-03-01T09:00:00+01:00", "odd": [{"deep": [1]}]}
WIRE: dict[str, Any] = {
    "id": "1",
    "tracking_number": "2",
    "courier_code": "3",
    "delivery_status": "transit",
    "created_at": "2026-03-01T10:00:00Z",
    "origin_info": {"trackinfo": [POINT], "new": {"a": [1, 2]}},
    "brand_new": {"list": [1, {"x": 1}], "text": "t"},
}
REQUIRED: dict[str, Any] = {
    "id": "1",
    "tracking_number": "2",
    "courier_code": "usps",
    "delivery_status": "transit",
    "awb_number": "235-69030430",
    "url": "https://shop.example.com",
    "secret": "whsec_x",
    "key": "pw_live_x",
    "prefix": "pw_live",
    "message_id": "m",
    "endpoint_id": "e",
    "tracking_id": "t",
    "type": "tracking.updated",
    "is_delivered": True,
    "replayed_count": 1,
    "is_complete": True,
    "number": 7,
    "email": "shop@example.com",
}


def tree(kind: type[Model]) -> Iterator[type[Model]]:
    for below in kind.__subclasses__():
        yield below
        yield from tree(below)


KINDS = sorted(
    {one for one in tree(Model) if one.__module__ in (models.__name__, native_models.__name__)},
    key=lambda one: one.__name__,
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_model_is_a_key(kind: type[Model]) -> None:
    wire = {**REQUIRED, "brand_new": {"list": [1]}}
    one, other = read(kind, wire), read(kind, json.loads(json.dumps(wire)))
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other}) == 1
    assert {one: "kept"}[other] == "kept"
    changed = read(kind, {**wire, "brand_new": {"list": [2]}})
    assert changed != one
    assert len({one, changed}) == 2
    with pytest.raises(AttributeError):
        one.extra = {}  # type: ignore[misc]  # refusing is the test
    with pytest.raises(TypeError, match="cannot be changed"):
        one.extra["brand_new"]["list"].append(2)


def test_hashes_tell_trackings_apart() -> None:
    ids = {hash(read(Tracking, {**WIRE, "id": str(index)})) for index in range(100)}
    assert len(ids) == 100
    assert hash(TrackingRef(id="1")) == hash(TrackingRef(id="1"))


def test_a_tracking_with_everything() -> None:
    found = read(Tracking, WIRE)
    assert {found, read(Tracking, WIRE)} == {found}
    assert found.extra == {"brand_new": WIRE["brand_new"]}
    assert found.to_dict()["brand_new"] == WIRE["brand_new"]
    assert found.origin_leg is not None
    changes: list[tuple[Any, Callable[[Any], Any]]] = [
        (found.extra, lambda held: held.update(a=1)),
        (found.extra["brand_new"], lambda held: held.pop("text")),
        (found.extra["brand_new"]["list"], lambda held: held.clear()),
        (found.origin_leg.extra["new"], lambda held: held.setdefault("b", 1)),
        (found.checkpoints[0].extra["odd"][0]["deep"], lambda held: held.append(1)),
    ]
    for held, change in changes:
        with pytest.raises(TypeError, match="cannot be changed"):
            change(held)
    assert read(Tracking, WIRE) == found
    ways: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy]
    ways.append(lambda one: pickle.loads(pickle.dumps(one)))  # noqa: S301  (our own)
    for way in ways:
        assert way(found) == found
        assert hash(way(found)) == hash(found)
    # What goes out can be changed: it is the caller's.
    found.to_dict()["brand_new"]["list"].append(2)
    assert found.extra["brand_new"]["list"] == WIRE["brand_new"]["list"]


def test_fields_that_hold_json() -> None:
    waybill = read(AirWaybill, {"awb_number": "1", "flight_info": {"CV1": {"new": [1]}}})
    event = read(Event, {**REQUIRED, "data": {"changes": [{"type": "x", "more": [1]}]}})
    message = read(MessageDetail, {**REQUIRED, "payload": {"a": [1]}})
    account = read(Account, {**REQUIRED, "tracking_count_by_status": {"transit": 1}})
    assert event.data is not None
    assert waybill.flight_info is not None
    for one, held in (
        (waybill, waybill.flight_info),
        (event, event.data.changes[0]),
        (message, message.payload),
        (account, account.tracking_count_by_status),
    ):
        hash(one)
        assert isinstance(held, FrozenDict)
        with pytest.raises(TypeError):
            held["new"] = 1
    assert read(MessageDetail, {**REQUIRED, "payload": "text", "attempts": 7}).payload == "text"


def test_a_webhook_is_a_key_too() -> None:
    body = freeze({"data": {"a": [1]}})
    event = WebhookEvent(scheme="standard", timestamp=1, body=body, message_id="m")
    assert {event, copy.deepcopy(event)} == {event}
    with pytest.raises(TypeError):
        event.data["a"].append(2)
    assert WebhookEvent(scheme="v4", timestamp=1, body=freeze({"data": []})).data == {}


CHANGES: list[tuple[Any, Callable[[Any], Any]]] = [
    (FrozenDict({"a": 1}), lambda d: d.__setitem__("a", 2)),
    (FrozenDict({"a": 1}), lambda d: d.__delitem__("a")),
    (FrozenDict({"a": 1}), lambda d: d.__ior__({"b": 2})),
    (FrozenDict({"a": 1}), lambda d: d.clear()),
    (FrozenDict({"a": 1}), lambda d: d.pop("a")),
    (FrozenDict({"a": 1}), lambda d: d.popitem()),
    (FrozenDict({"a": 1}), lambda d: d.setdefault("b", 2)),
    (FrozenDict({"a": 1}), lambda d: d.update({"a": 2})),
    (FrozenList([2, 1]), lambda held: held.__setitem__(0, 3)),
    (FrozenList([2, 1]), lambda held: held.__delitem__(0)),
    (FrozenList([2, 1]), lambda held: held.__iadd__([3])),
    (FrozenList([2, 1]), lambda held: held.__imul__(2)),
    (FrozenList([2, 1]), lambda held: held.append(3)),
    (FrozenList([2, 1]), lambda held: held.clear()),
    (FrozenList([2, 1]), lambda held: held.extend([3])),
    (FrozenList([2, 1]), lambda held: held.insert(0, 3)),
    (FrozenList([2, 1]), lambda held: held.pop()),
    (FrozenList([2, 1]), lambda held: held.remove(1)),
    (FrozenList([2, 1]), lambda held: held.reverse()),
    (FrozenList([2, 1]), lambda held: held.sort()),
]


@pytest.mark.parametrize(("frozen", "change"), CHANGES)
def test_every_way_to_change_is_refused(frozen: Any, change: Callable[[Any], Any]) -> None:
    before = copy.copy(frozen)
    with pytest.raises(TypeError, match="belongs to an answer and cannot be changed"):
        change(frozen)
    assert frozen == before


def test_every_way_to_change_is_tried() -> None:
    for frozen, plain in ((FrozenDict, dict), (FrozenList, list)):
        # What a type that cannot be changed has, too, changes nothing.
        harmless = {*dir(tuple), *dir(frozenset)} | {"get", "items", "keys", "values", "fromkeys"}
        ways = {name for name in vars(plain) if name not in harmless} - {
            *("__class_getitem__", "__reversed__", "__getitem__", "__ror__", "__or__", "copy"),
        }
        assert ways <= set(vars(frozen)), ways - set(vars(frozen))


def test_they_are_encoded_as_what_they_are() -> None:
    frozen = freeze({"a": [1, {"b": None}]})
    assert json.loads(json.dumps(frozen)) == frozen == {"a": [1, {"b": None}]}
    assert msgspec.json.decode(msgspec.json.encode(frozen)) == frozen
    mine = dict(frozen)
    mine["b"] = list(frozen["a"])
    mine["b"].append(1)
    assert frozen == {"a": [1, {"b": None}]}

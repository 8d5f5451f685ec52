from __future__ import annotations

import json
import logging

import pytest

from parcelwire.domain.changes import (
    CheckpointAdded,
    CheckpointCorrected,
    CheckpointWithdrawn,
    CourierCorrected,
    DeliveryWindowChanged,
    StatusChanged,
)
from parcelwire.domain.changes import Event as DomainEvent
from parcelwire.domain.checkpoint import TimeSource
from parcelwire.domain.report import DeliveryWindow, ParcelFacts, ProofOfDelivery
from parcelwire.domain.status import Reason, Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import Composer
from parcelwire.webhooks.message import TRACKING_EVENT_TYPES, MessageComposer, wants
from parcelwire.webhooks.native import render_native
from tests.unit.webhooks.builders import (
    NOW,
    WORLD,
    Identifiers,
    make_checkpoint,
    make_endpoint,
    make_event,
    make_tracking,
    plain_renderer,
)


def make_composer() -> MessageComposer:
    return MessageComposer({"v2": plain_renderer, "v4": plain_renderer}, Identifiers())


class TestComposer:
    def test_it_is_what_the_use_cases_ask_for(self) -> None:
        composer: Composer = make_composer()  # mypy compares the two
        assert composer.compose(make_event(make_tracking()), make_tracking(), ()) == ()

    def test_one_message_for_each_endpoint_that_wants_the_status(self) -> None:
        tracking = make_tracking()
        event = make_event(tracking)
        endpoints = [
            make_endpoint(id="all"),
            make_endpoint(id="transit", statuses=("transit",), dialect="v4"),
            make_endpoint(id="several", statuses=("delivered", "transit"), dialect="v2"),
            make_endpoint(id="delivered", statuses=("delivered",)),
            make_endpoint(id="paused", is_enabled=False),
            make_endpoint(id="test world", world_id=WORLD + 1),
        ]
        messages = make_composer().compose(event, tracking, endpoints)
        assert [one.endpoint_id for one in messages] == ["all", "transit", "several", "paused"]
        assert len({one.id for one in messages}) == 4
        for one in messages:
            assert (one.world_id, one.tracking_id) == (WORLD, tracking.id)
            assert (one.sequence, one.event_id) == (event.sequence, event.id)
            assert (one.event_type, one.created_at) == ("tracking.status_changed", NOW)
            assert "." not in one.id

    def test_each_dialect_is_rendered_once(self) -> None:
        calls = []

        def count(tracking: Tracking, event: DomainEvent) -> bytes:
            calls.append(event.id)
            return b"{}"

        composer = MessageComposer({"v4": count}, Identifiers())
        tracking = make_tracking()
        endpoints = [make_endpoint(id=str(number), dialect="v4") for number in range(5)]
        assert len(composer.compose(make_event(tracking), tracking, endpoints)) == 5
        assert len(calls) == 1

    def test_a_dialect_from_the_future_is_reported_and_harms_nobody(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        tracking = make_tracking()
        endpoints = [make_endpoint(id="v9", dialect="v9"), make_endpoint(id="native")]
        with caplog.at_level(logging.ERROR):
            messages = make_composer().compose(make_event(tracking), tracking, endpoints)
        assert [one.endpoint_id for one in messages] == ["native"]
        assert "v9" in caplog.text
        with pytest.raises(ValueError, match="dialect: v9"):
            make_composer().compose_test(endpoints[0], NOW)

    def test_no_endpoints_no_messages(self) -> None:
        tracking = make_tracking()
        assert make_composer().compose(make_event(tracking), tracking, []) == ()

    def test_the_own_renderer_can_be_replaced(self) -> None:
        composer = MessageComposer({"native": plain_renderer}, Identifiers())
        assert composer.dialects == ("native",)

    @pytest.mark.parametrize("dialect", ["v2", "v4", "native"])
    def test_a_test_message_says_that_it_is_one(self, dialect: str) -> None:
        composer = make_composer()
        endpoint = make_endpoint(dialect=dialect, statuses=("delivered",))
        first, second = (composer.compose_test(endpoint, NOW) for _ in range(2))
        assert first.event_type == "endpoint.test"
        assert first.endpoint_id == endpoint.id
        # Two tests must not wait for each other, as two messages of one parcel do.
        assert first.tracking_id != second.tracking_id
        assert b"TEST000000001" in first.payload


@pytest.mark.parametrize("status", list(Status))
def test_the_filter_takes_every_status(status: Status) -> None:
    event = make_event(make_tracking(status=status))
    asked = {"status": event.status, "event_type": event.type}
    assert wants(make_endpoint(), **asked)
    assert wants(make_endpoint(statuses=(status.value,)), **asked)
    others = tuple(one.value for one in Status if one is not status)
    assert not wants(make_endpoint(statuses=others), **asked)


def test_the_type_filter_stands_beside_the_status_filter() -> None:
    event = make_event(make_tracking())
    silent = make_event(make_tracking(), changes=())
    changed, updated = TRACKING_EVENT_TYPES
    assert (event.type, silent.type) == (changed, updated)
    for types, statuses, is_wanted in [
        ((changed,), (), True),
        ((updated,), (), False),
        ((changed, updated), ("transit",), True),
        ((changed,), ("delivered",), False),
        (("endpoint.failing",), (), False),
    ]:
        endpoint = make_endpoint(event_types=types, statuses=statuses)
        assert wants(endpoint, status=event.status, event_type=event.type) is is_wanted


class TestNative:
    def test_times_say_how_they_are_known(self) -> None:
        tracking = make_tracking(
            checkpoints=(
                make_checkpoint(),
                make_checkpoint(
                    local_time="2026-03-01T10:00",
                    offset_minutes=None,
                    time_source=TimeSource.UNKNOWN,
                    event_id="e7",
                ),
                make_checkpoint(local_time="2026-03-02", time_source=TimeSource.HOME),
            )
        )
        shown = json.loads(render_native(tracking, make_event(tracking)))["tracking"]["checkpoints"]
        assert [one["occurred_at"] for one in shown] == [
            "2026-03-01T09:30:00+01:00",
            "2026-03-01T10:00:00",
            "2026-03-02",
        ]
        assert [one["time_source"] for one in shown] == ["carrier", "unknown", "home"]
        assert shown[0]["offset_minutes"] == 60
        assert "offset_minutes" not in shown[1]
        assert shown[0]["received_at"] == "2026-03-01T10:00:00+00:00"
        assert shown[0]["raw_code"] == "LETTER.*.88.912"
        assert shown[0]["text"] == "Im Sortierzentrum eingetroffen"
        assert shown[1]["carrier_event_id"] == "e7"

    def test_withdrawn_checkpoints_and_the_page_token_stay_inside(self) -> None:
        tracking = make_tracking(
            checkpoints=(
                make_checkpoint(),
                make_checkpoint(text="taken back", raw_code="X", is_withdrawn=True),
            )
        )
        body = render_native(tracking, make_event(tracking, changes=()))
        assert b"taken back" not in body
        assert tracking.page_token.encode() not in body

    def test_every_kind_of_change_has_its_words(self) -> None:
        before, after = make_checkpoint(), make_checkpoint(text="Zugestellt")
        window = DeliveryWindow(
            earliest="2026-03-02", latest="2026-03-03", source="swiss-post", reported_at=NOW
        )
        tracking = make_tracking()
        event = make_event(
            tracking,
            changes=(
                StatusChanged(
                    from_status=Status.TRANSIT,
                    from_substatus=Substatus.TRANSIT,
                    to_status=Status.EXCEPTION,
                    to_substatus=Substatus.EXCEPTION_CUSTOMS_HOLD,
                    reason=Reason.CUSTOMS_HOLD,
                ),
                CheckpointAdded(checkpoint=before),
                CheckpointCorrected(before=before, after=after),
                CheckpointWithdrawn(checkpoint=after),
                DeliveryWindowChanged(before=None, after=window),
                CourierCorrected(from_courier="usps", to_courier="swiss-post", reason="detected"),
            ),
        )
        changes = json.loads(render_native(tracking, event))["changes"]
        assert [one["type"] for one in changes] == [
            "status_changed",
            "checkpoint_added",
            "checkpoint_corrected",
            "checkpoint_withdrawn",
            "delivery_window_changed",
            "courier_corrected",
        ]
        assert changes[0]["to_substatus"] == "exception006"
        assert changes[0]["reason"] == "customs.hold"
        assert changes[2]["after"]["text"] == "Zugestellt"
        assert changes[4] == {
            "type": "delivery_window_changed",
            "after": {
                "earliest": "2026-03-02",
                "latest": "2026-03-03",
                "source": "swiss-post",
                "reported_at": "2026-03-01T10:00:00+00:00",
            },
        }
        assert changes[5]["to_courier"] == "swiss-post"

    def test_what_is_known_about_the_parcel_is_told(self) -> None:
        tracking = make_tracking(
            facts=ParcelFacts(weight_grams=850, proof=ProofOfDelivery(signed_by="M. Muster")),
            expired_at=NOW,
        )
        shown = json.loads(render_native(tracking, make_event(tracking)))["tracking"]
        assert shown["shipment"] == {"weight_grams": 850, "proof": {"signed_by": "M. Muster"}}
        assert shown["details"] == {"order_number": "A-1"}
        assert shown["expired_at"] == "2026-03-01T10:00:00+00:00"
        assert (shown["number"], shown["typed_number"]) == (
            "990000000000000001",
            "99.00.000000.00000001",
        )
        assert None not in shown.values()

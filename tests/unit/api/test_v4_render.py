"""A tracking as v4 shows it."""

from parcelwire.api.v4.render import kilograms
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.checkpoint import Leg
from parcelwire.domain.report import DeliveryWindow, ParcelFacts, ProofOfDelivery
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Details
from tests.support.v4 import point
from tests.support.v4_parcels import JOURNEY, made, shown, told
from tests.support.v4_types import TRACKING, check


def test_fields_stand_in_the_order_of_the_wire_with_its_types() -> None:
    check(shown(made()), TRACKING)
    check(shown(told(made(), *JOURNEY)), TRACKING)


def test_a_new_tracking_says_nothing_it_does_not_know() -> None:
    tracking = shown(made())
    empty = {name for name, value in tracking.items() if value is None}
    assert empty == set(TRACKING) - {
        "id",
        "tracking_number",
        "courier_code",
        "created_at",
        "update_at",
        "delivery_status",
        "archived",
        "updating",
        "source",
        "transit_time",
        "origin_info",
        "destination_info",
    }
    assert tracking["created_at"] == "2026-03-01T10:00:00+00:00"
    assert tracking["update_at"] == "2026-03-01T10:00:01+00:00"
    assert tracking["delivery_status"] == "pending"
    assert tracking["archived"] == "tracking"
    assert tracking["updating"] is True
    assert tracking["source"] == "API"
    assert tracking["transit_time"] == 0
    assert tracking["tracking_number"] == "996012345678901234"
    courier = default_registry().get("swiss-post")
    assert courier is not None
    assert tracking["origin_info"]["courier_code"] == "swiss-post"
    assert tracking["origin_info"]["courier_phone"] == courier.phone
    assert tracking["origin_info"]["weblink"] == courier.homepage
    assert tracking["origin_info"]["trackinfo"] == []
    assert tracking["destination_info"]["trackinfo"] == []
    assert tracking["destination_info"]["courier_code"] is None


def test_the_shops_words_come_back() -> None:
    tracking = shown(
        made(
            is_archived=True,
            is_stopped=True,
            source="WEB",
            details=Details(
                order_number="#1",
                order_id="9",
                order_date="2026-02-20",
                title="Box",
                customer_name="Ada",
                customer_email="ada@example.com",
                customer_phone="+41 1",
                recipient_postcode="3000",
                logistics_channel="slow",
                note="ring twice",
                label="1,2",
                origin_country="DE",
                destination_country="CH",
                postal_code="3001",
                ship_date="20260221",
                courier_account="acc",
                tracking_origin_country="Germany",
                tracking_destination_country="Switzerland",
                key="k",
            ),
        )
    )
    wire = {
        "archived": "true",
        "updating": False,
        "source": "WEB",
        "order_number": "#1",
        "order_id": "9",
        "order_date": "2026-02-20",
        "title": "Box",
        "customer_name": "Ada",
        "customer_email": "ada@example.com",
        "customer_sms": "+41 1",
        "recipient_postcode": "3000",
        "logistics_channel": "slow",
        "note": "ring twice",
        "label": "1,2",
        "origin_country": "DE",
        "destination_country": "CH",
        "tracking_postal_code": "3001",
        "tracking_ship_date": "20260221",
        "tracking_courier_account": "acc",
        "tracking_origin_country": "Germany",
        "tracking_destination_country": "Switzerland",
        "tracking_key": "k",
    }
    assert {name: tracking[name] for name in wire} == wire


def test_events_newest_first_with_their_milestones() -> None:
    tracking = shown(told(made(), *JOURNEY))
    events = tracking["origin_info"]["trackinfo"]
    assert [event["tracking_detail"] for event in events] == [
        "Delivered",
        "A note",
        "Sorted",
        "Data received",
    ]
    assert events[0] == {
        "checkpoint_date": "2026-02-27T09:00:00+01:00",
        "checkpoint_delivery_status": "delivered",
        "checkpoint_delivery_substatus": "delivered003",
        "tracking_detail": "Delivered",
        "location": "Bern",
        "country_iso2": "CH",
        "state": "BE",
        "city": "Bern",
        "zip": "3000",
        "raw_status": "d9",
    }
    # A note says nothing about where the parcel stands; a place without its own text is its city.
    assert events[1]["checkpoint_delivery_status"] is None
    assert events[2]["location"] == "Härkingen"
    assert tracking["delivery_status"] == "delivered"
    assert tracking["substatus"] == "delivered003"
    assert tracking["latest_event"] == "Delivered,Bern,2026-02-27T09:00:00+01:00"
    assert tracking["latest_checkpoint_time"] == "2026-02-27T09:00:00+01:00"
    assert tracking["transit_time"] == 2
    info = tracking["origin_info"]
    assert info["milestone_date"] == {
        "inforeceived_date": "2026-02-25T08:00:00+01:00",
        "pickup_date": "2026-02-25T18:30:00+01:00",
        "outfordelivery_date": None,
        "delivery_date": "2026-02-27T09:00:00+01:00",
        "returning_date": None,
        "returned_date": None,
    }
    assert info["pickup_date"] == "2026-02-25T18:30:00+01:00"


def test_what_is_only_announced_has_no_transit_time() -> None:
    announced = [
        point(f"2026-02-{day}T08:00:00", "Data received", Substatus.INFORECEIVED)
        for day in (20, 24, 27)
    ]
    assert shown(told(made(), *announced))["transit_time"] == 0
    sorted_at = point("2026-02-28T08:00:00", "Sorted", Substatus.TRANSIT)
    assert shown(told(made(), *announced, sorted_at))["transit_time"] == 0
    moved_at = point("2026-03-02T08:00:00", "On its way", Substatus.TRANSIT_AT_HUB)
    assert shown(told(made(), *announced, sorted_at, moved_at))["transit_time"] == 2


def test_an_offset_is_never_invented() -> None:
    points = (
        point("2026-02-25T08:00", "Minutes", Substatus.TRANSIT, offset_minutes=None),
        point("2026-02-26", "A day", Substatus.TRANSIT_AT_HUB, offset_minutes=None),
        point("2026-02-27T08:00:00", "West", Substatus.TRANSIT, offset_minutes=-210),
    )
    tracking = shown(told(made(), *points))
    dates = [event["checkpoint_date"] for event in tracking["origin_info"]["trackinfo"]]
    assert dates == ["2026-02-27T08:00:00-03:30", "2026-02-26", "2026-02-25T08:00:00"]


def test_a_withdrawn_event_is_not_shown() -> None:
    points = (
        JOURNEY[0],
        point("2026-02-26T09:00:00", "Gone", Substatus.TRANSIT, is_withdrawn=True),
    )
    tracking = shown(told(made(), *points))
    assert [e["tracking_detail"] for e in tracking["origin_info"]["trackinfo"]] == ["Data received"]
    assert tracking["latest_event"] == "Data received,2026-02-25T08:00:00+01:00"


def test_two_legs_have_their_own_events_and_milestones() -> None:
    far = (
        point("2026-02-26T20:00:00", "Arrived", Substatus.TRANSIT, leg=Leg.DESTINATION),
        point("2026-02-28T10:00:00", "Handed over", Substatus.DELIVERED, leg=Leg.DESTINATION),
    )
    facts = ParcelFacts(
        exchange_number="LX123456785CH", partner_courier_code="poste-italiane", reference_number="R"
    )
    tracking = shown(told(made(), JOURNEY[0], JOURNEY[1], *far, facts=facts))
    near_info, far_info = tracking["origin_info"], tracking["destination_info"]
    assert len(near_info["trackinfo"]) == 2
    assert [e["tracking_detail"] for e in far_info["trackinfo"]] == ["Handed over", "Arrived"]
    assert near_info["milestone_date"]["delivery_date"] is None
    assert far_info["milestone_date"]["delivery_date"] == "2026-02-28T10:00:00+01:00"
    assert far_info["courier_code"] == "poste-italiane"
    assert far_info["weblink"] == "http://www.poste.it/"
    assert near_info["reference_number"] == "R"
    assert tracking["exchange_number"] == tracking["destination_track_number"] == "LX123456785CH"
    assert tracking["latest_event"] == "Handed over,2026-02-28T10:00:00+01:00"
    assert tracking["transit_time"] == 3


def test_a_scan_of_the_first_leg_can_be_the_latest() -> None:
    points = (
        point("2026-02-26T20:00:00", "Arrived", Substatus.TRANSIT, leg=Leg.DESTINATION),
        point("2026-02-27T20:00:00", "Sent back", Substatus.TRANSIT),
    )
    assert shown(told(made(), *points))["latest_event"] == "Sent back,2026-02-27T20:00:00+01:00"


def test_what_the_carrier_knows_about_the_parcel() -> None:
    facts = ParcelFacts(
        service="PRI",
        product="PostPac Priority",
        weight_grams=1250,
        length_mm=300,
        width_mm=205,
        height_mm=100,
        pieces=2,
        origin_country="DE",
        origin_state="BY",
        origin_city="Hof",
        destination_country="CH",
        destination_state="BE",
        destination_city="Bern",
        proof=ProofOfDelivery(signed_by="A. Muster"),
        pickup_point="Filiale Bern 1",
    )
    window = DeliveryWindow(
        earliest="2026-03-02T08:00", latest="2026-03-02T12:00", source="swiss-post"
    )
    tracking = shown(told(made(), facts=facts, window=window))
    wire = {
        "service_code": "PRI",
        "product_type": "PostPac Priority",
        "weight": "1.25 kg",
        "weight_kg": "1.25",
        "dimension": "30 x 20.5 x 10 cm",
        "pieces": "2",
        "origin_country": "DE",
        "origin_state": "BY",
        "origin_city": "Hof",
        "destination_country": "CH",
        "destination_state": "BE",
        "destination_city": "Bern",
        "signed_by": "A. Muster",
        "scheduled_address": "Filiale Bern 1",
        "scheduled_delivery_date": "2026-03-02",
    }
    assert {name: tracking[name] for name in wire} == wire


def test_weights() -> None:
    assert [kilograms(grams) for grams in (None, 0, 5, 20, 1000, 12_340_567)] == [
        None,
        "0",
        "0.005",
        "0.02",
        "1",
        "12340.567",
    ]


def test_every_status_and_substatus_is_shown_by_its_own_word() -> None:
    for status in Status:
        assert shown(made(status=status))["delivery_status"] == status.value
    for substatus in Substatus:
        tracking = made(status=substatus.status, substatus=substatus)
        assert shown(tracking)["substatus"] == substatus.value

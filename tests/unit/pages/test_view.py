"""What the tracking page says: words and figures of a parcel, before any markup."""

from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.couriers.registry import Courier
from parcelwire.domain.brand import Brand
from parcelwire.domain.checkpoint import Checkpoint, Leg
from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, FrozenClock
from parcelwire.domain.merge import merge
from parcelwire.domain.report import (
    CarrierReport,
    DeliveryWindow,
    Outcome,
    ParcelFacts,
    ProofOfDelivery,
)
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Details, Product, Tracking
from parcelwire.pages.view import Couriers, Page, Pickup, Promise, Sibling, page_of
from parcelwire.pages.words import LANGUAGES, words
from parcelwire.tracking.ports import PollState

NOW = FrozenClock().now()
SWISS_POST = Courier(
    code="swiss-post", name="Swiss Post", tracking_url="https://post.example/track/{number}"
)


def tracking(**fields: Any) -> Tracking:
    return Tracking(
        **{
            "id": "0" * 32,
            "world_id": 2,
            "number": "990012345612345678",
            "typed_number": "99.00.123456.12345678",
            "courier_code": "swiss-post",
            "created_at": NOW - DAY,
            "updated_at": NOW,
            "page_token": "t" * 20,
            **fields,
        }
    )


def at(local_time: str, text: str = "something", **fields: Any) -> Checkpoint:
    return Checkpoint(**{"local_time": local_time, "text": text, "offset_minutes": 60, **fields})


def after(*checkpoints: Checkpoint, **report: Any) -> Tracking:
    """Return the tracking as merge leaves it after one answer of the carrier."""
    answer = CarrierReport(
        number="990012345612345678",
        outcome=Outcome.FOUND,
        checkpoints=checkpoints,
        fetched_at=NOW,
        **report,
    )
    return merge(tracking(), answer).tracking


def page(
    parcel: Tracking,
    poll: PollState | None = None,
    *,
    courier: Courier | None = SWISS_POST,
    is_test: bool = False,
    language: str = "en",
    **more: Any,
) -> Page:
    return page_of(
        parcel,
        poll or PollState(),
        Couriers(courier),
        words(language),
        now=NOW,
        is_test=is_test,
        **more,
    )


STEPS = ("Announced", "Handed over", "On its way", "Out for delivery", "Delivered")


# --- headline and tone ------------------------------------------------------------------------


def test_every_status_has_a_headline_of_its_own() -> None:
    headlines = {page(tracking(status=status)).headline for status in Status}
    assert len(headlines) == len(Status)


@pytest.mark.parametrize("substatus", Substatus)
def test_every_substatus_has_a_headline_and_a_tone(substatus: Substatus) -> None:
    shown = page(tracking(status=substatus.status, substatus=substatus))
    assert shown.headline[0].isupper()
    assert shown.headline[-1].isalpha()
    expected = {
        Status.DELIVERED: "good",
        Status.UNDELIVERED: "trouble",
        Status.EXCEPTION: "trouble",
        Status.EXPIRED: "trouble",
    }.get(substatus.status, "calm")
    assert shown.tone == expected


@pytest.mark.parametrize(
    ("substatus", "headline"),
    [
        (Substatus.PICKUP_OUT_FOR_DELIVERY, "Your parcel is out for delivery"),
        (Substatus.PICKUP_READY_FOR_COLLECTION, "Your parcel is ready for collection"),
        (Substatus.EXCEPTION_CUSTOMS_HOLD, "Your parcel is held by customs"),
        (Substatus.EXCEPTION_RETURNED, "Your parcel went back to the sender"),
        (Substatus.DELIVERED_COLLECTED, "Your parcel was collected"),
    ],
)
def test_headlines_of_finer_codes(substatus: Substatus, headline: str) -> None:
    assert page(tracking(status=substatus.status, substatus=substatus)).headline == headline


# --- steps ------------------------------------------------------------------------------------

ANNOUNCED = at("2026-02-26T08:00", status=Status.INFORECEIVED)
HANDED_OVER = at("2026-02-26T18:00", status=Status.TRANSIT)
SORTED = at("2026-02-27T02:00", status=Status.TRANSIT, substatus=Substatus.TRANSIT_AT_HUB)
OUT = at("2026-02-27T08:00", status=Status.PICKUP, substatus=Substatus.PICKUP_OUT_FOR_DELIVERY)
DELIVERED = at("2026-02-27T11:00", status=Status.DELIVERED, substatus=Substatus.DELIVERED)
HELD = at("2026-02-27T03:00", status=Status.EXCEPTION, substatus=Substatus.EXCEPTION_CUSTOMS_HOLD)


def states(shown: Page) -> list[str]:
    assert [step.name for step in shown.steps] == list(STEPS)
    return [step.state for step in shown.steps]


@pytest.mark.parametrize(
    ("checkpoints", "now_at"),
    [
        ((), -1),
        ((ANNOUNCED,), 0),
        ((ANNOUNCED, HANDED_OVER), 1),
        ((ANNOUNCED, HANDED_OVER, SORTED), 2),
        ((ANNOUNCED, HANDED_OVER, SORTED, HELD), 2),
        ((ANNOUNCED, HANDED_OVER, SORTED, OUT), 3),
    ],
)
def test_steps_on_the_way(checkpoints: tuple[Checkpoint, ...], now_at: int) -> None:
    shown = page(after(*checkpoints))
    assert states(shown) == [
        "done" if i < now_at else "now" if i == now_at else "open" for i in range(len(STEPS))
    ]
    expected = f"Step {now_at + 1} of 5: {STEPS[now_at]}" if now_at >= 0 else "Not announced yet"
    assert shown.step_text == expected


def test_a_delivered_parcel_has_done_every_step() -> None:
    shown = page(after(ANNOUNCED, HANDED_OVER, SORTED, OUT, DELIVERED))
    assert states(shown) == ["done"] * 5
    assert shown.step_text == "Step 5 of 5: Delivered"


def test_a_note_without_a_status_is_no_step() -> None:
    assert states(page(after(at("2026-02-26T08:00", "a wish of the recipient")))) == ["open"] * 5


# --- the timeline -----------------------------------------------------------------------------


def test_days_and_entries_are_newest_first() -> None:
    shown = page(
        after(
            at("2026-02-27T11:00", "third"),
            at("2026-02-26T18:00", "second"),
            at("2026-02-26T08:00", "first"),
        )
    )
    assert [day.title for day in shown.days] == [
        "Friday, 27 February 2026",
        "Thursday, 26 February 2026",
    ]
    assert [[entry.text for entry in day.entries] for day in shown.days] == [
        ["third"],
        ["second", "first"],
    ]


def test_steps_tell_the_day_on_which_they_were_reached() -> None:
    shown = page(after(SORTED, OUT, DELIVERED))
    assert [step.on for step in shown.steps] == ["", "27 Feb", "", "27 Feb", "27 Feb"]
    assert [step.on for step in page(after(SORTED)).steps] == ["", "27 Feb", "", "", ""]
    assert page(after(SORTED), language="ja").steps[1].on == "2月27日"


@pytest.mark.parametrize(
    ("offset", "zone", "machine_time"),
    [
        (60, "UTC+01:00", "2026-02-26T18:05:00+01:00"),
        (-210, "UTC-03:30", "2026-02-26T18:05:00-03:30"),
        (0, "UTC+00:00", "2026-02-26T18:05:00+00:00"),
        (None, "time zone unknown", "2026-02-26T18:05:00"),
    ],
)
def test_local_times_with_what_is_known_of_their_zone(
    offset: int | None, zone: str, machine_time: str
) -> None:
    ((entry,),) = (
        day.entries for day in page(after(at("2026-02-26T18:05", offset_minutes=offset))).days
    )
    assert (entry.time, entry.zone, entry.machine_time) == ("18:05", zone, machine_time)


@pytest.mark.parametrize(
    ("offsets", "said_once"),
    [
        ((60, 60), "UTC+01:00"),
        ((None, None), "time zone unknown"),
        ((60, 480), ""),
        ((60, None), ""),
        ((), ""),
    ],
)
def test_a_zone_that_all_times_share_is_said_once(
    offsets: tuple[int | None, ...], said_once: str
) -> None:
    events = [
        at(
            f"2026-02-2{place}T18:05",
            offset_minutes=offset,
            leg=Leg.DESTINATION if place == 6 else Leg.ORIGIN,
        )
        for place, offset in enumerate(offsets, 5)
    ]
    # A date alone has no zone, and does not count.
    assert page(after(at("2026-02-24", offset_minutes=None), *events)).zone == said_once


def test_the_stages_of_a_journey_are_told_apart() -> None:
    shown = page(
        after(
            at("2026-02-25T09:00", status=Status.TRANSIT, substatus=Substatus.TRANSIT),
            at("2026-02-25T10:00", status=Status.TRANSIT, substatus=Substatus.TRANSIT),
            at("2026-02-25T11:00", status=Status.TRANSIT, substatus=Substatus.TRANSIT_AT_HUB),
            at("2026-02-25T12:00", status=Status.TRANSIT),
            at(
                "2026-02-25T13:00",
                status=Status.TRANSIT,
                substatus=Substatus.TRANSIT_AT_DELIVERY_FACILITY,
            ),
        )
    )
    assert [entry.line for entry in shown.days[0].entries] == [
        "Your parcel is at the local delivery office",
        "Your parcel is on its way",
        "Your parcel is at a sorting centre",
        "Your parcel is on its way",
        "The carrier has your parcel",
    ]
    # The headline stays the same for all of these.
    assert shown.headline == "Your parcel is on its way"


def test_a_date_without_a_time_gets_none() -> None:
    ((entry,),) = (day.entries for day in page(after(at("2026-02-26"))).days)
    assert (entry.time, entry.zone, entry.machine_time) == ("", "", "2026-02-26")


def test_the_local_day_counts_not_the_utc_day() -> None:
    (day,) = page(after(at("2026-02-27T00:30", offset_minutes=60))).days
    assert day.title == "Friday, 27 February 2026"


def test_withdrawn_events_are_hidden() -> None:
    assert page(after(at("2026-02-26T18:00", "taken back", is_withdrawn=True))).days == ()


def test_places_as_printed_or_put_together() -> None:
    shown = page(
        after(
            at("2026-02-26T10:00", "a", location="3030 Bern"),
            at("2026-02-26T09:00", "b", postal_code="3030", city="Bern", country="CH"),
            at("2026-02-26T08:00", "c"),
        )
    )
    assert [entry.place for entry in shown.days[0].entries] == [
        "3030 Bern",
        "3030 Bern, Switzerland",
        "",
    ]
    german = page(after(at("2026-02-26T09:00", "b", country="CH")), language="de")
    assert german.days[0].entries[0].place == "Schweiz"


def test_troubles_and_languages_are_marked() -> None:
    shown = page(after(HELD, at("2026-02-26T09:00", "Zugestellt", language="de")))
    assert [entry.is_trouble for day in shown.days for entry in day.entries] == [True, False]
    assert [entry.language for day in shown.days for entry in day.entries] == [None, "de"]


def test_two_legs_are_told_apart() -> None:
    shown = page(
        after(
            at("2026-02-26T09:00", "left Zurich"),
            at("2026-02-27T09:00", "arrived in Milan", leg=Leg.DESTINATION),
        )
    )
    assert [entry.text for day in shown.days for entry in day.entries] == ["left Zurich"]
    assert [entry.text for day in shown.partner_days for entry in day.entries] == [
        "arrived in Milan"
    ]


# --- the promise ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("earliest", "latest", "when", "headline"),
    [
        ("2026-03-05", "2026-03-05", "Thursday", "Arrives Thursday"),
        (
            "2026-03-05T14:00",
            "2026-03-05T17:00",
            "Thursday, 14:00 to 17:00",
            "Arrives Thursday, 14:00 to 17:00",
        ),
        (
            "2026-03-02T09:00",
            "2026-03-02T11:30",
            "tomorrow, 09:00 to 11:30",
            "Arrives tomorrow, 09:00 to 11:30",
        ),
        ("2026-03-01", "2026-03-01T18:00", "today, until 18:00", "Arrives today, until 18:00"),
        (
            "2026-03-02",
            "2026-03-04",
            "tomorrow – Wednesday",
            "Arrives between tomorrow and Wednesday",
        ),
        ("2026-03-02T09:00", "2026-03-02T09:00", "tomorrow, 09:00", "Arrives tomorrow, 09:00"),
        (
            "2026-03-04T09:00",
            "2026-03-04",
            "Wednesday, from 09:00",
            "Arrives Wednesday, from 09:00",
        ),
        (
            "2026-03-20",
            "2026-03-20",
            "Friday, 20 March 2026",
            "Arrives Friday, 20 March 2026",
        ),
    ],
)
def test_windows_in_words(earliest: str, latest: str, when: str, headline: str) -> None:
    window = DeliveryWindow(earliest=earliest, latest=latest, said_by="carrier")
    shown = page(after(SORTED, window=window))
    assert shown.promise == Promise(when, "according to Swiss Post")
    assert (shown.headline, shown.subline) == (headline, "Your parcel is on its way")


def test_today_is_the_day_where_the_parcel_is() -> None:
    window = DeliveryWindow(earliest="2026-03-02", latest="2026-03-02", said_by="carrier")
    # At ten in the morning in Greenwich it is already tomorrow in Kiribati.
    late = at("2026-03-01T23:00", offset_minutes=14 * 60, status=Status.TRANSIT)
    assert page(after(late, window=window)).headline == "Arrives today"
    nobody_knows = at("2026-03-01T08:00", offset_minutes=None, status=Status.TRANSIT)
    assert page(after(nobody_knows, window=window)).headline == "Arrives Monday, 2 March 2026"


@pytest.mark.parametrize("trouble", [HELD, at("2026-02-27T09:00", status=Status.UNDELIVERED)])
def test_in_trouble_the_trouble_comes_first(trouble: Checkpoint) -> None:
    window = DeliveryWindow(earliest="2026-03-05", latest="2026-03-05", said_by="carrier")
    shown = page(after(SORTED, trouble, window=window))
    assert shown.tone == "trouble"
    assert "Arrives" not in shown.headline
    assert shown.advice


def test_a_promise_that_has_passed_is_no_promise() -> None:
    window = DeliveryWindow(earliest="2026-02-20", latest="2026-02-28T18:00", said_by="carrier")
    shown = page(after(SORTED, window=window))
    assert (shown.promise, shown.headline) == (None, "Your parcel is on its way")


def test_a_finished_parcel_promises_nothing() -> None:
    window = DeliveryWindow(earliest="2026-03-02", latest="2026-03-02", said_by="carrier")
    shown = page(after(SORTED, DELIVERED, window=window))
    assert shown.promise is None
    # The headline says it all.
    assert (shown.headline, shown.subline) == ("Delivered Friday, 11:00", "")


# --- collection -------------------------------------------------------------------------------


def test_where_and_until_when_a_parcel_waits() -> None:
    waiting = at(
        "2026-02-27T14:00", status=Status.PICKUP, substatus=Substatus.PICKUP_READY_FOR_COLLECTION
    )
    facts = ParcelFacts(pickup_point="Post office 3001 Bern", pickup_until_on="2026-03-06")
    shown = page(after(waiting, facts=facts))
    assert shown.pickup == Pickup("Post office 3001 Bern", "Friday")
    assert (shown.steps[3].name, shown.steps[3].state) == ("Ready to collect", "now")
    assert shown.step_text == "Step 4 of 5: Ready to collect"
    moved_on = page(after(waiting, at("2026-02-28T09:00", status=Status.DELIVERED), facts=facts))
    assert moved_on.pickup is None


# --- proof, order, brand, language ------------------------------------------------------------


def test_the_shop_decides_whether_the_public_sees_the_proof() -> None:
    proof = ProofOfDelivery(
        signed_by="E. Muster", place="Porch", image_url="https://post.example/proof.jpg"
    )
    parcel = after(SORTED, DELIVERED, facts=ParcelFacts(proof=proof))
    assert page(parcel).proof is None
    shown = page(parcel, brand=Brand(shows_signer=True)).proof
    assert shown is not None
    assert (shown.signed_by, shown.place) == ("E. Muster", "Porch")
    assert (
        page(after(SORTED, facts=ParcelFacts(proof=proof)), brand=Brand(shows_signer=True)).proof
        is None
    )


def test_a_picture_is_only_linked_where_it_is_safe() -> None:
    proof = ProofOfDelivery(signed_by="E.", image_url="javascript:alert(1)")
    parcel = after(SORTED, DELIVERED, facts=ParcelFacts(proof=proof))
    shown = page(parcel, brand=Brand(shows_signer=True)).proof
    assert shown is not None
    assert shown.image_url == ""


def test_parcels_of_one_order() -> None:
    this = after(SORTED)
    there = replace(after(SORTED, DELIVERED), id="1" * 32, number="N2", page_token="u" * 20)
    shown = page(this, order=[there, this])
    assert shown.order_text == "1 of 2 parcels delivered"
    assert [(one.number, one.is_this, one.is_delivered) for one in shown.siblings] == [
        (this.number, True, False),
        ("N2", False, True),
    ]
    assert isinstance(shown.siblings[0], Sibling)
    alone = page(this, order=[this])
    assert (alone.siblings, alone.order_text) == ((), "")


def test_what_is_in_the_parcel() -> None:
    products = (Product(name="Boots", quantity=2), Product(name="Laces"))
    parcel = replace(after(SORTED), details=Details(products=products))
    assert page(parcel).products == products
    assert page(after(SORTED)).products == ()


def test_what_the_shop_says_stands_beside_our_words() -> None:
    brand = Brand(texts={"en": {"transit": "It is coming!"}, "de": {"transit": "Es kommt!"}})
    assert page(after(SORTED), brand=brand).own_text == "It is coming!"
    assert page(after(SORTED), brand=brand, language="de").own_text == "Es kommt!"
    assert page(after(SORTED), brand=brand, language="fr").own_text == "It is coming!"
    assert page(after(DELIVERED), brand=brand).own_text == ""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("substatus", Substatus)
def test_every_state_in_every_language(language: str, substatus: Substatus) -> None:
    parcel = tracking(status=substatus.status, substatus=substatus)
    shown = page(parcel, language=language)
    assert shown.headline
    assert "{" not in repr(shown)
    if language != "en":
        assert shown.headline != page(parcel).headline


def test_our_line_in_the_readers_language_and_the_carriers_words() -> None:
    parcel = after(at("2026-02-26T09:00", "Zugestellt", language="de", status=Status.DELIVERED))
    ((entry,),) = (day.entries for day in page(parcel, language="fr").days)
    assert (entry.line, entry.text) == ("Votre colis a été livré", "Zugestellt")
    ((entry,),) = (day.entries for day in page(parcel, language="de").days)
    assert (entry.line, entry.text) == ("", "Zugestellt")


# --- the rest ---------------------------------------------------------------------------------


def test_the_carriers_name_and_link() -> None:
    shown = page(tracking())
    assert shown.carrier_name == "Swiss Post"
    assert shown.carrier_link == "https://post.example/track/990012345612345678"


def test_a_courier_the_registry_lost() -> None:
    shown = page(tracking(), courier=None)
    assert (shown.carrier_name, shown.carrier_link) == ("swiss-post", None)


@pytest.mark.parametrize(
    ("poll", "says"),
    [
        (PollState(), "The carrier was not asked yet."),
        (
            PollState(last_outcome=Outcome.UNAVAILABLE),
            "The carrier could not be asked yet.",
        ),
        (PollState(checked_at=NOW), "The carrier last answered just now."),
        (PollState(checked_at=NOW + MINUTE), "The carrier last answered just now."),
        (PollState(checked_at=NOW - 90 * SECOND), "The carrier last answered just now."),
        (PollState(checked_at=NOW - 2 * MINUTE), "The carrier last answered 2 minutes ago."),
        (PollState(checked_at=NOW - 3 * HOUR), "The carrier last answered 3 hours ago."),
        (
            PollState(checked_at=NOW - 3 * DAY),
            "The carrier last answered on Thursday, 26 February 2026.",
        ),
        (
            PollState(checked_at=NOW - 3 * HOUR, last_outcome=Outcome.UNAVAILABLE),
            "The carrier last answered 3 hours ago."
            " At the moment it gives no answer that can be used.",
        ),
        (
            PollState(checked_at=NOW, last_outcome=Outcome.UNKNOWN_NUMBER),
            "The carrier last answered just now.",
        ),
    ],
)
def test_how_fresh_the_page_is(poll: PollState, says: str) -> None:
    assert page(tracking(), poll).freshness == says


def test_nothing_the_shop_told_about_its_customer_is_in_the_model() -> None:
    details = Details(
        customer_name="Erika Muster",
        customer_email="erika@example.org",
        customer_phone="+41 44 000 00 00",
        recipient_postcode="8001-secret",
        order_number="order-77",
        title="A present",
        note="a note",
    )
    shown = repr(page(replace(after(SORTED), details=details), is_test=True))
    for word in ("Erika", "example.org", "+41", "secret", "order-77", "present", "a note"):
        assert word not in shown

"""What the tracking page says: words and figures of a parcel, before any markup."""

import pytest
from msgspec.structs import replace

from parcelwire.domain.brand import Brand
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND
from parcelwire.domain.report import DeliveryWindow, Outcome, ParcelFacts, ProofOfDelivery
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Details, Product
from parcelwire.notices import letters
from parcelwire.pages import view
from parcelwire.pages.view import Pickup, Promise, Sibling
from parcelwire.pages.words import LANGUAGES
from parcelwire.tracking.ports import PollState
from parcelwire.tracking.words import choose
from tests.unit.pages.view_samples import DELIVERED, HELD, NOW, SORTED, after, at, page, tracking

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
    window = DeliveryWindow(earliest=earliest, latest=latest, source="carrier")
    shown = page(after(SORTED, window=window))
    assert shown.promise == Promise(when, "according to Swiss Post")
    assert (shown.headline, shown.subline) == (headline, "Your parcel is on its way")


def test_today_is_the_day_where_the_parcel_is() -> None:
    window = DeliveryWindow(earliest="2026-03-02", latest="2026-03-02", source="carrier")
    # At ten in the morning in Greenwich it is already tomorrow in Kiribati.
    late = at("2026-03-01T23:00", offset_minutes=14 * 60, status=Status.TRANSIT)
    assert page(after(late, window=window)).headline == "Arrives today"
    nobody_knows = at("2026-03-01T08:00", offset_minutes=None, status=Status.TRANSIT)
    assert page(after(nobody_knows, window=window)).headline == "Arrives Monday, 2 March 2026"


@pytest.mark.parametrize("trouble", [HELD, at("2026-02-27T09:00", status=Status.UNDELIVERED)])
def test_in_trouble_the_trouble_comes_first(trouble: Checkpoint) -> None:
    window = DeliveryWindow(earliest="2026-03-05", latest="2026-03-05", source="carrier")
    shown = page(after(SORTED, trouble, window=window))
    assert shown.tone == "trouble"
    assert "Arrives" not in shown.headline
    assert shown.advice


def test_a_promise_that_has_passed_is_no_promise() -> None:
    window = DeliveryWindow(earliest="2026-02-20", latest="2026-02-28T18:00", source="carrier")
    shown = page(after(SORTED, window=window))
    assert (shown.promise, shown.headline) == (None, "Your parcel is on its way")


def test_a_promise_that_cannot_be_read_is_no_promise() -> None:
    window = DeliveryWindow(earliest="tomorrow", latest="tomorrow", source="carrier")
    shown = page(after(SORTED, window=window))
    assert (shown.promise, shown.headline) == (None, "Your parcel is on its way")


def test_a_finished_parcel_promises_nothing() -> None:
    window = DeliveryWindow(earliest="2026-03-02", latest="2026-03-02", source="carrier")
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


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("de-CH", "Grüezi"),
        ("de", "Guten Tag"),
        ("de-AT", "Guten Tag"),
        ("pt-PT", "Oi"),
        ("sv", "Hi"),
    ],
)
def test_what_the_shop_says_to_a_region_reaches_that_region(asked: str, text: str) -> None:
    said = {"en": "Hi", "de-CH": "Grüezi", "de": "Guten Tag", "pt-BR": "Oi", "sv": ""}
    brand = Brand(texts={tag: {"greeting": one} for tag, one in said.items()})
    for own_text in (view.own_text, letters.own_text):
        assert own_text(brand, "greeting", choose(asked, None)) == text


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

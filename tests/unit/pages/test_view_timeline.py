"""The tracking page's model: steps and timeline."""

import pytest

from parcelwire.domain.checkpoint import Checkpoint, Leg
from parcelwire.domain.status import Status, Substatus
from parcelwire.pages.view import Page
from tests.unit.pages.view_samples import (
    ANNOUNCED,
    DELIVERED,
    HANDED_OVER,
    HELD,
    OUT,
    SORTED,
    STEPS,
    after,
    at,
    page,
)


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


def test_whoever_understands_the_carriers_words_is_told_nothing_beside_them() -> None:
    """A carrier that names its language with a region speaks that language."""

    def line(spoken: str) -> str:
        told = at("2026-02-26T09:00", "Zugestellt", status=Status.DELIVERED, language=spoken)
        return page(after(told), language="de").days[0].entries[0].line

    assert line("en") == line("en-GB") != ""
    assert line("de") == line("de-CH") == ""


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

"""How v4 renders: languages, messages, and which renderings are remembered."""

import msgspec
from msgspec.structs import replace

from parcelwire.api.v4.models import TrackingObject
from parcelwire.api.v4.render import MOST_RECENT, Renderer, render_payload
from parcelwire.api.v4.render import render_tracking as render
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.changes import Event
from parcelwire.domain.languages import language_of
from parcelwire.domain.report import ParcelFacts
from parcelwire.domain.tracking import Details, Tracking
from tests.support.v4_parcels import JOURNEY, NOW, made, shown, told


def phrase(courier: str, code: str, language: str) -> str | None:
    known = {("swiss-post", "d9", "de"): "Zugestellt", ("swiss-post", "i1", "de"): "Angekündigt"}
    return known.get((courier, code, language))


def test_texts_in_the_language_that_was_asked_for() -> None:
    renderer = Renderer(default_registry(), phrase)
    tracking = told(made(details=Details(language="de-CH")), *JOURNEY)

    def texts(language: str | None) -> list[str]:
        found = msgspec.json.decode(renderer.tracking(tracking, language), type=TrackingObject)
        assert found.latest_event is not None
        events = found.origin_info.trackinfo
        assert found.latest_event.startswith(events[0].tracking_detail)
        return [event.tracking_detail for event in events]

    assert texts(None) == ["Zugestellt", "A note", "Sorted", "Angekündigt"]
    assert texts("en") == ["Delivered", "A note", "Sorted", "Data received"]
    assert texts("sq") == ["Delivered", "A note", "Sorted", "Data received"]


def test_a_text_in_the_language_asked_for_stays_as_the_carrier_wrote_it() -> None:
    """A carrier that names its language with a region speaks that language."""
    renderer = Renderer(default_registry(), phrase)
    own = replace(JOURNEY[-1], text="Am Schalter zugestellt", language="de-CH")
    built = renderer.build(told(made(details=Details(language="de")), own))
    assert [event.tracking_detail for event in built.origin_info.trackinfo] == [own.text]


def test_words_for_languages() -> None:
    assert [language_of(word) for word in ("cn", "de-CH", "pt_BR", " EN ", "", None)] == [
        "zh",
        "de",
        "pt",
        "en",
        None,
        None,
    ]


def test_the_same_tracking_gives_the_same_bytes() -> None:
    tracking = told(made(), *JOURNEY)
    assert render(tracking) == render(msgspec.convert(msgspec.to_builtins(tracking), Tracking))


def test_a_messages_data_is_the_tracking_and_which_event_it_tells() -> None:
    tracking = told(made(), *JOURNEY)
    event = Event(
        id="e" * 32,
        world_id=2,
        tracking_id=tracking.id,
        sequence=3,
        at=NOW,
        status=tracking.status,
        substatus=tracking.substatus,
        changes=(),
    )
    data = msgspec.json.decode(render_payload(tracking, event))
    added = {"sequence": 3, "event_id": "e" * 32, "event_type": "tracking.updated"}
    assert data == {**shown(tracking), **added}


def test_one_rendering_serves_the_store_and_the_answer() -> None:
    renderer = Renderer(default_registry())
    tracking = told(made(), *JOURNEY)
    rendered = renderer.tracking(tracking)
    assert renderer.tracking(tracking) is rendered
    # Another state under the same id, even of the same version, is rendered anew.
    other = told(made(), *JOURNEY[:2])
    assert renderer.tracking(other) != rendered
    assert renderer.tracking(tracking) == rendered


def test_who_was_never_heard_of_is_shown_as_with_an_empty_answer() -> None:
    """The short way for new trackings leads to what the long way says."""
    new = made(details=Details(title="A title", destination_country="CH", origin_country="IT"))
    assert shown(new) == shown(replace(new, facts=ParcelFacts()))
    another = made(courier_code="poste-italiane")
    assert shown(another) == shown(replace(another, facts=ParcelFacts()))


def test_few_renderings_are_remembered() -> None:
    renderer = Renderer(default_registry())
    many = [told(made(id=f"{i:032x}"), *JOURNEY) for i in range(MOST_RECENT + 50)]
    rendered = [renderer.tracking(tracking) for tracking in many]
    assert renderer.tracking(many[-1]) is rendered[-1]
    assert renderer.tracking(many[0]) is not rendered[0]
    assert renderer.tracking(many[0]) == rendered[0]

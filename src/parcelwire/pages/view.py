"""What the tracking page says about a parcel: pure words and figures, no markup."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from parcelwire.couriers.registry import Courier
from parcelwire.domain.brand import Brand
from parcelwire.domain.checkpoint import Leg
from parcelwire.domain.clock import Instant, to_datetime
from parcelwire.domain.languages import choose_language
from parcelwire.domain.report import DeliveryWindow, Outcome
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Product, Tracking
from parcelwire.pages.timeline import TROUBLE, Day, days, zone_of_all
from parcelwire.pages.words import Words
from parcelwire.tracking.ports import PollState

STEPS = ("announced", "accepted", "transit", "out", "delivered")
_WAITING = "collect"
"""Takes the place of "out" while the parcel waits for its recipient."""


class Step(msgspec.Struct, frozen=True):
    """One of the five steps of the progress bar."""

    name: str
    state: str
    """``done``, ``now`` or ``open``."""
    on: str = ""
    """The day on which it was reached, in short; empty where it was not, or nobody said."""


class Sibling(msgspec.Struct, frozen=True, kw_only=True):
    """Another parcel of the same order, or this one."""

    number: str
    status: str
    token: str
    is_this: bool
    is_delivered: bool


class Promise(msgspec.Struct, frozen=True):
    """When the parcel is promised, and who says so."""

    when: str
    by: str


class Pickup(msgspec.Struct, frozen=True):
    """Where a waiting parcel can be collected, and until when (empty: not known)."""

    point: str
    until: str


class Proof(msgspec.Struct, frozen=True):
    """What shows that the parcel was delivered. Empty: not known, or not for the public."""

    signed_by: str
    place: str
    image_url: str


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the template shows."""

    headline: str
    subline: str
    advice: str
    own_text: str
    """What the shop says about this status."""
    tone: str
    """``calm``, ``good`` or ``trouble``."""
    steps: tuple[Step, ...]
    step_text: str
    number: str
    carrier_name: str
    carrier_link: str | None
    partner_name: str
    partner_link: str | None
    promise: Promise | None
    pickup: Pickup | None
    proof: Proof | None
    days: tuple[Day, ...]
    partner_days: tuple[Day, ...]
    """The destination leg, where another carrier took over."""
    zone: str
    """What is said of the zone of all times, where it is the same for all; said once then."""
    freshness: str
    products: tuple[Product, ...]
    siblings: tuple[Sibling, ...]
    """All parcels of the order, where it has several."""
    order_text: str
    is_final: bool
    is_test: bool


class Couriers(msgspec.Struct, frozen=True):
    """The couriers of the two legs, as far as the registry knows them."""

    first: Courier | None
    partner: Courier | None = None


_NO_ANSWER = {
    Outcome.AUTH_FAILED,
    Outcome.RATE_LIMITED,
    Outcome.UNAVAILABLE,
    Outcome.NOT_UNDERSTOOD,
    Outcome.NO_CONNECTION,
}
"""The last question was not answered: what the page shows may be old, and it has to say so."""


def page_of(
    tracking: Tracking,
    poll: PollState,
    couriers: Couriers,
    say: Words,
    *,
    now: Instant,
    brand: Brand | None = None,
    order: Sequence[Tracking] = (),
    is_test: bool = False,
) -> Page:
    """Return what the page shows at ``now``. ``order``: all parcels of the order, this included."""
    brand = brand or Brand()
    today = _today(tracking, now)
    window = _window(tracking, today)
    step, names = _step(tracking), _step_names(tracking)
    plain, headline = _plain_headline(tracking, say), _headline(tracking, window, say, today)
    name = couriers.first.name if couriers.first is not None else tracking.courier_code
    facts = tracking.facts
    own_days, partner_days = (_leg(tracking, leg, say) for leg in (Leg.ORIGIN, Leg.DESTINATION))
    partner, partner_number = couriers.partner, facts.exchange_number if facts else None
    return Page(
        headline=headline,
        subline="" if headline == plain or tracking.status is Status.DELIVERED else plain,
        advice=_advice(tracking, say),
        own_text=own_text(brand, tracking.status.value, say),
        tone=_tone(tracking.status),
        steps=_steps(tracking, names, step, say),
        step_text=say.say(
            "step.place", number=step + 1, total=len(names), name=say.say(f"step.{names[step]}")
        )
        if step >= 0
        else say.say("step.none"),
        number=tracking.number,
        carrier_name=name,
        carrier_link=couriers.first.link(tracking.number) if couriers.first else None,
        partner_name=partner.name if partner else "",
        partner_link=partner.link(partner_number) if partner and partner_number else None,
        promise=Promise(_when(window, say, today), say.say("when.says", carrier=name))
        if window
        else None,
        pickup=_pickup(tracking, say, today),
        proof=_proof(tracking, brand),
        days=own_days,
        partner_days=partner_days,
        zone=zone_of_all(own_days + partner_days),
        freshness=_freshness(poll, now, say),
        products=tracking.details.products,
        siblings=_siblings(tracking, order, say),
        order_text=say.say(
            "order.progress",
            done=sum(one.status is Status.DELIVERED for one in order),
            total=len(order),
        )
        if len(order) > 1
        else "",
        is_final=tracking.is_final or tracking.is_stopped,
        is_test=is_test,
    )


def _leg(tracking: Tracking, leg: Leg, say: Words) -> tuple[Day, ...]:
    checkpoints = [one for one in tracking.visible_checkpoints if one.leg is leg]
    return days(checkpoints, say, tracking.milestones.accepted)


def own_text(brand: Brand, name: str, say: Words) -> str:
    """Return what the shop says in a place, in the reader's language, else in English."""
    tags = [tag for tag, texts in brand.texts.items() if texts.get(name)]
    chosen = choose_language(say.asked, tags) or choose_language("en", tags)
    return brand.texts[chosen][name] if chosen is not None else ""


def _today(tracking: Tracking, now: Instant) -> date | None:
    """Return the date where the parcel was last seen; None where nobody knows its zone."""
    for checkpoint in reversed(tracking.visible_checkpoints):
        if checkpoint.offset_minutes is not None:
            return (to_datetime(now) + timedelta(minutes=checkpoint.offset_minutes)).date()
    return None


def _window(tracking: Tracking, today: date | None) -> DeliveryWindow | None:
    """Return the promise that can still be kept."""
    window = tracking.promise
    if window is None or tracking.is_final or tracking.status is Status.EXPIRED:
        return None
    if today is not None and date.fromisoformat(window.latest[:10]) < today:
        return None
    return window


def _plain_headline(tracking: Tracking, say: Words) -> str:
    finer = f"finer.{tracking.substatus.value}" if tracking.substatus else ""
    return say.find(finer, f"headline.{tracking.status.value}")


def _headline(
    tracking: Tracking, window: DeliveryWindow | None, say: Words, today: date | None
) -> str:
    plain = _plain_headline(tracking, say)
    waits = tracking.substatus is Substatus.PICKUP_READY_FOR_COLLECTION
    if window is not None and tracking.status not in TROUBLE and not waits:
        if window.earliest[:10] != window.latest[:10]:
            return say.say(
                "headline.arrives_between",
                first=say.day(_on(window.earliest), today),
                last=say.day(_on(window.latest), today),
            )
        return say.say("headline.arrives", when=_when(window, say, today))
    if tracking.status is Status.DELIVERED and tracking.milestones.delivered:
        moment = tracking.milestones.delivered
        if tracking.substatus in (None, Substatus.DELIVERED, Substatus.DELIVERED_SIGNED):
            return say.say("headline.delivered_on", when=_moment(moment, say, today))
    return plain


def _advice(tracking: Tracking, say: Words) -> str:
    finer = f"advice.{tracking.substatus.value}" if tracking.substatus else ""
    if finer and (said := say.find(finer)):
        return said
    is_returning = tracking.substatus in (
        Substatus.EXCEPTION_RETURNING,
        Substatus.EXCEPTION_RETURNED,
        Substatus.EXCEPTION_CANCELLED,
        Substatus.EXCEPTION_REFUSED,
    )
    return "" if is_returning else say.find(f"advice.{tracking.status.value}")


def _tone(status: Status) -> str:
    if status is Status.DELIVERED:
        return "good"
    return "trouble" if status in TROUBLE else "calm"


def _step_names(tracking: Tracking) -> tuple[str, ...]:
    if tracking.substatus is not Substatus.PICKUP_READY_FOR_COLLECTION:
        return STEPS
    return (*STEPS[:3], _WAITING, *STEPS[4:])


def _steps(tracking: Tracking, names: tuple[str, ...], step: int, say: Words) -> tuple[Step, ...]:
    reached, is_delivered = tracking.milestones, tracking.status is Status.DELIVERED
    days = {
        "announced": reached.info_received,
        "accepted": reached.accepted,
        "out": reached.out_for_delivery,
        _WAITING: reached.ready_for_collection,
        "delivered": reached.delivered,
    }
    states = [
        "done" if is_delivered or place < step else "now" if place == step else "open"
        for place in range(len(names))
    ]
    return tuple(
        Step(
            say.say(f"step.{name}"),
            state,
            say.short_day(_on(at)) if state != "open" and (at := days.get(name)) else "",
        )
        for name, state in zip(names, states, strict=True)
    )


def _step(tracking: Tracking) -> int:
    milestones = tracking.milestones
    if tracking.status is Status.DELIVERED:
        return 4
    if milestones.out_for_delivery or milestones.ready_for_collection:
        return 3
    visible = [one for one in tracking.visible_checkpoints if one.status is not None]
    moving = [one for one in visible if one.status is not Status.INFORECEIVED]
    if len(moving) > 1:
        return 2
    if moving:
        return 1
    return 0 if visible else -1


def _pickup(tracking: Tracking, say: Words, today: date | None) -> Pickup | None:
    """Where and until when the parcel waits; None while it does not."""
    facts = tracking.facts
    if facts is None or tracking.substatus is not Substatus.PICKUP_READY_FOR_COLLECTION:
        return None
    until = facts.pickup_until_on
    if not facts.pickup_point and not until:
        return None
    return Pickup(facts.pickup_point or "", say.day(_on(until), today) if until else "")


def _proof(tracking: Tracking, brand: Brand) -> Proof | None:
    proof = tracking.facts.proof if tracking.facts else None
    if proof is None or tracking.status is not Status.DELIVERED:
        return None
    image = proof.image_url if proof.image_url and proof.image_url.startswith("https://") else ""
    if not brand.shows_signer:
        # Name, place and picture can tell who lives where: the shop decides.
        return None
    shown = Proof(proof.signed_by or "", proof.place or "", image)
    return shown if any((shown.signed_by, shown.place, shown.image_url)) else None


def _siblings(tracking: Tracking, order: Sequence[Tracking], say: Words) -> tuple[Sibling, ...]:
    if len(order) < 2:
        return ()
    return tuple(
        Sibling(
            number=one.number,
            status=_plain_headline(one, say),
            token=one.page_token,
            is_this=one.id == tracking.id,
            is_delivered=one.status is Status.DELIVERED,
        )
        for one in sorted(order, key=lambda one: (one.created_at, one.id))
    )


def _when(window: DeliveryWindow, say: Words, today: date | None) -> str:
    if window.earliest[:10] != window.latest[:10]:
        first, last = say.day(_on(window.earliest), today), say.day(_on(window.latest), today)
        return f"{first} – {last}"
    day = say.day(_on(window.latest), today)
    begins = say.clock(datetime.fromisoformat(window.earliest)) if "T" in window.earliest else ""
    ends = say.clock(datetime.fromisoformat(window.latest)) if "T" in window.latest else ""
    if begins and ends:
        name = "when.at" if begins == ends else "when.between"
        return say.say(name, day=day, **{"from": begins, "until": ends})
    if begins:
        return say.say("when.from", day=day, **{"from": begins})
    return say.say("when.until", day=day, until=ends) if ends else day


def _moment(text: str, say: Words, today: date | None) -> str:
    day = say.day(_on(text), today)
    if "T" not in text:
        return day
    return say.say("when.at", day=day, **{"from": say.clock(datetime.fromisoformat(text))})


def _on(text: str) -> date:
    return date.fromisoformat(text[:10])


def _freshness(poll: PollState, now: Instant, say: Words) -> str:
    is_silent = poll.last_outcome in _NO_ANSWER
    if poll.checked_at is None:
        return say.say("fresh.never_silent" if is_silent else "fresh.never")
    minutes = max(0, now - poll.checked_at) // 60_000
    if minutes < 2:
        ago = say.say("fresh.now")
    elif minutes < 120:
        ago = say.say("fresh.minutes", count=minutes)
    elif minutes < 48 * 60:
        ago = say.say("fresh.hours", count=minutes // 60)
    else:
        ago = say.say("fresh.on", when=say.full_day(to_datetime(poll.checked_at).date()))
    return f"{ago} {say.say('fresh.silent')}" if is_silent else ago

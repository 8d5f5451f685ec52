"""One parcel with everything that is known of it, and what can be done with it."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from itertools import groupby
from typing import Final

import msgspec
from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.domain.clock import Instant
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.pages.dashboard.drafting import (
    DETAIL_LABELS,
    FieldError,
    check_detail,
    sentence_of,
)
from parcelwire.pages.dashboard.mailing import mails_about
from parcelwire.pages.dashboard.parcel_history import MOST, changes_of, polls_of
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.visit import Problem, Visit, missing
from parcelwire.pages.dashboard.words import offset_words, outcome_word, plural
from parcelwire.tracking.errors import (
    AlreadyExistsError,
    CourierUnknownError,
    FieldsMissingError,
    NotFoundError,
    TrackingBusyError,
    TrackingError,
    UnreadableDocumentError,
)
from parcelwire.tracking.ports import Stored
from parcelwire.webhooks.ports import Attempt, Message, MessageFilter

PLACE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
ID: Final = re.compile(r"[0-9a-f]{32}")
MOST_MESSAGES: Final = 20
SHOWN_OF_ANSWER: Final = 20_000


class Happening(msgspec.Struct, frozen=True):
    """Something that was learned or done, and when."""

    at: Instant
    text: str


class Delivery(msgspec.Struct, frozen=True):
    """A message about the parcel, with its attempts."""

    message: Message
    url: str
    attempts: list[Attempt]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a carrier sent, as it came."""

    at: Instant
    connector: str
    outcome: str
    size: int
    text: str
    is_cut: bool


class Feedback(msgspec.Struct, frozen=True):
    """What the recipient said on the tracking page."""

    at: Instant
    rating: str
    text: str = ""


_feedback: Final = msgspec.json.Decoder(Feedback)


async def load(visit: Visit) -> Stored:
    """Return the parcel that the path names.

    Raises:
        RefusalError: this world has no such parcel.
    """
    tracking_id = visit.path["id"]
    if ID.fullmatch(tracking_id) is None:
        raise missing("parcel")
    try:
        return await visit.house.service.get(visit.world_id, tracking_id)
    except NotFoundError:
        raise missing("parcel") from None


async def show(visit: Visit) -> Response:
    """Show the parcel."""
    return await _show(visit, await load(visit))


async def _show(visit: Visit, stored: Stored, problems: tuple[Problem, ...] = ()) -> Response:
    tracking = stored.tracking
    courier = visit.house.registry.get(tracking.courier_code)
    is_form = bool(problems)
    details = {
        name: visit.form.get(name) if is_form and visit.form.has(name) else said or ""
        for name, said in ((one, getattr(tracking.details, one)) for one in DETAIL_LABELS)
    }
    return await visit.show(
        "parcel.html",
        stored=stored,
        one=tracking,
        courier=courier,
        courier_name=visit.courier_name(tracking.courier_code),
        carrier_link=courier.link(tracking.number) if courier is not None else None,
        page_url=f"{visit.house.settings.public_url}/t/{tracking.page_token}",
        checkpoints=list(reversed(tracking.checkpoints)),
        provenance=offset_words,
        changes=await changes_of(visit, tracking),
        polls=await polls_of(visit, tracking),
        history=_history(visit, tracking),
        answers=await _answers(visit, tracking),
        feedback=[
            _feedback.decode(document)
            for _, document in await visit.house.store.list_records("feedback", tracking.id)
        ],
        deliveries=await _deliveries(visit, tracking),
        mails=await mails_about(visit, tracking),
        details=details,
        labels=DETAIL_LABELS,
        problems=problems,
        can_retrack=tracking.is_expired,
    )


def _history(visit: Visit, tracking: Tracking) -> list[Happening]:
    """Return what was learned and done, newest first, as the tracking itself remembers it."""
    found = [Happening(tracking.created_at, f"Followed (source {tracking.source}).")]
    learned = sorted(
        (one for one in tracking.checkpoints if one.received_at), key=lambda one: one.received_at
    )
    for at, group in groupby(learned, key=lambda one: one.received_at):
        news = list(group)
        newest = max(news, key=lambda one: one.occurred_at)
        text = f"{plural(len(news), 'event')} learned from the carrier, the newest: {newest.text}"
        found.append(Happening(at, text))
    for correction in tracking.corrections:
        how = "found out by asking" if correction.is_automatic else "by hand"
        old, new = (
            visit.courier_name(one) for one in (correction.from_courier, correction.to_courier)
        )
        found.append(
            Happening(
                correction.at, f"Courier corrected from {old} to {new}, {how}: {correction.reason}."
            )
        )
    for trial in tracking.tried_couriers:
        tried = visit.courier_name(trial.courier_code)
        found.append(
            Happening(trial.at, f"{tried} was asked too: it {outcome_word(trial.outcome)}.")
        )
    if tracking.expired_at is not None:
        found.append(Happening(tracking.expired_at, "Expired: no news for a long time."))
    if tracking.retracked_at is not None:
        found.append(Happening(tracking.retracked_at, "Taken up again."))
    return sorted(found, key=lambda one: one.at, reverse=True)


async def _answers(visit: Visit, tracking: Tracking) -> list[Answer]:
    answers = []
    for raw in await visit.house.store.raw_responses(tracking.id):
        text = raw.body[:SHOWN_OF_ANSWER].decode("utf-8", "replace")
        answers.append(
            Answer(
                at=raw.at,
                connector=raw.connector,
                outcome=raw.outcome,
                size=len(raw.body),
                text=text,
                is_cut=len(raw.body) > SHOWN_OF_ANSWER,
            )
        )
    return answers


async def _deliveries(visit: Visit, tracking: Tracking) -> list[Delivery]:
    store = visit.house.store
    page = await store.list_messages(
        visit.world_id, MessageFilter(tracking_id=tracking.id), limit=MOST_MESSAGES
    )
    urls = {one.id: one.url for one in await store.list_endpoints(visit.world_id)}
    return [
        Delivery(one, urls.get(one.endpoint_id, ""), await store.list_attempts(one.id))
        for one in page.messages
    ]


async def show_answers(visit: Visit) -> Response:
    """Show the carrier's answers as they came."""
    stored = await load(visit)
    return await visit.show(
        "answers.html", one=stored.tracking, answers=await _answers(visit, stored.tracking)
    )


async def show_changes(visit: Visit) -> Response:
    """Show what changed, in pages."""
    tracking = (await load(visit)).tracking
    typed = visit.query("before")
    before = int(typed) if PLACE.fullmatch(typed) else None
    return await visit.show(
        "changes.html",
        one=tracking,
        changes=await changes_of(visit, tracking, before=before, most=MOST),
    )


async def _then(visit: Visit, doing: Awaitable[object], text: str) -> Response:
    """Do something, and show the parcel again."""
    place = f"/trackings/{visit.path['id']}"
    try:
        await doing
    except NotFoundError:
        raise missing("parcel") from None
    except TrackingError as error:
        return await visit.go(place, sentence_of(error), tone="trouble")
    return await visit.go(place, text)


async def refresh(visit: Visit) -> Response:
    """Ask the carrier now."""
    before = await load(visit)
    after = await visit.house.service.refresh_now(before)
    place = f"/trackings/{visit.path['id']}"
    if after.poll.checked_at == before.poll.checked_at:
        policy = await visit.house.service.carriers.policy(
            visit.world_id, before.tracking.courier_code
        )
        why = "The carrier was not asked: its last check is fresh, or it answers too slowly."
        if policy is None:
            why = "Nobody configured a way to ask this carrier."
        return await visit.go(place, why, tone="warn")
    return await visit.go(place, f"The carrier {outcome_word(after.poll.last_outcome)}.")


async def stop(visit: Visit) -> Response:
    """Ask the carrier no more."""
    stored = await load(visit)
    return await _then(visit, visit.house.service.stop(stored), "The carrier is asked no more.")


async def retrack(visit: Visit) -> Response:
    """Take an expired parcel up again."""
    stored = await load(visit)
    return await _then(visit, visit.house.service.retrack(stored), "It is followed again.")


async def archive(visit: Visit) -> Response:
    """Put the parcel into the archive, or take it out."""
    stored = await load(visit)
    wanted = visit.form.get("archive") == "yes"
    text = "It is in the archive." if wanted else "It is out of the archive."
    return await _then(visit, visit.house.service.update(stored, is_archived=wanted), text)


async def delete(visit: Visit) -> Response:
    """Delete the parcel for good."""
    stored = await load(visit)
    await visit.house.service.delete(visit.world_id, [stored.tracking.id])
    return await visit.go("/trackings", f"{stored.tracking.number} is deleted.")


async def correct(visit: Visit) -> Response:
    """Give the parcel another courier."""
    stored = await load(visit)
    code = visit.form.get("courier_code")[:100]
    try:
        await visit.house.service.change_courier(stored, code, "by hand")
    except (AlreadyExistsError, CourierUnknownError, FieldsMissingError) as error:
        return await _show(visit, stored, (Problem("courier_code", sentence_of(error)),))
    except (TrackingBusyError, UnreadableDocumentError) as error:
        place = f"/trackings/{stored.tracking.id}"
        return await visit.go(place, sentence_of(error), tone="trouble")
    return await visit.go(
        f"/trackings/{stored.tracking.id}", "The courier is corrected; the new one is asked soon."
    )


async def edit(visit: Visit) -> Response:
    """Change what the shop says of the parcel."""
    stored = await load(visit)
    said: dict[str, str | None] = {}
    problems = []
    for name in DETAIL_LABELS:
        if visit.form.has(name):
            try:
                said[name] = check_detail(name, visit.form.get(name))
            except FieldError as error:
                problems.append(Problem(name, f"{DETAIL_LABELS[name]}: {error.message}."))
    if problems:
        return await _show(visit, stored, tuple(problems))
    return await _then(visit, visit.house.service.update(stored, details=said), "It is saved.")


async def override(visit: Visit) -> Response:
    """Say by hand how the parcel stands, or leave it to the carrier again."""
    stored = await load(visit)
    wanted = visit.form.get("status")
    status = {"delivered": Status.DELIVERED, "exception": Status.EXCEPTION}.get(wanted)
    return await _then(
        visit,
        visit.house.service.update(stored, status_override=status, clears_override=status is None),
        "The status is set by hand."
        if status is not None
        else "The carrier says the status again.",
    )


PAGE: Final = Page(
    path="/trackings/{id}",
    title="Parcel",
    scope="read",
    world=WorldRule.OWN,
    handler=show,
    parts=(
        Part("GET", "/trackings/{id}/answers", show_answers, "read", WorldRule.OWN),
        Part("GET", "/trackings/{id}/changes", show_changes, "read", WorldRule.OWN),
        Part("POST", "/trackings/{id}/refresh", refresh, "write", WorldRule.OWN),
        Part("POST", "/trackings/{id}/stop", stop, "write", WorldRule.OWN),
        Part("POST", "/trackings/{id}/retrack", retrack, "write", WorldRule.OWN),
        Part("POST", "/trackings/{id}/archive", archive, "write", WorldRule.OWN),
        Part("POST", "/trackings/{id}/delete", delete, "write", WorldRule.OWN),
        Part("POST", "/trackings/{id}/courier", correct, "write", WorldRule.OWN),
        Part("POST", "/trackings/{id}/details", edit, "write", WorldRule.OWN),
        Part("POST", "/trackings/{id}/status", override, "write", WorldRule.OWN),
    ),
)

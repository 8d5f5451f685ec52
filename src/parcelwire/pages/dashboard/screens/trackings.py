"""The list of parcels: search, filters, saved views, pages by place."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

import msgspec
from starlette.responses import Response

from parcelwire.couriers.number import LONGEST, normalise
from parcelwire.domain.access import WorldRule
from parcelwire.domain.clock import DAY, Instant, from_datetime
from parcelwire.domain.status import Status
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.visit import Problem, Visit, missing
from parcelwire.tracking.ports import Stored, TrackingFilter, TrackingPlace

PER_PAGE: Final = 50
VIEW_KIND: Final = "view"
MOST_VIEWS: Final = 30
_PREFIX: Final = re.compile(r"[A-Z0-9]{3,45}")
_PLACE: Final = re.compile(r"([0-9a-f]{1,12})-([0-9a-f]{32})")
_PARAMETERS: Final = ("q", "status", "courier", "from", "to", "archived")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to see, as the form shows it again."""

    q: str = ""
    statuses: tuple[str, ...] = ()
    courier: str = ""
    since: str = ""
    until: str = ""
    archived: str = ""

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The query that asks for it."""
        named = [
            ("q", self.q),
            *(("status", one) for one in self.statuses),
            ("courier", self.courier),
            ("from", self.since),
            ("to", self.until),
            ("archived", self.archived),
        ]
        return [(name, value) for name, value in named if value]

    @property
    def query(self) -> str:
        """The same, encoded."""
        return urlencode(self.parameters)

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out."""
        return bool(self.parameters)


class View(msgspec.Struct, frozen=True):
    """A saved view."""

    name: str
    query: str


_view: Final = msgspec.json.Decoder(View)


async def show(visit: Visit) -> Response:
    """Show one page of the list."""
    query = visit.request.query_params
    asked = _asked({name: query.getlist(name) for name in _PARAMETERS})
    problems: list[Problem] = []
    wheres = _filters(visit, asked, problems)
    after = _place(visit.query("after"))
    store = visit.house.store
    rows: list[Stored] = []
    if not problems:
        for where in wheres:
            rows = await store.page_trackings(
                visit.world_id, where, after=after, limit=PER_PAGE + 1
            )
            if rows:
                break
    plain = TrackingFilter(is_archived=_archived(asked))
    counts = await store.count_by_status(visit.world_id, plain)
    shown = rows[:PER_PAGE]
    following = ""
    if len(rows) > PER_PAGE:
        last = shown[-1].tracking
        following = f"{last.created_at:x}-{last.id}"
    views = await store.list_records(VIEW_KIND, str(visit.world_id), limit=MOST_VIEWS)

    def link(**changes: Any) -> str:
        """Return the query of this list with something changed."""
        again = {name: value for name, value in changes.items() if name == "after"}
        if "status" in changes:
            other = msgspec.structs.replace(asked, statuses=tuple(changes["status"]))
            return f"?{other.query}" if other.query else ""
        text = urlencode([*asked.parameters, *again.items()])
        return f"?{text}" if text else ""

    return await visit.show(
        "trackings.html",
        asked=asked,
        rows=shown,
        counts=counts,
        total=sum(counts.values()),
        following=following,
        is_further=after is not None,
        link=link,
        couriers=visit.courier_name,
        views=[(record_id, _view.decode(document)) for record_id, document in views],
        problems=problems,
    )


def _asked(said: dict[str, list[str]]) -> Asked:
    def one(name: str) -> str:
        values = said.get(name) or [""]
        return values[-1].replace("\0", "").strip()[:200]

    statuses = [value for value in said.get("status", []) if value in set(Status)]
    archived = one("archived")
    return Asked(
        q=one("q"),
        statuses=tuple(dict.fromkeys(statuses)),
        courier=one("courier"),
        since=one("from"),
        until=one("to"),
        archived=archived if archived in {"yes", "all"} else "",
    )


def _archived(asked: Asked) -> bool | None:
    return {"yes": True, "all": None}.get(asked.archived, False)


def _filters(visit: Visit, asked: Asked, problems: list[Problem]) -> list[TrackingFilter]:
    """Return what to look for: the first filter that finds something counts."""
    courier_code = None
    if asked.courier:
        courier = visit.house.registry.resolve(asked.courier)
        if courier is None:
            problems.append(Problem("courier", f"There is no courier {asked.courier}."))
        else:
            courier_code = courier.code
    base = TrackingFilter(
        statuses=tuple(Status(one) for one in asked.statuses),
        courier_code=courier_code,
        created_min=_day(asked.since, "from", problems),
        created_max=_day(asked.until, "to", problems, end=True),
        is_archived=_archived(asked),
    )
    if not asked.q:
        return [base]
    found = []
    number = normalise(asked.q)
    if _PREFIX.fullmatch(number):
        found.append(msgspec.structs.replace(base, number_prefix=number))
    elif 0 < len(number) <= LONGEST:
        found.append(msgspec.structs.replace(base, numbers=(number,)))
    # An order's number may look like anything.
    found.append(msgspec.structs.replace(base, order_ids=(asked.q,)))
    return found


def _day(text: str, field: str, problems: list[Problem], *, end: bool = False) -> Instant | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        start = from_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC))
    except ValueError:
        problems.append(Problem(field, f"{text[:40]} is no date; write 2026-03-01."))
        return None
    return max(0, start + DAY - 1 if end else start)


def _place(typed: str) -> TrackingPlace | None:
    found = _PLACE.fullmatch(typed)
    return TrackingPlace(int(found[1], 16), found[2]) if found else None


async def save_view(visit: Visit) -> Response:
    """Keep the filters under a name."""
    name = " ".join(visit.form.get("name").split())[:60]
    asked = _asked(parse_qs(visit.form.get("query")[:2_000]))
    if not name or not asked.is_filtered:
        return await visit.go(
            "/trackings", "A view has a name and at least one filter.", tone="trouble"
        )
    store, scope = visit.house.store, str(visit.world_id)
    if len(await store.list_records(VIEW_KIND, scope, limit=MOST_VIEWS)) >= MOST_VIEWS:
        return await visit.go(
            "/trackings", f"There are {MOST_VIEWS} views already.", tone="trouble"
        )
    document = msgspec.json.encode(View(name, asked.query))
    await store.change_record(
        VIEW_KIND,
        scope,
        visit.house.identifiers.new_id(visit.now),
        lambda _: document,
        at=visit.now,
    )
    return await visit.go(f"/trackings?{asked.query}", f"The view {name} is saved.")


async def delete_view(visit: Visit) -> Response:
    """Forget a saved view."""
    store, scope, view_id = visit.house.store, str(visit.world_id), visit.path["id"]
    if await store.load_record(VIEW_KIND, scope, view_id) is None:
        raise missing("view")
    await store.change_record(VIEW_KIND, scope, view_id, lambda _: None, at=visit.now)
    return await visit.go("/trackings", "The view is gone.")


PAGE: Final = Page(
    path="/trackings",
    title="All parcels",
    section="Parcels",
    order=10,
    scope="read",
    world=WorldRule.OWN,
    handler=show,
    shortcut="t",
    parts=(
        Part("POST", "/trackings/views", save_view, "write", WorldRule.OWN),
        Part("POST", "/trackings/views/{id}/delete", delete_view, "write", WorldRule.OWN),
    ),
)

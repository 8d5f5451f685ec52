"""How parcels did: transit times, promises kept, problems, volume, and how webhooks do."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec
from markupsafe import Markup
from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import to_datetime
from parcelwire.pages.analytics import Cell, Table, count_all, tables_of
from parcelwire.pages.charts import Bar, bars, columns
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.visit import Problem, Visit, missing
from parcelwire.pages.dashboard.words import reason_word
from parcelwire.tracking.journeys import MOST_COUNTED, JourneyFilter
from parcelwire.tracking.spreadsheet_cells import guarded
from parcelwire.webhooks.endpoints import MOST_WAITING

DAYS: Final = 30
MOST_DAYS: Final = 400
MOST_BARS: Final = 15
LONGEST_NAME: Final = 80
"""Of an endpoint."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be shown, as the form shows it again."""

    since: str
    until: str
    courier: str = ""
    origin: str = ""
    destination: str = ""

    @property
    def query(self) -> str:
        """The query that asks for it."""
        return urlencode(
            {
                "from": self.since,
                "to": self.until,
                "courier": self.courier,
                "origin": self.origin,
                "destination": self.destination,
            }
        )


class Shown(msgspec.Struct, frozen=True):
    """A table and its chart."""

    table: Table
    chart: Markup


async def show(visit: Visit) -> Response:
    """Show all figures of the days asked for."""
    problems: list[Problem] = []
    asked, where = _asked(visit, problems)
    tables, is_cut = await _tables(visit, where) if not problems else ((), False)
    return await visit.show(
        "analytics.html",
        asked=asked,
        shown=[Shown(one, _chart(one)) for table in tables if (one := _spoken(table)).rows],
        is_empty=not any(table.rows for table in tables if table.name == "couriers"),
        most=f"{MOST_COUNTED:,}" if is_cut else "",
        text=text_of,
        problems=problems,
    )


async def download(visit: Visit) -> Response:
    """Answer one table as CSV."""
    asked, where = _asked(visit, [])
    tables, _ = await _tables(visit, where)
    for table in tables:
        if table.name == visit.path["name"]:
            name = f"{table.name}-{asked.since}-{asked.until}.csv"
            return Response(
                csv_of(table),
                media_type="text/csv; charset=utf-8",
                headers={"content-disposition": f'attachment; filename="{name}"'},
            )
    raise missing("table")


def csv_of(table: Table) -> str:
    """Return a table as CSV; shares as numbers from 0 to 1."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow([_plain(cell) for cell in row])
    # With the mark, spreadsheets know that it is UTF-8.
    return "\ufeff" + text.getvalue()


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return guarded(cell)
    return round(cell, 4) if isinstance(cell, float) else cell


def text_of(cell: Cell) -> str:
    """Return a figure for people."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.1%}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _asked(visit: Visit, problems: list[Problem]) -> tuple[Asked, JourneyFilter]:
    today = to_datetime(visit.now).date()
    until = _day(visit.query("to"), today, "to", problems)
    since = _day(visit.query("from"), until - timedelta(days=DAYS - 1), "from", problems)
    if not timedelta(0) <= until - since <= timedelta(days=MOST_DAYS):
        problems.append(
            Problem("from", f"The days must be in order, and at most {MOST_DAYS} of them.")
        )
        since = until - timedelta(days=DAYS - 1)
    courier_code = None
    if typed := visit.query("courier")[:60]:
        courier = visit.house.registry.resolve(typed)
        if courier is None:
            problems.append(Problem("courier", f"There is no courier {typed}."))
        else:
            courier_code = courier.code
    origin, destination = visit.query("origin")[:2].upper(), visit.query("destination")[:2].upper()
    asked = Asked(
        since=since.isoformat(),
        until=until.isoformat(),
        courier=typed,
        origin=origin,
        destination=destination,
    )
    return asked, JourneyFilter(
        since_on=asked.since,
        until_on=asked.until,
        courier_code=courier_code,
        origin=origin or None,
        destination=destination or None,
    )


def _day(typed: str, otherwise: date, field: str, problems: list[Problem]) -> date:
    if not typed:
        return otherwise
    try:
        return max(date(1970, 1, 1) + timedelta(days=MOST_DAYS), date.fromisoformat(typed))
    except ValueError:
        problems.append(Problem(field, f"{typed[:40]} is no date; write 2026-03-01."))
        return otherwise


async def _tables(visit: Visit, where: JourneyFilter) -> tuple[tuple[Table, ...], bool]:
    """Return the tables, and whether they are about the newest parcels of these days only."""
    counts = await count_all(visit.house.store, visit.world_id, where)
    codes = {str(values[0]) for values, _ in counts.by_courier}
    names = {
        code: courier.name
        for code in codes
        if (courier := visit.house.registry.get(code)) is not None
    }
    return (*tables_of(counts, names), await _webhooks(visit)), counts.is_cut


async def _webhooks(visit: Visit) -> Table:
    """Return how the endpoints do: from their own rows, without a walk over messages."""
    endpoints = await visit.house.endpoints.list_endpoints(visit.world_id, count_up_to=MOST_WAITING)
    return Table(
        name="webhooks",
        title="Webhooks",
        note="How the endpoints do now, whatever the days above.",
        columns=("Endpoint", "State", "Failing since", "Messages waiting"),
        rows=tuple(
            (
                (view.endpoint.description or view.endpoint.url)[:LONGEST_NAME],
                _state(view.endpoint),
                f"{to_datetime(view.endpoint.failing_since):%Y-%m-%d %H:%M} UTC"
                if view.endpoint.failing_since is not None
                else None,
                view.waiting,
            )
            for view in endpoints
        ),
    )


def _spoken(table: Table) -> Table:
    """Return a table as people read it; files keep the codes."""
    if table.name != "problems":
        return table
    rows = tuple((reason_word(str(row[0])), *row[1:]) for row in table.rows)
    return msgspec.structs.replace(table, rows=rows)


def _state(endpoint: Endpoint) -> str:
    if endpoint.state == "enabled":
        return "failing" if endpoint.failing_since is not None else "in order"
    return "paused" if endpoint.state == "paused" else "switched off"


# -- charts --------------------------------------------------------------------------------------


def _chart(table: Table) -> Markup:
    draw = _CHARTS.get(table.name)
    return Markup("") if draw is None else draw(table)


def _transit(table: Table) -> Markup:
    at = table.columns.index("50 %")
    rows = [
        Bar(
            " → ".join(str(cell) for cell in row[: at - 1]),
            float(row[at] or 0),
            f"{row[at]} / {row[at + 1]} / {row[at + 2]} d",
            (float(row[at + 1] or 0), float(row[at + 2] or 0)),
        )
        for row in table.rows[:MOST_BARS]
    ]
    return bars(table.name, f"{table.title}: 50 %, 80 % and 95 %, in days", rows)


def _comparison(table: Table) -> Markup:
    charts = []
    for column in ("On time", "First attempt", "Problems"):
        at = table.columns.index(column)
        rows = [
            Bar(str(row[0]), value, text_of(value))
            for row in table.rows[:MOST_BARS]
            if isinstance(value := row[at], float)
        ]
        if rows:
            name = f"{table.name}-{at}"
            charts.append(Markup("<h3>{}</h3>").format(column))
            charts.append(bars(name, f"{column}, share by courier", rows, most=1))
    return Markup("").join(charts)


def _reasons(table: Table) -> Markup:
    rows = [
        Bar(str(row[0]), float(row[1] or 0), f"{text_of(row[1])} ({text_of(row[2])})")
        for row in table.rows[:MOST_BARS]
    ]
    return bars(table.name, table.title, rows)


def _volume(table: Table) -> Markup:
    return columns(table.name, table.title, [(str(row[0]), int(row[1] or 0)) for row in table.rows])


_CHARTS: Final[dict[str, Callable[[Table], Markup]]] = {
    "transit-by-courier": _transit,
    "transit-by-lane": _transit,
    "couriers": _comparison,
    "problems": _reasons,
    "volume-by-day": _volume,
    "volume-by-week": _volume,
}


PAGE: Final = Page(
    path="/analytics",
    title="Analytics",
    section="Insight",
    order=10,
    scope="read",
    world=WorldRule.OWN,
    handler=show,
    shortcut="a",
    parts=(Part("GET", "/analytics/{name}.csv", download, "read", WorldRule.OWN),),
)

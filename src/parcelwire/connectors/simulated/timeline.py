"""What the simulated carrier knows about a number at an instant: pure.

A story is told on a clock of its own. A scan of day ``d`` becomes visible when ``d / time_scale``
days have passed since the tracking was created. Its printed time is chosen so that the days keep
their length, nothing is dated in the future, and the story catches up with the wall clock at its
last scan: at ``time_scale`` 1 a scan is dated when it becomes visible, and at 1440 (a day a
minute) a story of four days begins four days before the tracking was created.
"""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from parcelwire.connectors.base import TrackingQuery
from parcelwire.connectors.simulated.scenarios import (
    Place,
    Route,
    Scenario,
    Step,
    Trouble,
    choose_route,
    choose_scenario,
    compact,
    lot,
)
from parcelwire.connectors.status_table import StatusTable
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import DAY, MINUTE, SECOND, Instant, to_datetime
from parcelwire.domain.report import DeliveryWindow, ParcelFacts, ProofOfDelivery, UnmappedCode

_WINDOW_KNOWN_DAY: Final = 0.6
"""The promise is made when the carrier takes the parcel over."""


class ScenarioTimeline:
    """One number's script, laid out in time."""

    def __init__(self, query: TrackingQuery, now: Instant, time_scale: float) -> None:
        """Lay out the script of ``query.number``.

        A query without ``created_at`` hears the whole story, ended at ``now``.
        """
        self.number = compact(query.number)
        self.scenario: Scenario = choose_scenario(query.number)
        self.route: Route = choose_route(query.number, self.scenario)
        self.time_scale = time_scale
        self._length = max((self._happens(step) for step in self.scenario.steps), default=0)
        told = max((self._told(step) for step in self.scenario.steps), default=0)
        self._created_at = query.created_at or now - round(told / time_scale)
        self._elapsed = (now - self._created_at) * time_scale
        # What makes the last scan's date equal the instant at which it becomes visible.
        self._begun_at = self._created_at - self._length + round(self._length / time_scale)

    @property
    def visible_steps(self) -> list[tuple[int, Step]]:
        """The scans that the carrier tells by now, with their place in the script."""
        return [
            (index, step)
            for index, step in enumerate(self.scenario.steps)
            if self._told(step) <= self._elapsed
        ]

    @property
    def trouble(self) -> Trouble | None:
        """What the carrier answers at this instant instead of a report."""
        for trouble in self.scenario.trouble:
            until = float("inf") if trouble.until is None else trouble.until * DAY
            if trouble.from_day * DAY <= self._elapsed < until:
                return trouble
        return None

    def visible_at(self, day: float) -> Instant:
        """Return the wall clock's instant at which a day of the script comes."""
        return self._created_at + round(day * DAY / self.time_scale)

    def checkpoints(self, table: StatusTable, language: str) -> tuple[Checkpoint, ...]:
        """Return the scans known by now, as often as the carrier repeats them."""
        return tuple(
            checkpoint
            for index, step in self.visible_steps
            for checkpoint in [self._checkpoint(index, step, table, language)] * step.times
        )

    def unmapped(self, table: StatusTable) -> tuple[UnmappedCode, ...]:
        """Return the codes among the visible scans that the table does not know."""
        codes = {step.code: None for _, step in self.visible_steps}
        return tuple(
            UnmappedCode(kind="code", value=code, sample=_bare_text(code))
            for code in codes
            if table.by_code(code) is None
        )

    def window(self) -> DeliveryWindow | None:
        """Return what the carrier promises by now."""
        if self.scenario.window is None or self._elapsed < _WINDOW_KNOWN_DAY * DAY:
            return None
        earliest, latest = (
            self._local(self._begun_at + round(day * DAY), self.route.door).date().isoformat()
            for day in self.scenario.window
        )
        return DeliveryWindow(earliest=earliest, latest=latest, source="carrier")

    def facts(self) -> ParcelFacts | None:
        """Return what the carrier knows of the parcel by now; nothing before the first scan."""
        steps = dict(self.visible_steps)
        if not steps:
            return None
        by_code = {step.code: step for step in steps.values()}
        scenario, route = self.scenario, self.route
        collect = by_code.get("SIM-COLLECT")
        has_partner = scenario.has_partner and self._elapsed >= scenario.partner_day * DAY
        is_signed = "SIM-SIGNED" in by_code and scenario.signed_by is not None
        return ParcelFacts(
            service="Simulated Priority",
            weight_grams=250 + lot(self.number, "weight") % 4_750,
            pieces=1,
            origin_country=route.origin.country,
            origin_city=route.origin.city,
            destination_country=route.door.country,
            destination_state=route.door.state,
            destination_city=route.door.city,
            destination_postal_code=route.door.postal_code,
            exchange_number=f"P{self.number}" if has_partner else None,
            partner_courier_code=route.partner if has_partner else None,
            proof=ProofOfDelivery(signed_by=scenario.signed_by, place=route.door.city)
            if is_signed
            else None,
            pickup_point=f"{scenario.pickup_point}, {route.depot.city}" if collect else None,
            pickup_until_on=self._pickup_until(collect) if collect else None,
            is_returning=True if "SIM-RETURNING" in by_code else None,
        )

    def raw(self) -> bytes:
        """Return the visible scans as the simulated carrier would print them (JSON)."""
        return msgspec.json.encode(
            {
                "carrier": "simulated",
                "number": self.number,
                "scenario": self.scenario.word,
                "scans": [
                    {"code": step.code, "place": self.route.place(step.place).city}
                    for _, step in self.visible_steps
                ],
            }
        )

    def _happens(self, step: Step) -> int:
        return round(step.day * DAY) + step.minutes * MINUTE + self._jitter(step)

    def _told(self, step: Step) -> int:
        day = step.day if step.seen is None else step.seen
        return round(day * DAY) + step.minutes * MINUTE + self._jitter(step)

    def _jitter(self, step: Step) -> int:
        """Up to an hour by number and day, so that not every parcel moves at one minute."""
        return lot(self.number, f"{step.day}") % 3_600 * SECOND

    def _local(self, at: Instant, place: Place) -> datetime:
        return to_datetime(at // SECOND * SECOND).astimezone(ZoneInfo(place.zone))

    def _pickup_until(self, collect: Step) -> str:
        held = self._begun_at + self._happens(collect) + self.scenario.pickup_days * DAY
        return self._local(held, self.route.depot).date().isoformat()

    def _checkpoint(self, index: int, step: Step, table: StatusTable, language: str) -> Checkpoint:
        place = self.route.place(step.place)
        moment = self._local(self._begun_at + self._happens(step), place)
        offset = moment.utcoffset() or timedelta()
        meaning = table.by_code(step.code)
        phrase = table.phrase(step.code, language)
        return Checkpoint(
            local_time=moment.replace(tzinfo=None).isoformat(timespec="seconds"),
            text=phrase or table.phrase(step.code, "en") or _bare_text(step.code),
            offset_minutes=int(offset.total_seconds()) // 60 if step.offset else None,
            time_source=TimeSource.CARRIER if step.offset else TimeSource.UNKNOWN,
            status=meaning.status if meaning else None,
            substatus=meaning.substatus if meaning else None,
            reason=meaning.reason if meaning else None,
            raw_code=step.code,
            event_id=f"{self.number}-{index}" if self.scenario.has_ids else None,
            leg=step.leg,
            location=f"{place.city}, {place.country}",
            city=place.city,
            state=place.state,
            postal_code=place.postal_code,
            country=place.country,
            language=(language if phrase else "en") if meaning else None,
        )


def _bare_text(code: str) -> str:
    """The words of a scan whose code has no phrase."""
    return f"Scan {code.removeprefix('SIM-')}"

"""B10: carriers' answers that are mutated, repeated and out of order.

    a fixture's answers -> mutate a little more each time -> connector -> merge, in several orders

A parcel has a few answers, each mutated from the one before: bytes, JSON or HTML structure, status,
headers. They are merged in the order they were given, and in other orders with repetitions. Nothing
may raise, up to what is stored and what the dialects answer; the events are the same in every
order;
and nobody comes back from delivered.

Events are the same when their identities are. Which wording of an event stands is the same, too,
unless the carrier took a wording back that it had given up before (A, B, A): then it is the one
that
was merged last, and a late answer may win. Such parcels are counted apart.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from parcelwire.api.v2.render import Renderer as V2Renderer
from parcelwire.api.v4.render import render_payload as render_v4
from parcelwire.connectors.base import Connector, Request, Response
from parcelwire.connectors.catalogue import load_catalogue
from parcelwire.connectors.fixtures import Fixture, hold, list_cases, load_fixture
from parcelwire.connectors.package import package_of
from parcelwire.connectors.simulated import SimulatedCarrier
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.changes import Change, Event
from parcelwire.domain.clock import HOUR
from parcelwire.domain.merge import Merged, merge
from parcelwire.domain.report import CarrierReport
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking, make_page_token
from parcelwire.proofs.outcome import Outcome
from parcelwire.store.codec import decode_event, decode_tracking, encode_event, encode_tracking
from parcelwire.webhooks.native import render_native
from prove.mutations import GENTLE, MUTATIONS

_V2: Final = V2Renderer(default_registry())

ANSWERS: Final = 50_000
ORDERS: Final = 3
"""Orders beside the first in which every parcel's answers are merged."""

Hear = Callable[[Connector, Fixture, list[Response]], list[CarrierReport]]
Merge = Callable[[Tracking, CarrierReport], Merged]


class Trial(msgspec.Struct):
    """What came of a number of answers."""

    answers: int = 0
    fired: int = 0
    """Answers that differ from what the fixture says."""
    parcels: int = 0
    returned: int = 0
    """Parcels of which a wording came back that had been given up."""
    delivered: int = 0
    """Merges into a parcel that was delivered already."""
    kinds: Counter[str] = msgspec.field(default_factory=Counter)
    outcomes: Counter[str] = msgspec.field(default_factory=Counter)
    violations: list[str] = []


def run(*, scale: float, seed: int) -> Outcome:
    """Hear 50,000 mutated answers, times ``scale``; find every planted fault."""
    started = time.monotonic()
    trial = hear_answers(max(200, round(ANSWERS * scale)), seed)
    missed = [name for name in PLANTED if not find_planted(name, seed)]
    notes = (
        f"{trial.parcels:,} parcels, each in {ORDERS + 1} orders, {trial.returned:,} of them with a"
        f" wording that came back; {trial.outcomes['found']:,} answers understood;"
        f" {trial.delivered:,} merges after delivery"
    )
    if missed:
        notes += f"; planted and not found: {', '.join(missed)}"
    return Outcome(
        id="B10",
        name=f"{trial.answers:,} mutated, reordered, repeated answers",
        tried=trial.answers,
        fired=trial.fired,
        violations=trial.violations,
        seconds=time.monotonic() - started,
        notes=notes,
        planted_found=len(PLANTED) - len(missed),
        planted_of=len(PLANTED),
    )


def hear_answers(
    count: int,
    seed: int,
    *,
    hear: Hear | None = None,
    merge_with: Merge = merge,
    stops_at_first: bool = False,
) -> Trial:
    """Hear so many answers, of as many parcels as that takes."""
    trial = Trial()
    while trial.answers < count:
        dice = random.Random(f"parcel {seed} {trial.parcels}")  # a parcel can be replayed alone
        _Parcel(trial, dice, hear or hear_plainly, merge_with).live()
        trial.parcels += 1
        if stops_at_first and trial.violations:
            break
    return trial


@cache
def cases() -> tuple[tuple[Connector, str, Fixture], ...]:
    """Return every fixture in which a carrier is asked, with its connector and its name."""
    found = []
    for entry in load_catalogue(SimulatedCarrier(), installed=[]).all():
        package = package_of(entry.connector)
        for name in list_cases(package):
            fixture = load_fixture(package, name)
            if fixture.exchange:
                found.append((entry.connector, name, fixture))
    return tuple(found)


def hear_plainly(
    connector: Connector, fixture: Fixture, answers: list[Response]
) -> list[CarrierReport]:
    """Hold the conversation with these answers; after the last of them nobody answers."""

    def answer(step: int, request: Request) -> Response:
        if step < len(answers):
            return answers[step]
        return Response(status=0, fault="connect", received_at=fixture.now)

    return hold(connector, fixture, answer)[0]


class _Parcel:
    """One parcel and its carrier's answers."""

    def __init__(self, trial: Trial, dice: random.Random, hear: Hear, merge_with: Merge) -> None:
        self._trial = trial
        self._dice = dice
        self._hear = hear
        self._merge = merge_with
        self._connector, self._name, self._fixture = dice.choice(cases())

    def live(self) -> None:
        reports = self._reports()
        start = _tracking(self._fixture)
        changes: list[Change] = []
        first = self._merged(start, reports, changes)
        if first is None:
            return
        self._show(first, changes)
        is_returning = _takes_wordings_back(reports)
        self._trial.returned += is_returning
        for _ in range(ORDERS):
            again = self._dice.choices(reports, k=self._dice.randrange(3)) if reports else []
            order = [*reports, *again]
            self._dice.shuffle(order)
            other = self._merged(start, order)
            if other is None:
                return
            if _identities(other) != _identities(first):
                self._complain("the events differ by order")
            elif not is_returning and _state(other) != _state(first):
                self._complain("wording, status or milestones differ by order")

    def _reports(self) -> list[CarrierReport]:
        """Hear all answers, each mutated from the one before."""
        dice, reports = self._dice, []
        answers = self._fixture.responses()
        for number in range(dice.randrange(2, 7)):
            now = self._fixture.now + number * HOUR
            if number and dice.random() < 0.4:
                answers = self._later_answers()
            plain = answers
            while answers == plain:
                answers = self._mutated(answers)
            answers = [replace(one, received_at=now) for one in answers]
            fixture = replace(self._fixture, now=now)
            self._trial.answers += 1
            self._trial.fired += 1
            try:
                heard = self._hear(self._connector, fixture, answers)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is the finding
                self._complain(f"hearing raised {type(error).__name__}: {error}")
                continue
            if len(heard) != len(fixture.queries):
                self._complain(f"{len(heard)} reports for {len(fixture.queries)} queries")
                continue
            report = replace(
                heard[0],
                fetched_at=now,
                checkpoints=tuple(replace(one, received_at=0) for one in heard[0].checkpoints),
            )
            self._trial.outcomes[report.outcome.value] += 1
            reports.append(report)
        return reports

    def _later_answers(self) -> list[Response]:
        """Return what the carrier says in another fixture, said of this parcel."""
        others = [
            fixture
            for connector, _, fixture in cases()
            if connector is self._connector
            and fixture.transport == self._fixture.transport
            and len(fixture.exchange) == len(self._fixture.exchange)
        ]
        other = self._dice.choice(others)
        number = other.queries[0].number.encode()
        mine = self._fixture.queries[0].number.encode()
        return [replace(one, body=one.body.replace(number, mine)) for one in other.responses()]

    def _merged(
        self,
        state: Tracking,
        reports: Sequence[CarrierReport],
        changes: list[Change] | None = None,
    ) -> Tracking | None:
        for report in reports:
            before = state
            try:
                merged = self._merge(before, report)
                state = merged.tracking
                if changes is not None:
                    changes += merged.changes
            except Exception as error:  # noqa: BLE001  # as above
                self._complain(f"merging raised {type(error).__name__}: {error}")
                return None
            if before.status is Status.DELIVERED:
                self._trial.delivered += 1
                if _came_back(before, state):
                    self._complain(f"from delivered back to {state.status.value}")
        return state

    def _show(self, tracking: Tracking, changes: list[Change]) -> None:
        """Store it and what changed, read it back, and word it in every dialect."""
        event = Event(
            id=tracking.id,
            world_id=tracking.world_id,
            tracking_id=tracking.id,
            sequence=1,
            at=tracking.updated_at,
            status=tracking.status,
            substatus=tracking.substatus,
            changes=tuple(changes),
        )
        try:
            if decode_tracking(encode_tracking(tracking)) != tracking:
                self._complain("what is stored is not what is read back")
            if decode_event(encode_event(event)) != event:
                self._complain("what changed is not what is read back")
            for render in (_V2.payload, render_v4, render_native):
                render(tracking, event)
        except Exception as error:  # noqa: BLE001  # as above
            self._complain(f"showing it raised {type(error).__name__}: {error}")

    def _mutated(self, answers: list[Response]) -> list[Response]:
        place = self._dice.randrange(len(answers))
        kind = self._dice.choice(GENTLE if self._dice.random() < 0.8 else list(MUTATIONS))
        self._trial.kinds[kind] += 1
        changed = list(answers)
        changed[place] = MUTATIONS[kind](answers[place], self._dice)
        return changed

    def _complain(self, text: str) -> None:
        self._trial.violations.append(
            f"parcel {self._trial.parcels}, {self._connector.manifest.code} {self._name}: {text}"
        )


def _tracking(fixture: Fixture) -> Tracking:
    query, now = fixture.queries[0], fixture.now
    identity = f"{now:012x}{1:020x}"
    return Tracking(
        id=identity,
        world_id=2,
        number=query.number,
        typed_number=query.number,
        courier_code=query.courier_code,
        created_at=now,
        updated_at=now,
        page_token=make_page_token(identity, "secret-00000001"),
    )


def _identities(tracking: Tracking) -> set[tuple[str, ...]]:
    return {one.identity for one in tracking.checkpoints}


def _state(tracking: Tracking) -> tuple[Any, ...]:
    return tracking.checkpoints, tracking.status, tracking.substatus, tracking.milestones


def _takes_wordings_back(reports: Sequence[CarrierReport]) -> bool:
    """Tell whether an event is worded as it was before another wording, or both ways at once."""
    said: dict[tuple[str, ...], list[Any]] = {}
    for report in reports:
        seen: set[tuple[str, ...]] = set()
        for one in report.checkpoints:
            wordings = said.setdefault(one.identity, [])
            if wordings and wordings[-1] != one and (one in wordings or one.identity in seen):
                return True
            seen.add(one.identity)
            if one not in wordings:
                wordings.append(one)
    return False


def _came_back(before: Tracking, after: Tracking) -> bool:
    """Tell whether a delivery still stands as it was said and the parcel is not delivered."""
    arrivals = {one.identity for one in before.checkpoints if _is_arrival(one)}
    stands = any(one.identity in arrivals and _is_arrival(one) for one in after.checkpoints)
    is_there = after.status is Status.DELIVERED
    return stands and not is_there and after.substatus is not Substatus.EXCEPTION_RETURNED


def _is_arrival(checkpoint: Any) -> bool:
    return checkpoint.status is Status.DELIVERED and not checkpoint.is_withdrawn


# -- planted faults --------------------------------------------------------------------------------


def _last_heard_wins(tracking: Tracking, report: CarrierReport) -> Merged:
    """Takes every answer for newer than what is known."""
    latest = max((one.received_at for one in tracking.checkpoints), default=0)
    return merge(tracking, replace(report, fetched_at=latest + HOUR))


def _forgetting(tracking: Tracking, report: CarrierReport) -> Merged:
    """Forgets the events that the newest answer does not name."""
    merged = merge(tracking, report)
    named = {one.identity for one in report.checkpoints}
    if not named:
        return merged
    kept = tuple(one for one in merged.tracking.checkpoints if one.identity in named)
    return replace(merged, tracking=replace(merged.tracking, checkpoints=kept))


def _last_scan_decides(tracking: Tracking, report: CarrierReport) -> Merged:
    """Lets any scan take a delivered parcel back."""
    merged = merge(tracking, report)
    stages = [one for one in merged.tracking.checkpoints if one.status is not None]
    if not stages:
        return merged
    last = stages[-1]
    after = replace(merged.tracking, status=last.status, substatus=last.substatus)
    return replace(merged, tracking=after)


def _trusting(
    connector: Connector, fixture: Fixture, answers: list[Response]
) -> list[CarrierReport]:
    """Takes for granted that a carrier answers JSON wherever it did before."""
    for before, now in zip(fixture.exchange, answers, strict=True):
        if not isinstance(before.response.body, str):
            json.loads(now.body)
    return hear_plainly(connector, fixture, answers)


PLANTED: Final[dict[str, tuple[Hear, Merge]]] = {
    "the answer heard last wins": (hear_plainly, _last_heard_wins),
    "events that are not named again are forgotten": (hear_plainly, _forgetting),
    "the last scan decides, even after delivery": (hear_plainly, _last_scan_decides),
    "a connector trusts its carrier": (_trusting, merge),
}


def find_planted(name: str, seed: int) -> str | None:
    """Hear answers with a planted fault; return the first violation, or None."""
    hear, merge_with = PLANTED[name]
    trial = hear_answers(5_000, seed, hear=hear, merge_with=merge_with, stops_at_first=True)
    return trial.violations[0] if trial.violations else None


PROOFS = {"B10": run}

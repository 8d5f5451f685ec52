"""One answer that cannot be used: whose parcel it concerns, and how much of it is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from parcelwire.connectors.base import Exchange, Request, Response
from parcelwire.connectors.exchange import LARGE_BYTES, run_exchange
from parcelwire.connectors.report_limits import (
    LONGEST_DETAIL,
    LONGEST_RAW,
    LONGEST_TEXT,
    MOST_EVENTS,
    MOST_UNMAPPED,
    within_limits,
)
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.report import (
    CarrierReport,
    Outcome,
    ParcelFacts,
    ProofOfDelivery,
    UnmappedCode,
)
from parcelwire.polling.carrier_throttle import CarrierThrottle
from parcelwire.store.sqlite import open_store
from parcelwire.tracking.background import BackgroundWork
from tests.unit.connectors.gateway.bench import LIVE, Bench, make_connection, make_tracking

Make = Callable[..., Bench]


async def test_an_oversized_answer_concerns_one_parcel_of_a_batch(make_bench: Make) -> None:
    bench = make_bench([make_connection()], concurrency=1)
    bench.carrier.huge = "N3"
    trackings = [make_tracking(f"N{n}") for n in range(8)]
    reports = await bench.fetch(LIVE, "paper-post", trackings)
    assert [report.number for report in reports] == [f"N{n}" for n in range(8)]
    outcomes = {report.number: report.outcome for report in reports}
    assert outcomes.pop("N3") is Outcome.NOT_UNDERSTOOD
    assert set(outcomes.values()) == {Outcome.FOUND}
    # The pair was asked about in halves, nobody else twice.
    asked = [one for one in bench.carrier.requests if one != "token"]
    assert sorted(asked) == ["N0,N1", "N2", "N2,N3", "N3", "N4,N5", "N6,N7"]


async def test_a_carrier_whose_every_answer_is_oversized_is_not_asked_for_ever(
    make_bench: Make,
) -> None:
    bench = make_bench([make_connection()], concurrency=1)
    bench.carrier.huge = "N"
    trackings = [make_tracking(f"N{n}") for n in range(20)]
    reports = await bench.fetch(LIVE, "paper-post", trackings)
    assert {report.outcome for report in reports} == {Outcome.NOT_UNDERSTOOD}
    assert len(bench.carrier.requests) <= 1 + 10 * 3


def report(**fields: object) -> CarrierReport:
    return CarrierReport(number="N1", outcome=Outcome.FOUND, **fields)  # type: ignore[arg-type]  # tests name fields freely


EVENT = Checkpoint(local_time="2026-03-01T10:00:00", text="here")


def test_an_ordinary_report_stays_as_it_is() -> None:
    ordinary = report(
        checkpoints=(EVENT,) * MOST_EVENTS,
        facts=ParcelFacts(product="Letter", proof=ProofOfDelivery(signed_by="Ada")),
        unmapped=(UnmappedCode(kind="code", value="x"),) * MOST_UNMAPPED,
    )
    assert within_limits(ordinary) is ordinary


def test_texts_are_cut_and_endless_histories_not_understood() -> None:
    long = "x" * (LONGEST_TEXT + 1)
    cut = within_limits(
        report(
            checkpoints=(EVENT, replace(EVENT, text=long, location=long)),
            facts=ParcelFacts(product=long, proof=ProofOfDelivery(signed_by=long)),
            unmapped=(UnmappedCode(kind="code", value=long),) * (MOST_UNMAPPED + 1),
            detail=long,
            raw=b"x" * (LONGEST_RAW + 1),
        )
    )
    assert cut.checkpoints[0] == EVENT
    assert cut.checkpoints[1].text == cut.checkpoints[1].location == long[:-1]
    assert cut.facts is not None
    assert cut.facts.proof is not None
    assert cut.facts.product == cut.facts.proof.signed_by == long[:-1]
    assert (len(cut.unmapped), cut.unmapped[0].value) == (MOST_UNMAPPED, long[:-1])
    assert (len(cut.detail), len(cut.raw)) == (LONGEST_DETAIL, LONGEST_RAW)
    endless = within_limits(report(checkpoints=(EVENT,) * (MOST_EVENTS + 1)))
    assert (endless.outcome, endless.checkpoints) == (Outcome.NOT_UNDERSTOOD, ())
    assert endless.unmapped[0].value == "more than 1,000 events"


async def test_what_a_connector_returns_is_bounded(make_bench: Make) -> None:
    bench = make_bench([make_connection()])
    bench.post.sabotage = lambda reports: [
        replace(one, checkpoints=one.checkpoints * (MOST_EVENTS + 1)) for one in reports
    ]
    (said,) = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    assert said.outcome is Outcome.NOT_UNDERSTOOD


@pytest.mark.parametrize(("size", "is_beside"), [(LARGE_BYTES, False), (LARGE_BYTES + 1, True)])
async def test_a_large_answer_is_read_beside_the_event_loop(size: int, is_beside: bool) -> None:
    readers: list[bool] = []

    def track() -> Exchange:
        response = yield Request(method="GET", url="http://127.0.0.1/")
        readers.append(threading.current_thread() is not threading.main_thread())
        return [CarrierReport(number=str(len(response.body)), outcome=Outcome.FOUND)]

    async def send(_: Request) -> Response:
        return Response(status=200, body=b"x" * size)

    (said,) = await run_exchange(track(), send, read_large=BackgroundWork().run)
    assert (said.number, readers) == (str(size), [is_beside])


async def test_what_a_connector_raises_in_a_thread_is_raised() -> None:
    def track() -> Exchange:
        yield Request(method="GET", url="http://127.0.0.1/")
        raise KeyError("x")

    async def send(_: Request) -> Response:
        return Response(status=200, body=b"x" * (LARGE_BYTES + 1))

    with pytest.raises(KeyError):
        await run_exchange(track(), send, read_large=BackgroundWork().run)


@pytest.mark.parametrize(("status", "is_paused"), [(200, False), (503, True)])
async def test_one_oversized_answer_pauses_the_carrier_for_nobody(
    make_bench: Make, tmp_path: Path, status: int, is_paused: bool
) -> None:
    bench = make_bench([make_connection()])
    bench.carrier.huge, bench.carrier.huge_status = "N1", status
    policy = await bench.gateway.policy(LIVE, "paper-post")
    assert policy is not None
    reports = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    store = await open_store(tmp_path / "x.db", render=lambda _: b"{}", clock=bench.clock)
    try:
        throttle, now = CarrierThrottle(store, bench.clock), bench.clock.now()
        await throttle.record_results(policy, reports, now)
        assert (await throttle.pause_of(policy, now) is not None) is is_paused
        assert (await throttle.admit(policy, 1, now) == 0) is is_paused
    finally:
        await store.close()

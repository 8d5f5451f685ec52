"""Asking: batches, session state, limits, and reports whatever a connector does."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from parcelwire.connectors.queries import query_of
from parcelwire.domain.account import Connection, world_of
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.report import CarrierReport, DeliveryWindow, Outcome
from parcelwire.tracking.ports import Carriers
from tests.unit.connectors.gateway.bench import (
    LIVE,
    SECRET,
    TEST,
    Bench,
    make_connection,
    make_tracking,
)

Make = Callable[..., Bench]


def test_the_gateway_is_the_port(make_bench: Make) -> None:
    carriers: Carriers = make_bench().gateway
    assert carriers.phrase("paper-post", "P1", "de") == "Angekommen"
    assert carriers.phrase("paper-post", "P1", "xx") is None
    assert carriers.phrase("paper-post", "SIM-OUT", "de") == "In Zustellung"
    assert carriers.phrase("nobody", "SIM-OUT", "en") == "Out for delivery"


async def test_one_report_each_in_the_same_order(make_bench: Make) -> None:
    bench = make_bench([make_connection()])
    trackings = [make_tracking(f"N{n}") for n in range(7)]
    reports = await bench.fetch(LIVE, "paper-post", trackings)
    assert [report.number for report in reports] == [f"N{n}" for n in range(7)]
    assert {report.outcome for report in reports} == {Outcome.FOUND}
    assert {report.connector for report in reports} == {"paper-post"}
    assert {report.fetched_at for report in reports} == {bench.clock.now()}
    assert await bench.fetch(LIVE, "paper-post", []) == []


async def test_batches_are_as_large_as_the_transport_allows_and_share_one_token(
    make_bench: Make,
) -> None:
    bench = make_bench([make_connection()])
    trackings = [make_tracking(f"N{n}") for n in range(5)]
    await bench.fetch(LIVE, "paper-post", trackings)
    assert sorted(size for _, size in bench.post.batches) == [1, 2, 2]
    assert bench.carrier.requests.count("token") == 1
    await bench.fetch(LIVE, "paper-post", trackings)
    assert bench.carrier.requests.count("token") == 1, "the session state outlives an exchange"


async def test_one_account_does_not_use_anothers_memory(make_bench: Make) -> None:
    bench = make_bench([make_connection()])
    bench.source.connections_of[8] = [
        make_connection(id="c8", account_number=8, sealed_credentials=b"sealed-2")
    ]
    await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    await bench.fetch(LIVE + 2, "paper-post", [make_tracking("N1")])
    assert bench.carrier.requests.count("token") == 2


async def test_new_credentials_forget_the_old_token(make_bench: Make) -> None:
    bench = make_bench([make_connection()])
    await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    bench.source.replace("c1", sealed_credentials=b"sealed-2")
    bench.clock.advance(3)
    await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    assert bench.carrier.requests.count("token") == 2


async def test_languages_are_asked_apart_and_only_those_the_carrier_speaks(
    make_bench: Make,
) -> None:
    bench = make_bench([make_connection()])
    languages = ["fr", None, "cn", "FR", "de"]
    trackings = [make_tracking(f"N{n}", language=one) for n, one in enumerate(languages)]
    reports = await bench.fetch(LIVE, "paper-post", trackings)
    assert [report.number for report in reports] == ["N0", "N1", "N2", "N3", "N4"]
    assert sorted(bench.post.batches) == [("de", 1), ("de", 2), ("fr", 2)]


@pytest.mark.parametrize(
    ("language", "asked"),
    [("fr-CH", "fr"), ("fr_CA", "fr"), (" FR-ch ", "fr"), ("de-AT", "de"), ("pt-BR", "de")],
)
async def test_a_region_is_asked_in_its_language(
    make_bench: Make, language: str, asked: str
) -> None:
    bench = make_bench([make_connection()])
    await bench.fetch(LIVE, "paper-post", [make_tracking("N1", language=language)])
    assert bench.post.batches == [(asked, 1)]


async def test_no_more_conversations_at_a_time_than_allowed(make_bench: Make) -> None:
    bench = make_bench([make_connection()], concurrency=3)
    bench.carrier.delay_seconds = 0.02
    await asyncio.gather(
        *(
            bench.fetch(LIVE, "paper-post", [make_tracking(f"N{call}{n}") for n in range(6)])
            for call in range(4)
        )
    )
    assert bench.carrier.most_under_way == 3


@pytest.mark.parametrize(
    ("status", "headers", "outcome", "asked"),
    [
        (429, {"Retry-After": "77"}, Outcome.RATE_LIMITED, 1),
        (503, {}, Outcome.UNAVAILABLE, 2),
        (500, {"Retry-After": "77"}, Outcome.UNAVAILABLE, 2),
    ],
)
async def test_a_carrier_in_trouble_is_not_asked_on(
    make_bench: Make, status: int, headers: dict[str, str], outcome: Outcome, asked: int
) -> None:
    bench = make_bench([make_connection()], concurrency=1)
    bench.carrier.track_status, bench.carrier.track_headers = status, headers
    trackings = [make_tracking(f"N{n}") for n in range(20)]
    reports = await bench.fetch(LIVE, "paper-post", trackings)
    assert {report.outcome for report in reports} == {outcome}
    assert len([one for one in bench.carrier.requests if one != "token"]) == asked
    if headers:
        assert {report.retry_at for report in reports} == {bench.clock.now() + 77_000}
    assert [report.number for report in reports] == [f"N{n}" for n in range(20)]


async def test_one_number_that_makes_the_carrier_stumble_does_not_stop_the_others(
    make_bench: Make,
) -> None:
    bench = make_bench([make_connection()], concurrency=1)

    def stumble(reports: list[CarrierReport]) -> list[CarrierReport]:
        if reports[0].number == "N0":
            return [replace(r, outcome=Outcome.UNAVAILABLE, checkpoints=()) for r in reports]
        return reports

    bench.post.sabotage = stumble
    reports = await bench.fetch(LIVE, "paper-post", [make_tracking(f"N{n}") for n in range(10)])
    outcomes = [report.outcome for report in reports]
    assert outcomes == [Outcome.UNAVAILABLE] * 2 + [Outcome.FOUND] * 8


async def test_a_server_that_is_not_there_is_unavailable(make_bench: Make) -> None:
    bench = make_bench([make_connection()], base_urls={"api": "http://127.0.0.1:1"})
    [report] = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    assert report.outcome is Outcome.UNAVAILABLE
    assert "connect" in report.detail


def _raise(_: object) -> Any:
    canary = "Jane-Canary"
    raise KeyError(canary)


@pytest.mark.parametrize(
    "sabotage",
    [
        _raise,
        lambda reports: None,
        lambda reports: [],
        lambda reports: [*reports, *reports],
        lambda reports: ["report"],
        lambda reports: [replace(reports[0], number="ANOTHER")],
        lambda reports: [
            replace(reports[0], checkpoints=(Checkpoint(local_time="yesterday", text="x"),))
        ],
        lambda reports: [
            replace(
                reports[0],
                checkpoints=(Checkpoint(local_time="2026-03-01", text="x", offset_minutes=99_999),),
            )
        ],
    ],
)
async def test_a_connector_that_breaks_has_not_understood(
    make_bench: Make, caplog: pytest.LogCaptureFixture, sabotage: Callable[[Any], Any]
) -> None:
    bench = make_bench([make_connection()])
    bench.post.sabotage = sabotage
    with caplog.at_level(logging.DEBUG):
        [report] = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
        await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    assert report.outcome is Outcome.NOT_UNDERSTOOD
    assert report.number == "N1"
    assert report.raw == b"here"
    assert [one.kind for one in report.unmapped] == ["answer"]
    assert report.fetched_at == bench.clock.now()
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1, "told once"
    assert "gateway.py" in errors[0].getMessage() or "test_gateway.py" in errors[0].getMessage()
    assert "Canary" not in caplog.text


@pytest.mark.parametrize(
    ("earliest", "latest"),
    [
        ("tomorrow", "tomorrow"),
        ("2026-03-05", "soon"),
        ("", ""),
        ("2026-03-32", "2026-03-32"),
        ("20260305", "20260306"),
        ("2026-W10-4", "2026-W10-5"),
        ("2026-03-05 10:00", "2026-03-05 12:00"),
        ("2026-03-05T25:00", "2026-03-05T26:00"),
    ],
)
async def test_a_delivery_window_that_is_none_is_a_gap_and_the_events_count(
    make_bench: Make, earliest: str, latest: str
) -> None:
    bench = make_bench([make_connection()])
    window = DeliveryWindow(earliest=earliest, latest=latest, source="paper-post")
    scan = Checkpoint(local_time="2026-03-01T10:00", text="here")
    bench.post.sabotage = lambda reports: [
        replace(one, window=window, checkpoints=(scan,)) for one in reports
    ]
    [report] = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    assert report.outcome is Outcome.FOUND
    assert report.checkpoints == (scan,)
    assert report.window is None
    (unmapped_code,) = report.unmapped
    assert (unmapped_code.kind, unmapped_code.value) == (
        "answer",
        "a delivery window that is neither dates nor times",
    )
    assert unmapped_code.sample == f"{earliest} to {latest}"


@pytest.mark.parametrize(
    "latest", ["2026-03-05", "2026-03-05T18:00", "2026-03-05T18:00:00", "2026-03-05T18:00:00+01:00"]
)
async def test_a_delivery_window_of_dates_or_times_is_taken(make_bench: Make, latest: str) -> None:
    bench = make_bench([make_connection()])
    window = DeliveryWindow(earliest="2026-03-04", latest=latest, source="paper-post")
    bench.post.sabotage = lambda reports: [replace(one, window=window) for one in reports]
    [report] = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    assert report.window == window
    assert report.unmapped == ()


async def test_a_connector_that_asks_for_ever_is_broken_off(make_bench: Make) -> None:
    bench = make_bench([make_connection()])
    original = bench.post.track

    def endless(queries: Any, context: Any) -> Any:
        while True:
            context.session_state.pop("token", None)
            yield from original(queries, context)

    bench.post.track = endless  # type: ignore[method-assign]  # a plug-in gone wrong
    [report] = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    assert report.outcome is Outcome.NOT_UNDERSTOOD
    assert "ExchangeTooLong" in report.detail


async def test_secrets_are_in_no_report_and_no_log(
    make_bench: Make, caplog: pytest.LogCaptureFixture
) -> None:
    bench = make_bench([make_connection()])
    bench.carrier.token_status = 418
    bench.carrier.token_body = f"access-token-canary for {SECRET}"
    with caplog.at_level(logging.DEBUG):
        [report] = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
        assert report.outcome is Outcome.NOT_UNDERSTOOD
        shown = msgspec.json.encode(report)
        assert b"canary" not in shown
        assert SECRET.encode() not in shown
        bench.carrier.token_status, bench.carrier.track_body = 200, f"wrong key {SECRET}"
        [report] = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    assert report.outcome is Outcome.NOT_UNDERSTOOD
    assert report.raw == b"wrong key [secret]"
    assert SECRET not in report.unmapped[0].sample
    assert SECRET not in caplog.text
    assert "canary" not in caplog.text


async def test_a_failure_to_store_the_break_leaves_the_reports(make_bench: Make) -> None:
    bench = make_bench([make_connection()])
    bench.carrier.token_status = 401
    tries = []

    async def fail(connection: Connection, why: str) -> None:
        tries.append(why)
        raise OSError("disk full")

    bench.source.report_broken = fail  # type: ignore[method-assign]  # a store that is away
    for _ in range(2):
        bench.clock.advance(3)
        [report] = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
        assert report.outcome is Outcome.AUTH_FAILED
    assert len(tries) == 2, "what could not be stored is tried again"


async def test_two_thousand_simulated_numbers_in_one_call(make_bench: Make) -> None:
    trackings = [make_tracking(f"X{n:06}") for n in range(2_000)]
    reports = await make_bench().fetch(TEST, "ups", trackings)
    assert [report.number for report in reports] == [t.number for t in trackings]


def test_a_question_carries_what_carriers_ask_for() -> None:
    query = query_of(
        make_tracking(
            "N1",
            ship_date="20260301",
            recipient_postcode="8001",
            origin_country="CN",
            tracking_destination_country="CH",
            destination_country="DE",
            courier_account="",
        )
    )
    assert query.ship_date == "2026-03-01"
    assert query.postal_code == "8001"
    assert query.origin_country == "CN"
    assert query.destination_country == "CH"
    assert query.account is None
    assert query.created_at == 1_772_359_200_000
    assert query_of(make_tracking("N1", ship_date="soon")).ship_date is None


async def test_whoever_gets_no_place_in_time_is_not_asked_about(make_bench: Make) -> None:
    bench = make_bench([make_connection()], concurrency=1, slot_seconds=0.05)
    bench.carrier.delay_seconds = 0.5
    first = asyncio.create_task(bench.gateway.fetch(LIVE, "paper-post", [make_tracking("N1")]))
    while not bench.carrier.under_way:  # noqa: ASYNC110  # a count of the server's, no event
        await asyncio.sleep(0.005)
    assert await bench.gateway.fetch(LIVE, "paper-post", [make_tracking("N2")]) == [None]
    (report,) = await first
    assert report is not None
    assert report.outcome is Outcome.FOUND
    assert [one for one in bench.carrier.requests if one != "token"] == ["N1"]


async def test_the_time_of_a_conversation_begins_with_its_place(make_bench: Make) -> None:
    """Ten that take 0.3 s each stand in one line: longer than any of them may take."""
    bench = make_bench([make_connection()], concurrency=1, slot_seconds=60.0, exchange_seconds=2.5)
    bench.carrier.delay_seconds = 0.3
    answers = await asyncio.gather(
        *(bench.gateway.fetch(LIVE, "paper-post", [make_tracking(f"N{n}")]) for n in range(10))
    )
    assert {one.outcome for (one,) in answers if one is not None} == {Outcome.FOUND}
    assert len(answers) == 10


async def test_a_conversation_that_takes_too_long_is_broken_off(make_bench: Make) -> None:
    bench = make_bench([make_connection()], concurrency=1, exchange_seconds=0.05)
    bench.carrier.delay_seconds = 1.0
    (report,) = await bench.gateway.fetch(LIVE, "paper-post", [make_tracking("N1")])
    assert report is not None
    assert (report.outcome, report.detail) == (Outcome.UNAVAILABLE, "no answer within 0.05 s")


async def test_accounts_have_the_places_in_turn(make_bench: Make) -> None:
    other = world_of(8, is_test=False)
    bench = make_bench([make_connection()], accounts=(7, 8), concurrency=1, slot_seconds=60.0)
    bench.carrier.delay_seconds = 0.02
    asked = [(LIVE, f"A{n}") for n in range(12)] + [(other, "B1")]
    await asyncio.gather(
        *(
            bench.gateway.fetch(world, "paper-post", [make_tracking(number)])
            for world, number in asked
        )
    )
    numbers = [one for one in bench.carrier.requests if one != "token"]
    assert numbers.index("B1") <= 2
    assert len(numbers) == 13

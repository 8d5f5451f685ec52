"""What accounts are told of carriers, and the one query that tries a connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from parcelwire.connectors.account_carriers import AccountCarriers
from parcelwire.connectors.catalogue import Catalogue
from parcelwire.connectors.routing import GatewaySettings
from parcelwire.domain.account import Connection
from parcelwire.domain.clock import Instant
from parcelwire.domain.report import Outcome
from parcelwire.domain.sealing import SealingError
from tests.support.house import SeededIdentifiers
from tests.unit.connectors.gateway.bench import LIVE, Bench, entry, make_connection, make_tracking

MakeBench = Callable[..., Bench]


class Budget:
    """Grants requests as long as there are some."""

    def __init__(self) -> None:
        self.left = 10
        self.taken: list[tuple[str, int]] = []

    async def take_budget(
        self, key: str, *, now: Instant, wanted: int, per_minute: int, per_day: int | None
    ) -> int:
        self.taken.append((key, per_minute))
        granted = min(wanted, self.left)
        self.left -= granted
        return granted


@pytest.fixture
def budget() -> Budget:
    return Budget()


def carriers_of(bench: Bench, budget: Budget, *, web: Sequence[str] = ()) -> AccountCarriers:
    return AccountCarriers(
        budget,
        catalogue=Catalogue([entry(bench.post)]),
        gateway=bench.gateway,
        source=bench.source,
        settings=GatewaySettings(
            web_connectors=frozenset(web),
            base_urls={"paper-post": {"api": bench.carrier.base_url}},
        ),
        clock=bench.clock,
        identifiers=SeededIdentifiers(),
    )


def test_undocumented_transports_are_off_until_the_operator_wants_them(
    make_bench: MakeBench, budget: Budget
) -> None:
    for web, is_on in (((), [True, False]), (("paper-post",), [True, True])):
        transports = carriers_of(make_bench(), budget, web=web).transports()
        assert [one.transport for one in transports] == ["api", "web"]
        assert [one.is_on for one in transports] == is_on


async def test_a_connection_is_tried_within_its_own_budget(
    make_bench: MakeBench, budget: Budget
) -> None:
    bench = make_bench([make_connection()])
    report = await carriers_of(bench, budget).try_connection(make_connection(), "990000000001")
    assert (report.outcome, report.number) == (Outcome.FOUND, "990000000001")
    assert budget.taken == [("paper-post:c1", 30)]
    budget.left = 0
    asked = list(bench.carrier.requests)
    report = await carriers_of(bench, budget).try_connection(make_connection(), "990000000001")
    assert report.outcome is Outcome.RATE_LIMITED
    assert bench.carrier.requests == asked


async def test_what_comes_of_a_try_is_not_the_connections(
    make_bench: MakeBench, budget: Budget
) -> None:
    connection = make_connection()
    bench = make_bench([connection])
    carriers = carriers_of(bench, budget)
    bench.carrier.token_status = 401
    report = await carriers.try_connection(connection, "990000000001")
    assert report.outcome is Outcome.AUTH_FAILED
    assert bench.source.broken == []
    bench.carrier.token_status = 200
    # A token that was given before would tell nothing about the credentials.
    await carriers.try_connection(connection, "990000000001")
    await carriers.try_connection(connection, "990000000001")
    assert bench.carrier.requests.count("token") == 3
    # One that is broken is tried all the same.
    broken = replace(connection, broken_since=1, broken_reason="401")
    assert (await carriers.try_connection(broken, "990000000001")).outcome is Outcome.FOUND
    # Its own session is left alone.
    (answer,) = await bench.fetch(LIVE, "paper-post", [make_tracking("990000000001")])
    assert answer.outcome is Outcome.FOUND


async def test_a_slow_carrier_is_not_waited_for(make_bench: MakeBench, budget: Budget) -> None:
    bench = make_bench([make_connection()], exchange_seconds=0.05)
    bench.carrier.delay_seconds = 1.0
    report = await carriers_of(bench, budget).try_connection(make_connection(), "990000000001")
    assert report.outcome is Outcome.UNAVAILABLE
    assert report.detail == "no answer within 0.05 s"


@pytest.mark.parametrize(
    "gone", [make_connection(connector="paper-mail"), make_connection(transport="fax")]
)
async def test_a_connection_whose_connector_is_gone(
    make_bench: MakeBench, budget: Budget, gone: Connection
) -> None:
    report = await carriers_of(make_bench(), budget).try_connection(gone, "990000000001")
    assert report.outcome is Outcome.NO_CONNECTION
    assert "is not installed any more" in report.detail
    assert budget.taken == []


async def test_credentials_that_cannot_be_opened(
    make_bench: MakeBench, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench()

    def locked(_: Connection) -> dict[str, str]:
        msg = "its key is gone"
        raise SealingError(msg)

    monkeypatch.setattr(bench.source, "opened", locked)
    report = await carriers_of(bench, budget).try_connection(make_connection(), "990000000001")
    assert report.outcome is Outcome.NO_CONNECTION
    assert report.detail == "its credentials cannot be opened: its key is gone"
    assert budget.taken == []

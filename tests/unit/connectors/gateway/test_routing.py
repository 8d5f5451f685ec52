"""Which way a query goes."""

import logging
from collections.abc import Callable, Mapping

import pytest

from parcelwire.domain.account import Connection
from parcelwire.domain.report import Outcome
from parcelwire.domain.sealing import UnknownKeyError
from tests.unit.connectors.gateway.bench import LIVE, TEST, Bench, make_connection, make_tracking

Make = Callable[..., Bench]


async def outcome(bench: Bench, world_id: int = LIVE, courier: str = "paper-post") -> Outcome:
    [report] = await bench.fetch(world_id, courier, [make_tracking("N1", courier)])
    return report.outcome


async def test_a_test_world_meets_the_simulated_carrier_for_every_courier(make_bench: Make) -> None:
    bench = make_bench([make_connection()], is_web_on=True)
    for courier in ("paper-post", "swiss-post", "no-such-courier", "simulated"):
        [report] = await bench.fetch(TEST, courier, [make_tracking("SIM-GARBAGE-1", courier)])
        assert report.connector == "simulated"
        policy = await bench.gateway.policy(TEST, courier)
        assert policy is not None
        assert policy.connector == "simulated"
        assert policy.time_scale == 1_440
        assert policy.quiet_from_hour == policy.quiet_to_hour
    assert bench.carrier.requests == []


async def test_worlds_and_couriers_of_the_simulation_have_budgets_of_their_own(
    make_bench: Make,
) -> None:
    gateway = make_bench().gateway
    pairs = [(TEST, "ups"), (TEST, "dhl"), (TEST + 2, "ups")]
    policies = [await gateway.policy(*pair) for pair in pairs]
    assert len({policy.budget_key for policy in policies if policy}) == 3


async def test_without_connection_nothing_is_sent(make_bench: Make) -> None:
    bench = make_bench()
    [report] = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
    assert report.outcome is Outcome.NO_CONNECTION
    assert "Paper Post" in report.detail
    assert await bench.gateway.policy(LIVE, "paper-post") is None
    assert bench.carrier.requests == []


async def test_a_courier_without_connector_is_no_connection(make_bench: Make) -> None:
    bench = make_bench([make_connection()])
    assert await outcome(bench, courier="nobody") is Outcome.NO_CONNECTION
    assert await bench.gateway.policy(LIVE, "nobody") is None


async def test_a_live_world_never_meets_the_simulated_carrier(make_bench: Make) -> None:
    bench = make_bench()
    assert await outcome(bench, courier="simulated") is Outcome.NO_CONNECTION
    assert await bench.gateway.policy(LIVE, "simulated") is None


async def test_the_own_connection_goes_before_the_public_endpoint(make_bench: Make) -> None:
    bench = make_bench([make_connection()], is_web_on=True)
    assert await outcome(bench) is Outcome.FOUND
    assert bench.carrier.requests == ["token", "N1"]
    policy = await bench.gateway.policy(LIVE, "paper-post")
    assert policy is not None
    assert (policy.budget_key, policy.batch_size, policy.requests_per_minute) == (
        "paper-post:c1",
        2,
        30,
    )
    assert policy.min_interval_seconds == 0


async def test_the_public_endpoint_serves_only_when_the_operator_turned_it_on(
    make_bench: Make,
) -> None:
    bench = make_bench(is_web_on=True)
    assert await outcome(bench, courier="paper-post-express") is Outcome.FOUND
    assert bench.carrier.requests == ["N1"]
    policy = await bench.gateway.policy(LIVE, "paper-post")
    assert policy is not None
    assert (policy.budget_key, policy.requests_per_minute) == ("paper-post:web", 6)
    assert policy.min_interval_seconds > 0


async def test_an_accounts_web_connection_needs_the_operator_too(make_bench: Make) -> None:
    connection = make_connection(transport="web")
    assert await outcome(make_bench([connection])) is Outcome.NO_CONNECTION
    bench = make_bench([connection], is_web_on=True)
    assert await outcome(bench) is Outcome.FOUND
    policy = await bench.gateway.policy(LIVE, "paper-post")
    assert policy is not None
    assert policy.budget_key == "paper-post:c1"


@pytest.mark.parametrize(
    "changes",
    [
        {"is_enabled": False},
        {"broken_since": 5},
        {"connector": "another-post"},
        {"transport": "no-such"},
        {"account_number": 8},
        {"sealed_credentials": b"empty"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_what_cannot_be_used_is_passed_over(
    make_bench: Make, changes: dict[str, object]
) -> None:
    bench = make_bench()
    connection = make_connection(**changes)
    bench.source.connections_of = {connection.account_number: [connection]}
    bench.source.credentials[b"empty"] = {"key": ""}
    assert await outcome(bench) is Outcome.NO_CONNECTION
    assert bench.carrier.requests == []


async def test_the_second_connection_serves_when_the_first_is_broken(make_bench: Make) -> None:
    bench = make_bench([make_connection(broken_since=5), make_connection(id="c2")])
    assert await outcome(bench) is Outcome.FOUND
    policy = await bench.gateway.policy(LIVE, "paper-post")
    assert policy is not None
    assert policy.budget_key == "paper-post:c2"


async def test_a_connections_base_url_goes_before_the_operators(make_bench: Make) -> None:
    bench = make_bench(base_urls={"api": "http://127.0.0.1:1"})
    assert await outcome(bench) is Outcome.NO_CONNECTION
    bench.source.connections_of = {7: [make_connection(base_urls={"api": bench.carrier.base_url})]}
    bench.gateway.forget(7)
    assert await outcome(bench) is Outcome.FOUND


async def test_connections_are_read_at_most_every_two_seconds(make_bench: Make) -> None:
    bench = make_bench([make_connection()])
    for _ in range(5):
        await outcome(bench)
    assert bench.source.reads == 1
    bench.clock.advance(1.9)
    await outcome(bench)
    assert bench.source.reads == 1
    bench.clock.advance(0.2)
    await outcome(bench)
    assert bench.source.reads == 2
    bench.clock.advance(-3_600)
    await outcome(bench)
    assert bench.source.reads == 3, "a clock that jumped back must not keep old connections"


async def test_refused_credentials_stop_the_connection_and_are_told_once(
    make_bench: Make, caplog: pytest.LogCaptureFixture
) -> None:
    bench = make_bench([make_connection()])
    bench.carrier.token_status = 401
    with caplog.at_level(logging.INFO):
        [report] = await bench.fetch(LIVE, "paper-post", [make_tracking("N1")])
        assert report.outcome is Outcome.AUTH_FAILED
        for _ in range(3):
            bench.clock.advance(10)
            assert await outcome(bench) is Outcome.NO_CONNECTION
    assert bench.source.broken == [("c1", report.detail)]
    assert bench.carrier.requests == ["token"]
    assert len([r for r in caplog.records if r.levelno >= logging.ERROR]) == 1


async def test_a_broken_connection_leaves_the_public_endpoint(make_bench: Make) -> None:
    bench = make_bench([make_connection()], is_web_on=True)
    bench.carrier.token_status = 401
    assert await outcome(bench) is Outcome.AUTH_FAILED
    assert await outcome(bench) is Outcome.FOUND
    assert bench.carrier.requests == ["token", "N1"]


async def test_new_credentials_heal_the_connection(
    make_bench: Make, caplog: pytest.LogCaptureFixture
) -> None:
    bench = make_bench([make_connection()])
    bench.carrier.token_status = 401
    assert await outcome(bench) is Outcome.AUTH_FAILED
    assert await outcome(bench) is Outcome.NO_CONNECTION
    bench.carrier.token_status = 200
    bench.source.replace("c1", sealed_credentials=b"sealed-2", broken_since=None)
    bench.clock.advance(3)
    with caplog.at_level(logging.INFO):
        assert await outcome(bench) is Outcome.FOUND
        assert await outcome(bench) is Outcome.FOUND
    assert len([r for r in caplog.records if "again" in r.message]) == 1


async def test_a_connection_the_operator_trusts_again_is_used_and_told_again(
    make_bench: Make,
) -> None:
    bench = make_bench([make_connection()])
    bench.carrier.token_status = 401
    assert await outcome(bench) is Outcome.AUTH_FAILED
    bench.source.replace("c1", broken_since=None)
    bench.clock.advance(3)
    assert await outcome(bench) is Outcome.AUTH_FAILED
    assert len(bench.source.broken) == 2


async def test_credentials_that_cannot_be_opened_break_the_connection(make_bench: Make) -> None:
    bench = make_bench([make_connection(sealed_credentials=b"lost key")], is_web_on=True)
    assert await outcome(bench) is Outcome.FOUND
    assert [connection_id for connection_id, _ in bench.source.broken] == ["c1"]
    assert bench.carrier.requests == ["N1"]


async def test_a_key_that_is_not_on_this_machine_is_not_held_against_the_connection(
    make_bench: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench = make_bench([make_connection()])
    good = bench.source.opened

    def lack(connection: Connection) -> Mapping[str, str]:
        raise UnknownKeyError("the database is sealed with another key: copy the key file")

    monkeypatch.setattr(bench.source, "opened", lack)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert await outcome(bench) is Outcome.NO_CONNECTION
    (told,) = [line for line in caplog.messages if "copy the key file" in line]
    assert "is not used here" in told
    assert bench.source.broken == []
    # With the key it is used at once: nothing was noted against it.
    monkeypatch.setattr(bench.source, "opened", good)
    assert await outcome(bench) is not Outcome.NO_CONNECTION

from __future__ import annotations

from typing import Any

import pytest

from parcelwire.webhooks.flow_control import FlowControl, Health, Slot
from tests.unit.webhooks.builders import NOW, make_endpoint


def begin(flow: FlowControl, endpoint_id: str, now: int = NOW, **figures: Any) -> Slot:
    return flow.begin(make_endpoint(id=endpoint_id, **figures), now)


def answered(flow: FlowControl, endpoint_id: str, health: Health, times: int = 1) -> None:
    for _ in range(times):
        flow.end(begin(flow, endpoint_id), health, now=NOW)


def may_have_one(flow: FlowControl, endpoint_id: str) -> bool:
    room, skip = flow.refill_suspect(NOW)
    if room > 0 and endpoint_id not in skip:
        return True
    return flow.free > 0 and endpoint_id not in flow.closed(NOW)


def fill(flow: FlowControl, endpoint_id: str) -> list[Slot]:
    slots = []
    while may_have_one(flow, endpoint_id):
        slots.append(begin(flow, endpoint_id))
    return slots


def test_an_endpoint_begins_with_one_request_and_earns_more() -> None:
    flow = FlowControl(in_flight=100, per_endpoint=8)
    allowances = []
    for _ in range(6):
        slots = fill(flow, "shop")
        allowances.append(len(slots))
        for slot in slots:
            flow.end(slot, Health.UNKNOWN, now=NOW)
        answered(flow, "shop", Health.HEALTHY)
    assert allowances == [1, 2, 4, 8, 8, 8]


def test_a_failure_takes_it_back_to_one() -> None:
    flow = FlowControl(in_flight=100, per_endpoint=8)
    answered(flow, "shop", Health.HEALTHY, times=5)
    answered(flow, "shop", Health.BAD)
    assert len(fill(flow, "shop")) == 1


def test_bad_endpoints_never_hold_more_than_half() -> None:
    flow = FlowControl(in_flight=20, per_endpoint=8)
    answered(flow, "good", Health.HEALTHY, times=5)
    for number in range(50):
        answered(flow, f"bad{number}", Health.BAD)
    assert flow.refill_suspect(NOW)[0] == 10
    assert sum(len(fill(flow, f"bad{number}")) for number in range(50)) == 10
    assert flow.refill_suspect(NOW)[0] == 0
    assert flow.free == 10
    assert len(fill(flow, "good")) == 8


def test_slow_ones_earn_more_requests_but_no_more_than_half_of_all() -> None:
    flow = FlowControl(in_flight=20, per_endpoint=8)
    for shop in ("slow", "slower"):
        answered(flow, shop, Health.SLOW, times=5)
    answered(flow, "good", Health.HEALTHY, times=5)
    assert (len(fill(flow, "slow")), len(fill(flow, "slower"))) == (8, 2)
    assert len(fill(flow, "good")) == 8


def test_slots_come_back_when_an_endpoint_turns_good_under_way() -> None:
    flow = FlowControl(in_flight=4, per_endpoint=2)
    for _ in range(20):
        slots = [begin(flow, "a"), begin(flow, "b")]
        for slot, health in zip(slots, (Health.HEALTHY, Health.BAD), strict=True):
            flow.end(slot, health, now=NOW)
    assert flow.free == 4
    assert flow.refill_suspect(NOW) == (2, {"a"})


def test_health_before_and_after_is_told() -> None:
    flow = FlowControl(in_flight=4, per_endpoint=2)
    told = [
        flow.end(begin(flow, "shop"), health, now=NOW)
        for health in (Health.UNKNOWN, Health.HEALTHY, Health.BAD, Health.UNKNOWN, Health.HEALTHY)
    ]
    assert told == [
        (Health.UNKNOWN, Health.UNKNOWN),
        (Health.UNKNOWN, Health.HEALTHY),
        (Health.HEALTHY, Health.BAD),
        (Health.BAD, Health.BAD),
        (Health.BAD, Health.HEALTHY),
    ]


def test_a_rest_lasts_as_long_as_asked_and_survives_no_clock_set_back() -> None:
    flow = FlowControl(in_flight=4, per_endpoint=2)
    flow.end(begin(flow, "shop"), Health.BAD, now=NOW, rest_seconds=60)
    rooms = [flow.refill_suspect(NOW + later)[0] for later in (0, 59_999, 60_000, -1, -3_600_000)]
    assert rooms == [0, 0, 2, 2, 2]


def test_the_second_helping_is_for_the_idlest_good_ones() -> None:
    flow = FlowControl(in_flight=100, per_endpoint=8)
    for shop in ("idle", "busy"):
        answered(flow, shop, Health.HEALTHY, times=3)
    answered(flow, "bad", Health.BAD)
    begin(flow, "idle")
    for _ in range(5):
        begin(flow, "busy")
    begin(flow, "bad")
    assert flow.refill_healthy(NOW, {"idle", "busy", "bad"}) == (7, {"busy", "bad"})
    assert flow.refill_healthy(NOW, {"busy"}) == (3, {"bad"})
    assert flow.refill_healthy(NOW, {"bad", "unknown"})[0] == 0


def test_what_is_remembered_stays_bounded() -> None:
    flow = FlowControl(in_flight=4, per_endpoint=2)
    held = begin(flow, "held")
    for number in range(10_050):
        answered(flow, f"shop{number}", Health.HEALTHY)
    assert len(flow._paces) < 100
    flow.end(held, Health.HEALTHY, now=NOW)
    assert flow.free == 4


class TestConcurrency:
    def test_an_endpoint_gets_no_more_than_its_owner_wants(self) -> None:
        flow = FlowControl(in_flight=100, per_endpoint=8)
        for _ in range(5):
            flow.end(begin(flow, "shop", concurrency=3), Health.HEALTHY, now=NOW)
        slots = []
        while may_have_one(flow, "shop"):
            slots.append(begin(flow, "shop", concurrency=3))
        assert len(slots) == 3
        assert flow.refill_healthy(NOW, {"shop"})[0] == 0

    def test_and_no_more_than_the_installation_allows(self) -> None:
        flow = FlowControl(in_flight=100, per_endpoint=2)
        for _ in range(5):
            flow.end(begin(flow, "shop", concurrency=50), Health.HEALTHY, now=NOW)
        assert flow.refill_healthy(NOW, {"shop"})[0] == 2


class TestRate:
    def sent_at(self, rate: float, seconds: float, per_endpoint: int = 100) -> list[float]:
        """Let an endpoint that answers at once have whatever it may, looking every 5 ms."""
        flow = FlowControl(in_flight=1_000, per_endpoint=per_endpoint)
        sent = []
        for now in range(NOW, NOW + round(seconds * 1_000), 5):
            while "shop" not in flow.closed(now) and begin_is_due(flow, now):
                slot = begin(flow, "shop", now, rate_per_second=rate)
                sent.append((now - NOW) / 1_000)
                flow.end(slot, Health.HEALTHY, now=now)
        return sent

    @pytest.mark.parametrize("rate", [0.2, 1, 3, 10, 50, 200])
    def test_no_second_has_more_than_a_tenth_above_it(self, rate: float) -> None:
        sent = self.sent_at(rate, 30)
        assert len(sent) == pytest.approx(rate * 30, abs=max(1.0, rate / 10) + 1)
        for first in range(len(sent)):
            in_a_second = [at for at in sent[first:] if at < sent[first] + 1]
            assert len(in_a_second) <= max(1.0, rate) + max(1.0, rate / 10)

    def test_after_a_pause_there_is_no_burst(self) -> None:
        flow = FlowControl(in_flight=1_000, per_endpoint=100)
        for _ in range(10):
            flow.end(begin(flow, "shop", rate_per_second=5), Health.HEALTHY, now=NOW)
        later = NOW + 3_600_000
        assert flow.refill_healthy(later, {"shop"})[0] == 1

    def test_a_clock_set_back_neither_adds_tokens_nor_stops_them(self) -> None:
        flow = FlowControl(in_flight=1_000, per_endpoint=100)
        flow.end(begin(flow, "shop", rate_per_second=1), Health.HEALTHY, now=NOW)
        back = NOW - 3_600_000
        assert "shop" in flow.closed(back)
        assert flow.next_token_seconds(back) == pytest.approx(1, abs=0.01)
        assert "shop" not in flow.closed(back + 1_000)

    def test_it_says_when_the_next_may_go(self) -> None:
        flow = FlowControl(in_flight=1_000, per_endpoint=100)
        assert flow.next_token_seconds(NOW) is None
        flow.end(begin(flow, "free"), Health.HEALTHY, now=NOW)
        assert flow.next_token_seconds(NOW) is None
        flow.end(begin(flow, "slow", rate_per_second=0.1), Health.HEALTHY, now=NOW)
        flow.end(begin(flow, "shop", rate_per_second=4), Health.HEALTHY, now=NOW)
        assert flow.next_token_seconds(NOW) == pytest.approx(0.25, abs=0.01)
        assert "shop" in flow.closed(NOW + 249)
        assert "shop" not in flow.closed(NOW + 250)
        assert "free" not in flow.closed(NOW)

    def test_a_failing_endpoint_keeps_to_its_rate_too(self) -> None:
        flow = FlowControl(in_flight=1_000, per_endpoint=100)
        flow.end(begin(flow, "shop", rate_per_second=1), Health.BAD, now=NOW)
        assert flow.refill_suspect(NOW + 999)[0] == 0
        assert flow.refill_suspect(NOW + 1_000)[0] > 0


def begin_is_due(flow: FlowControl, now: int) -> bool:
    most, skip = flow.refill_healthy(now, {"shop"})
    return "shop" not in skip and (most > 0 or not flow._paces)


def test_nobody_in_doubt_has_a_second_turn_before_all_had_one() -> None:
    flow = FlowControl(in_flight=20, per_endpoint=8)
    for number in range(10):
        answered(flow, f"bad{number}", Health.BAD)
    turns: list[str] = []
    for _ in range(5):
        _, passed_over = flow.refill_suspect(NOW)
        # The store always offers those with the oldest messages, the same ones every time.
        served = [one for one in (f"bad{n}" for n in range(10)) if one not in passed_over][:2]
        flow.note_turns(served, are_all=False)
        turns += served
    assert sorted(turns) == [f"bad{number}" for number in range(10)]


def test_when_all_had_a_turn_everybody_may_have_one_again() -> None:
    flow = FlowControl(in_flight=20, per_endpoint=8)
    for name in ("a", "b", "c"):
        answered(flow, name, Health.BAD)
    flow.note_turns({"a"}, are_all=False)
    assert flow.refill_suspect(NOW)[1] == {"a"}
    flow.note_turns({"b"}, are_all=True)  # "c" wanted none
    assert flow.refill_suspect(NOW)[1] == set()
    flow.note_turns({"a", "b", "c"}, are_all=False)
    assert flow.refill_suspect(NOW)[1] == set()

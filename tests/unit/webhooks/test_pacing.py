from __future__ import annotations

from typing import Any

import pytest

from parcelwire.webhooks.pacing import Health, Pacer, Slot
from tests.unit.webhooks.builders import NOW, make_endpoint


def begin(pacer: Pacer, endpoint_id: str, now: int = NOW, **figures: Any) -> Slot:
    return pacer.begin(make_endpoint(id=endpoint_id, **figures), now)


def answered(pacer: Pacer, endpoint_id: str, health: Health, times: int = 1) -> None:
    for _ in range(times):
        pacer.end(begin(pacer, endpoint_id), health, now=NOW)


def may_have_one(pacer: Pacer, endpoint_id: str) -> bool:
    room, skip = pacer.doubtful_helping(NOW)
    if room > 0 and endpoint_id not in skip:
        return True
    return pacer.free > 0 and endpoint_id not in pacer.closed(NOW)


def fill(pacer: Pacer, endpoint_id: str) -> list[Slot]:
    slots = []
    while may_have_one(pacer, endpoint_id):
        slots.append(begin(pacer, endpoint_id))
    return slots


def test_an_endpoint_begins_with_one_request_and_earns_more() -> None:
    pacer = Pacer(in_flight=100, per_endpoint=8)
    allowances = []
    for _ in range(6):
        slots = fill(pacer, "shop")
        allowances.append(len(slots))
        for slot in slots:
            pacer.end(slot, Health.UNKNOWN, now=NOW)
        answered(pacer, "shop", Health.GOOD)
    assert allowances == [1, 2, 4, 8, 8, 8]


def test_a_failure_takes_it_back_to_one() -> None:
    pacer = Pacer(in_flight=100, per_endpoint=8)
    answered(pacer, "shop", Health.GOOD, times=5)
    answered(pacer, "shop", Health.BAD)
    assert len(fill(pacer, "shop")) == 1


def test_bad_endpoints_never_hold_more_than_half() -> None:
    pacer = Pacer(in_flight=20, per_endpoint=8)
    answered(pacer, "good", Health.GOOD, times=5)
    for number in range(50):
        answered(pacer, f"bad{number}", Health.BAD)
    assert pacer.doubtful_helping(NOW)[0] == 10
    assert sum(len(fill(pacer, f"bad{number}")) for number in range(50)) == 10
    assert pacer.doubtful_helping(NOW)[0] == 0
    assert pacer.free == 10
    assert len(fill(pacer, "good")) == 8


def test_slow_ones_earn_more_requests_but_no_more_than_half_of_all() -> None:
    pacer = Pacer(in_flight=20, per_endpoint=8)
    for shop in ("slow", "slower"):
        answered(pacer, shop, Health.SLOW, times=5)
    answered(pacer, "good", Health.GOOD, times=5)
    assert (len(fill(pacer, "slow")), len(fill(pacer, "slower"))) == (8, 2)
    assert len(fill(pacer, "good")) == 8


def test_slots_come_back_when_an_endpoint_turns_good_under_way() -> None:
    pacer = Pacer(in_flight=4, per_endpoint=2)
    for _ in range(20):
        slots = [begin(pacer, "a"), begin(pacer, "b")]
        for slot, health in zip(slots, (Health.GOOD, Health.BAD), strict=True):
            pacer.end(slot, health, now=NOW)
    assert pacer.free == 4
    assert pacer.doubtful_helping(NOW) == (2, {"a"})


def test_health_before_and_after_is_told() -> None:
    pacer = Pacer(in_flight=4, per_endpoint=2)
    told = [
        pacer.end(begin(pacer, "shop"), health, now=NOW)
        for health in (Health.UNKNOWN, Health.GOOD, Health.BAD, Health.UNKNOWN, Health.GOOD)
    ]
    assert told == [
        (Health.UNKNOWN, Health.UNKNOWN),
        (Health.UNKNOWN, Health.GOOD),
        (Health.GOOD, Health.BAD),
        (Health.BAD, Health.BAD),
        (Health.BAD, Health.GOOD),
    ]


def test_a_rest_lasts_as_long_as_asked_and_survives_no_clock_set_back() -> None:
    pacer = Pacer(in_flight=4, per_endpoint=2)
    pacer.end(begin(pacer, "shop"), Health.BAD, now=NOW, rest_seconds=60)
    rooms = [
        pacer.doubtful_helping(NOW + later)[0] for later in (0, 59_999, 60_000, -1, -3_600_000)
    ]
    assert rooms == [0, 0, 2, 2, 2]


def test_the_second_helping_is_for_the_idlest_good_ones() -> None:
    pacer = Pacer(in_flight=100, per_endpoint=8)
    for shop in ("idle", "busy"):
        answered(pacer, shop, Health.GOOD, times=3)
    answered(pacer, "bad", Health.BAD)
    begin(pacer, "idle")
    for _ in range(5):
        begin(pacer, "busy")
    begin(pacer, "bad")
    assert pacer.second_helping(NOW, {"idle", "busy", "bad"}) == (7, {"busy", "bad"})
    assert pacer.second_helping(NOW, {"busy"}) == (3, {"bad"})
    assert pacer.second_helping(NOW, {"bad", "unknown"})[0] == 0


def test_what_is_remembered_stays_bounded() -> None:
    pacer = Pacer(in_flight=4, per_endpoint=2)
    held = begin(pacer, "held")
    for number in range(10_050):
        answered(pacer, f"shop{number}", Health.GOOD)
    assert len(pacer._paces) < 100
    pacer.end(held, Health.GOOD, now=NOW)
    assert pacer.free == 4


class TestConcurrency:
    def test_an_endpoint_gets_no_more_than_its_owner_wants(self) -> None:
        pacer = Pacer(in_flight=100, per_endpoint=8)
        for _ in range(5):
            pacer.end(begin(pacer, "shop", concurrency=3), Health.GOOD, now=NOW)
        slots = []
        while may_have_one(pacer, "shop"):
            slots.append(begin(pacer, "shop", concurrency=3))
        assert len(slots) == 3
        assert pacer.second_helping(NOW, {"shop"})[0] == 0

    def test_and_no_more_than_the_installation_allows(self) -> None:
        pacer = Pacer(in_flight=100, per_endpoint=2)
        for _ in range(5):
            pacer.end(begin(pacer, "shop", concurrency=50), Health.GOOD, now=NOW)
        assert pacer.second_helping(NOW, {"shop"})[0] == 2


class TestRate:
    def sent_at(self, rate: float, seconds: float, per_endpoint: int = 100) -> list[float]:
        """Let an endpoint that answers at once have whatever it may, looking every 5 ms."""
        pacer = Pacer(in_flight=1_000, per_endpoint=per_endpoint)
        sent = []
        for now in range(NOW, NOW + round(seconds * 1_000), 5):
            while "shop" not in pacer.closed(now) and begin_is_due(pacer, now):
                slot = begin(pacer, "shop", now, rate_per_second=rate)
                sent.append((now - NOW) / 1_000)
                pacer.end(slot, Health.GOOD, now=now)
        return sent

    @pytest.mark.parametrize("rate", [0.2, 1, 3, 10, 50, 200])
    def test_no_second_has_more_than_a_tenth_above_it(self, rate: float) -> None:
        sent = self.sent_at(rate, 30)
        assert len(sent) == pytest.approx(rate * 30, abs=max(1.0, rate / 10) + 1)
        for first in range(len(sent)):
            in_a_second = [at for at in sent[first:] if at < sent[first] + 1]
            assert len(in_a_second) <= max(1.0, rate) + max(1.0, rate / 10)

    def test_after_a_pause_there_is_no_burst(self) -> None:
        pacer = Pacer(in_flight=1_000, per_endpoint=100)
        for _ in range(10):
            pacer.end(begin(pacer, "shop", rate_per_second=5), Health.GOOD, now=NOW)
        later = NOW + 3_600_000
        assert pacer.second_helping(later, {"shop"})[0] == 1

    def test_a_clock_set_back_neither_adds_tokens_nor_stops_them(self) -> None:
        pacer = Pacer(in_flight=1_000, per_endpoint=100)
        pacer.end(begin(pacer, "shop", rate_per_second=1), Health.GOOD, now=NOW)
        back = NOW - 3_600_000
        assert "shop" in pacer.closed(back)
        assert pacer.next_token_seconds(back) == pytest.approx(1, abs=0.01)
        assert "shop" not in pacer.closed(back + 1_000)

    def test_it_says_when_the_next_may_go(self) -> None:
        pacer = Pacer(in_flight=1_000, per_endpoint=100)
        assert pacer.next_token_seconds(NOW) is None
        pacer.end(begin(pacer, "free"), Health.GOOD, now=NOW)
        assert pacer.next_token_seconds(NOW) is None
        pacer.end(begin(pacer, "slow", rate_per_second=0.1), Health.GOOD, now=NOW)
        pacer.end(begin(pacer, "shop", rate_per_second=4), Health.GOOD, now=NOW)
        assert pacer.next_token_seconds(NOW) == pytest.approx(0.25, abs=0.01)
        assert "shop" in pacer.closed(NOW + 249)
        assert "shop" not in pacer.closed(NOW + 250)
        assert "free" not in pacer.closed(NOW)

    def test_a_failing_endpoint_keeps_to_its_rate_too(self) -> None:
        pacer = Pacer(in_flight=1_000, per_endpoint=100)
        pacer.end(begin(pacer, "shop", rate_per_second=1), Health.BAD, now=NOW)
        assert pacer.doubtful_helping(NOW + 999)[0] == 0
        assert pacer.doubtful_helping(NOW + 1_000)[0] > 0


def begin_is_due(pacer: Pacer, now: int) -> bool:
    most, skip = pacer.second_helping(now, {"shop"})
    return "shop" not in skip and (most > 0 or not pacer._paces)


def test_nobody_in_doubt_has_a_second_turn_before_all_had_one() -> None:
    pacer = Pacer(in_flight=20, per_endpoint=8)
    for number in range(10):
        answered(pacer, f"bad{number}", Health.BAD)
    turns: list[str] = []
    for _ in range(5):
        _, passed_over = pacer.doubtful_helping(NOW)
        # The store always offers those with the oldest messages, the same ones every time.
        served = [one for one in (f"bad{n}" for n in range(10)) if one not in passed_over][:2]
        pacer.note_turns(served, are_all=False)
        turns += served
    assert sorted(turns) == [f"bad{number}" for number in range(10)]


def test_when_all_had_a_turn_everybody_may_have_one_again() -> None:
    pacer = Pacer(in_flight=20, per_endpoint=8)
    for name in ("a", "b", "c"):
        answered(pacer, name, Health.BAD)
    pacer.note_turns({"a"}, are_all=False)
    assert pacer.doubtful_helping(NOW)[1] == {"a"}
    pacer.note_turns({"b"}, are_all=True)  # "c" wanted none
    assert pacer.doubtful_helping(NOW)[1] == set()
    pacer.note_turns({"a", "b", "c"}, are_all=False)
    assert pacer.doubtful_helping(NOW)[1] == set()

from __future__ import annotations

from parcelwire.webhooks.pacing import Health, Pacer, Slot
from tests.unit.webhooks.builders import NOW


def answered(pacer: Pacer, endpoint_id: str, health: Health, times: int = 1) -> None:
    for _ in range(times):
        pacer.end(pacer.begin(endpoint_id), health, now=NOW)


def may_have_one(pacer: Pacer, endpoint_id: str) -> bool:
    room, skip = pacer.doubtful_helping(NOW)
    if room > 0 and endpoint_id not in skip:
        return True
    return pacer.free > 0 and endpoint_id not in pacer.closed(NOW)


def fill(pacer: Pacer, endpoint_id: str) -> list[Slot]:
    slots = []
    while may_have_one(pacer, endpoint_id):
        slots.append(pacer.begin(endpoint_id))
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
        slots = [pacer.begin("a"), pacer.begin("b")]
        for slot, health in zip(slots, (Health.GOOD, Health.BAD), strict=True):
            pacer.end(slot, health, now=NOW)
    assert pacer.free == 4
    assert pacer.doubtful_helping(NOW) == (2, {"a"})


def test_health_before_and_after_is_told() -> None:
    pacer = Pacer(in_flight=4, per_endpoint=2)
    told = [
        pacer.end(pacer.begin("shop"), health, now=NOW)
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
    pacer.end(pacer.begin("shop"), Health.BAD, now=NOW, rest_seconds=60)
    rooms = [
        pacer.doubtful_helping(NOW + later)[0] for later in (0, 59_999, 60_000, -1, -3_600_000)
    ]
    assert rooms == [0, 0, 2, 2, 2]


def test_the_second_helping_is_for_the_idlest_good_ones() -> None:
    pacer = Pacer(in_flight=100, per_endpoint=8)
    for shop in ("idle", "busy"):
        answered(pacer, shop, Health.GOOD, times=3)
    answered(pacer, "bad", Health.BAD)
    pacer.begin("idle")
    for _ in range(5):
        pacer.begin("busy")
    pacer.begin("bad")
    assert pacer.second_helping(NOW, {"idle", "busy", "bad"}) == (7, {"busy", "bad"})
    assert pacer.second_helping(NOW, {"busy"}) == (3, {"bad"})
    assert pacer.second_helping(NOW, {"bad", "unknown"})[0] == 0


def test_what_is_remembered_stays_bounded() -> None:
    pacer = Pacer(in_flight=4, per_endpoint=2)
    held = pacer.begin("held")
    for number in range(10_050):
        answered(pacer, f"shop{number}", Health.GOOD)
    assert len(pacer._paces) < 100
    pacer.end(held, Health.GOOD, now=NOW)
    assert pacer.free == 4

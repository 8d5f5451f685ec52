from __future__ import annotations

from parcelwire.webhooks.pacing import Health, Pacer, Slot
from tests.unit.webhooks.builders import NOW


def answered(pacer: Pacer, endpoint_id: str, health: Health, times: int = 1) -> None:
    for _ in range(times):
        pacer.end(pacer.begin(endpoint_id), health, now=NOW)


def fill(pacer: Pacer, endpoint_id: str) -> list[Slot]:
    slots = []
    while endpoint_id not in pacer.closed(NOW):
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
    held = 0
    for number in range(50):
        if f"bad{number}" not in pacer.closed(NOW):
            pacer.begin(f"bad{number}")
            held += 1
    assert held == 10
    assert pacer.free == 10
    assert len(fill(pacer, "good")) == 8


def test_slots_come_back_when_an_endpoint_turns_good_under_way() -> None:
    pacer = Pacer(in_flight=4, per_endpoint=2)
    for _ in range(20):
        slots = [pacer.begin("a"), pacer.begin("b")]
        for slot, health in zip(slots, (Health.GOOD, Health.BAD), strict=True):
            pacer.end(slot, health, now=NOW)
    assert pacer.free == 4
    assert pacer.closed(NOW) == set()


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
    assert pacer.closed(NOW) == {"shop"}
    assert pacer.closed(NOW + 59_999) == {"shop"}
    assert pacer.closed(NOW + 60_000) == set()
    assert pacer.closed(NOW - 3_600_000) == set()


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

"""Who has to go when all connections are taken."""

from __future__ import annotations

import msgspec

from parcelwire.server.connections import BODY, HEAD, IDLE, ConnectionTable
from parcelwire.server.limits import ServerLimits
from parcelwire.server.proxies import TrustedProxies
from parcelwire.server.refusals import Refusal
from tests.support.limited import HandClock


class End(msgspec.Struct, eq=False):
    """A connection without a socket."""

    peer: str
    phase: int = IDLE
    deadline: float = 1_015.0
    write_deadline: float = float("inf")
    source: str = ""
    is_busy: bool = False
    has_asked: bool = True
    was_evicted: bool = False

    def expire(self, now: float) -> None:
        self.deadline = float("inf")

    def evict(self) -> None:
        self.was_evicted = True


def table_of(*ends: End, most: int = 0) -> tuple[ConnectionTable, HandClock]:
    clock = HandClock()
    limits = ServerLimits(max_connections=most or len(ends), max_connections_per_source=3)
    table = ConnectionTable(limits, TrustedProxies(("10.0.0.1",)), clock)
    for end in ends:
        assert table.admit(end) is None
    return table, clock


def come_and_go(table: ConnectionTable, clock: HandClock, ends: list[End]) -> list[int]:
    """Let newcomers come; return who has made room, in order."""
    order = []
    for number in range(len(ends)):
        clock.now += 0.1
        if table.admit(End(f"203.0.113.{number}", is_busy=True)) is not None:
            break
        order += [i for i, end in enumerate(ends) if end.was_evicted and i not in order]
    return order


def test_slow_heads_go_first_then_idle_ones_then_what_is_half_sent() -> None:
    ends = [
        End("192.0.2.1", BODY, deadline=1_010.0),
        End("192.0.2.2", HEAD, deadline=1_009.9),
        End("192.0.2.3", IDLE, deadline=1_015.0),
        End("192.0.2.4", IDLE, deadline=1_012.0),
        End("192.0.2.5", HEAD, deadline=1_005.0),
        End("192.0.2.6", IDLE, deadline=1_004.0, has_asked=False),
        End("192.0.2.7", IDLE, deadline=1_001.0, is_busy=True),
    ]
    table, clock = table_of(*ends)
    assert come_and_go(table, clock, ends) == [5, 4, 3, 2, 1, 0]
    assert table.admit(End("203.0.113.99")) is Refusal.SERVER_FULL
    assert table.refusals.counts["evicted"] == 3


def test_whoever_has_more_than_a_share_goes_before_others() -> None:
    ends = [End("192.0.2.1", IDLE, deadline=1_001.0)]
    ends += [End("192.0.2.2", HEAD, deadline=1_009.0 + n / 10) for n in range(3)]
    table, clock = table_of(*ends)
    assert come_and_go(table, clock, ends[:3])[:2] == [1, 2]


def test_what_has_gone_on_since_it_was_found_stays() -> None:
    ends = [End(f"192.0.2.{n}", deadline=1_001.0 + n) for n in range(3)]
    table, _ = table_of(*ends)
    assert table.admit(End("203.0.113.1")) is None
    ends[1].deadline = float("inf")
    ends[1].is_busy = True
    assert table.admit(End("203.0.113.2")) is None
    assert [end.was_evicted for end in ends] == [True, False, True]


def test_counts_come_back_to_nothing() -> None:
    ends = [End("2001:db8::1"), End("2001:db8::2"), End("192.0.2.1"), End("")]
    table, _ = table_of(*ends)
    for end in [*ends, *ends]:
        table.release(end)
    assert len(table) == 0
    assert table._by_source == {}


def test_each_source_has_its_limit_but_proxies_and_this_machine() -> None:
    for peer, source in (("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::/64")):
        table, _ = table_of(*(End(peer, is_busy=True) for _ in range(3)), most=100)
        end = End(peer)
        assert table.admit(end) is Refusal.SOURCE_FULL
        assert end.source == source
        assert len(table) == 3
    for peer in ("10.0.0.1", "127.0.0.1", "::1", ""):
        table_of(*(End(peer) for _ in range(10)), most=100)


def test_a_source_makes_room_for_itself_before_it_is_refused() -> None:
    """Many people share one address: what they leave idle keeps none of them out."""
    ends = [
        End("192.0.2.1", IDLE, deadline=1_013.0),
        End("192.0.2.1", HEAD, deadline=1_009.0),
        End("192.0.2.1", BODY, deadline=1_001.0),
    ]
    other = End("192.0.2.2", HEAD, deadline=1_001.0)
    table, clock = table_of(*ends, other, most=100)
    clock.now += 0.1
    assert table.admit(End("192.0.2.1", is_busy=True)) is None
    assert [end.was_evicted for end in ends] == [True, False, False]
    assert table.admit(End("192.0.2.1", is_busy=True)) is None
    assert [end.was_evicted for end in ends] == [True, True, False]
    assert table.admit(End("192.0.2.1")) is Refusal.SOURCE_FULL
    assert not other.was_evicted
    assert len(table) == 4
    assert table.refusals.counts["evicted"] == 1


def test_forwarded_requests_are_counted_by_source() -> None:
    table, _ = table_of(End("10.0.0.1"))
    assert [table.begin_forwarded("192.0.2.1") for _ in range(4)] == [True, True, True, False]
    assert table.begin_forwarded("192.0.2.2")
    table.end_forwarded("192.0.2.1")
    assert table.begin_forwarded("192.0.2.1")

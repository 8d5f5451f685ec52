"""All open connections of a server: who may open one more, who has to go, whose time is up."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from parcelwire.domain.source_address import source_of
from parcelwire.server.limits import ServerLimits
from parcelwire.server.proxies import TrustedProxies, is_inside, is_loopback
from parcelwire.server.refusals import Refusal, refusal_log

log = logging.getLogger(__name__)

IDLE, HEAD, BODY, CLOSED = range(4)
"""What a connection waits for: a request, the rest of a head or of a body, its own end."""

_SLOW, _RESTING, _FRESH, _SENDING, _BUSY = range(5)
"""Who goes first: slow heads, idle ones, other heads, half-sent bodies; busy ones never do."""

_RESCAN_SECONDS: Final = 0.05
"""All connections are searched for some to evict this often at most."""
_SLOW_SECONDS: Final = 2.0
"""A head that takes longer is rather a nuisance than a request."""
_REQUESTS_LOOKED_AT: Final = 1_000
_MOST_TURNED_AWAY: Final = 32
"""Refused connections that wait for their client to read the answer; more are just closed."""


class Connection(Protocol):
    """What the table has to know of a connection."""

    phase: int
    """``IDLE``, ``HEAD``, ``BODY`` or ``CLOSED``."""
    deadline: float
    """When the client's time is up; infinite while it has nothing to do."""
    write_deadline: float
    """When the client must have taken more of an answer; infinite while nothing waits."""
    peer: str
    """Address of the other end."""
    source: str
    """The key under which its connections are counted."""

    @property
    def is_busy(self) -> bool:
        """Whether an answer is being made."""
        ...

    @property
    def has_asked(self) -> bool:
        """Whether it has brought a request before."""
        ...

    def expire(self, now: float) -> None:
        """Do what has to be done when a deadline has passed."""
        ...

    def evict(self) -> None:
        """Close at once, to make room."""
        ...


class ConnectionTable:
    """The open connections and what they hold."""

    def __init__(
        self,
        limits: ServerLimits,
        proxies: TrustedProxies,
        time: Callable[[], float],
        *,
        spare_loopback: bool = True,
    ) -> None:
        """``time``: seconds, monotonic.

        ``spare_loopback``: addresses of this machine have no limit of their own, as the proxy in
        front is often there. The limit over all holds for them too.
        """
        self.limits = limits
        self.proxies = proxies
        self.time = time
        self.refusals = refusal_log(time)
        self.body_bytes = 0
        """Of bodies of requests in progress."""
        self.is_stopping = False
        self.hints = _REQUESTS_LOOKED_AT
        self._spare_loopback = spare_loopback
        self._open: set[Connection] = set()
        self._turned_away: set[Connection] = set()
        self._by_source: dict[str, set[Connection]] = {}
        self._forwarded: Counter[str] = Counter()
        self._evictable: deque[tuple[float, Connection]] = deque()
        self._rescan_at = 0.0

    def __len__(self) -> int:
        return len(self._open)

    # -- coming and going -------------------------------------------------------------------------

    def admit(self, connection: Connection) -> Refusal | None:
        """Count a new connection; None, or why it cannot stay."""
        peer = connection.peer
        connection.source = source = source_of(peer)
        if not self._is_spared(peer):
            own = self._by_source.get(source, ())
            is_full = len(own) >= self.limits.max_connections_per_source
            if is_full and not self._make_room_among(own):
                return Refusal.SOURCE_FULL
        if len(self._open) >= self.limits.max_connections and not self._make_room():
            return Refusal.SERVER_FULL
        self._open.add(connection)
        self._by_source.setdefault(source, set()).add(connection)
        return None

    def turn_away(self, connection: Connection) -> bool:
        """Keep a refused connection until its client has read why; False: there are too many."""
        if len(self._turned_away) >= _MOST_TURNED_AWAY:
            return False
        self._turned_away.add(connection)
        return True

    def release(self, connection: Connection) -> None:
        """Forget a connection that is closed. Harmless when it is forgotten already."""
        if connection not in self._open:
            self._turned_away.discard(connection)
            return
        self._open.remove(connection)
        own = self._by_source[connection.source]
        own.remove(connection)
        if not own:
            del self._by_source[connection.source]

    def _is_spared(self, peer: str) -> bool:
        return (self._spare_loopback and is_loopback(peer)) or self.proxies.trusts(peer)

    def _make_room(self) -> bool:
        """Evict one connection that answers nothing; False: all of them do."""
        for is_fresh in (False, True):
            while self._evictable:
                deadline, connection = self._evictable.popleft()
                # It may have gone on since it was found.
                if connection in self._open and connection.deadline == deadline:
                    self._evict(connection)
                    return True
            now = self.time()
            if is_fresh or now < self._rescan_at:
                return False
            self._rescan_at = now + _RESCAN_SECONDS
            self._find_evictable(now)
        return False

    def _make_room_among(self, own: Iterable[Connection]) -> bool:
        """Evict one connection of a source, for another of it; False: it uses all of them.

        Many people may be behind one address, and each leaves some connections idle.
        """
        now = self.time()
        ranked = ((self._rank(one, now), one.deadline, id(one), one) for one in own)
        rank, *_, found = min(ranked)
        if rank > _FRESH:
            return False
        self._evict(found)
        return True

    def _evict(self, connection: Connection) -> None:
        if connection.phase != IDLE:
            self.refusals.note(Refusal.EVICTED, connection.source)
        self.release(connection)
        connection.evict()

    def _rank(self, one: Connection, now: float) -> int:
        """Return how little a connection promises: the lowest goes first."""
        if one.phase == BODY:
            return _SENDING
        if one.phase == CLOSED or one.is_busy:
            return _BUSY
        if one.phase == IDLE and one.has_asked:
            return _RESTING
        began_at = one.deadline - self.limits.head_timeout_seconds
        return _SLOW if now - began_at > _SLOW_SECONDS else _FRESH

    def _find_evictable(self, now: float) -> None:
        """Those of sources with more than their share first; of these the least promising first.

        A client that sends its request at once is never among the oldest for long.
        """
        found = []
        for index, one in enumerate(self._open):
            rank = self._rank(one, now)
            if rank == _BUSY:
                continue
            own = self._by_source[one.source]
            has_its_share = len(own) * len(self._by_source) <= len(self._open)
            found.append((has_its_share, rank, one.deadline, index, one))
        found.sort()
        self._evictable = deque((one.deadline, one) for *_, one in found)

    # -- requests behind a trusted proxy ----------------------------------------------------------

    def begin_forwarded(self, source: str) -> bool:
        """Count a request of a forwarded address; False: it has too many in progress."""
        if self._forwarded[source] >= self.limits.max_connections_per_source:
            return False
        self._forwarded[source] += 1
        return True

    def end_forwarded(self, source: str) -> None:
        """Say that a request of a forwarded address is answered."""
        self._forwarded[source] -= 1
        if not self._forwarded[source]:
            del self._forwarded[source]

    def hint_at_proxy(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Say once that there seems to be a proxy in front that is not trusted.

        Only the first ``hints`` requests are looked at: it is there from the start, or not at all.
        """
        self.hints -= 1
        if is_inside(peer) and any(name == b"x-forwarded-for" for name, _ in headers):
            self.hints = 0
            log.warning(
                "requests from %s carry X-Forwarded-For: if this is your proxy, add it to"
                " server.trusted_proxies; until then all its clients count as one source",
                peer,
            )

    # -- time -------------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Tell every connection whose deadline has passed, and log what was refused.

        One pass over all connections, a few times a second, instead of a timer for each request.
        """
        now = self.time()
        for some in (self._open, self._turned_away):
            late = [one for one in some if one.deadline <= now or one.write_deadline <= now]
            for one in late:
                one.expire(now)
        self.refusals.sum_up()

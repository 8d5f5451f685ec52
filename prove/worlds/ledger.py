"""What happened in a world, as those saw it who were there: carriers, receivers, users, the
weather.

The judge compares this with what the service has stored. Nothing here comes from the service's own
records. Times are true ones: simulated milliseconds since the world began, which no clock shows.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import msgspec

from parcelwire.domain.changes import Event
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.report import Outcome

TAIL = 60
"""Lines of a trace that are shown with a failure."""


class Ask(msgspec.Struct):
    """One conversation with a carrier."""

    at: int
    courier: str
    budget_key: str
    """The courier, and which of its customers asks."""
    wall: int
    """What the process's clock showed."""
    numbers: tuple[str, ...]
    trackings: tuple[tuple[str, int], ...]
    """Number and time of creation of each: a number can be followed again."""
    conversations: int
    by: str
    """The process."""
    outcome: Outcome | None = None
    """None: nobody was left to hear the answer."""
    ended_at: int | None = None


class Given(msgspec.Struct):
    """One answer about one tracking that a living process heard."""

    at: int
    courier: str
    checkpoints: tuple[Checkpoint, ...]


class Receipt(msgspec.Struct):
    """One request that reached a receiver's door."""

    at: int
    endpoint_id: str
    tracking_id: str
    sequence: int
    message_id: str
    event_type: str
    digest: str
    """Of what was said of the parcel; the same for every repetition."""
    by: str
    is_taken: bool
    """The receiver took it, whether or not its answer was heard."""
    status: int = 0
    """What was heard."""
    ended_at: int | None = None


class Span(msgspec.Struct):
    """Something that took its effect at an unknown moment between two."""

    start: int
    end: int | None = None


class Setting(msgspec.Struct):
    """What an endpoint wanted from some moment on."""

    span: Span
    statuses: tuple[str, ...] = ()
    exists: bool = True
    is_certain: bool = True
    """False: the process died before it could say whether it was stored."""


class Standing(msgspec.Struct):
    """How an endpoint was found when somebody looked."""

    at: int
    is_enabled: bool
    is_paused: bool = False
    why: str = ""


class Parcel(msgspec.Struct):
    """What a user knows of one tracking of theirs."""

    number: str
    courier: str
    account: int
    world_id: int
    id: str = ""
    """Empty until it is known."""
    is_there: set[bool] = msgspec.field(default_factory=lambda: {False})
    """What may be: a request without an answer leaves both."""
    notes: set[str | None] = msgspec.field(default_factory=lambda: {None})
    archived: set[bool] = msgspec.field(default_factory=lambda: {False})
    overrides: set[str | None] = msgspec.field(default_factory=lambda: {None})
    ordered: set[int | None] = msgspec.field(default_factory=lambda: {None})
    """Possible times of the order."""


class Ledger:
    """Everything that was seen, and the trace."""

    def __init__(self, true_ms: Callable[[], int]) -> None:
        """``true_ms`` gives the true time."""
        self._true_ms = true_ms
        self.lines: list[tuple[Any, ...]] = []
        self.asks: list[Ask] = []
        self.given: dict[str, list[Given]] = defaultdict(list)
        self.receipts: list[Receipt] = []
        self.faults: Counter[str] = Counter()
        self.jumps: list[tuple[int, int]] = []
        """(true time, by how much) of clocks by which a process goes."""
        self.wrong_clocks: list[tuple[int, int]] = []
        """(from, to) in which processes may have gone by clocks that differed."""
        self.pauses: list[tuple[int, str, str]] = []
        """(true time, budget key, why) of carriers that were not to be asked for a while."""
        self.deaths: list[int] = []
        self.parcels: list[Parcel] = []
        self.damaged: set[str] = set()
        """Ids of trackings whose stored document was damaged; nothing is promised of these."""
        self.crowd: list[Parcel] = []
        """Those of a crowd, also in ``parcels``."""
        self.deleted: dict[str, int] = {}
        """True time at which a tracking was known to be deleted, by id."""
        self.settings: dict[str, list[Setting]] = defaultdict(list)
        self.standings: dict[str, list[Standing]] = defaultdict(list)
        """How endpoints were found, by endpoint id."""
        self.enablings: dict[str, list[Span]] = defaultdict(list)
        """When their owners enabled them, by endpoint id."""
        self.pausings: dict[str, list[Span]] = defaultdict(list)
        self.replays: list[tuple[Span, str]] = []
        """(when, endpoint id)."""
        self.made_at: dict[str, int] = {}
        """True time at which each id was drawn."""
        self.created: Counter[int] = Counter()
        """Trackings that came to be, by world id."""
        self.followed: dict[int, list[tuple[int, Event]]] = defaultdict(list)
        """What a reader of the events feed saw, with cursors, by world id."""
        self.pruned: dict[int, dict[int, Event]] = defaultdict(dict)
        """Events that the service was about to prune, by world id and cursor."""
        self.wrongs: list[str] = []
        """Promises that were seen broken on the way."""

    def now(self) -> int:
        """Return the true time."""
        return self._true_ms()

    def note(self, what: str, *details: Any) -> None:
        """Write one line of the trace."""
        self.lines.append((self._true_ms(), what, *details))

    def fault(self, what: str, *details: Any) -> None:
        """Count one fault that fired."""
        self.faults[what] += 1
        self.note(f"fault: {what}", *details)

    def wrong(self, what: str) -> None:
        """Note a broken promise."""
        self.wrongs.append(what)
        self.note(f"WRONG: {what}")

    def may_have_lost_leases(self, start: int, end: int) -> bool:
        """Tell whether clocks may have ended, between two times, a lease that was given by then.

        One that is set ahead ends leases early; no lease can help that.
        """
        return any(start <= at <= end and by > 0 for at, by in self.jumps) or any(
            since <= end and start <= until for since, until in self.wrong_clocks
        )

    def digest(self) -> str:
        """Return what two runs of one seed must have in common."""
        hasher = hashlib.sha256()
        for line in self.lines:
            hasher.update(repr(line).encode())
        return hasher.hexdigest()

    def tail(self, about: str = "", count: int = TAIL) -> list[str]:
        """Return the last lines for people, those with ``about`` in them when given."""
        found = [line for line in self.lines if not about or about in repr(line)]
        return [_readable(line) for line in found[-count:]]


def _readable(line: tuple[Any, ...]) -> str:
    at, what, *details = line
    days, rest = divmod(at, 86_400_000)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    words = " ".join(str(detail) for detail in details)
    return f"{days}d {hours:02d}:{minutes:02d}:{rest / 1_000:06.3f}  {what} {words}".rstrip()

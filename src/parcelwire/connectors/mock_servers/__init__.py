"""Mock protocol servers: they speak a carrier's protocol over real HTTP, for tests and the demo.

``server.MockServer(connector, clock, script)`` speaks what the ``mock_server.toml`` beside a
connector describes; ``serving.run_mock_server`` puts it on a port. Nothing here is a mock of our
own code: the connector, the transport and the sockets are the real ones, only the carrier is not.

What a server does about a number is written in its ``Script``, which a test holds as an object and
another process reaches at ``/_control`` (see ``control.py``)::

    GET /_control                    the script as it stands; how often each behaviour was shown
    PUT /_control {"all": "html"}    every number, every request, until changed
    PUT /_control {"all": null}      back to normal
    PUT /_control {"numbers": {"99...": {"behaviour": "cut", "times": 1}}, "scenario_seconds": 20}
"""

from collections import Counter
from enum import StrEnum
from typing import Final

import msgspec

from parcelwire.domain.clock import SECOND, Instant

SCENARIO_SECONDS_DEFAULT: Final = 20.0


class Behaviour(StrEnum):
    """What a server does when it is asked; the three ordinary ones first."""

    FOUND = "found"
    UNKNOWN = "unknown"
    """The carrier's own way of saying that it does not know the number."""
    INVALID = "invalid"
    """The carrier's own way of saying that there can be no such number."""
    TOKEN_EXPIRED = "token_expired"  # noqa: S105  # the name of a behaviour, no password
    """The access token or the session is refused, however fresh it is."""
    FORBIDDEN = "forbidden"
    """403 with a page of a gateway."""
    RATE_LIMITED = "rate_limited"
    """429 with ``Retry-After`` (the script's ``retry_after``)."""
    HTML = "html"
    """200 with a page for people."""
    SLOW = "slow"
    """The right answer, after the script's ``slow_seconds``."""
    CUT = "cut"
    """The connection ends in the middle of the body."""
    UNAVAILABLE = "unavailable"
    """503."""
    BROKEN = "broken"
    """200 with half of an answer, complete as HTTP."""
    SILENT = "silent"
    """No answer until the client goes away."""


class Setting(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A behaviour, and for how many requests (None: until it is changed)."""

    behaviour: Behaviour
    times: int | None = None


class Script:
    """What a mock server shows, per number or for all, and what it has shown.

    ``numbers`` goes before ``every``. ``scenario_seconds`` is how long a parcel takes from the
    first query about it to its end; 0 shows the end at once. ``scenarios`` names another scenario
    than the one that the number itself chooses.
    """

    def __init__(self, *, scenario_seconds: float = SCENARIO_SECONDS_DEFAULT) -> None:
        """Start with every number found."""
        self.every: Setting | None = None
        self.numbers: dict[str, Setting] = {}
        self.scenarios: dict[str, str] = {}
        self.scenario_seconds = scenario_seconds
        self.retry_after = "120"
        self.slow_seconds = 30.0
        self.most_numbers: int | None = None
        """More numbers than these in one request are not answered."""
        self.first_asked: dict[str, Instant] = {}
        self.shown: Counter[Behaviour] = Counter()
        """How often each behaviour was shown, so that a fault test can check that it was."""

    def show(
        self, behaviour: Behaviour, number: str | None = None, times: int | None = None
    ) -> None:
        """Switch ``number`` (None: all) to ``behaviour`` for ``times`` requests.

        ``times`` None lasts until it is changed.
        """
        setting = Setting(behaviour=behaviour, times=times)
        if number is None:
            self.every = setting
        else:
            self.numbers[number] = setting

    def calm(self, number: str | None = None) -> None:
        """Make ``number`` ordinary again (None: all, the single numbers included)."""
        if number is None:
            self.every = None
            self.numbers.clear()
        else:
            self.numbers.pop(number, None)

    def take(self, number: str | None = None, usual: Behaviour = Behaviour.FOUND) -> Behaviour:
        """Return what to do with the request at hand, and count it.

        ``number`` is None for a request that names no parcel (a token, a session): only
        ``every`` rules it. ``usual``: what is done where nobody ordered anything.
        """
        setting = self.numbers.get(number) if number is not None else None
        if setting is None or setting.times == 0:
            setting = self.every
        if setting is None or setting.times == 0:
            behaviour = usual
        else:
            behaviour = setting.behaviour
            if setting.times is not None:
                setting.times -= 1
        self.shown[behaviour] += 1
        return behaviour

    def progress(self, number: str, now: Instant) -> float:
        """Return how much of its scenario ``number`` has played: 0.0 first asked, 1.0 end."""
        begun_at = self.begun_at(number, now)
        if self.scenario_seconds <= 0:
            return 1.0
        return min(1.0, max(0.0, (now - begun_at) / (self.scenario_seconds * SECOND)))

    def begun_at(self, number: str, now: Instant) -> Instant:
        """Return when ``number`` was first asked about (``now``, if it never was)."""
        return self.first_asked.setdefault(number, now)

"""Time at Poste Italiane: Europe/Rome on every wall, whether the answer says so or not."""

from datetime import datetime
from typing import Final

from parcelwire.connectors.reading.times import TimeFormat
from parcelwire.domain.clock import SECOND, Instant

TIMES: Final = TimeFormat(home="Europe/Rome")
"""Of the fields of both transports."""
SENTENCES: Final = TimeFormat(home="Europe/Rome", order="dmy")
"""Of texts for people: "consegnata in data 25-01-2021 11:42"."""


def date_in_rome(instant: Instant) -> datetime:
    """Return ``instant`` as an aware ``datetime`` in Rome."""
    return datetime.fromtimestamp(instant / SECOND, tz=TIMES.zone)

"""What both transports of Poste Italiane read alike."""

from typing import Any, Final

import msgspec

from parcelwire.connectors.base import TrackingQuery
from parcelwire.connectors.reading.values import read_flag, read_text
from parcelwire.domain.report import CarrierReport

CONNECTOR_NAME: Final = "poste-italiane"
_TEXT_LIMIT: Final = 1_000
_YES_AND_NO: Final = {"s": True, "n": False}


def words(value: Any) -> str:
    """Return a text or whole number as clean text of one line, everything else as ``""``."""
    return read_text(value, _TEXT_LIMIT) or ""


def flag(value: Any) -> bool | None:
    """Return a yes or no (``true``, ``"S"``, ``"N"``), None where it is neither."""
    return read_flag(value, _YES_AND_NO)


def same_for_all(queries: list[TrackingQuery], report: CarrierReport) -> list[CarrierReport]:
    """Return ``report`` once for each of ``queries``."""
    return [msgspec.structs.replace(report, number=query.number) for query in queries]

"""The same spelling of a time is the same instant, known in the same way, at every carrier."""

from __future__ import annotations

from typing import Any

import pytest

from parcelwire.connectors.carriers.poste_italiane.parcel import read_parcel
from parcelwire.connectors.carriers.poste_italiane.shipment import read_shipment
from parcelwire.connectors.carriers.swiss_post.shipment import parse_events
from parcelwire.domain.checkpoint import Checkpoint, TimeSource

CARRIER, HOME, UNKNOWN = TimeSource.CARRIER, TimeSource.HOME, TimeSource.UNKNOWN
NIGHTS = ("2025-10-26", "2026-03-29")

SPELLINGS: list[tuple[Any, str, int | None, TimeSource]] = [
    # With an offset.
    ("2026-04-17T06:37:12+02:00", "2026-04-17T06:37:12", 120, CARRIER),
    ("2026-01-17T06:37:12+01:00", "2026-01-17T06:37:12", 60, CARRIER),
    ("2026-04-17T06:37:12+0200", "2026-04-17T06:37:12", 120, CARRIER),
    ("2026-04-17T06:37:12+02", "2026-04-17T06:37:12", 120, CARRIER),
    ("2026-04-17 06:37:12 +02:00", "2026-04-17T06:37:12", 120, CARRIER),
    ("2026-04-17T06:37:12Z", "2026-04-17T06:37:12", 0, CARRIER),
    ("2026-04-17T06:37:12z", "2026-04-17T06:37:12", 0, CARRIER),
    ("2026-04-17T06:37Z", "2026-04-17T06:37:00", 0, CARRIER),
    ("2026-04-17T06:37:12.000Z", "2026-04-17T06:37:12", 0, CARRIER),
    ("2026-04-17T06:37:12.1234567Z", "2026-04-17T06:37:12", 0, CARRIER),
    ("2026-04-17T06:37:12,5+02:00", "2026-04-17T06:37:12", 120, CARRIER),
    ("2013-12-27T18:51:00-0330", "2013-12-27T18:51:00", -210, CARRIER),
    ("2026-04-17T06:37:12+05:45", "2026-04-17T06:37:12", 345, CARRIER),
    ("2026-04-17T06:37:12-00:00", "2026-04-17T06:37:12", 0, CARRIER),
    ("2026-04-17T06:37:12+14:00", "2026-04-17T06:37:12", 840, CARRIER),
    ("2025-10-26T02:30:00+02:00", "2025-10-26T02:30:00", 120, CARRIER),
    ("2025-10-26T02:30:00+01:00", "2025-10-26T02:30:00", 60, CARRIER),
    # Instants.
    (1_776_400_632_000, "2026-04-17T06:37:12", 120, CARRIER),
    (1_776_400_632_999, "2026-04-17T06:37:12", 120, CARRIER),
    (1_776_400_632_000.0, "2026-04-17T06:37:12", 120, CARRIER),
    ("1776400632000", "2026-04-17T06:37:12", 120, CARRIER),
    (" 1776400632000 ", "2026-04-17T06:37:12", 120, CARRIER),
    (1_767_200_000_000, "2025-12-31T17:53:20", 60, CARRIER),
    (1_761_438_600_000, "2025-10-26T02:30:00", 120, CARRIER),
    (1_761_442_200_000, "2025-10-26T02:30:00", 60, CARRIER),
    (1_761_440_399_000, "2025-10-26T02:59:59", 120, CARRIER),
    (1_761_440_400_000, "2025-10-26T02:00:00", 60, CARRIER),
    # Without an offset, at home.
    ("2026-04-17T06:37:12", "2026-04-17T06:37:12", 120, HOME),
    ("2026-04-17 06:37:12", "2026-04-17T06:37:12", 120, HOME),
    (" 2026-04-17 06:37:12 ", "2026-04-17T06:37:12", 120, HOME),
    ("2026-01-17 06:37:12", "2026-01-17T06:37:12", 60, HOME),
    ("2026-01-17T06:37", "2026-01-17T06:37:00", 60, HOME),
    ("2026-01-17 06:37:12.123", "2026-01-17T06:37:12", 60, HOME),
    ("2026-01-17 06:37:12,123", "2026-01-17T06:37:12", 60, HOME),
    ("2026/01/17 06:37:12", "2026-01-17T06:37:12", 60, HOME),
    ("2026-01-17  06:37", "2026-01-17T06:37:00", 60, HOME),
    ("2026-01-17 00:00:00", "2026-01-17T00:00:00", 60, HOME),
    ("2026-01-17 23:59:59", "2026-01-17T23:59:59", 60, HOME),
    ("2026-01-17 1:07 PM", "2026-01-17T13:07:00", 60, HOME),
    ("2025-10-26 01:59:59", "2025-10-26T01:59:59", 120, HOME),
    ("2025-10-26 03:00:00", "2025-10-26T03:00:00", 60, HOME),
    ("2026-03-29 01:59:59", "2026-03-29T01:59:59", 60, HOME),
    ("2026-03-29 03:00:00", "2026-03-29T03:00:00", 120, HOME),
    # The hour that is shown twice, and the hour that is skipped.
    ("2025-10-26 02:00:00", "2025-10-26T02:00:00", None, UNKNOWN),
    ("2025-10-26 02:30:00", "2025-10-26T02:30:00", None, UNKNOWN),
    ("2025-10-26T02:59:59", "2025-10-26T02:59:59", None, UNKNOWN),
    ("2026-03-29 02:00:00", "2026-03-29T02:00:00", None, UNKNOWN),
    ("2026-03-29T02:30", "2026-03-29T02:30:00", None, UNKNOWN),
    ("2026-03-29 02:59:59", "2026-03-29T02:59:59", None, UNKNOWN),
    # No time of day.
    ("2026-04-17", "2026-04-17", None, UNKNOWN),
    ("2026/04/17", "2026-04-17", None, UNKNOWN),
    (" 2026-04-17 ", "2026-04-17", None, UNKNOWN),
]
NO_TIMES: list[Any] = [
    *(None, True, "", "ieri", "17.04.2026", "17/04/2026 10:00", "20260417", 20260417, 0, -1),
    *(1_776_400_632, 10**30, 1.5, "2026-04-31", "2026-13-01 10:00", "2026-01-02 25:00:00"),
    *("2026-01-02 10:00:00+99:00", "0001-01-01 00:00:00", "२०२६-०१-०२", [], {}),
]


def swiss_post(value: Any) -> Checkpoint | None:
    event = {"eventCode": "PARCEL.*.2.1", "timestamp": value, "country": "CH"}
    (checkpoint,) = parse_events([event], {}, "en").checkpoints or (None,)
    return checkpoint


def poste_italiane(value: Any) -> Checkpoint | None:
    event = {"data": value, "StatusDescription": "La spedizione è in transito"}
    checkpoints, *_ = read_shipment({"tracking": [event]})
    (checkpoint,) = checkpoints or (None,)
    return checkpoint


READERS = {"swiss-post": swiss_post, "poste-italiane": poste_italiane}


def test_there_are_sixty() -> None:
    assert len(SPELLINGS) + len(NO_TIMES) >= 60


@pytest.mark.parametrize("carrier", READERS)
@pytest.mark.parametrize(("value", "local_time", "offset", "source"), SPELLINGS)
def test_a_spelling_means_the_same(
    carrier: str, value: Any, local_time: str, offset: int | None, source: TimeSource
) -> None:
    checkpoint = READERS[carrier](value)
    assert checkpoint is not None
    assert (checkpoint.local_time, checkpoint.offset_minutes, checkpoint.time_source) == (
        local_time,
        offset,
        source,
    )


@pytest.mark.parametrize("carrier", READERS)
@pytest.mark.parametrize("value", NO_TIMES, ids=repr)
def test_what_is_no_time_is_none_at_either(carrier: str, value: Any) -> None:
    assert READERS[carrier](value) is None


@pytest.mark.parametrize("night", NIGHTS)
@pytest.mark.parametrize("minute", range(0, 300, 15))
def test_rome_and_zurich_change_their_clocks_together(night: str, minute: int) -> None:
    printed = f"{night} {minute // 60:02}:{minute % 60:02}:00"
    times = {
        (one.local_time, one.offset_minutes, one.time_source)
        for read in READERS.values()
        if (one := read(printed)) is not None
    }
    assert len(times) == 1


def test_the_page_of_poste_italiane_reads_instants_as_its_api_does() -> None:
    movement = {"dataOra": 1_761_442_200_000, "statoLavorazione": "la spedizione è in transito"}
    ((checkpoint,), *_) = read_parcel({"listaMovimenti": [movement]}, 1_761_500_000_000)
    again = poste_italiane(1_761_442_200_000)
    assert again is not None
    assert checkpoint.iso_time == again.iso_time == "2025-10-26T02:30:00+01:00"

"""The promised delivery: sentences to dates."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.connectors.carriers.poste_italiane.delivery_window import read_promise
from parcelwire.connectors.carriers.poste_italiane.timestamps import TIMES


def _at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=TIMES.zone).timestamp() * 1000)


NOW = _at("2025-12-30T12:00:00")


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("Consegna prevista entro Giovedì 1 Gennaio 2026", "2026-01-01", "2026-01-01"),
        ("Consegna prevista il 2 gennaio 2026", "2026-01-02", "2026-01-02"),
        ("Consegna prevista per venerdì 2 gennaio 2026.", "2026-01-02", "2026-01-02"),
        ("CONSEGNA PREVISTA ENTRO VENERDI' 2 GENNAIO 2026", "2026-01-02", "2026-01-02"),
        ("Consegna prevista 1º gennaio 2026", "2026-01-01", "2026-01-01"),
        # The weekday disagrees with the date: the date counts.
        ("Consegna prevista entro Lunedì 1 Gennaio 2026", "2026-01-01", "2026-01-01"),
        ("Consegna prevista il 02/01/2026", "2026-01-02", "2026-01-02"),
        ("Consegna prevista il 2-1-2026", "2026-01-02", "2026-01-02"),
        ("tra il 3 e il 5 gennaio 2026", "2026-01-03", "2026-01-05"),
        ("Consegna prevista dal 3 al 5 gennaio 2026", "2026-01-03", "2026-01-05"),
        (
            "Consegna prevista tra Lunedì 29 Dicembre e Mercoledì 31 Dicembre 2025",
            "2025-12-29",
            "2025-12-31",
        ),
        ("tra il 30 dicembre e il 2 gennaio 2026", "2025-12-30", "2026-01-02"),
        ("tra il 30 dicembre 2025 e il 2 gennaio 2026", "2025-12-30", "2026-01-02"),
        # Without a year: the nearest one.
        ("Consegna prevista entro Venerdì 2 Gennaio", "2026-01-02", "2026-01-02"),
        ("Consegna prevista il 28 dicembre", "2025-12-28", "2025-12-28"),
        ("Consegna prevista il 3 gen 2026", "2026-01-03", "2026-01-03"),
        ("Consegna prevista il 3 sett. 2026", "2026-09-03", "2026-09-03"),
        ("Consegna prevista oggi", "2025-12-30", "2025-12-30"),
        ("Consegna prevista nel corso della giornata odierna", "2025-12-30", "2025-12-30"),
        ("Consegna prevista domani", "2025-12-31", "2025-12-31"),
        (
            "Consegna prevista il 2 gennaio 2026 dalle 9:00 alle 13:30",
            "2026-01-02T09:00",
            "2026-01-02T13:30",
        ),
        ("oggi tra le ore 14 e le ore 18", "2025-12-30T14:00", "2025-12-30T18:00"),
        ("entro le ore 12:00 del 5 gennaio 2026", "2026-01-05T00:00", "2026-01-05T12:00"),
        ("il 29 febbraio 2028", "2028-02-29", "2028-02-29"),
        ("Consegna prevista per il giorno 3 gennaio 2026", "2026-01-03", "2026-01-03"),
        ("Consegna prevista non oltre il 3 gennaio 2026", "2026-01-03", "2026-01-03"),
        ("Consegna prevista 3-5 gennaio 2026", "2026-01-03", "2026-01-05"),
        ("Consegna prevista dal 3 gennaio fino al 5 gennaio 2026", "2026-01-03", "2026-01-05"),
        ("Consegna prevista il 3 o il 5 gennaio 2026", "2026-01-03", "2026-01-05"),
        ("tra lunedì 29 e mercoledì 31 dicembre 2025", "2025-12-29", "2025-12-31"),
        # Something else is denied.
        (
            "Consegna prevista il 5 gennaio 2026. Non è necessaria la firma",
            "2026-01-05",
            "2026-01-05",
        ),
        (
            "Consegna prevista il 5 gennaio 2026, non è necessaria la firma",
            "2026-01-05",
            "2026-01-05",
        ),
        (
            "Non è necessaria la firma: consegna prevista entro il 5 gennaio 2026",
            "2026-01-05",
            "2026-01-05",
        ),
        ("Consegna prevista il 3 sett. 2026; non serve la firma", "2026-09-03", "2026-09-03"),
        ("Non è necessaria la firma. Consegna prevista domani", "2025-12-31", "2025-12-31"),
        (
            "Consegna prevista il 5.1.2026 dalle 9.00 alle 13.00. Non serve la firma",
            "2026-01-05T09:00",
            "2026-01-05T13:00",
        ),
    ],
)
def test_sentence_to_window(text: str, earliest: str, latest: str) -> None:
    window = read_promise(text, NOW)
    assert window is not None
    assert (window.earliest, window.latest) == (earliest, latest)
    assert (window.source, window.reported_at) == ("poste-italiane", NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Consegna prevista",
        "Consegna prevista in 2 giorni lavorativi",
        "Consegna prevista il 31 febbraio 2026",
        "Consegna prevista il 29 febbraio 2027",
        "Consegna prevista il 0 gennaio 2026",
        "Consegna prevista il 5 brumaio 2026",
        "Consegna prevista nel 2026",
        "tra il 5 gennaio 2026 e il 3 gennaio 2026",
        "il 30 e il 2 gennaio 2026",
        "1 gennaio 2026, 2 gennaio 2026, 3 gennaio 2026",
        "il 1 gennaio 0000",
        "il 45/67/2026",
        "tra il 29 febbraio e il 2 gennaio 2028",
        "tra il 5 gennaio e il 2 gennaio 0001",
        # A span is no day, and a span from a day on ends on none that is named.
        "Consegna prevista entro 2 giorni lavorativi dal 3 marzo",
        "Consegna prevista entro 2 giorni lavorativi dal 3 marzo 2026",
        "Consegna prevista in 3/5 giorni lavorativi dal 3 gennaio 2026",
        "entro 5 gg dal 3 gennaio 2026",
        "entro 24 ore dal 3 gennaio 2026",
        "entro due giorni lavorativi dal 3 gennaio 2026",
        "entro tre giorni dalla spedizione del 3 gennaio 2026",
        "entro 1 settimana dal 3 gennaio 2026",
        "entro due giorni da oggi",
        # Only a beginning is named.
        "Consegna prevista dal 3 gennaio 2026",
        "Consegna prevista a partire dal 3 gennaio 2026",
        "Consegna prevista a partire da lunedì 5 gennaio 2026",
        "Consegna prevista dopo il 3 gennaio 2026",
        "Consegna prevista non prima del 3 gennaio 2026",
        "Consegna prevista da domani",
        # Denied.
        "La spedizione non sarà consegnata il 3 gennaio 2026",
        "Consegna non prevista oggi",
        "Non sarà consegnata il 3 gennaio 2026. Contatta Assistenza",
        "La spedizione non sarà consegnata, come previsto, il 3 gennaio 2026",
        "La spedizione non sarà, come previsto, consegnata il 3 gennaio 2026",
        "La consegna prevista il 3 gennaio 2026, purtroppo, non è possibile",
        "Il 3 gennaio 2026, non sarà consegnata",
        "Consegna non possibile: 3 gennaio 2026",
        "Consegna prevista il 3 gennaio 2026, salvo non sia festivo",
        "Consegna prevista il 3 gennaio 2026, ma non confermata",
        "Consegna prevista il 3 gennaio 2026. Non è confermata",
        "Consegna prevista il 3 gennaio 2026. La data non è garantita",
        # A number, or another date, that belongs to something else.
        "Express 24: consegna prevista il 3 gennaio 2026",
        "Collo 2 di 3, consegna prevista il 3 gennaio 2026",
        "Spedita il 1 gennaio 2026, consegna prevista il 3 gennaio 2026",
    ],
)
def test_no_date_that_exists_is_no_window(text: str) -> None:
    assert read_promise(text, NOW) is None


def test_today_is_the_day_in_rome() -> None:
    just_after_midnight = _at("2026-01-01T00:10:00")  # 23:10 of the day before in UTC
    window = read_promise("Consegna prevista oggi", just_after_midnight)
    assert window is not None
    assert window.latest == "2026-01-01"


WORDS = """tra il e dal al entro da non giorni gg due ore
    dalle alle le oggi domani gennaio febbraio dic giovedì º
    9:00 2/1/2026 0 1 29 31 99 2026 2028"""


@given(
    st.lists(
        st.sampled_from(WORDS.split()),
        max_size=12,
    ).map(" ".join)
    | st.text(max_size=60),
    st.integers(946_684_800_000, 4_102_444_800_000),
)
def test_never_raises_and_never_ends_before_it_begins(text: str, reported_at: int) -> None:
    window = read_promise(text, reported_at)
    if window is not None:
        assert datetime.fromisoformat(window.earliest) <= datetime.fromisoformat(window.latest)

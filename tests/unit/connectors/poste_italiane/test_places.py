"""Printed places, taken apart only as far as they are certain."""

import pytest

from parcelwire.connectors.carriers.poste_italiane.places import PROVINCES, Place, read_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Genova (GE)", Place("Genova", "GE", "IT")),
        ("Reggio Calabria (RC)", Place("Reggio Calabria", "RC", "IT")),
        ("BOLOGNA BO", Place("BOLOGNA", "BO", "IT")),
        ("L'AQUILA AQ", Place("L'AQUILA", "AQ", "IT")),
        # A building is no city, but its province is certain.
        ("Centro Operativo SDA Modena (MO)", Place(None, "MO", "IT")),
        ("Bologna Hub Espresso (BO)", Place(None, "BO", "IT")),
        ("Ufficio Postale Bologna 14, 40126 Bologna (BO)", Place(None, "BO", "IT")),
        ("SVIZZERA", Place(None, None, "CH")),
        ("Stati Uniti", Place(None, None, "US")),
        ("CINA", Place(None, None, "CN")),
        # Munich or the principality: nobody knows.
        ("MONACO", Place()),
        ("Zürich (ZH)", Place()),
        ("Centro di lavorazione Internazionale", Place()),
        ("sito poste.it", Place()),
        ("12", Place()),
        ("", Place()),
    ],
)
def test_place(text: str, place: Place) -> None:
    assert read_place(text) == place


def test_all_provinces_are_there() -> None:
    # 107 of 2016 to 2025, and Carbonia-Iglesias, Ogliastra, Olbia-Tempio with Medio Campidano (VS).
    assert len(PROVINCES) == 111
    assert all(len(code) == 2 and code.isupper() for code in PROVINCES)

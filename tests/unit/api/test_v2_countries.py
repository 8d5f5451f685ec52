"""Names of countries, both ways."""

import pytest

from parcelwire.api.v2.countries import country_name, iso2_of


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("US", "United States"),
        ("us", "United States"),
        ("CH", "Switzerland"),
        ("CN", "China"),
        ("GB", "United Kingdom"),
        ("UK", "United Kingdom"),
        ("XK", "Kosovo"),
        ("", ""),
        (None, ""),
        ("QQ", "QQ"),
        ("ZZ", "ZZ"),
    ],
)
def test_country_name(code: str | None, name: str) -> None:
    assert country_name(code) == name


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("CN", "CN"),
        (" nz ", "NZ"),
        ("UK", "GB"),
        ("New Zealand", "NZ"),
        ("NEW  ZEALAND", "NZ"),
        ("United States", "US"),
        ("usa", "US"),
        ("U.S.A.", "US"),
        ("Ivory Coast", "CI"),
        ("Cote d'Ivoire", "CI"),
        ("Côte d’Ivoire", "CI"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("Hong Kong", "HK"),
        ("Bosnia & Herzegovina", "BA"),
        ("Bosnia and Herzegovina", "BA"),
        ("Guinea-Bissau", "GW"),
        ("Russian Federation", "RU"),
        ("ZZ", None),
        ("QQ", None),
        ("Atlantis", None),
        ("", None),
        ("1", None),
    ],
)
def test_iso2_of(typed: str, code: str | None) -> None:
    assert iso2_of(typed) == code


def test_every_name_leads_back_to_its_code() -> None:
    from babel import Locale

    names = {
        code: name
        for code, name in Locale("en").territories.items()
        if len(code) == 2 and country_name(code) == name
    }
    assert len(names) > 240
    assert {code: iso2_of(name) for code, name in names.items()} == {code: code for code in names}

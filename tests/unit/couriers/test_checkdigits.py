"""Published vectors: UPU, GS1, carriers' documents, and the test data of two public projects.

The vectors of jkeen/tracking_number_data (MIT) and plhery/universal-parcel-scraper (Apache-2.0)
are facts about the rules; docs/data-sources.md names both.
"""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.couriers.checkdigits import CHECK_RULES, iso7064_mod_37_36

VECTORS: dict[str, tuple[list[str], list[str]]] = {
    "s10": (
        ["RR123456785CH", "RB123456785GB", "EC207920162US", "LZ448865302CN", "CY730190157DE"],
        ["RR123456784CH", "RB123456786US", "CV000562646ES", "UL123456789JP", "LF123456789DE"],
    ),
    "gs1": (
        ["7543896287397907", "16677833993802307491473", "55", "0073938000549297", "34013151"],
        ["7543896287397901", "0073938000549292", "53", "7543896287377907", "0", ""],
    ),
    "sscc": (
        ["00312345670000000016", "00340433982034779798", "00340434161094015902"],
        ["00312345670000000017", "312345670000000016", "10312345670000000013"],
    ),
    "fedex-96": (
        ["9611020987654312345672", "9613307891131048911080", "9600000000000000000000"],
        ["9611020987654312345673", "9511020987654312345672", "9612288489275715816494"],
    ),
    "smartpost": (["61299998820821171811", "61299995669151880177"], ["61299998820821171812"]),
    "usps-91": (["71969010756003077385"], ["71969010756003077386", "9171969010756003077385"]),
    "usps-420": (
        ["4201028200009261290113185417468510", "420921559505500020714300000128"],
        ["4201028200009261290113185417468511", "9505500020714300000128", "420"],
    ),
    "colissimo": (
        ["6A54658971007", "8R61032289016", "5N68610071131", "6Y43938660724"],
        ["6A54658971001", "8R61632289016", "6A5465897100", "6AB54658971007"],
    ),
    "hermes-de": (
        ["18987935553797", "83235518385742", "40327175573909"],
        ["18987935553794", "63235518385742", "1898793555379"],
    ),
    "gls": (
        ["701498694281", "585712688436", "000000000009", "999999999992"],
        ["701498694287", "585712788436", "000000000000", "70149869428"],
    ),
    "identcode": (["563102430313"], ["563102430314", "653102430313", "56310243031"]),
    "ups": (
        ["1Z999AA10123456784", "1Z5R89390357567127", "1ZXX3150YW44070023"],
        ["1Z1111111111111111", "1A5R89390357567127", "1Z5R8939035756712", "1Z12345E1505270452"],
    ),
    "ups-waybill": (["V0490119172", "K1506235620"], ["J4603636538", "V0423305841", "V042330584"]),
    "ontrac": (
        ["C11031500001879", "C10999911320231", "D10011345983010"],
        ["C11031500001889", "D10011345983012", "E11031500001879", "C1103150000187"],
    ),
    "evri": (
        ["HL51RE7266467274", "TP1PJK5025736276", "T084293195784550"],
        ["HL51RE7266467270", "HX51RE7266467274", "HL51RE726646727"],
    ),
    "mod7": (
        ["2451080365", "0651168873", "73891051146", "3318810025"],
        ["2451080367", "2924386228", "3318810011", "7"],
    ),
    "tnt": (["123456782", "123456785", "000000005", "000000080"], ["123456789", "12345678"]),
    "fedex": (
        ["628285323871", "029952171500", "986578788855", "999999999993"],
        ["628285323874", "996578788855", "999999999999", "62828532387"],
    ),
    "fedex-34": (
        ["1001921334250001000300779017972697", "9622001560001234567100794808390594"],
        ["1001901781990001000300617767839438", "9622001560001234567100794808390595"],
    ),
    "fedex-32": (
        ["32971514560102447849175802862014", "33810799560000004380417923803212"],
        ["32971514560102447849175802852014", "3297151456010244784917580286201"],
    ),
    "luhn": (
        ["046743258348", "217141377325", "07209562763", "80003280379", "75"],
        ["046743258342", "07209562773", "79927398713x", "79927398710", "78"],
    ),
    "mod-37-36": (
        ["13225150639240C", "777297727728022", "008182709980000020033350276C", "00000000000000U"],
        ["13225150639240Z", "757297727728022", "008182709980000020033350276A", "13225150639240c"],
    ),
    "sf": (["SF4573785084524", "SF1510738481445", "SF0000000000000"], ["SF0000000000001", "SF1"]),
    "correos": (
        ["PRWEHP7065466523536114Z", "PXJ3NY8495909995441808D", "PZYR2B711671128A"],
        ["PRWEHP7065466523536114O", "PRWEHP7065466223536114Z", "DUY8UV342725641F"],
    ),
    "mondial-relay": (
        ["98940216283950511999974033", "77160221200242051549061463"],
        # The second last one has rank 54 of 3, the last one rank 0.
        [
            "56324528849998475448443906",
            "29788756610000059372013537",
            "56615154611255796422781636",
            "84307017051892667484908329",
            "9894021628395051199997403",
        ],
    ),
    "ukrposhta": (
        ["6769236777549", "0126052518575", "6212153913330"],
        ["6769236777541", "6779236777549", "676923677754"],
    ),
}

CASES = [
    (rule, number, fits)
    for rule, both in VECTORS.items()
    for numbers, fits in zip(both, (True, False), strict=True)
    for number in numbers
]


@pytest.mark.parametrize(("rule", "number", "fits"), CASES)
def test_published_vectors(rule: str, number: str, fits: bool) -> None:
    assert CHECK_RULES[rule].fits(number) is fits


def test_every_rule_has_vectors_and_names_its_source() -> None:
    assert set(VECTORS) == set(CHECK_RULES)
    for rule in CHECK_RULES.values():
        assert rule.fits.__doc__
        assert rule.sentence


@given(st.text(max_size=40), st.sampled_from(sorted(CHECK_RULES)))
def test_no_text_makes_a_rule_fail(text: str, rule: str) -> None:
    assert CHECK_RULES[rule].fits(text) in (True, False)


@given(st.text(string.ascii_uppercase + string.digits, max_size=40))
def test_no_number_of_another_shape_makes_a_rule_fail(number: str) -> None:
    for rule in CHECK_RULES.values():
        assert rule.fits(number) in (True, False)


@given(st.text(string.digits, min_size=1, max_size=30))
def test_exactly_one_gs1_digit_fits(payload: str) -> None:
    fits = CHECK_RULES["gs1"].fits
    assert sum(fits(payload + digit) for digit in string.digits) == 1


@given(st.text(string.digits, min_size=8, max_size=8))
def test_exactly_one_s10_digit_fits(serial: str) -> None:
    fits = CHECK_RULES["s10"].fits
    assert sum(fits(f"RR{serial}{digit}CH") for digit in string.digits) == 1


@given(st.text(string.digits, min_size=1, max_size=30))
def test_exactly_one_luhn_digit_fits(payload: str) -> None:
    fits = CHECK_RULES["luhn"].fits
    assert sum(fits(payload + digit) for digit in string.digits) == 1


@given(st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=30), st.data())
def test_iso_7064_finds_every_changed_character(payload: str, data: st.DataObject) -> None:
    number = payload + iso7064_mod_37_36(payload)
    place = data.draw(st.integers(0, len(payload) - 1))
    other = data.draw(st.sampled_from(string.ascii_uppercase + string.digits))
    changed = number[:place] + other + number[place + 1 :]
    assert CHECK_RULES["mod-37-36"].fits(number)
    assert CHECK_RULES["mod-37-36"].fits(changed) is (changed == number)


@given(st.sampled_from(["gls", "hermes-de", "identcode", "fedex"]), st.data())
def test_every_fixed_length_rule_has_one_digit(rule: str, data: st.DataObject) -> None:
    length = {"hermes-de": 13}.get(rule, 11)
    payload = data.draw(st.text(string.digits, min_size=length, max_size=length))
    assert sum(CHECK_RULES[rule].fits(payload + digit) for digit in string.digits) == 1


def test_how_rare_a_fit_is_stands_in_the_table() -> None:
    """The share of numbers that pass by chance is what the table says, within a third."""
    for name, payloads in {"mod7": 10**4, "luhn": 10**4, "gs1": 10**4}.items():
        rule = CHECK_RULES[name]
        passing = sum(rule.fits(f"{n:010d}") for n in range(7, payloads * 977, 977))
        assert 0.67 < payloads / passing / rule.one_in < 1.5

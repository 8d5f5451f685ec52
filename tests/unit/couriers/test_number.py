import string
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from parcelwire.couriers.number import LONGEST, SHORTEST, is_fraction, is_plausible, normalise

COMPACT = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=40)
SEPARATOR = st.sampled_from([" ", ".", "-", "_", "–", "\t", "\u00a0", "\u200b", "\ufeff", "·"])


@pytest.mark.parametrize(
    ("typed", "compact"),
    [
        ("99.34.123456.12345678", "993412345612345678"),
        ("rr 123 456 785 ch", "RR123456785CH"),
        (" 1z 999-aa1-01 2345 6784\n", "1Z999AA10123456784"),
        ("４２０１２３４５", "42012345"),  # noqa: RUF001 - full-width digits are the point
        ("RR\u200b123456785\u200bCH\ufeff", "RR123456785CH"),
        ("Tracking no.: RR123456785CH", "RR123456785CH"),
        ("Sendungsnummer 99.34.123456.12345678", "993412345612345678"),
        ("AWB # 1234567891", "1234567891"),
        ("No. 1234567891", "1234567891"),
        ("ID18012345678910CN", "ID18012345678910CN"),
        ("NO123456785NO", "NO123456785NO"),
        ("NR 123 456 785 CH", "NR123456785CH"),
        ("Nr. 123 456 785", "123456785"),
        ("n° 123456", "123456"),
        ("# 123456", "123456"),
        ("Numéro de suivi : 8R61032289016", "8R61032289016"),
        ("PARCEL123456", "PARCEL123456"),
        ("TRACK", "TRACK"),
        ("tracking number", "NUMBER"),
        ("", ""),
        (" -- ", ""),
    ],
)
def test_typing_habits_are_removed(typed: str, compact: str) -> None:
    assert normalise(typed) == compact


LABELS = [
    # English
    *("Tracking ID", "Tracking-ID", "Tracking No", "Tracking no.", "Tracking #", "TRACKING NUMBER"),
    *("Tracking code", "Shipment ID", "Parcel number", "Consignment note no.", "Air waybill no."),
    *("AWB", "Barcode", "Your tracking number is", "Track & Trace", "Item ID", "№", "Label no."),
    # German
    *("Sendungs-Nr.", "Sendungsnr.", "Sendungs-Nr", "Sendungs Nr.", "Sendungsnummer", "Paket-Nr."),
    *("Sendungs-ID", "Sendungscode", "Trackingnummer", "Tracking-Nr.", "Sendungsverfolgungsnummer"),
    *("Ihre Sendungsnummer lautet", "Frachtbrief-Nr.", "Identcode", "Nummer der Sendung"),
    # French
    *("N° de suivi", "Nº de suivi", "No de suivi", "N°", "Numéro de colis", "Numero de suivi"),
    *("Code de suivi", "N° d'envoi", "N° d’expédition", "Suivi n°", "Votre numéro de suivi est"),
    # Italian
    *("Codice spedizione", "Codice di spedizione", "Numero di tracking", "N. spedizione"),
    *("Lettera di vettura n.", "Numero della spedizione", "Codice dell'invio", "LdV n°"),
    # Spanish
    *("Número de seguimiento", "N.º de envío", "Núm. de envío", "Código de rastreo", "Localizador"),
    *("Código de seguimiento del paquete", "Su número de envío es", "Guía nº", "Nro. de guía"),
]
"""What people copy along with a number."""

NUMBERS = [
    *("ZA000000118IT", "99.34.123456.12345678", "1Z 999 AA1 0123 456 784", "8R61032289016"),
    *("1234/12345678", "110-1234567-1234567:1234567890123", "ID18012345678910CN", "9400 1118 9922"),
    *(f"{two} 123 456 785 {two}" for two in ("RR", "NO", "NR", "ID", "IS", "ES", "LA", "DE", "EL")),
    *(f"{two}123456785{two}" for two in ("RR", "NO", "NR", "ID", "IS", "ES", "LA", "DE", "EL")),
]
"""Two letters of a postal number may be a short word of some language."""


@pytest.mark.parametrize("number", NUMBERS)
def test_a_label_is_taken_off_and_the_number_stays_whole(number: str) -> None:
    alone = normalise(number)
    assert alone == number.translate({ord(c): None for c in " ."}).replace("-", "")
    assert is_plausible(alone)
    for label in LABELS:
        for mark in (" ", ": ", " : ", "\u00a0", ":\n", "\t"):
            assert normalise(f"{label}{mark}{number}") == alone, (label, mark)
            assert normalise(f" {label.upper()}{mark}{number.lower()} ") == alone, (label, mark)


@pytest.mark.parametrize(
    "whole",
    [
        *("NR.123.456.785.CH", "NO.123456785.NO", "ID 18012345678910 CN", "LA-123456785-CH"),
        *("PARCEL123456", "Sendungsnummer123456", "CODE128", "TRACKING1", "SUIVI12345"),
        *("N 123456789", "N123 456", "DE 123456", "IS 123456", "E 1234567", "L 12345678"),
    ],
)
def test_letters_that_may_be_a_numbers_own_stay(whole: str) -> None:
    assert normalise(whole) == "".join(c for c in whole if c.isalnum()).upper()


@pytest.mark.parametrize("word", ["no. ", "tracking ", "n° ", "de ", "nr"])
def test_a_text_of_nothing_but_labels_costs_little(word: str) -> None:
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        normalise(word * 20_000)
    finally:
        sys.setprofile(None)
    assert steps < 20_000


def test_a_nacex_number_keeps_its_stroke() -> None:
    assert normalise("1234/12345678") == "1234/12345678"
    assert normalise(" 1234 / 12345678 ") == "1234/12345678"
    assert normalise("1234\u200b/\u200b12345678\ufeff") == "1234/12345678"
    assert normalise("123/12345678") == "12312345678"


def test_an_amazon_order_keeps_its_colon() -> None:
    assert normalise("110-1234567-1234567:1234567890123") == "11012345671234567:1234567890123"
    assert normalise("110:1234567890123") == "1101234567890123"


def test_foreign_letters_stay_visible() -> None:
    assert normalise("ÄB123") == "ÄB123"
    assert not is_plausible(normalise("ÄB123"))
    assert normalise("\u0663\u0664") == "\u0663\u0664"
    assert not is_plausible("\u0663\u0664\u0663\u0664")


@pytest.mark.parametrize(
    "typed",
    [
        *("12345678.0", " 123456.00\n", "Tracking no. 12345678.0", "12345678.0\u200b"),
        "１２３４５６７８.0",  # noqa: RUF001 - full-width digits are the point
    ],
)
def test_a_whole_number_written_as_a_fraction_is_no_other_number(typed: str) -> None:
    assert is_fraction(normalise(typed))
    assert not is_plausible(normalise(typed))


@pytest.mark.parametrize("typed", ["12345678.01", "12345.0", "99.34.123456.0", "1234567.8900"])
def test_other_points_are_separators(typed: str) -> None:
    assert normalise(typed) == typed.replace(".", "")


@given(st.text(string.digits, min_size=1, max_size=40), st.lists(SEPARATOR, max_size=40))
def test_separators_between_digits_change_nothing(digits: str, separators: list[str]) -> None:
    marks = [*separators, *[""] * len(digits)]
    typed = "".join(c + mark for c, mark in zip(digits, marks, strict=False))
    assume(not is_fraction("".join(c for c in typed if c in ".0123456789")))
    assert normalise(typed) == digits


@given(st.sampled_from(["NO", "NR", "ID", "CC", "RR", "LA"]), st.lists(SEPARATOR, min_size=3))
def test_separators_in_a_postal_number_change_nothing(letters: str, marks: list[str]) -> None:
    typed = f"{letters} 12345678{''.join(marks)}5{marks[0]}CH"
    assert normalise(typed) == f"{letters}123456785CH"


@given(COMPACT)
def test_compact_numbers_stay_as_they_are(compact: str) -> None:
    assert normalise(compact) == compact
    assert normalise(compact.lower()) == compact


@given(st.text(max_size=60))
def test_any_text_is_taken_and_twice_is_once(typed: str) -> None:
    once = normalise(typed)
    assert is_plausible(once) in (True, False)
    if is_plausible(once):
        assert normalise(once) == once


@given(st.text(max_size=60))
def test_what_is_plausible_holds_only_what_numbers_hold(text: str) -> None:
    if is_plausible(text):
        assert SHORTEST <= len(text) <= LONGEST
        assert text.isascii()
        assert any(c.isdigit() for c in text)
        assert text == text.upper()


@pytest.mark.parametrize(
    "text", ["", "ABC", "123", "ABCDEFGH", "A" * 40, "1" * 46, "12 34", "a123"]
)
def test_implausible_numbers(text: str) -> None:
    assert not is_plausible(text)

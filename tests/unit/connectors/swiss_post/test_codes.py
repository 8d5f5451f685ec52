"""Swiss Post's event codes: which part counts, and what each means."""

import re
import tomllib
from importlib.resources import files

import pytest

from parcelwire.connectors.carriers.swiss_post import CONNECTOR
from parcelwire.connectors.carriers.swiss_post.events import (
    LANGUAGES,
    PACKAGE,
    EventCode,
    find_meaning,
    split_code,
)
from parcelwire.domain.status import Reason, Status, Substatus

ROWS = tomllib.loads((files(PACKAGE) / "status.toml").read_text("utf-8"))["code"]


@pytest.mark.parametrize(
    ("raw_code", "reason", "code"),
    [
        ("PARCEL.*.88.912", None, EventCode("912")),
        ("PARCEL.*.2.1003", None, EventCode("1003")),
        ("PARCEL.*.1.815.EXPORT", None, EventCode("815")),
        ("PARCEL.*.1.1003.*", None, EventCode("1003")),
        ("PARCEL.*.1.3600.*.2", None, EventCode("3600", "2")),
        ("PARCEL.*.1.3600", "2", EventCode("3600", "2")),
        ("PARCEL.*.1.3600.INLAND.2", None, EventCode("3600", "2")),
        ("PARCEL.*.1.4000.*.-1", None, EventCode("4000", "-1")),
        ("LETTER.*.11.36", "RET3", EventCode("36", "RET3")),
        ("LETTER.*.26.40.*.CAN1", None, EventCode("40", "CAN1")),
        ("PARCEL.*.1.TNT-OK", None, EventCode("TNT-OK")),
        ("1003", None, EventCode("1003")),
        ("3600.2", None, EventCode("3600", "2")),
        ("3600", "2", EventCode("3600", "2")),
        (" 40 ", None, EventCode("40")),
        ("", None, EventCode("")),
        ("...", None, EventCode("...")),
        ("PARCEL", None, EventCode("PARCEL")),
        ("A.B.C.D.E", None, EventCode("E")),
    ],
)
def test_the_last_number_counts(raw_code: str, reason: str | None, code: EventCode) -> None:
    assert split_code(raw_code, reason) == code


TRANSIT_CODES = """
100 200 912 500 501 502 815 915 818 918 807 813 908 913 921 400 820 906 909 920 1300 1302
907 1200 1201 1202 1203 1204 1213 1218 1303 855 951 952 953 1000 1001 1002 1100
801 802 803 819 842 843 844 845 846 848 849 853 901 902 919 804 805 847 858 904
3500 3501 3502 4020 1 2 5 10 12 35
"""
WAITING_CODES = "1004 910 2100 2101 2102 6300 9400 21 94 926 5500"
DELIVERED_CODES = "2000 3800 938 4000 4001 4200 4600 20 38 40 46"
FAILED_CODES = """
922 923 924 925 927 928 931 932 933 934 935 936 937 3100 4100 41
3100.1 3100.2 3100.3 3100.4 3100.5 3100.6 3100.7 3100.8 3100.9
"""
EXCEPTION_CODES = """
930 1500 1900 1502 1700 1702 929 911 9105 9107 9108 9112 9115 91 5100 5102
"""
RETURN_CODES = """
3401 3600 3601 3602 3600.0 3600.1 3600.2 3600.3 3600.4 3600.5 3600.6 3600.7 34 36 3607
"""
NOTE_CODES = "1800 9201 9202 9203 9204 9205 9210 9221 9224 9230 9249 9250 9299 9310"


@pytest.mark.parametrize(
    ("codes", "statuses"),
    [
        ("600 854 859 610 620", {Status.INFORECEIVED}),
        (TRANSIT_CODES, {Status.TRANSIT}),
        ("1003", {Status.PICKUP}),
        (WAITING_CODES, {Status.PICKUP}),
        (DELIVERED_CODES, {Status.DELIVERED}),
        (FAILED_CODES, {Status.UNDELIVERED, Status.EXCEPTION}),
        (EXCEPTION_CODES, {Status.EXCEPTION}),
        (RETURN_CODES, {Status.EXCEPTION}),
        (NOTE_CODES, {None}),
    ],
)
def test_every_published_code_has_its_stage(codes: str, statuses: set[Status | None]) -> None:
    for code in codes.split():
        meaning = find_meaning(split_code(code))
        assert meaning is not None, code
        assert meaning.status in statuses, code


@pytest.mark.parametrize(
    ("code", "substatus", "reason"),
    [
        ("1003", Substatus.PICKUP_OUT_FOR_DELIVERY, None),
        ("2101", Substatus.PICKUP_READY_FOR_COLLECTION, None),
        ("818", Substatus.TRANSIT_IN_DESTINATION_COUNTRY, None),
        ("804", Substatus.TRANSIT_CUSTOMS_CLEARED, None),
        ("2000", Substatus.DELIVERED_COLLECTED, None),
        ("4600", Substatus.DELIVERED_SIGNED, None),
        ("4000.-1", Substatus.DELIVERED_SAFE_PLACE_OR_NEIGHBOUR, None),
        ("922", Substatus.UNDELIVERED_ADDRESS, Reason.ADDRESS_INVALID),
        ("923", Substatus.UNDELIVERED_ADDRESSEE_NOT_FOUND, Reason.RECIPIENT_UNKNOWN),
        ("924", Substatus.UNDELIVERED_NOBODY_HOME, Reason.RECIPIENT_ABSENT),
        ("925", Substatus.EXCEPTION_REFUSED, Reason.RECIPIENT_REFUSED),
        ("931", Substatus.EXCEPTION_OTHER, Reason.SENDER_FORBIDDEN_GOODS),
        ("933", Substatus.UNDELIVERED_OTHER, Reason.CUSTOMS_PAYMENT),
        ("1500", Substatus.EXCEPTION_LOST_OR_DAMAGED, Reason.CARRIER_DAMAGED),
        ("9108", Substatus.EXCEPTION_LOST_OR_DAMAGED, Reason.CARRIER_LOST),
        ("1700", Substatus.EXCEPTION_OTHER, Reason.CARRIER_MISROUTED),
        ("1800", None, Reason.CARRIER_DELAYED),
        ("9501", Substatus.EXCEPTION_CANCELLED, Reason.SENDER_CANCELLED),
        ("3600.0", Substatus.EXCEPTION_RETURNING, Reason.RECIPIENT_NOT_COLLECTED),
        ("3600.1", Substatus.EXCEPTION_RETURNING, Reason.RECIPIENT_MOVED),
        ("3600.4", Substatus.EXCEPTION_RETURNING, Reason.RECIPIENT_DECEASED),
        ("36.RET6", Substatus.EXCEPTION_RETURNING, Reason.SENDER_CANCELLED),
        ("3600.99", Substatus.EXCEPTION_RETURNING, None),
    ],
)
def test_finer_codes_and_reasons(
    code: str, substatus: Substatus | None, reason: Reason | None
) -> None:
    meaning = find_meaning(split_code(code))
    assert meaning is not None
    assert (meaning.substatus, meaning.reason) == (substatus, reason)


def test_letters_go_back_for_eighteen_reasons() -> None:
    for base in ("34", "36", "3607"):
        for number in range(18):
            meaning = find_meaning(EventCode(base, f"RET{number}"))
            assert meaning is not None
            assert meaning.substatus is Substatus.EXCEPTION_RETURNING
            assert CONNECTOR.phrase(f"LETTER.*.11.{base}.*.RET{number}", "de") is not None


@pytest.mark.parametrize("code", ["7777", "PARCEL.*.1.TNT-XYZ", "", "3600x", "4"])
def test_an_unknown_code_means_nothing(code: str) -> None:
    assert find_meaning(split_code(code)) is None
    assert CONNECTOR.phrase(code, "de") is None


DENIALS = re.compile(
    r"\bnicht|\bkein|un(?:zustell|gültig)|erfolglos|verweiger|abgebroch|verpasst|zurückbehalten"
    r"|\bnot\b|\bfailed|\brefuse|without success|broken off|\bno longer|\bmissed"
    r"|\bnon\b|\bsans succès|échec|\bsenza|\brifiut|\brefus",
    re.IGNORECASE,
)
HARMLESS = {
    "40.IMP1",  # delivered; only the receipt is not confirmed yet
    "9503",  # an order of the sender that failed: the letter goes on
}


def test_no_row_whose_words_deny_something_is_a_step_forward() -> None:
    """Words in any of the four languages that say "not", "failed" or "refused"."""
    denying = [
        row
        for row in ROWS
        if row["code"] not in HARMLESS
        and any(DENIALS.search(words) for words in row["phrases"].values())
    ]
    assert len(denying) > 60
    for row in denying:
        assert row["status"] in {"undelivered", "exception"}, row["code"]


def test_a_region_hears_the_words_of_its_language() -> None:
    assert CONNECTOR.phrase("PARCEL.*.1.4000", "de-CH") == "Zugestellt durch"
    assert CONNECTOR.phrase("4000", "rm-CH") is None


def test_every_row_has_words_in_every_language() -> None:
    assert len({row["code"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert set(row["phrases"]) == set(LANGUAGES), row["code"]
        for words in row["phrases"].values():
            assert words == " ".join(words.split())
            assert 2 <= len(words) <= 120


@pytest.mark.parametrize(
    ("raw_code", "language", "words"),
    [
        ("PARCEL.*.2.1003", "de", "Verlad in Zustellfahrzeug"),
        ("PARCEL.*.2.1003", "en", "Loading into delivery vehicle"),
        ("PARCEL.*.1.3600.*.2", "de", "Rücksendung – Grund: Annahme verweigert"),
        ("PARCEL.*.1.3600.*.2", "fr", "Retour à l’expéditeur – Motif: refusé"),
        ("LETTER.*.11.40", "it", "Recapitato"),
        ("9263", "en", "Order triggered by recipient"),
        ("DELIVERED", "en", "Shipment delivered"),
        ("PARCEL.*.2.1003", "nl", None),
    ],
)
def test_a_code_is_said_in_words(raw_code: str, language: str, words: str | None) -> None:
    assert CONNECTOR.phrase(raw_code, language) == words

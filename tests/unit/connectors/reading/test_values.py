"""Single values that a carrier may send, or that nobody should."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from parcelwire.connectors.base import Response
from parcelwire.connectors.reading.values import (
    UnreadableError,
    drop_members,
    pick,
    pick_path,
    raw_part,
    read_country,
    read_expiry,
    read_flag,
    read_handle,
    read_items,
    read_json,
    read_mapping,
    read_number,
    read_text,
    read_token,
    read_whole_number,
    recall,
    sample_of,
    walk,
)

NONSENSE: list[Any] = [None, True, [], {}, [1], {"a": 1}, 1.5, float("inf"), float("nan")]


class Session(msgspec.Struct):
    user_id: str
    token: str


def test_texts_are_cleaned_and_capped() -> None:
    assert read_text("  <b>Sendung</b>\n ist&nbsp;da ") == "Sendung ist da"
    assert read_text(3000) == "3000"
    assert read_text("x" * 900) == "x" * 500
    assert read_text("a b", 2) == "a"
    assert read_text(10**400) is None
    assert [read_text(value) for value in (*NONSENSE, "", " \n")] == [None] * 11


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("weight < 5 kg and > 3 kg", "weight < 5 kg and > 3 kg"),
        ("<p class='a'>Kommt</p><!-- x --> an<br/>heute", "Kommt an heute"),
        ("AT&T, Bed&paradise, Post&region", "AT&T, Bed&paradise, Post&region"),
        ("A&region; B&unknown;", "A&region; B&unknown;"),
        ("Z&uuml;rich &#8211; &#xe9; &amp;lt;", "Zürich – é &lt;"),
        ("&#" + "9" * 5_000 + ";", "&#" + "9" * 498),
    ],
)
def test_cleaning_neither_loses_nor_invents_words(said: str, text: str) -> None:
    assert read_text(said) == text


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        (12345678, "12345678"),
        (12345678.0, "12345678"),
        ("12345678", "12345678"),
        (0.0, "0"),
        (12345678.5, ""),
        (9.4e21, ""),
        (float(2**53), ""),
        (10**18, ""),
        *((value, "") for value in NONSENSE),
    ],
)
def test_a_fraction_is_no_mark_within_a_number(said: Any, digits: str) -> None:
    assert (read_text(said) or "") == digits
    assert read_number(said) == digits


def test_numbers_are_compared_without_their_marks() -> None:
    assert read_number("99.00.123456.12345678") == "990012345612345678"
    assert read_number(" rr 123-456/785 ch ") == "RR123456785CH"
    assert read_number({"n": 1}) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ß1", "SS1"),
        ("\u017f1", "S1"),
        ("\u01311", "I1"),
        ("\uff11", "1"),
        ("1" * 64 + "2", "1" * 64 + "3"),
    ],
)
def test_different_numbers_stay_different(one: str, other: str) -> None:
    assert read_number(one) != read_number(other) or not read_number(one)


def test_handles_go_back_as_they_came() -> None:
    assert read_handle("<[anonymous]>a1") == "<[anonymous]>a1"
    for value in (*NONSENSE, "", "a\r\nb", "x" * 900):
        assert read_handle(value) is None


def test_tokens_are_as_long_as_signed_ones_and_fit_into_a_header() -> None:
    signed = "eyJhbGciOiJSUzI1NiJ9." + "a" * 4_000
    assert read_token(signed) == signed
    for value in (*NONSENSE, "", "a\r\nb", "a\tb", "t\u00f6ken", "x" * 30_000, b"token"):
        assert read_token(value) is None


def test_countries() -> None:
    said = ("CH", "ch", "ZZ", "CHE", "", ["CH"], 1, None, "ß", "ﬁ")
    assert [read_country(value) for value in said] == ["CH", "CH", *[None] * 8]


YES: list[Any] = [True, "true", "TRUE", 1, 1.0, "1", "Y", "y"]
NO: list[Any] = [False, "false", 0, "0", "N", "n"]
NEITHER: list[Any] = [None, "", "2", 2, "yes", "x", [], {}, [True]]


@pytest.mark.parametrize(("values", "flag"), [(YES, True), (NO, False), (NEITHER, None)])
def test_flags(values: list[Any], flag: bool | None) -> None:
    assert [read_flag(one, {"y": True, "n": False}) for one in values] == [flag] * len(values)


def test_whole_numbers() -> None:
    assert [read_whole_number(value) for value in (3, "3", 3.0, " 3 ", "-3")] == [3, 3, 3, 3, -3]
    for value in (*NONSENSE, "", "3.5", "3 kg", "1234567890", 10**12, "३"):
        assert read_whole_number(value) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *((60, 60), ("90", 90), (86_400.0, 86_400), (None, 300), ("soon", 300), (-5, 300)),
        *((0, 300), (10**12, 300), ([], 300), (True, 300)),
    ],
)
def test_a_lifetime_has_a_default(value: Any, seconds: int) -> None:
    assert read_expiry(value, 1_000) == 1_000 + seconds * 1000


def test_members_are_found_in_any_case() -> None:
    answer = {"Return": {"outcome": "OK", "OUTCOME": "no"}}
    assert pick_path(answer, "return", "outcome") == "OK"
    assert pick_path(answer, "return", "Outcome") == "OK"
    assert pick_path(answer, "return", "outcome", "more") is None
    assert pick(["outcome"], "outcome") is None
    assert pick({}, "outcome") is None


def test_containers() -> None:
    assert read_items([1, 2]) == [1, 2]
    assert read_items({"a": 1}) == [{"a": 1}]
    assert read_items("a") == []
    assert read_mapping({"a": 1}) == {"a": 1}
    assert read_mapping([1]) == {}
    assert list(walk({"a": [{"b": 1}, 2]})) == [{"a": [{"b": 1}, 2]}, {"b": 1}]


def test_walking_ends() -> None:
    deep: Any = {"end": True}
    for _ in range(200):
        deep = [deep]
    assert list(walk(deep)) == []
    assert len(list(walk([{}] * 5_000))) == 1_000


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "an empty answer"),
        (b" \n ", "an empty answer"),
        (b"\xef\xbb\xbf", "an empty answer"),
        (b"{", "JSON that cannot be read"),
        (b"\xff\xfe", "JSON that cannot be read"),
        (b"[" * 100_000, "JSON that cannot be read"),
        (b'{"a": NaN}', "JSON that cannot be read"),
    ],
)
def test_what_is_no_json_says_so(body: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        read_json(Response(status=200, body=body))


def test_json_behind_a_mark_or_another_status() -> None:
    assert read_json(Response(status=200, body=b"\xef\xbb\xbf[1]")) == [1]
    refused = Response(status=404, body=b"[1]")
    assert read_json(refused, statuses=(200, 404)) == read_json(refused, statuses=None) == [1]
    with pytest.raises(UnreadableError, match="refused"):
        read_json(refused)


def test_a_page_for_people_is_no_json() -> None:
    response = Response(status=200, headers={"content-type": "text/html"}, body=b"[]")
    with pytest.raises(UnreadableError, match="a page for people"):
        read_json(response)


@pytest.mark.parametrize("kept", [None, 7, {}, {"user_id": 1}, {"user_id": "a"}])
def test_a_memory_of_another_kind_is_forgotten(kept: Any) -> None:
    assert recall({"session": kept}, "session", Session) is None
    assert recall({}, "session", Session) is None


def test_a_sample_holds_what_helps_and_no_more() -> None:
    event = {"code": "X1", "signedBy": "Erika Muster"}
    assert sample_of(event, ("code", "type")) == '{"code":"X1"}'
    for hidden in (["Erika Muster"], "Erika Muster"):
        assert sample_of(hidden, ("code",)) == "{}"
    detail = {"code": {"detail": 7}, "signedBy": "Erika Muster"}
    assert sample_of(detail, ("code",)) == '{"code":{"detail":7}}'
    assert len(sample_of({"text": "ü" * 900})) == 500
    assert sample_of(object()) == ""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert sample_of(deep) == ""


def test_one_number_of_many_keeps_its_own_part() -> None:
    response = Response(status=200, body=b'[{"n": 1}, {"n": 2}]')
    assert raw_part(response, {"n": 2}, is_only_one=False) == b'{"n":2}'
    assert raw_part(response, {"n": 2}, is_only_one=True) == response.body


def test_persons_are_kept_out_of_what_is_kept() -> None:
    parcel = {"n": 2, "events": [{"code": 1, "signedBy": "Erika Muster"}], "consignee": {"a": 1}}
    response = Response(status=200, body=msgspec.json.encode([parcel]))
    persons = {"signedBy", "consignee"}
    for is_only_one in (True, False):
        kept = raw_part(response, parcel, is_only_one=is_only_one, drop=persons)
        assert msgspec.json.decode(kept) == {"n": 2, "events": [{"code": 1}]}
    assert parcel["consignee"] == {"a": 1}
    other_case = {"CONSIGNEE": "Erika Muster", "event": {"@SignedBy": "Erika Muster"}}
    assert drop_members(other_case, persons) == {"event": {}}
    deep: Any = {"signedBy": "Erika Muster"}
    for _ in range(150):
        deep = [deep]
    assert "Erika" not in str(drop_members(deep, ()))

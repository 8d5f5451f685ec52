"""XML answers, and what somebody may send instead of one."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.connectors.base import Response
from parcelwire.connectors.reading.values import UnreadableError, pick_path, read_items
from parcelwire.connectors.reading.xml import read_xml


def answer(body: bytes, status: int = 200) -> Response:
    return Response(status=status, headers={"content-type": "text/xml"}, body=body)


def test_elements_become_members() -> None:
    body = b"""<?xml version="1.0" encoding="UTF-8"?>
    <soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:t">
      <soap:Body><t:answer>
        <t:event code="905" t:kind="x"><city>Roma</city><note/></t:event>
        <t:event code="902"><city> Milano </city><note>&lt;b&gt; <![CDATA[<i>]]></note></t:event>
        <t:last>1</t:last>
      </t:answer></soap:Body>
    </soap:Envelope>"""
    found = pick_path(read_xml(answer(body)), "Envelope", "Body", "answer")
    assert found == {
        "event": [
            {"@code": "905", "@kind": "x", "city": "Roma", "note": ""},
            {"@code": "902", "city": "Milano", "note": "<b> <i>"},
        ],
        "last": "1",
    }
    assert len(read_items(found["event"])) == 2


def test_one_and_many_are_read_alike() -> None:
    one = read_xml(answer(b"<a><e><c>1</c></e></a>"))["a"]
    many = read_xml(answer(b"<a><e><c>1</c></e><e><c>2</c></e><e><c>3</c></e></a>"))["a"]
    assert [event["c"] for event in read_items(one["e"])] == ["1"]
    assert [event["c"] for event in read_items(many["e"])] == ["1", "2", "3"]


def test_text_beside_members_is_kept() -> None:
    assert read_xml(answer(b'<a id="1">in <b>transit</b> now</a>')) == {
        "a": {"@id": "1", "b": "transit", "#text": "in   now"}
    }
    told = read_xml(answer(b"<a>Delivered<br/>to neighbour</a>"))
    assert told == {"a": {"br": "", "#text": "Delivered to neighbour"}}
    long = read_xml(answer(b"<a>" + b"x" * 100_000 + b"</a>"))
    assert long == {"a": "x" * 100_000}


def test_encodings_are_those_that_the_text_names() -> None:
    text = '<?xml version="1.0" encoding="{}"?><a>Zürich</a>'
    for name in ("ISO-8859-1", "windows-1252", "utf-8", "UTF-16"):
        assert read_xml(answer(text.format(name).encode(name))) == {"a": "Zürich"}
    big_endian = b"\xfe\xff" + f"{text.format('UTF-16')}\n".encode("utf-16-be")
    assert read_xml(answer(big_endian)) == {"a": "Zürich"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "an empty answer"),
        (b"<a>", "XML that cannot be read"),
        (b"<a></b>", "XML that cannot be read"),
        (b"{}", "XML that cannot be read"),
        (b"<a>&nope;</a>", "XML that cannot be read"),
        (b"<a>\x00</a>", "XML that cannot be read"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "XML that cannot be read"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', "a document type"),
        (b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "a document type"),
        (b"<a>" * 100 + b"</a>" * 100, "more elements"),
        (b"<a>" + b"<b/>" * 30_000 + b"</a>", "more elements"),
    ],
)
def test_what_is_no_xml_says_so(body: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        read_xml(answer(body))


def test_a_refusal_or_a_page_for_people_is_no_xml() -> None:
    with pytest.raises(UnreadableError, match="refused"):
        read_xml(answer(b"<a/>", status=500))
    assert read_xml(answer(b"<a/>", status=500), statuses=(500,)) == {"a": ""}
    page = Response(status=200, headers={"content-type": "text/html"}, body=b"<html></html>")
    with pytest.raises(UnreadableError, match="a page for people"):
        read_xml(page)


@given(st.binary(max_size=200))
def test_nothing_else_is_raised(body: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        assert isinstance(read_xml(answer(body)), dict)

"""Forms that are made to cost more than their size."""

from __future__ import annotations

import tracemalloc

import pytest
from starlette.requests import Request

from parcelwire.pages.dashboard.forms import LONGEST_HEAD, MOST_FIELDS, Form, FormError, read_form
from tests.support.hostile_inputs import form_of_boundaries, form_with_head


async def read(body: bytes) -> Form:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    return await read_form(Request(scope, receive), most_bytes=11_000_000)


async def test_a_form_of_boundaries_is_given_up_at_the_first() -> None:
    body = form_of_boundaries(2_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(FormError, match="cannot be read"):
            await read(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The body itself, and nothing for its pieces.
    assert peak < 3 * len(body)


async def test_as_many_fields_as_allowed_are_read() -> None:
    part = b'--x\r\ncontent-disposition: form-data; name="n"\r\n\r\n1\r\n'
    form = await read(part * MOST_FIELDS + b"--x--\r\n")
    assert len(form.all("n")) == MOST_FIELDS
    with pytest.raises(FormError, match="too many fields"):
        await read(part * (MOST_FIELDS + 1) + b"--x--\r\n")


async def test_a_head_of_a_part_is_bounded() -> None:
    with pytest.raises(FormError, match="header of a form part is too long"):
        await read(form_with_head(LONGEST_HEAD))
    assert (await read(form_with_head(100))).get("n" * 100) == "value"


async def test_what_names_a_part_is_bounded() -> None:
    """Dividing it costs its square: with 7,900 semicolons in each of 400 parts it took seconds."""
    name = b'form-data; name="n"; filename="'
    part = b"--x\r\ncontent-disposition: %b\r\n\r\n1\r\n"
    with pytest.raises(FormError, match="header of a form part is too long"):
        await read(part % (name + b";" * 7_900 + b'"') + b"--x--\r\n")
    form = await read(part % (name + b"a/" * 900 + b'b.csv"') + b"--x--\r\n")
    file = form.file("n")
    assert file is not None
    assert file.name == "b.csv"


HEAD = b'content-disposition: form-data; name="n"\r\n\r\n'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "did not arrive whole"),
        (b"--x\r\n" + HEAD + b"1", "did not arrive whole"),
        (b"--x\r\n" + HEAD + b"1\r\n--x", "did not arrive whole"),
        (b"nothing of the kind", "cannot be read"),
        (b"--y\r\n" + HEAD + b"1\r\n--y--\r\n", "cannot be read"),
        (b"--x\r\n\r\n1\r\n--x--\r\n", "has no name"),
        (b"--x\r\ncontent-disposition: form-data\r\n\r\n1\r\n--x--\r\n", "has no name"),
        (b"--x\r\n" + HEAD + b"\xff\r\n--x--\r\n", "the field n is no text"),
        (b"--x\r\n" + HEAD + b"\0\r\n--x--\r\n", "NUL"),
        (b"--x\r\n: nothing\r\n\r\n1\r\n--x--\r\n", "cannot be read"),
    ],
)
async def test_what_is_no_form_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(FormError, match=why):
        await read(body)


async def test_fields_and_files_are_told_apart() -> None:
    form = await read(
        b'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\nGr\xc3\xbcezi\r\n\r\n--x'
        b'\r\ncontent-disposition: form-data; name="f"; filename="C:\\numbers\\m\xc3\xa4rz.csv"'
        b"\r\nContent-Type: text/csv\r\n\r\na\r\n--xb\r\n--x--\r\n"
    )
    assert form.text("note") == "Gr\u00fcezi\n"
    file = form.file("f")
    assert file is not None
    assert (file.name, file.media_type, file.data) == ("m\u00e4rz.csv", "text/csv", b"a\r\n--xb")
    assert form.names() == ["note"]

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


async def test_a_form_of_boundaries_is_counted_before_it_is_divided() -> None:
    body = form_of_boundaries(2_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(FormError, match="too many fields"):
            await read(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The body itself, once more with a line break before it, and nothing for its pieces.
    assert peak < 3 * len(body)


async def test_as_many_fields_as_allowed_are_read() -> None:
    part = b'--x\r\ncontent-disposition: form-data; name="n"\r\n\r\n1\r\n'
    form = await read(part * (MOST_FIELDS - 2) + b"--x--\r\n")
    assert len(form.all("n")) == MOST_FIELDS - 2


async def test_a_head_of_a_part_is_bounded() -> None:
    with pytest.raises(FormError, match="header of a form part is too long"):
        await read(form_with_head(LONGEST_HEAD))
    assert (await read(form_with_head(100))).get("n" * 100) == "value"

"""The address of a tracking's page: its id, and what nobody can guess."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from parcelwire.domain.tracking import id_of_page_token, make_page_token, url_text


@given(st.binary(max_size=40))
def test_bytes_are_written_as_base64url_without_padding(raw: bytes) -> None:
    assert url_text(raw) == base64.urlsafe_b64encode(raw).decode().rstrip("=")


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=20, max_size=20))
def test_the_id_can_be_read_back(identity: bytes, secret: bytes) -> None:
    token = make_page_token(identity.hex(), url_text(secret))
    assert id_of_page_token(token) == identity.hex()
    assert len(token) == 22 + 27

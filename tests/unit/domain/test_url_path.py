"""Paths are split as they were sent, and decoded afterwards."""

from __future__ import annotations

import pytest

from parcelwire.domain.url_path import decode_path, has_encoded_slash, sent_path, split_path


@pytest.mark.parametrize(
    ("sent", "segments", "decoded"),
    [
        (b"/v2/trackings/get", ("v2", "trackings", "get"), "/v2/trackings/get"),
        (b"//v2///a//", ("v2", "a"), "//v2///a//"),
        (b"/a%2Fb/c", ("a/b", "c"), "/a%2Fb/c"),
        (b"/a%2fb%20c", ("a/b c",), "/a%2Fb c"),
        (b"/%2F", ("/",), "/%2F"),
        (b"/%C3%A9/%FF", ("é", "\N{REPLACEMENT CHARACTER}"), "/é/\N{REPLACEMENT CHARACTER}"),
        (b"/a%252Fb", ("a%2Fb",), "/a%2Fb"),
        (b"/%", ("%",), "/%"),
        (b"/", (), "/"),
    ],
)
def test_borders_are_those_that_were_sent(
    sent: bytes, segments: tuple[str, ...], decoded: str
) -> None:
    assert split_path(sent) == segments
    assert decode_path(sent) == decoded


def test_only_a_path_with_an_encoded_slash_loses_its_borders() -> None:
    assert has_encoded_slash(b"/a%2Fb")
    assert has_encoded_slash(b"/a%2fb")
    assert not has_encoded_slash(b"/a/2F")
    assert not has_encoded_slash(b"/a%20b")


def test_a_path_is_told_again_as_it_was_sent() -> None:
    assert sent_path({"path": "/a/b c", "raw_path": b"/a%2Fb%20c"}) == "/a%2Fb%20c"
    assert sent_path({"path": "/a/b", "raw_path": b"/a\\\r\n\xff"}) == "/a%5C%0D%0A%FF"
    assert sent_path({"path": "/a b\r\n"}) == "/a%20b%0D%0A"

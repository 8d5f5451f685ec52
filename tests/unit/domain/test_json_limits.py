"""JSON from outside is decoded, or refused with one kind of error."""

import msgspec
import pytest

from parcelwire.domain.json_limits import MOST_CONTAINERS, decode_json


def test_as_many_containers_as_allowed_are_decoded() -> None:
    body = b"[" + b"[]," * (MOST_CONTAINERS - 2) + b"[]]"
    assert decode_json(body) == [[]] * (MOST_CONTAINERS - 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'"\xff"',
        b"[" * 10_000 + b"]" * 10_000,
        b"[" + b"{}," * MOST_CONTAINERS + b"{}]",
    ],
    ids=["empty", "cut", "not UTF-8", "deep", "crowded"],
)
def test_what_cannot_be_decoded_is_one_kind_of_error(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_json(body)

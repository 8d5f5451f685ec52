from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parcelwire.domain.status import Status
from parcelwire.store import codec
from tests.contract.store.samples import make_checkpoints, make_tracking


@given(st.binary(max_size=3000), st.integers(1, 9))
def test_what_is_packed_is_unpacked(data: bytes, times: int) -> None:
    assert codec.unpack(codec.pack(data * times)) == data * times


def test_short_values_stay_plain_and_long_ones_shrink() -> None:
    assert codec.pack(b"abc") == b"\x00abc"
    packed = codec.pack(b"abc" * 1000)
    assert packed[:1] == codec.ZSTD
    assert len(packed) < 100


def test_a_tracking_shrinks_when_its_way_is_over() -> None:
    moving = make_tracking(checkpoints=make_checkpoints(12))
    over = replace(moving, status=Status.DELIVERED)
    stopped = replace(moving, is_stopped=True)
    assert codec.encode_tracking(moving)[:1] == codec.PLAIN_DOCUMENT
    for one in (over, stopped):
        packed = codec.encode_tracking(one)
        assert packed[:1] == codec.ZSTD_DOCUMENT
        assert len(packed) < len(codec.encode_tracking(moving)) / 3
        assert codec.decode_tracking(packed) == one


@pytest.mark.parametrize("damaged", [b"", b"\x07abc", b"\x01", b"\x01not zstd at all", b"{}"])
def test_what_was_not_packed_is_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="packed"):
        codec.unpack(damaged)


def test_a_cut_value_is_refused() -> None:
    packed = codec.pack(b"abc" * 1000)
    with pytest.raises(ValueError, match="damaged"):
        codec.unpack(packed[:-5])


def test_threads_do_not_mix_their_values() -> None:
    wrong: list[int] = []

    def work(number: int) -> None:
        data = b"%d" % number * 2000
        wrong.extend(number for _ in range(200) if codec.unpack(codec.pack(data)) != data)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []

"""Which callers count as one source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.domain.source_address import LONGEST_ADDRESS, source_of


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("testclient", "testclient"),
        ("unix:", "unix:"),
        ("192.0.2.256", "192.0.2.256"),
        ("9" * 5000, "9" * LONGEST_ADDRESS),
    ],
)
def test_a_source_is_a_whole_ipv4_address_or_an_ipv6_network(address: str, source: str) -> None:
    assert source_of(address) == source


def test_neighbours_in_one_network_are_one_source_and_those_outside_are_not() -> None:
    assert source_of("2001:db8::1") == source_of("2001:db8::ffff:ffff:ffff:ffff")
    assert source_of("2001:db8::1") != source_of("2001:db8:0:1::1")
    assert source_of("192.0.2.1") != source_of("192.0.2.2")


@given(st.text(max_size=200))
def test_no_text_is_too_strange(text: str) -> None:
    assert len(source_of(text)) <= LONGEST_ADDRESS

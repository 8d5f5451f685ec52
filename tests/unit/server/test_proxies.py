"""What trusted proxies forward."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.server.proxies import TrustedProxies, is_loopback

PROXIES = TrustedProxies(("10.0.0.0/8", "2001:db8:1::/48"))


def client_of(*values: bytes) -> str | None:
    return PROXIES.read([(b"x-forwarded-for", value) for value in values]).client


@pytest.mark.parametrize(
    ("values", "client"),
    [
        ((b"192.0.2.1",), "192.0.2.1"),
        ((b"6.6.6.6, 192.0.2.1",), "192.0.2.1"),
        ((b"6.6.6.6, 192.0.2.1, 10.1.1.1",), "192.0.2.1"),
        ((b"6.6.6.6", b"192.0.2.1", b"10.1.1.1"), "192.0.2.1"),
        ((b"10.2.2.2, 10.1.1.1",), "10.2.2.2"),
        ((b"192.0.2.1:4711",), "192.0.2.1"),
        ((b"[2001:db8::7]:4711",), "2001:db8::7"),
        ((b"2001:db8::7",), "2001:db8::7"),
        ((b"::ffff:192.0.2.1",), "192.0.2.1"),
        ((b"192.0.2.1, 2001:db8:1::9",), "192.0.2.1"),
        ((b"nonsense, 192.0.2.1",), "192.0.2.1"),
        ((b"192.0.2.1, nonsense",), None),
        ((b"192.0.2.1,",), None),
        ((b"",), None),
        ((b"unknown",), None),
        ((b"9" * 5_000,), None),
        ((b"\xff\xfe",), None),
        ((), None),
    ],
)
def test_the_client_is_the_rightmost_that_is_no_proxy(
    values: tuple[bytes, ...], client: str | None
) -> None:
    assert client_of(*values) == client


def test_a_long_chain_of_proxies_is_not_followed_for_ever() -> None:
    assert client_of(b"192.0.2.1, " + b"10.0.0.1," * 3_000 + b"10.0.0.2") == "10.0.0.1"


def test_the_scheme_is_one_of_two() -> None:
    for value, scheme in [
        (b"https", "https"),
        (b"HTTP", "http"),
        (b"http, https", "https"),
        (b"gopher", None),
        (b"", None),
    ]:
        assert PROXIES.read([(b"x-forwarded-proto", value)]).scheme == scheme


def test_trust_is_by_network() -> None:
    assert PROXIES.trusts("10.255.0.1")
    assert PROXIES.trusts("::ffff:10.0.0.1")
    assert PROXIES.trusts("2001:db8:1:2::3")
    for peer in ("11.0.0.1", "2001:db8:2::1", "", "proxy"):
        assert not PROXIES.trusts(peer)
    assert not TrustedProxies(()).trusts("127.0.0.1")


def test_this_machine_is_a_loopback_address_or_a_socket_without_one() -> None:
    assert [is_loopback(peer) for peer in ("127.9.9.9", "::1", "::ffff:127.0.0.1", "")] == [
        True
    ] * 4
    assert not is_loopback("192.0.2.1")


@given(st.binary(max_size=300))
def test_no_header_is_too_strange(value: bytes) -> None:
    PROXIES.read([(b"x-forwarded-for", value), (b"x-forwarded-proto", value)])

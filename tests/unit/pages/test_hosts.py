"""Which host names pages are answered for."""

from __future__ import annotations

import pytest

from parcelwire.pages.hosts import TrustedHosts

DERIVED = TrustedHosts((), public_url="https://track.shop.example/x", listens_on="parcels.lan")
NAMED = TrustedHosts(
    ("Track.shop.example", "*.other.example"), public_url="https://public.example", listens_on="::1"
)


@pytest.mark.parametrize(
    "host",
    [
        "track.shop.example",
        "TRACK.shop.example:443",
        "track.shop.example.",
        "localhost:8787",
        "parcels.lan",
        "127.0.0.1:8787",
        "192.0.2.7",
        "[::1]:8787",
        "[2001:db8::1]",
    ],
)
def test_without_names_those_that_are_surely_ours(host: str) -> None:
    assert DERIVED.has(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "shop.example",
        "xtrack.shop.example",
        "track.shop.example.evil.example",
        "evil.example/track.shop.example",
        "evil.example#track.shop.example",
        "user@track.shop.example",
        "track.shop.example:port",
        "track.shop.example\r\nx: y",
        "track.shop.example, evil.example",
        "2130706433.evil.example",
        "[evil.example]",
    ],
)
def test_no_other_name(host: str) -> None:
    assert not DERIVED.has(host)


def test_given_names_are_all_there_are() -> None:
    assert NAMED.has("track.shop.example")
    assert NAMED.has("a.b.other.example:80")
    for host in ("other.example", "public.example", "localhost", "127.0.0.1", "[::1]"):
        assert not NAMED.has(host)


def test_addresses_can_be_given_with_brackets_and_without() -> None:
    for name in ("[2001:db8::1]", "2001:db8::1"):
        assert TrustedHosts((name,), public_url="", listens_on="").has("[2001:db8::1]:8787")


def test_browsers_send_the_name_of_a_public_url_in_ascii() -> None:
    hosts = TrustedHosts((), public_url="https://päckchen.example:8443", listens_on="")
    assert hosts.has("xn--pckchen-5wa.example:8443")


def test_a_star_takes_every_name_that_is_one() -> None:
    every = TrustedHosts(("*",), public_url="", listens_on="")
    assert every.has("anything.example:1")
    assert not every.has("no/name")

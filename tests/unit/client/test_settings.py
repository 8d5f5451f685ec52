"""Which server is spoken to: what of its address may be seen, and which addresses are none."""

from __future__ import annotations

import logging
from base64 import b64decode
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import httpx2
import pytest
from rich.pretty import pretty_repr

from parcelwire.client import AsyncParcelwire, Parcelwire, ParcelwireError
from parcelwire.client.call_attempts import CallAttempts, HttpResponse
from parcelwire.client.calls import list_couriers
from parcelwire.client.settings import PARCELWIRE, ClientOptions, settings_for

SECRET = "s3cr:t%2F%40"
ADDRESS = f"https://me:{SECRET}@parcels.example.com/shop/v4"


def shown(text: str) -> bool:
    return any(part in text for part in ("s3cr", "me:", "me@", "@", "key_1"))


def test_the_password_goes_into_a_header_and_nowhere_else() -> None:
    settings = settings_for("key_1", ADDRESS, PARCELWIRE, {})
    assert settings.base_url == "https://parcels.example.com/shop"
    assert settings.url("/v4/couriers/all") == "https://parcels.example.com/shop/v4/couriers/all"
    attempts = CallAttempts(list_couriers(), settings, Random(1), lambda: 0.0)
    kind, _, token = attempts.headers()["authorization"].partition(" ")
    assert (kind, b64decode(token)) == ("Basic", b"me:s3cr:t/@")
    assert not shown(repr(settings))
    assert not shown(pretty_repr(settings))
    own: ClientOptions = {"headers": {"Authorization": "Bearer mine"}}
    changed = CallAttempts(list_couriers(), settings.changed(own), Random(1), lambda: 0.0)
    assert changed.headers()["authorization"] == "Bearer mine"
    plain = settings_for("key_1", "https://parcels.example.com", PARCELWIRE, {})
    assert (
        "authorization"
        not in CallAttempts(list_couriers(), plain, Random(1), lambda: 0.0).headers()
    )


@pytest.mark.parametrize("client", [Parcelwire, AsyncParcelwire])
def test_no_client_shows_it(client: Any) -> None:
    for text in (repr(client("key_1", ADDRESS)), str(client("key_1", ADDRESS))):
        assert "https://parcels.example.com/shop" in text
        assert not shown(text)


def test_no_error_shows_it() -> None:
    settings = settings_for("key_1", ADDRESS, PARCELWIRE, {"max_retries": 0})

    def begin() -> CallAttempts[Any]:
        return CallAttempts(list_couriers(), settings, Random(1), lambda: 0.0)

    with pytest.raises(ParcelwireError) as broke:
        begin().on_network_error(OSError("gone"), was_sent=True, is_timeout=False)
    with pytest.raises(ParcelwireError) as foreign:
        begin().on_response(HttpResponse(200, {}, b"<html>"))
    for caught in (broke, foreign):
        assert "parcels.example.com" in str(caught.value)
        assert not shown(str(caught.value))
        assert not shown(repr(caught.value))


def test_no_log_shows_it(caplog: pytest.LogCaptureFixture) -> None:
    """The HTTP library logs the address of each request."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={"meta": {"code": 200}, "data": []})

    with (
        caplog.at_level(logging.DEBUG),
        Parcelwire("key_1", ADDRESS, transport=httpx2.MockTransport(answer)) as client,
    ):
        assert client.couriers.list() == []
    assert b64decode(seen[0].headers["authorization"].split()[1]) == b"me:s3cr:t/@"
    assert "parcels.example.com/shop/v4/couriers/all" in caplog.text
    assert not shown(caplog.text)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "parcels.example.com",
        "me:s3cret@parcels.example.com",
        "ftp://me:s3cret@parcels.example.com",
        "https://",
        "https://me:s3cret@",
        "https://me:s3c/ret@parcels.example.com",
        "https://me:12/s3cret@parcels.example.com",
        "https://me:s3c#ret@parcels.example.com",
        "https://me:s3cret\ud800@parcels.example.com",
        "https://parcels.example.com:s3cret",
        "https://parcels.example.com:99999",
        "https://parcels.example.com:0",
        "https://[s3cret",
        "https://s3cret\uff03.example.com",
        "https://parcels.example.com?s3cret=1",
        f"https://{'s3cret' * 20}.example.com",
        "https://s3cret..example.com",
        "https://s3cret\n.example.com",
        "https://s3cret example.com",
        "https://xn--s3cret-\u00fc.example.com",
    ],
)
@pytest.mark.parametrize("client", [Parcelwire, AsyncParcelwire])
def test_an_address_that_is_none_is_refused_at_once_and_not_shown(
    client: Any, address: str
) -> None:
    with pytest.raises(ValueError, match=r"base_url|password") as caught:
        client("key_1", address)
    assert type(caught.value) is ValueError
    assert "s3c" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "option",
    [
        {"headers": {"X-Shop": "Zürich"}},
        {"headers": {"X-Shop": "a\nb: s3cret"}},
        {"headers": {"X-Shop": "s3cret\ud800"}},
        {"headers": {"X-Shop": " s3cret"}},
        {"headers": {"": "s3cret"}},
        {"headers": {"X Shop": "s3cret"}},
        {"headers": {"X-Shöp": "s3cret"}},
        {"idempotency_key": "schlüssel"},
        {"idempotency_key": "s3cret\r\nx: y"},
    ],
)
def test_what_no_header_can_carry_is_refused_at_once(option: Any) -> None:
    ways: tuple[Callable[..., Any], ...] = (partial(Parcelwire, "key_1"), client.with_options)
    for make in ways:
        with pytest.raises(ValueError, match=r"headers|idempotency_key") as caught:
            make(**option)
        assert "s3c" not in str(caught.value)
    client.with_options(headers={"X-Shop": "7 a\tb", "Empty": ""}, idempotency_key="order 17")


client = Parcelwire("key_1", "http://127.0.0.1:9")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8787",
        "https://[::1]:8787/",
        "https://münchen.example",
        "HTTPS://Parcels.Example.com/a/b",
        "https://my_host:1",
    ],
)
def test_addresses_that_are_some(address: str) -> None:
    Parcelwire("key_1", address).close()

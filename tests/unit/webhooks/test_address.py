from __future__ import annotations

from pathlib import Path

import pytest

from parcelwire.webhooks.address import AddressGuard, AddressRefusedError

GUARD = AddressGuard()

OPEN = (
    "8.8.8.8 1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 "
    "169.253.255.255 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 198.17.255.255 198.20.0.0 "
    "223.255.255.255 2001:200::1 2003::1 2606:4700::1 2a00:1450::1 3ffe::1"
)
CLOSED = (
    "0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.0 "
    "127.255.255.255 169.254.0.0 172.16.0.0 172.31.255.255 240.0.0.0 1fff::1 2001:1ff:ffff::1 "
    "2002:: 2002:ffff::1 3fff:fff::1 4000::1 fe80::1%eth0 fe80::1%1 nonsense 127.1 localhost"
)
NEVER_OPEN = "0.0.0.0 :: 224.0.0.1 ff02::1 255.255.255.255 ::ffff:0.0.0.0"
INNER = [
    line
    for line in (Path(__file__).parent / "inner_addresses.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize("host", INNER)
@pytest.mark.parametrize("form", ["http://{}/", "https://{}:8443/hook?a=b"])
def test_no_spelling_of_an_inner_address_passes(host: str, form: str) -> None:
    with pytest.raises(AddressRefusedError) as caught:
        GUARD.check_url(form.format(host))
    assert str(caught.value)


def test_the_table_is_long_enough() -> None:
    assert len(set(INNER)) >= 150


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example.com",
        "//shop.example.com/",
        "http:shop.example.com",
        "http:/shop.example.com",
        "http:///shop.example.com",
        "http://",
        "http://?x",
        "ftp://shop.example.com/",
        "file:///etc/passwd",
        "gopher://shop.example.com:70/_x",
        "javascript:alert(1)",
        "HTTPX://shop.example.com/",
        "unix:/run/docker.sock",
        "http://user@shop.example.com/",
        "http://user:word@shop.example.com/",
        "http://:@shop.example.com/",
        "http://@shop.example.com/",
        "http://shop.example.com@127.0.0.1/",
        "http://127.0.0.1@shop.example.com/",
        "http://shop.example.com#@127.0.0.1/@",
        "http://shop.example.com\\@127.0.0.1/",
        "http://shop.example.com\\.internal/",
        "http://shop.example.com\t/",
        "http://shop.example.com\r\nhost: inside/",
        "http://shop .example.com/",
        " http://shop.example.com/",
        "http://shop.example.com/ ",
        "http://shop\x00.example.com/",
        "http://shop\u00a0.example.com/",
        "http://shop..example.com/",
        "http://.example.com/",
        "http://-shop.example.com/",
        "http://shop-.example.com/",
        "http://sh!op.example.com/",
        f"http://{'a' * 64}.example.com/",
        f"http://{'a.' * 130}example.com/",
        "http://xn--/",
        "http://shop.example.com:0/",
        "http://shop.example.com:22/",
        "http://shop.example.com:25/",
        "http://shop.example.com:6667/",
        "http://shop.example.com:65536/",
        "http://shop.example.com:-80/",
        "http://shop.example.com:80:81/",
        "http://shop.example.com:x/",
        "http://[::1/",
        "http://::1/",
        "http://shop.example.com/" + "a" * 2_048,
    ],
)
def test_what_is_no_usable_url_is_refused(url: str) -> None:
    if url == "http://shop.example.com#@127.0.0.1/@":
        # What follows # is never sent; the host is what stands before it.
        assert GUARD.check_url(url).host == "shop.example.com"
        return
    with pytest.raises(AddressRefusedError) as caught:
        GUARD.check_url(url)
    assert str(caught.value)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://shop.example.com/hook", "shop.example.com", 443),
        ("http://shop.example.com", "shop.example.com", 80),
        ("HTTPS://Shop.Example.COM/Hook?Key=Value", "shop.example.com", 443),
        ("https://shop.example.com./hook", "shop.example.com.", 443),
        ("https://shop.example.com:8443/hook", "shop.example.com", 8443),
        ("https://a_b.example.com/", "a_b.example.com", 443),
        ("https://bücher.example/ä?ö=ü", "xn--bcher-kva.example", 443),
        ("https://127.0.0.1.nip.example/", "127.0.0.1.nip.example", 443),
        ("https://8.8.8.8/", "8.8.8.8", 443),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443),
        ("https://[::ffff:8.8.8.8]/", "::ffff:808:808", 443),
        ("https://[64:ff9b::8.8.8.8]/", "64:ff9b::808:808", 443),
        ("https://shop.example.com/a@b", "shop.example.com", 443),
        ("https://shop.example.com/?email=a@b.example", "shop.example.com", 443),
    ],
)
def test_ordinary_urls_pass(url: str, host: str, port: int) -> None:
    checked = GUARD.check_url(url)
    assert (checked.raw_host, checked.port) == (host, port)


@pytest.mark.parametrize("address", OPEN.split())
def test_addresses_beside_the_closed_networks_are_open(address: str) -> None:
    assert GUARD.refusal(address) is None


@pytest.mark.parametrize("address", CLOSED.split())
def test_the_edges_of_closed_networks_are_closed(address: str) -> None:
    assert GUARD.refusal(address) is not None


class TestAllowedNetworks:
    def test_a_listed_network_is_open_and_nothing_beside_it(self) -> None:
        guard = AddressGuard(["192.168.7.0/24", "fd12::/16"])
        assert guard.check_url("http://192.168.7.20/hook").host == "192.168.7.20"
        assert guard.refusal("::ffff:192.168.7.20") is None
        assert guard.refusal("fd12::1") is None
        for address in ("192.168.8.1", "192.168.6.255", "127.0.0.1", "10.0.0.1", "fd13::1"):
            assert guard.refusal(address) is not None

    def test_odd_spellings_of_listed_addresses_stay_refused(self) -> None:
        guard = AddressGuard(["127.0.0.0/8"])
        assert guard.check_url("http://127.0.0.1:8000/")
        for host in ("127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1."):
            with pytest.raises(AddressRefusedError):
                guard.check_url(f"http://{host}/")

    def test_inner_names_can_then_be_written(self) -> None:
        guard = AddressGuard(["192.168.7.0/24"])
        for name in ("shop", "shop.local", "localhost"):
            assert guard.check_url(f"http://{name}:8000/hook").host == name

    def test_no_list_opens_what_is_no_single_machine(self) -> None:
        guard = AddressGuard(["0.0.0.0/0", "::/0"])
        assert guard.refusal("10.0.0.1") is None
        for address in NEVER_OPEN.split():
            assert guard.refusal(address) is not None

    @pytest.mark.parametrize("text", ["", "192.168.7.1/24", "192.168.7", "shop", "10.0.0.0/33"])
    def test_what_is_no_network_is_an_error_at_start(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"IPv4 or IPv6|host bits"):
            AddressGuard([text])


def test_extra_ports_can_be_opened() -> None:
    with pytest.raises(AddressRefusedError, match="port 81 "):
        GUARD.check_url("http://shop.example.com:81/")
    guard = AddressGuard(extra_ports=[81])
    assert guard.check_url("http://shop.example.com:81/").port == 81
    with pytest.raises(AddressRefusedError):
        guard.check_url("http://shop.example.com:82/")

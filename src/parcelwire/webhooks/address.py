"""Which addresses messages may be sent to: the guard against reaching the inside.

An endpoint's URL is written by a customer, and the server that calls it stands in a network where
much answers without asking who calls. So nothing but global unicast addresses may be reached,
unless the operator lists a network. Two checks:

* ``AddressGuard.check_url``: the text of the URL, when an endpoint is created and before every
  attempt. It gives the customer a clear reason early; it is not what keeps the inside safe.
* ``AddressGuard.refusal``: the address that a connection is really made to. ``guarded_dns`` asks
  it for every resolved address and again for every socket, so a name whose answer changes between
  check and use, or a literal address that never meets a resolver, gains nothing.

The special networks are those of IANA's registries of special-purpose IPv4 and IPv6 addresses
(RFC 6890), as of 2026. They stand here and not in ``ipaddress`` because what Python calls global
differs between its releases, and takes some transition forms for global.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from yarl import URL

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AddressRefusedError(OSError):
    """Messages may not be sent there.

    An ``OSError`` because that is what an HTTP client expects of a connection that cannot be made.
    """


_CLOSED_IPV4: Final = tuple(
    (ipaddress.IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a provider's inner network"),
        ("127.0.0.0/8", "this host"),
        # Public by its number, but inside every Azure machine it is the host's own agent.
        ("168.63.129.16/32", "a cloud host's agent"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "kept for protocols"),
        ("192.0.2.0/24", "for documentation"),
        ("192.31.196.0/24", "kept for protocols"),
        ("192.52.193.0/24", "kept for protocols"),
        ("192.88.99.0/24", "kept for protocols"),
        ("192.168.0.0/16", "a private network"),
        ("192.175.48.0/24", "kept for protocols"),
        ("198.18.0.0/15", "for measurements"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)

_GLOBAL_IPV6: Final = ipaddress.IPv6Network("2000::/3")
_CLOSED_IPV6: Final = tuple(
    (ipaddress.IPv6Network(network), what)
    for network, what in (
        # Teredo, benchmarking, ORCHID and other protocols' own; nobody's web server.
        ("2001::/23", "kept for protocols"),
        ("2001:db8::/32", "for documentation"),
        # 6to4 hides an IPv4 address, and a relay would deliver to it.
        ("2002::/16", "a transition form"),
        ("2620:4f:8000::/48", "kept for protocols"),
        ("3fff::/20", "for documentation"),
    )
)
_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")

_NEVER: Final = tuple(
    ipaddress.ip_network(network)
    for network in ("0.0.0.0/32", "::/128", "224.0.0.0/4", "ff00::/8", "255.255.255.255/32")
)
"""Not even a listed network opens these: they name no single other machine."""

_LOCAL_NAMES: Final = ("localhost", "local", "internal", "home.arpa", "lan", "intranet")
"""Endings of names that only mean something inside (RFC 6761, 6762, 8375, and what is common)."""

_OTHER_PROTOCOLS: Final = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080}
) | frozenset(range(6665, 6670))
"""Ports above 1023 that the Fetch standard blocks ("port blocking") since other protocols live
there."""

_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_LOOKS_NUMERIC: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\<>\"`{}|^]")
_LONGEST_URL: Final = 2_048


class AddressGuard:
    """Says what may be reached. Immutable, shared by everything that makes or checks a URL."""

    def __init__(
        self, allowed_networks: Iterable[str] = (), *, extra_ports: Iterable[int] = ()
    ) -> None:
        """Take the operator's list of internal networks that may be reached all the same.

        Raises:
            ValueError: when one of them is not a network.
        """
        self._allowed = tuple(ipaddress.ip_network(text) for text in allowed_networks)
        self._extra_ports = frozenset(extra_ports)
        # Every attempt asks about an address and a URL, mostly the same ones again.
        self._judge = lru_cache(maxsize=4_096)(self._judge_now)
        self._check = lru_cache(maxsize=1_024)(self._check_now)

    def refusal(self, address: str) -> str | None:
        """Say why this numeric address may not be connected to; None when it may."""
        return self._judge(address)

    def check_url(self, text: str) -> URL:
        """Return the URL as it will be requested.

        Raises:
            AddressRefusedError: with a reason for people. A name that passes here can still turn
                out to lead inside; see the module's text.
        """
        return self._check(text)

    def _check_now(self, text: str) -> URL:
        if len(text) > _LONGEST_URL:
            msg = f"the URL is longer than {_LONGEST_URL:,} characters"
            raise AddressRefusedError(msg)
        if _FORBIDDEN.search(text):
            msg = 'the URL contains a blank, a control character or one of \\ < > " ` { } | ^'
            raise AddressRefusedError(msg)
        try:
            url = URL(text)
            port = url.explicit_port
        except ValueError as error:  # also UnicodeError, from host names
            msg = "the URL cannot be read"
            raise AddressRefusedError(msg) from error
        if url.scheme not in ("http", "https") or not text[len(url.scheme) :].startswith("://"):
            msg = "the URL must begin with https:// or http://"
            raise AddressRefusedError(msg)
        if "@" in _authority(text):
            msg = "the URL must not contain a user name or password"
            raise AddressRefusedError(msg)
        self._check_port(url.port if port is None else port)
        self._check_host(url.raw_host or "")
        return url

    def _check_port(self, port: int | None) -> None:
        if port in (80, 443) or port in self._extra_ports:
            return
        if port is None or port < 1024 or port in _OTHER_PROTOCOLS:
            msg = f"port {port} is not for webhooks; use 443, 80 or one from 1024 on"
            raise AddressRefusedError(msg)

    def _check_host(self, host: str) -> None:
        host = host.lower()
        if ":" in host:
            self._check_literal(host)
            return
        name = host.removesuffix(".")
        labels = name.split(".")
        if not name or len(name) > 253 or not all(_LABEL.match(label) for label in labels):
            msg = "the host name cannot be read"
            raise AddressRefusedError(msg)
        if _LOOKS_NUMERIC.match(labels[-1]):
            # No top-level domain is a number, but many programs read 127.1, 0x7f000001, 2130706433
            # or 0177.0.0.1 as an address. Only the ordinary spelling is taken for one here.
            self._check_literal(host)
            return
        if self._allowed:
            return  # inner names are then useful; where they lead is judged when connecting
        if len(labels) == 1 or any(
            name == ending or name.endswith("." + ending) for ending in _LOCAL_NAMES
        ):
            msg = f"{name} is a name inside a network"
            raise AddressRefusedError(msg)

    def _check_literal(self, host: str) -> None:
        try:
            address: Address | None = ipaddress.ip_address(host)
        except ValueError:
            address = None
        if address is None or "%" in host:
            msg = "the host is not an address in its ordinary spelling"
            raise AddressRefusedError(msg)
        why = self.refusal(host)
        if why is not None:
            raise AddressRefusedError(why)

    def _judge_now(self, text: str) -> str | None:
        try:
            address = _bare(ipaddress.ip_address(text))
        except ValueError:
            return "the address cannot be read"
        if any(address in network for network in _NEVER):
            return f"{address} is not the address of one machine"
        if any(address in network for network in self._allowed):
            return None
        what = _closed(address)
        return None if what is None else f"{address} is not a public address ({what})"


def _bare(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 form stands for, where the network delivers to it."""
    if isinstance(address, ipaddress.IPv6Address) and (address in _MAPPED or address in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _closed(address: Address) -> str | None:
    if isinstance(address, ipaddress.IPv4Address):
        return next((what for network, what in _CLOSED_IPV4 if address in network), None)
    if address not in _GLOBAL_IPV6:
        return "outside global unicast"
    return next((what for network, what in _CLOSED_IPV6 if address in network), None)


def _authority(text: str) -> str:
    """Return what stands between ``//`` and the next ``/``, ``?`` or ``#``."""
    return re.split(r"[/?#]", text.partition("//")[2], maxsplit=1)[0]

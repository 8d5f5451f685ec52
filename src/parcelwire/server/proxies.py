"""Which proxies are trusted, and the client address and scheme that they forward."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

import msgspec

_MOST_HOPS: Final = 20
"""Entries of ``X-Forwarded-For`` that are looked at, from the right."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Forwarded(msgspec.Struct, frozen=True):
    """What a trusted proxy says about the client. None: nothing that can be used."""

    client: str | None
    scheme: str | None


class TrustedProxies:
    """The proxies whose forwarding headers are believed."""

    def __init__(self, networks: Iterable[str]) -> None:
        """``networks``: addresses or networks, e.g. ``10.0.0.0/8``; none: nobody is believed.

        Raises:
            ValueError: one of them is neither.
        """
        self._networks: tuple[Network, ...] = tuple(
            ipaddress.ip_network(network, strict=False) for network in networks
        )

    def trusts(self, peer: str) -> bool:
        """Tell whether ``peer`` is a trusted proxy."""
        address = _address(peer) if self._networks else None
        return address is not None and self._has(address)

    def read(self, headers: Iterable[tuple[bytes, bytes]]) -> Forwarded:
        """Return what the headers of a trusted proxy say; names in lower case.

        The client is the rightmost address of ``X-Forwarded-For`` that is not a trusted proxy
        itself: everything to the left of it was written by that client. If all are proxies, it is
        the leftmost. An entry that is no address makes the whole header unusable.
        """
        forwarded: list[bytes] = []
        scheme = None
        for name, value in headers:
            if name == b"x-forwarded-for":
                forwarded.append(value)
            elif name == b"x-forwarded-proto":
                said = value.rpartition(b",")[2].strip().lower()
                scheme = said.decode() if said in (b"http", b"https") else None
        return Forwarded(self._client(b",".join(forwarded)), scheme)

    def _client(self, header: bytes) -> str | None:
        found = None
        # Entries to the left are not even split off: the client may have written any number.
        for entry in reversed(header.rsplit(b",", _MOST_HOPS)[-_MOST_HOPS:]):
            address = _address(_host_of(entry.decode("latin-1").strip()))
            if address is None:
                return None
            found = str(address)
            if not self._has(address):
                break
        return found

    def _has(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def is_loopback(peer: str) -> bool:
    """Tell whether a peer is on this machine: a loopback address, or none (a Unix socket)."""
    address = _address(peer)
    return peer == "" if address is None else address.is_loopback


def is_inside(peer: str) -> bool:
    """Tell whether a peer is on this machine or in a private network, where proxies are."""
    address = _address(peer)
    return address is None or address.is_private


def _host_of(entry: str) -> str:
    """Return an entry without its port: ``192.0.2.1:80``, ``[2001:db8::1]:80``."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def _address(text: str) -> Address | None:
    # Longer than any address: not worth parsing.
    if len(text) > 64:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address

"""Who a caller is, for limits that count by source address."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network
from typing import Final

import msgspec

LONGEST_ADDRESS = 64
"""Characters. Longer than any written IP address (45) with a zone; what is longer is cut."""

_V6_PREFIX_BITS = 64

_WIDE_BITS: Final = 48
_WIDE_FACTOR: Final = 8
"""One customer of an access provider often has 65,536 networks of /64. Together they may do as
much as so many sources."""


class Counted(msgspec.Struct, frozen=True):
    """What requests are counted against."""

    name: str
    factor: int
    """So many times what one source may do."""


def source_of(address: str) -> str:
    """Return the key under which calls from ``address`` are counted together.

    An IPv4 address stands for itself. An IPv6 address stands for its /64 network, written
    ``2001:db8:1:2::/64``: one customer of an access provider has all 2**64 addresses of it, so
    counting single ones would bound nobody. An IPv4 address mapped into IPv6 (``::ffff:192.0.2.1``)
    counts as the IPv4 address that it is. Anything else, such as the empty address of a Unix
    socket, is returned as it is, cut to ``LONGEST_ADDRESS`` characters.

    Pure; never raises.
    """
    text = address[:LONGEST_ADDRESS]
    if ":" not in text:
        try:
            return str(IPv4Address(text))
        except AddressValueError:
            return text
    try:
        parsed = IPv6Address(text.partition("%")[0])
    except AddressValueError:
        return text
    mapped = parsed.ipv4_mapped
    if mapped is not None:
        return str(mapped)
    network = int(parsed) >> _V6_PREFIX_BITS << _V6_PREFIX_BITS
    return f"{IPv6Address(network)}/{_V6_PREFIX_BITS}"


def counted_for(source: str) -> list[Counted]:
    """Return the source itself and, for an IPv6 source, the wide network that it is part of."""
    counted = [Counted(source, 1)]
    if source.endswith("/64"):
        # What only looks like a network counts for itself alone.
        with suppress(ValueError):
            wide = IPv6Network(source).supernet(new_prefix=_WIDE_BITS)
            counted.append(Counted(str(wide), _WIDE_FACTOR))
    return counted

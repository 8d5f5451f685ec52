"""What is kept encrypted: the keys an installation knows, and how opening a value can fail."""

from __future__ import annotations

import msgspec

from parcelwire.domain.clock import Instant


class SealingError(Exception):
    """A value cannot be sealed or opened. The text is fit for the operator's eyes."""


class UnknownKeyError(SealingError):
    """The key is not in this process's key file: a fault of this machine, not of the value."""


class BrokenSealError(SealingError):
    """The sealed bytes were changed, cut short, or belong somewhere else."""


class SealingKey(msgspec.Struct, frozen=True, kw_only=True):
    """A sealing key that the installation knows, by its fingerprint; never the key itself."""

    fingerprint: str
    """16 hexadecimal digits, from the SHA-256 of the key."""
    added_at: Instant
    is_current: bool
    """It seals. The others only open, until a rotation has sealed everything anew."""

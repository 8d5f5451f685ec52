"""Parcels whose stored document is none that this version reads, or holds what nobody expects.

A damaged disk, a version that wrote otherwise, a connector of somebody else's: other parcels must
be none the worse for it.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec.structs import replace

from parcelwire.domain.report import DeliveryWindow
from parcelwire.store.codec import decode_tracking, encode_tracking
from prove.worlds.disk import Disk
from prove.worlds.users import Shop

UNREADABLE: Final = b"\xffnot a document of this version"

_INDEX: Final = 500_000
"""Of the parcel: its number is not that of other users."""

Kind = Literal["unreadable", "a window that is none"]


class Victim(Shop):
    """One account's parcel that is damaged; nobody else touches it."""

    async def suffer(self, disk: Disk, at: int) -> None:
        """Create it, and damage it when its carrier has told something, after the time ``at``."""
        parcel = self._known_parcel(_INDEX)
        await self._create(parcel)
        await self._until(at)
        kind: Kind = self._chance.choice(("unreadable", "a window that is none"))
        if not parcel.id:
            return
        self._ledger.fault(f"damaged: {kind}", parcel.number)
        self._ledger.damaged.add(parcel.id)
        disk.rewrite_document(
            parcel.id, (lambda _: UNREADABLE) if kind == "unreadable" else _with_odd_window
        )
        if kind != "unreadable":
            # Something must happen to it, or nobody looks at it again.
            for _ in range(3):
                await self._override(parcel)


def _with_odd_window(packed: bytes) -> bytes:
    tracking = decode_tracking(packed)
    window = DeliveryWindow(earliest="today", latest="tomorrow", source="carrier")
    return encode_tracking(replace(tracking, window=window))

"""Where brands are kept: one for each world of an account.

A test world without a brand of its own shows the live one, which everybody may see anyway. Nothing
that is done in the test world reaches the live brand.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from parcelwire.domain.account import account_of, is_test_world, record_scope, world_of
from parcelwire.domain.brand import Brand, decode_brand

BRAND_KIND: Final = "brand"
BRAND_ID: Final = "brand"
LOGO_KIND: Final = "brand-logo"
LOGO_ID: Final = "logo"


class RecordReader(Protocol):
    """Reads small documents."""

    async def load_record(self, kind: str, scope: str, record_id: str) -> bytes | None:
        """Return one document."""
        ...


class KeptBrand(msgspec.Struct, frozen=True):
    """A brand, and which world keeps it (and its logo)."""

    brand: Brand
    world_id: int


async def find_brand(store: RecordReader, world_id: int) -> KeptBrand:
    """Return the brand that a world's pages and mails show; an empty one where there is none."""
    document = await store.load_record(BRAND_KIND, record_scope(world_id), BRAND_ID)
    if document is None and is_test_world(world_id):
        world_id = world_of(account_of(world_id), is_test=False)
        document = await store.load_record(BRAND_KIND, record_scope(world_id), BRAND_ID)
    return KeptBrand(decode_brand(document), world_id)


async def load_logo(store: RecordReader, kept: KeptBrand) -> bytes | None:
    """Return the picture of a brand's logo; None where it has none."""
    if not kept.brand.logo_type:
        return None
    return await store.load_record(LOGO_KIND, record_scope(kept.world_id), LOGO_ID)

"""Brands: one for each world of an account, read by pages and mails, edited by its owner.

A test world without a brand of its own shows the live one, which everybody may see anyway. Nothing
that is done in the test world reaches the live brand. Beside each brand there is at most one draft,
which only the editor's preview shows. What a brand may hold, ``domain.brand`` says.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.accounts.errors import BrandNotFoundError
from parcelwire.accounts.ports import RecordReader, RecordStore
from parcelwire.domain.account import account_of, is_test_world, record_scope, world_of
from parcelwire.domain.brand import (
    LOGO_TYPES,
    Brand,
    BrandError,
    check_brand,
    check_css,
    check_logo,
    decode_brand,
    encode_brand,
)
from parcelwire.domain.clock import Clock
from parcelwire.tracking.background import BackgroundWork

BRAND_KIND: Final = "brand"
BRAND_ID: Final = "brand"
LOGO_KIND: Final = "brand-logo"
LOGO_ID: Final = "logo"
DRAFT_KIND: Final = "brand-draft"
"""Holds the draft's brand and its logo, under the ids of the two."""


class StoredBrand(msgspec.Struct, frozen=True):
    """A brand, and which world keeps it (and its logo)."""

    brand: Brand
    world_id: int


class EditBrand(msgspec.Struct, frozen=True, kw_only=True):
    """Save or preview a brand."""

    world_id: int
    brand: Brand
    """All of it but the logo: its ``logo_type`` is that of the logo that is kept."""
    logo: bytes | None = None
    """A new picture; None: the one that is kept stays."""
    removes_logo: bool = False
    """Without a new picture there is none from now on."""


async def find_brand(store: RecordReader, world_id: int) -> StoredBrand:
    """Return the brand that a world's pages and mails show; an empty one where there is none."""
    document = await store.load_record(BRAND_KIND, record_scope(world_id), BRAND_ID)
    if document is None and is_test_world(world_id):
        world_id = world_of(account_of(world_id), is_test=False)
        document = await store.load_record(BRAND_KIND, record_scope(world_id), BRAND_ID)
    return StoredBrand(decode_brand(document), world_id)


async def load_logo(store: RecordReader, kept: StoredBrand) -> bytes | None:
    """Return the picture of a brand's logo; None where it has none."""
    if not kept.brand.logo_type:
        return None
    return await store.load_record(LOGO_KIND, record_scope(kept.world_id), LOGO_ID)


class BrandService:
    """Use cases of whoever edits a brand."""

    def __init__(self, store: RecordStore, *, clock: Clock, background: BackgroundWork) -> None:
        """Style rules are read in ``background``: they may be long."""
        self._store = store
        self._clock = clock
        self._background = background

    async def find(self, world_id: int) -> StoredBrand:
        """Return the brand that a world shows, which for a test world may be the live one."""
        return await find_brand(self._store, world_id)

    async def ignored_rules(self, brand: Brand) -> str:
        """Return which style rules of a stored brand customers' pages ignore; empty: none.

        An older version may have accepted what is not allowed any more.
        """
        try:
            await self._background.run(lambda: check_css(brand.css))
        except BrandError as error:
            return error.message
        return ""

    async def save(self, command: EditBrand) -> None:
        """Keep a brand: from now on the pages and mails of its world show it.

        Raises:
            BrandError: something of it may not be shown to strangers, or is not of its form.
        """
        brand = await self._checked(command)
        kept, world_id, logo = await self.find(command.world_id), command.world_id, command.logo
        if logo is None and brand.logo_type and kept.world_id != world_id:
            # The first brand of a test world begins as a copy of the live one, its logo included.
            logo = await load_logo(self._store, kept)
        if logo is not None:
            await self._put(LOGO_KIND, world_id, LOGO_ID, logo)
        await self._put(BRAND_KIND, world_id, BRAND_ID, encode_brand(brand))
        if not brand.logo_type:
            await self._put(LOGO_KIND, world_id, LOGO_ID, None)

    async def remove(self, world_id: int) -> None:
        """Delete a test world's brand: its pages show the live one again.

        Raises:
            BrandNotFoundError: this is a live world, which is never without its brand.
        """
        if not is_test_world(world_id):
            raise BrandNotFoundError(str(world_id))
        await self._put(BRAND_KIND, world_id, BRAND_ID, None)
        await self._put(LOGO_KIND, world_id, LOGO_ID, None)

    async def save_draft(self, command: EditBrand) -> Brand:
        """Keep a brand for the preview alone, and return it as it would be saved.

        Raises:
            BrandError: see ``save``.
        """
        brand = await self._checked(command)
        # Without a new picture, whatever logo is kept is the draft's, too.
        await self._put(DRAFT_KIND, command.world_id, LOGO_ID, command.logo)
        await self._put(DRAFT_KIND, command.world_id, BRAND_ID, encode_brand(brand))
        return brand

    async def load_draft(self, world_id: int) -> Brand:
        """Return the draft of a world; an empty brand where there is none."""
        document = await self._store.load_record(DRAFT_KIND, record_scope(world_id), BRAND_ID)
        return decode_brand(document)

    async def load_draft_logo(self, world_id: int) -> tuple[str, bytes] | None:
        """Return media type and bytes of the draft's logo, or of the one that is kept."""
        brand = await self.load_draft(world_id)
        data = await self._store.load_record(DRAFT_KIND, record_scope(world_id), LOGO_ID)
        data = data or await load_logo(self._store, await self.find(world_id))
        return (brand.logo_type, data) if data is not None and brand.logo_type else None

    async def _checked(self, command: EditBrand) -> Brand:
        brand = await self._background.run(lambda: check_brand(command.brand))
        if command.logo is not None:
            return replace(brand, logo_type=logo_type_of(command.logo))
        return replace(brand, logo_type="") if command.removes_logo else brand

    async def _put(self, kind: str, world_id: int, name: str, document: bytes | None) -> None:
        await self._store.change_record(
            kind, record_scope(world_id), name, lambda _: document, at=self._clock.now()
        )


def logo_type_of(data: bytes) -> str:
    """Return what kind of picture a file is, by its first bytes and not by what is said of it.

    Raises:
        BrandError: it is no picture that may be shown.
    """
    for media_type, begins in LOGO_TYPES.items():
        if data.startswith(begins):
            check_logo(media_type, data)
            return media_type
    raise BrandError(LOGO_ID, f"one of {', '.join(LOGO_TYPES)}")

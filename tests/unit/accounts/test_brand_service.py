"""Brands: one for each world, a draft beside each, and pictures that are what they say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from parcelwire.accounts.brands import (
    BrandService,
    EditBrand,
    StoredBrand,
    find_brand,
    load_logo,
    logo_type_of,
)
from parcelwire.accounts.errors import BrandNotFoundError
from parcelwire.domain.brand import MAX_LOGO_BYTES, Brand, BrandError
from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import Store
from parcelwire.tracking.background import BackgroundWork

LIVE, TEST, OTHER = 2, 3, 4
PNG, WEBP = b"\x89PNG\r\n\x1a\n picture", b"RIFF\x00\x00\x00\x00WEBPVP8 "
ALPINE = Brand(name="Alpine", support_email="help@shop.example")


@pytest.fixture
def brands(store: Store, clock: FrozenClock) -> BrandService:
    return BrandService(store, clock=clock, background=BackgroundWork())


async def test_a_world_without_a_brand_shows_the_plain_one(brands: BrandService) -> None:
    assert await brands.find(LIVE) == StoredBrand(Brand(), LIVE)
    # A test world without its own shows the live one, wherever that is kept.
    assert await brands.find(TEST) == StoredBrand(Brand(), LIVE)


async def test_the_test_world_has_its_own_and_never_changes_the_live_one(
    brands: BrandService, store: Store
) -> None:
    await brands.save(EditBrand(world_id=LIVE, brand=ALPINE, logo=PNG))
    live = await find_brand(store, LIVE)
    assert live.brand == replace(ALPINE, logo_type="image/png")
    assert await load_logo(store, live) == PNG
    assert await brands.find(TEST) == live
    # Its first brand begins as a copy of the live one, its logo included.
    await brands.save(EditBrand(world_id=TEST, brand=replace(live.brand, name="Trial")))
    test = await brands.find(TEST)
    assert (test.world_id, test.brand.name) == (TEST, "Trial")
    assert await load_logo(store, test) == PNG
    await brands.save(EditBrand(world_id=TEST, brand=test.brand, removes_logo=True))
    assert (await brands.find(TEST)).brand.logo_type == ""
    assert await brands.find(LIVE) == live
    assert (await brands.find(OTHER)).brand == Brand()
    await brands.remove(TEST)
    assert await brands.find(TEST) == live


async def test_a_live_world_is_never_without_its_brand(brands: BrandService) -> None:
    await brands.save(EditBrand(world_id=LIVE, brand=ALPINE))
    with pytest.raises(BrandNotFoundError):
        await brands.remove(LIVE)
    assert (await brands.find(LIVE)).brand == ALPINE


@pytest.mark.parametrize(
    ("changes", "logo", "field"),
    [
        ({"css": "a { position: fixed }"}, None, "css"),
        ({"home_url": "javascript:alert(1)"}, None, "home_url"),
        ({"mail_from": "nobody"}, None, "mail_from"),
        ({"name": "x" * 201}, None, "name"),
        ({}, b"", "logo"),
        ({}, b"<svg onload=alert(1)>", "logo"),
        ({}, b"RIFF\x00\x00\x00\x00AVI ", "logo"),
        ({}, PNG + bytes(MAX_LOGO_BYTES), "logo"),
    ],
)
async def test_what_may_not_be_shown_to_strangers_is_neither_saved_nor_drafted(
    brands: BrandService, changes: dict[str, str], logo: bytes | None, field: str
) -> None:
    command = EditBrand(world_id=LIVE, brand=replace(ALPINE, **changes), logo=logo)
    for attempt in (brands.save, brands.save_draft):
        with pytest.raises(BrandError) as caught:
            await attempt(command)
        assert caught.value.field == field
    assert (await brands.find(LIVE)).brand == Brand()
    assert await brands.load_draft(LIVE) == Brand()


async def test_a_draft_is_seen_by_its_editor_alone(brands: BrandService) -> None:
    await brands.save(EditBrand(world_id=LIVE, brand=ALPINE, logo=PNG))
    kept = (await brands.find(LIVE)).brand
    draft = await brands.save_draft(
        EditBrand(world_id=LIVE, brand=replace(kept, name="Draft"), logo=WEBP)
    )
    assert draft == await brands.load_draft(LIVE)
    assert (draft.name, draft.logo_type) == ("Draft", "image/webp")
    assert await brands.load_draft_logo(LIVE) == ("image/webp", WEBP)
    assert (await brands.find(LIVE)).brand == kept
    # Without a new picture the one that is kept is shown, and none once it is to go.
    await brands.save_draft(EditBrand(world_id=LIVE, brand=kept))
    assert await brands.load_draft_logo(LIVE) == ("image/png", PNG)
    await brands.save_draft(EditBrand(world_id=LIVE, brand=kept, removes_logo=True))
    assert await brands.load_draft_logo(LIVE) is None
    assert await brands.load_draft(OTHER) == Brand()


async def test_rules_of_older_versions_that_pages_ignore_are_named(brands: BrandService) -> None:
    assert await brands.ignored_rules(ALPINE) == ""
    assert "position" in await brands.ignored_rules(replace(ALPINE, css="a { position: fixed }"))


def test_a_picture_is_known_by_its_first_bytes() -> None:
    assert logo_type_of(PNG) == "image/png"
    assert logo_type_of(WEBP) == "image/webp"
    assert logo_type_of(b"\xff\xd8 picture") == "image/jpeg"

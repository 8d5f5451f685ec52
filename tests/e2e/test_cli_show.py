"""``parcelwire show``: what is stored of a parcel, and when it was and will be asked about."""

import asyncio
import json
from pathlib import Path

from parcelwire.bootstrap import open_installation
from parcelwire.cli import exit_codes
from parcelwire.config import Config, SecretsSection, StoreSection
from parcelwire.tracking.drafts import Draft
from tests.support.terminal import EMAIL, Terminal


def follow(folder: Path, number: str, *, is_test: bool) -> None:
    """Create a tracking in the installation of ``folder``, as a call of the API would."""
    asyncio.run(_follow(folder, number, is_test=is_test))


async def _follow(folder: Path, number: str, *, is_test: bool) -> None:
    config = Config(
        store=StoreSection(url=f"sqlite:{folder / 'parcelwire.db'}"),
        secrets=SecretsSection(key_file=str(folder / "parcelwire.key")),
    )
    house = await open_installation(config)
    try:
        await house.service.create(2 + is_test, Draft(number=number, courier_code="swiss-post"))
    finally:
        await house.close()


def test_a_followed_parcel_says_when_it_was_and_will_be_asked_about(shop: Terminal) -> None:
    follow(shop.folder, "SIM-UNKNOWN-0001", is_test=True)
    out = shop("show", "SIM-UNKNOWN-0001", "--test")
    assert "notfound" in out
    assert "unknown number" in out
    assert "asked 1 times" in out
    assert "not known to the carrier yet" in out
    assert "/t/" in out


def test_a_parcel_nobody_can_ask_about_says_so(shop: Terminal) -> None:
    follow(shop.folder, "99.00.123456.12345678", is_test=False)
    out = shop("show", "990012345612345678")
    assert "last asked   never" in out
    assert "no connection to swiss-post is configured" in out


def test_json_has_the_tracking_and_its_poll_state(shop: Terminal) -> None:
    follow(shop.folder, "99.00.123456.12345678", is_test=False)
    stored = json.loads(shop("show", "99.00.123456.12345678", "--json"))
    assert stored["tracking_number"] == "990012345612345678"
    assert stored["polling"]["due_reason"]


def test_a_number_that_is_not_tracked_is_one_clear_line(shop: Terminal) -> None:
    line = shop.fails("show", "99.00.123456.12345678", code=exit_codes.NOT_FOUND)
    assert f"not tracked by the live world of {EMAIL}" in line

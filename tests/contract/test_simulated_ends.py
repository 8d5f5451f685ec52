"""Every scenario of the simulated carrier, lived through by real workers, ends as its page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest

from parcelwire.connectors.simulated.scenarios import all_scenarios
from parcelwire.couriers.detection import default_detector
from parcelwire.domain.account import Account, world_of
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.merge import EXPIRY_DAYS
from parcelwire.store.port import Store
from parcelwire.tracking.courier_detection_retry import CandidateFinder
from parcelwire.tracking.errors import CourierUnknownError
from tests.contract.poll_yard import Yard, draft, drive
from tests.support.carriers import SECONDS_A_DAY, gateway_of

PAGE = (Path(__file__).parents[2] / "docs" / "simulated-carrier.md").read_text("utf-8")
ENDS = dict(re.findall(r"^\| `([A-Z]+)` \| .*? \| (.*?) \|$", PAGE, re.M))
LONGEST_STORY_DAYS = 20


async def test_nobody_can_follow_a_parcel_of_the_simulated_carrier_by_its_own_code(
    yard: Yard, account: Account
) -> None:
    """It stands in for other couriers, and only in test worlds."""
    for is_test in (False, True):
        with pytest.raises(CourierUnknownError):
            await yard.service().create(
                world_of(account.number, is_test=is_test), draft("SIM-NORMAL-0001", "simulated")
            )


def test_the_page_tells_the_days_after_which_a_parcel_expires() -> None:
    said = " ".join(PAGE.split())
    assert f"expires after {EXPIRY_DAYS['globalpost']} simulated days with a postal" in said
    assert f"after {EXPIRY_DAYS['express']} with an express courier" in said


async def test_every_scenario_ends_as_the_page_says(
    yard: Yard, store: Store, clock: FrozenClock, account: Account
) -> None:
    """Each with a courier of its own, so that one carrier's trouble holds up no other parcel."""
    assert set(ENDS) == {scenario.word for scenario in all_scenarios()}
    gateway = gateway_of(store, clock)
    yard.carriers = cast("Any", gateway)
    yard.finder = CandidateFinder(
        default_detector(), yard.registry, gateway, history=yard.history, speed=1.0
    )
    world = world_of(account.number, is_test=True)
    service, worker = yard.service(fetch_on_create=False), yard.worker()
    couriers = [
        one for one in yard.registry.all() if one.kind == "globalpost" and not one.required_fields
    ]
    lived: dict[str, list[str]] = {}
    ids: dict[str, str] = {}
    for word, courier in zip(ENDS, couriers, strict=False):
        stored = await service.create(world, draft(f"SIM-{word}-0001", courier.code))
        ids[word], lived[word] = stored.tracking.id, []
    for _ in range(EXPIRY_DAYS["globalpost"] + LONGEST_STORY_DAYS):
        clock.advance(SECONDS_A_DAY)
        await drive(worker)
        for word, tracking_id in ids.items():
            tracking = (await yard.stored(tracking_id)).tracking
            shown = str(tracking.substatus or "")
            if tracking.stopped_reason == "invalid_number":
                shown = "stopped"
            if lived[word][-1:] != [shown]:
                lived[word].append(shown)
    wrong = {
        word: (said, lived[word])
        for word, said in ENDS.items()
        if said.split(", then ") != lived[word][-len(said.split(", then ")) :]
    }
    assert not wrong

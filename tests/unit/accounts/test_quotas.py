"""Which quota counts in which world."""

from __future__ import annotations

import pytest

from parcelwire.accounts.quotas import tracking_quota
from parcelwire.domain.account import Account, world_of


@pytest.mark.parametrize("quota", [None, 0, 10_000])
def test_a_quota_is_for_the_live_world(quota: int | None) -> None:
    account = Account(number=7, email="you@shop.example", tracking_quota=quota)
    assert tracking_quota(account, world_of(7, is_test=False)) == quota
    assert tracking_quota(account, world_of(7, is_test=True)) is None


def test_an_account_that_is_gone_has_none() -> None:
    assert tracking_quota(None, world_of(7, is_test=False)) is None

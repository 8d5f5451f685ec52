"""How many trackings an account may create: the one place that says which quota counts where.

The store counts and compares inside the transaction that creates (``create_trackings``), so that
two calls at once cannot exceed it together. What counts is what a world has ever created, whether
or not it is still there. How many a test world may hold at a time is ``tracking.living``'s.
"""

from __future__ import annotations

from parcelwire.domain.account import Account, is_test_world


def tracking_quota(account: Account | None, world_id: int) -> int | None:
    """Return how many trackings a world may have created in all; None: any number.

    The account's quota is for its live world. ``account`` None: it is not there any more.
    """
    if account is None or is_test_world(world_id):
        return None
    return account.tracking_quota

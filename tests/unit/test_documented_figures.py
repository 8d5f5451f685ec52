"""Figures that the pages name beside what is done are those of the code."""

from __future__ import annotations

import inspect

from parcelwire.api.gate import KEY_CACHE_SECONDS
from parcelwire.api.native import endpoint_shapes, events, idempotency, paging
from parcelwire.api.native.sending import MOST_REPLAYED
from parcelwire.api.native.tracking_shapes import MOST_IN_A_BATCH
from parcelwire.api.shares import LIGHT_PAGE, WAITING_FOR_EACH
from parcelwire.bootstrap import desk
from parcelwire.config import ApiSection, LimitsSection
from parcelwire.tracking.history import CountsStore
from parcelwire.tracking.refresh import MAX_TRIES
from parcelwire.webhooks.housekeeping import FEWEST_EVENT_DAYS
from tests.support.named_tests import ROOT

API = ApiSection()
LIMITS = LimitsSection()
DAY = 86_400
NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def says(page: str, *sentences: str) -> None:
    text = " ".join((ROOT / "docs" / page).read_text("utf-8").split())
    for sentence in sentences:
        assert sentence in text, f"{page} does not say: {sentence}"


def test_native_api() -> None:
    recent = inspect.signature(CountsStore.courier_counts).parameters["recent"].default
    assert FEWEST_EVENT_DAYS == events.KEPT_DAYS
    assert KEY_CACHE_SECONDS == 1
    says(
        "native.md",
        f"Follow up to {MOST_IN_A_BATCH} numbers in one transaction",
        f"`wait=30` (seconds, {events.MOST_WAIT_SECONDS} at most)",
        f"Events are kept for at least {FEWEST_EVENT_DAYS} days.",
        f"its newest {recent:,} parcels",
        f"within {NUMBERS[round(desk._RESOLVE_SECONDS)]} seconds, and again at every attempt",
        f"(counted up to {endpoint_shapes.MOST_WAITING:,}, and in lists up to "
        f"{endpoint_shapes.MOST_WAITING_IN_LISTS:,}). "
        f"A world may have {endpoint_shapes.MOST_ENDPOINTS} endpoints.",
        f"(0 to {endpoint_shapes.LONGEST_OVERLAP_SECONDS // DAY} days; a day if not given)",
        f"At most `limit` ({MOST_REPLAYED:,}) are taken",
        f"`limit` is 1 to {paging.MOST}, {paging.USUAL} if not given.",
        f"(1 to {idempotency.LONGEST} printable ASCII characters",
        f"`api.idempotency_hours`, {API.idempotency_hours:g} unless set.",
        f"Long reads (more than {LIGHT_PAGE} trackings",
        f"done {NUMBERS[LIMITS.long_reads_per_account]} at a time",
        f"within {LIMITS.long_read_wait_seconds:g} seconds, "
        f"or comes when {WAITING_FOR_EACH * LIMITS.long_reads_per_account} are waiting",
        f"{LIMITS.event_waits_per_account} of an account may wait at a time",
        f"others changed the tracking first, {MAX_TRIES} times over",
    )

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
from parcelwire.signatures.verify import TOLERANCE_SECONDS
from parcelwire.tracking.history import CountsStore
from parcelwire.tracking.refresh import MAX_TRIES
from parcelwire.webhooks import headers
from parcelwire.webhooks.failing import FEWEST_FAILURES
from parcelwire.webhooks.housekeeping import FEWEST_EVENT_DAYS, KeepingSettings
from parcelwire.webhooks.settings import WebhookSettings
from parcelwire.webhooks.verify import SeenIds
from tests.support.named_tests import ROOT

API = ApiSection()
LIMITS = LimitsSection()
WEBHOOKS = WebhookSettings()
KEEPING = KeepingSettings()
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


def test_webhooks() -> None:
    seen = inspect.signature(SeenIds).parameters
    first, longest = WEBHOOKS.first_delay_seconds, round(WEBHOOKS.longest_delay_seconds)
    waits = [min(first * 2**retry, longest) for retry in range(WEBHOOKS.attempts - 1)]
    trackingmores = waits[:13]  # between its fourteen attempts
    assert WEBHOOKS.jitter == 0.1
    says(
        "webhooks.md",
        f"a timestamp that is more than {TOLERANCE_SECONDS} seconds away from `now`",
        f"the ids of {NUMBERS[round(seen['keep_seconds'].default / DAY)]} days, "
        f"{seen['most'].default:,} at most",
        f"any status from 200 to 299 within {WEBHOOKS.total_seconds:g} seconds",
        f"its first {WEBHOOKS.kept_answer_characters:,} characters are kept in the log",
        f"Up to {WEBHOOKS.attempts} attempts. Before retry *k* passes {first:g} s x 2^(k-1), "
        f"at most {longest // 3_600} h {longest % 3_600 // 60}",
        f"end after {sum(trackingmores) / DAY:.1f} days; "
        f"with the fifteenth it is {sum(waits) / DAY:.1f} days in all",
        f"nothing but failures for {WEBHOOKS.failing_after_seconds / 60:g} minutes, "
        f"{NUMBERS[FEWEST_FAILURES]} at least",
        f"nothing but failures for {WEBHOOKS.disable_after_seconds / DAY:g} days, "
        f"{NUMBERS[FEWEST_FAILURES]} at least",
        f"waited for {KEEPING.waiting_days} days",
        f"At most {headers.MOST_HEADERS} with {headers.MOST_BYTES:,} bytes",
        f"the installation's own limit ({WEBHOOKS.in_flight_per_endpoint}) holds as well",
        f"with their attempts: {KEEPING.message_days} days",
        f"The events feed: {KEEPING.event_days} days, at least {FEWEST_EVENT_DAYS}",
        f"begins {NUMBERS[round(KEEPING.first_seconds / 60)]} minutes after the start",
        f"again about {WEBHOOKS.lease_seconds:g} seconds later",
        f"slow (more than {WEBHOOKS.slow_seconds:g} seconds)",
        f"looked after {NUMBERS[round(1 / WEBHOOKS.doubtful_seconds)]} times a second",
    )

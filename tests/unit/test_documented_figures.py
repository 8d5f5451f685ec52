"""Figures that the pages name beside what is done are those of the code."""

from __future__ import annotations

import hashlib
import inspect
import math
import tomllib

import prove.__main__ as proofs
from parcelwire.accounts import hashing, login_throttle, passwords, sessions
from parcelwire.accounts.authentication import KEY_CACHE_SECONDS
from parcelwire.accounts.key_format import make_key
from parcelwire.api.native import events, idempotency, paging
from parcelwire.api.native.tracking_requests import MOST_IN_A_BATCH
from parcelwire.api.shares import LIGHT_OFFSET, LIGHT_PAGE, WAITING_FOR_EACH
from parcelwire.api.trackingmore.bodies import MAX_TEXT
from parcelwire.api.v2 import listing as v2_listing
from parcelwire.api.v2 import requests as v2
from parcelwire.api.v2.errors import RETRY_AFTER_SECONDS
from parcelwire.api.v4 import creation, listing
from parcelwire.bootstrap import clock_watch, key_watch
from parcelwire.bootstrap.accounts import hash_password
from parcelwire.bootstrap.system import SystemIdentifiers
from parcelwire.cli import importing
from parcelwire.client import SeenIds
from parcelwire.client.call_attempts import BASE_SECONDS, CAP_SECONDS
from parcelwire.client.settings import Options
from parcelwire.config import ApiSection, LimitsSection
from parcelwire.connectors import report_limits
from parcelwire.connectors.quality import MOST_UNOFFICIAL_A_MINUTE
from parcelwire.couriers import ranking
from parcelwire.couriers.registry import default_registry
from parcelwire.domain import redaction, source_address
from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND
from parcelwire.domain.refusal_log import LINES_A_MINUTE
from parcelwire.domain.status import Status
from parcelwire.notices import journal, operators, senders, subscriptions
from parcelwire.notices import worker as notices
from parcelwire.notices.settings import MailLimits, NoticeSettings
from parcelwire.pages import feedback, live, lookup
from parcelwire.pages import limits as pages
from parcelwire.pages.dashboard import import_runner
from parcelwire.pages.dashboard import importing as dashboard_importing
from parcelwire.pages.dashboard.screens import add, parcel
from parcelwire.polling.worker import OWN_FAULT_WAIT
from parcelwire.server import connections, limits
from parcelwire.server.runner import GRACE_SECONDS
from parcelwire.signatures.verify import TOLERANCE_SECONDS
from parcelwire.store.rules import KEPT_RAW_RESPONSES, NAMED_SKIPPED
from parcelwire.tracking import spreadsheet, suspension
from parcelwire.tracking.history import CountsStore
from parcelwire.tracking.refresh import MAX_TRIES
from parcelwire.webhooks import commands, endpoints, headers, url_check
from parcelwire.webhooks.failing import FEWEST_FAILURES
from parcelwire.webhooks.housekeeping import FEWEST_EVENT_DAYS, KeepingSettings
from parcelwire.webhooks.settings import WebhookSettings
from prove import kills_sqlite
from tests.contract import test_mutated_answers, test_power_loss, test_storage_calls
from tests.support.named_tests import ROOT

API = ApiSection()
LIMITS = LimitsSection()
WEBHOOKS = WebhookSettings()
KEEPING = KeepingSettings()
NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def says(page: str, *sentences: str) -> None:
    text = " ".join((ROOT / "docs" / page).read_text("utf-8").split())
    for sentence in sentences:
        assert sentence in text, f"{page} does not say: {sentence}"


def test_native_api() -> None:
    recent = inspect.signature(CountsStore.courier_counts).parameters["recent"].default
    assert FEWEST_EVENT_DAYS == events.KEPT_DAYS
    assert KEY_CACHE_SECONDS == 1
    overlap = commands.LONGEST_OVERLAP_SECONDS
    says(
        "native.md",
        f"Follow up to {MOST_IN_A_BATCH} numbers in one transaction",
        f"The newest {NUMBERS[KEPT_RAW_RESPONSES]} answers of the carrier",
        f"each is cut at {report_limits.LONGEST_RAW:,} bytes",
        f"`wait_seconds=30` ({events.MOST_WAIT_SECONDS} at most)",
        f"Events are kept for at least {FEWEST_EVENT_DAYS} days.",
        f"its newest {recent:,} parcels",
        f"within {NUMBERS[round(url_check.RESOLVE_SECONDS)]} seconds, and again at every attempt",
        f"(counted up to {endpoints.MOST_WAITING:,}, and in lists up to "
        f"{endpoints.MOST_WAITING_IN_LISTS:,}). "
        f"A world may have {commands.MOST_ENDPOINTS} endpoints.",
        f"(0 to {overlap * SECOND // DAY} days; a day if not given)",
        f"At most `limit` ({commands.MOST_REPLAYED:,}) are taken",
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
    first, longest = WEBHOOKS.retry_base_seconds, round(WEBHOOKS.longest_delay_seconds)
    waits = [min(first * 2**retry, longest) for retry in range(WEBHOOKS.max_attempts - 1)]
    trackingmores = waits[:13]  # between its fourteen attempts
    assert WEBHOOKS.jitter == 0.1
    says(
        "webhooks.md",
        f"a timestamp that is more than {TOLERANCE_SECONDS} seconds away from `now`",
        f"the ids of {NUMBERS[round(seen['keep_seconds'].default * SECOND / DAY)]} days, "
        f"{seen['most'].default:,} at most",
        f"any status from 200 to 299 within {WEBHOOKS.request_timeout_seconds:g} seconds",
        f"its first {WEBHOOKS.kept_answer_characters:,} characters are kept in the log",
        f"seconds or date, at most {longest // 3_600} h {longest % 3_600 // 60}); "
        f"the whole endpoint rests that long, or {first:g} seconds without it",
        f"lists them (the newest {NAMED_SKIPPED})",
        f"Up to {WEBHOOKS.max_attempts} attempts. Before retry *k* passes {first:g} s x 2^(k-1), "
        f"at most {longest // 3_600} h {longest % 3_600 // 60}",
        f"end after {sum(trackingmores) * SECOND / DAY:.1f} days; "
        f"with the fifteenth it is {sum(waits) * SECOND / DAY:.1f} days in all",
        f"nothing but failures for {WEBHOOKS.failing_after_seconds / 60:g} minutes, "
        f"at least {NUMBERS[FEWEST_FAILURES]}",
        f"nothing but failures for {WEBHOOKS.disable_after_seconds * SECOND / DAY:g} days, "
        f"at least {NUMBERS[FEWEST_FAILURES]}",
        f"waited for {KEEPING.waiting_days} days",
        f"At most {headers.MOST_HEADERS} with {headers.MOST_BYTES:,} bytes",
        f"the installation's own limit ({WEBHOOKS.max_concurrent_per_endpoint}) holds as well",
        f"with their attempts: {KEEPING.message_days} days",
        f"The events feed: {KEEPING.event_days} days, at least {FEWEST_EVENT_DAYS}",
        f"begins {NUMBERS[round(KEEPING.first_seconds / 60)]} minutes after the start",
        f"again about {WEBHOOKS.lease_seconds:g} seconds later",
        f"slow (more than {WEBHOOKS.slow_seconds:g} seconds)",
        f"served {NUMBERS[round(1 / WEBHOOKS.suspect_seconds)]} times a second",
    )


def test_dialects() -> None:
    assert API.realtime_interval_seconds == MINUTE / SECOND
    text = f"a field of more than {MAX_TEXT} characters"
    says(
        "v4.md",
        text,
        f"Follows up to {creation.MAX_BATCH} numbers",
        f"{listing.DEFAULT_ITEMS} on a page (`items_amount`, at most {listing.MAX_ITEMS}",
        f"`tracking_numbers` (up to {listing.MAX_NUMBERS})",
        f"more than {creation.MAX_BATCH} items in a batch, "
        f"or more than {listing.MAX_NUMBERS} numbers in a query",
        f"others changed the tracking first, {MAX_TRIES} times over",
    )
    says(
        "v2.md",
        text,
        f"Up to {v2.MAX_ITEMS} items, code 201",
        f"more than {v2.MAX_ITEMS} items",
        f"with more than {v2_listing.MAX_NAMED} `numbers` or `orders`, "
        f"or a `limit` above {v2_listing.MAX_LIMIT}",
        f"answered for the first {v2_listing.MAX_NAMED}, or with pages of {v2_listing.MAX_LIMIT}",
        f"`Retry-After: {RETRY_AFTER_SECONDS}`, and `RateLimit-…`",
        f"others changed the tracking first, {MAX_TRIES} times over",
    )


def test_client() -> None:
    options = Options()
    assert BASE_SECONDS == 0.5
    says(
        "sdk.md",
        f"Tried again up to {NUMBERS[options.max_retries]} times, "
        "with pauses that start at half a second and double",
        f"more than `max_retry_delay_seconds` ({options.max_retry_delay_seconds:g})",
        f"| `timeout_seconds` | {options.timeout_seconds:g} |",
        f"| `connect_timeout_seconds` | {options.connect_timeout_seconds:g} |",
        f"| `max_retries` | {options.max_retries} |",
        f"| `max_retry_delay_seconds` | {options.max_retry_delay_seconds:g} |",
    )


def test_long_reads() -> None:
    says("hardening.md", f"lists of more than {LIGHT_PAGE} or behind the {LIGHT_OFFSET:,}th")
    says(
        "configuration.md",
        f"lists of more than {LIGHT_PAGE} trackings or behind the {LIGHT_OFFSET:,}th",
    )


def test_http_server() -> None:
    assert LINES_A_MINUTE == 20
    says(
        "http.md",
        f"there are more than {limits.MAX_HEADERS} headers",
        f"more than {limits.MAX_PIPELINED} pipelined requests wait",
        f"this one is larger than {limits.SMALL_BODY >> 10} KiB",
        f"a second for each {limits.ServerLimits().min_body_rate >> 10} KiB",
        f"half-sent heads of more than {NUMBERS[round(connections._SLOW_SECONDS)]} seconds",
        f"have {GRACE_SECONDS} seconds, but a client that takes nothing of its answer has only "
        f"{limits.STOP_WRITE_SECONDS:g}.",
        "twenty lines a minute at most",
    )


def test_health() -> None:
    assert clock_watch.LEAST_MS == SECOND
    says(
        "health.md",
        f"every {clock_watch.LOOK_MS // SECOND} seconds after",
        "and where the two differ by a second or more",
        f"every {OWN_FAULT_WAIT // MINUTE} minutes it is tried again",
    )


def test_secrets() -> None:
    says(
        "secrets.md",
        f"logs an error every {NUMBERS[key_watch.AGAIN // MINUTE]} minutes",
    )


def test_customers_pages() -> None:
    assert source_address._WIDE_FACTOR == 8
    assert lookup.TRIES_IN_ALL == 20
    assert live.RETRY_SECONDS == MINUTE / SECOND
    says(
        "pages.md",
        f"allows {NUMBERS[lookup.TRIES_AN_HOUR]} wrong tries an hour and twenty in all",
        f"has {NUMBERS[lookup.OF_A_SOURCE_AN_HOUR]} and {NUMBERS[lookup.OF_A_SOURCE_IN_ALL]}",
        f"as many may come as in {NUMBERS[pages.BURST_SECONDS]} seconds, "
        f"and at least {pages.LEAST_BURST}",
        f"lookups: {LIMITS.lookups_per_source_per_minute} a minute and source",
        f"requests for e-mails: {LIMITS.forms_per_source_per_minute} a minute and source",
        f"links in mails: {LIMITS.pages_per_source_per_minute:,} a minute and source",
        f"of all sources: {LIMITS.lookups_and_forms_per_minute:,} a minute",
        f"{LIMITS.live_streams_per_source} of one source, {LIMITS.live_streams_per_tracking} of "
        f"one parcel, {LIMITS.live_streams_per_account} of one account, "
        f"{LIMITS.live_streams:,} in all",
        "An IPv6 /48 network, which many providers give to one customer, counts as eight sources",
        f"`text`; {NUMBERS[feedback.MOST_FEEDBACK]} at most per parcel",
    )


def test_orders_from_a_file() -> None:
    pauses = [min(CAP_SECONDS, BASE_SECONDS * 2**retry) for retry in range(importing.RETRIES)]
    # Half of each is left to chance.
    assert 45 < 0.75 * sum(pauses) < 75
    assert importing.SHOWN == 20
    says(
        "importing-from-csv.md",
        "retries for about a minute",
        "(the first twenty)",
        f"{spreadsheet.MOST_COLUMNS} columns, {spreadsheet.LONGEST_HEADING} characters in a "
        f"heading, {spreadsheet.LONGEST_CELL:,} in a cell",
    )


def test_notices() -> None:
    limits, settings = MailLimits(), NoticeSettings(sender="", public_url="")
    first = settings.retry_base_seconds * SECOND // MINUTE
    assert (first, operators.FIRST_PAUSE, operators.LONGEST_PAUSE) == (1, MINUTE, HOUR)
    assert notices.OLDEST_NEWS == DAY
    says(
        "notices.md",
        f"At most {NUMBERS[limits.confirmations_per_day]} such mails go to one address in a day, "
        f"and one page takes {NUMBERS[subscriptions.MOST_OF_A_PARCEL]} addresses",
        f"A code is valid for {senders.VALID // DAY} days and for "
        f"{NUMBERS[senders.MOST_TRIES]} tries",
        f"can ask about {senders.MOST} addresses",
        f"finds it after {journal.STALE // MINUTE} minutes",
        f"after 1, 2, 4 … {first * 2 ** (settings.attempts - 2):g} minutes, "
        f"{settings.attempts} attempts in all",
        f'on the dashboard\'s page "Customer mails" for {notices.KEPT // DAY} days',
        f"| `mails_per_account_per_minute` | {limits.account_per_minute} |",
        f"| `mails_per_account_per_day` | {limits.account_per_day} |",
        f"| `mails_per_address_per_day` | {limits.address_per_day} |",
        f"| `mail_confirmations_per_address_per_day` | {limits.confirmations_per_day} |",
        f"each morning (from {operators.DIGEST_HOUR}:00 UTC)",
        f"after 1, 2, 4 … 60 minutes, {operators.MOST_TRIES} times at most",
    )


def test_commands() -> None:
    assert (suspension.LONGEST_HOLD, suspension.BELIEVED) == (HOUR, SECOND)
    says(
        "cli.md",
        "The first checks of its parcels are spread over an hour.",
        "acts on it within a second",
    )


def test_dashboard() -> None:
    assert (sessions.IDLE, sessions.LONGEST) == (12 * HOUR, 7 * DAY)
    assert (login_throttle.FREE_TRIES, login_throttle.FIRST_WAIT) == (5, MINUTE)
    assert (login_throttle.LONGEST_WAIT, login_throttle._HARD_FACTOR) == (HOUR, 10)
    assert (hashing.AT_A_TIME, commands.DEFAULT_OVERLAP_SECONDS * SECOND) == (2, DAY)
    assert (LIMITS.login_failures_per_account_per_day, parcel.MOST_MESSAGES) == (100, 20)
    says(
        "dashboard.md",
        "ends after 12 hours without a request, after 7 days",
        "the newest twenty messages about it with their attempts",
        "(N = 2^15, r = 8, p = 1, a salt each)",
        f"has {LIMITS.login_failures_per_source_per_hour} failures an hour in all",
        "100 failures in a day from all sources, each source gets one attempt a day; "
        "after 1,000, none",
        f"kept for {login_throttle.DEVICE_LIFE // DAY} days",
        f"and {LIMITS.login_queue_size} more may wait",
        f"up to {add.MOST_PASTED} pasted",
        f"up to {dashboard_importing.MOST_ROWS:,} rows and {pages.LARGEST_FILE // 10**6} MB",
        f"{dashboard_importing.PORTION} rows at a time",
        f"Uploads are forgotten after {import_runner._KEPT // DAY} days",
    )


def test_passwords_are_hashed_as_the_page_says() -> None:
    salt, password = bytes(16), "a long password"
    same = hashlib.scrypt(password.encode(), salt=salt, n=2**15, r=8, p=1, dklen=32, maxmem=2**26)
    assert hash_password(password, salt, passwords.COST) == same


def test_connectors() -> None:
    says(
        "connectors.md",
        f"it is asked at most {MOST_UNOFFICIAL_A_MINUTE} times a minute",
        f"Values of fewer than {redaction.SHORTEST_SECRET} characters",
        f"more than {report_limits.MOST_EVENTS:,} events for one parcel",
        f"cut to {report_limits.LONGEST_TEXT:,} characters",
    )


def test_data_sources() -> None:
    assert ranking.PRIOR_PARCELS == 20
    says("data-sources.md", "outweighs them after about twenty parcels")


def test_proofs() -> None:
    says(
        "proofs.md",
        f"takes longer than {proofs.LIMIT_MINUTES:g} minutes",
        f"After {kills_sqlite.ROUND} kills a new database begins.",
        f"`make test` takes {test_storage_calls.POINTS} points",
        f"`make test` takes {test_power_loss.TRIALS:,} trials.",
        f"`make test` takes {test_mutated_answers.ANSWERS:,}.",
    )


def test_readme() -> None:
    couriers = len(default_registry())
    token = SystemIdentifiers().new_token()
    key = make_key(bytes(range(24)), is_test=False)
    says(
        "../README.md",
        f"among {couriers // 100 * 100:,}",
        f"one model with {NUMBERS[len(Status)]} statuses",
        f"{int(32 * math.log2(62))} random bits",
        f"({len(token) * 6 // 8 * 8} bits)",
    )
    assert len(key) == len("pw_live_") + 32 + 6


def test_versions_of_python() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    minors = [
        int(one.rpartition(".")[2])
        for one in project["classifiers"]
        if one.startswith("Programming Language :: Python :: 3.")
    ]
    assert minors == list(range(minors[0], minors[-1] + 1))
    assert project["requires-python"] == f">=3.{minors[0]}"
    versions = f"Python 3.{minors[0]} to 3.{minors[-1]}"
    says("../README.md", f"Both need {versions}")
    says("../SECURITY.md", f"Parcelwire runs on {versions}.")
    says("../CONTRIBUTING.md", f"they need {versions}")
    says("sdk.md", f"Python 3.{minors[0]} or newer")

"""The page of limits says what the program does: settings, and the figures that are fixed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from parcelwire.accounts import login_throttle
from parcelwire.bootstrap.clock_watch import LEAST_MS
from parcelwire.config import LimitsSection, ServerSection
from parcelwire.connectors import bodies, transport
from parcelwire.connectors.answer_limits import MOST_INTERIM
from parcelwire.connectors.report_limits import MOST_EVENTS
from parcelwire.couriers.number import LONGEST_TYPED
from parcelwire.domain import style_rules
from parcelwire.domain.clock import HOUR, MINUTE, SECOND
from parcelwire.domain.json_limits import MOST_CONTAINERS
from parcelwire.notices.smtp_client import MOST_LINES
from parcelwire.pages import limits as pages
from parcelwire.pages import lookup
from parcelwire.pages.dashboard import forms
from parcelwire.pages.dashboard.application import LOGIN_BYTES
from parcelwire.pages.dashboard.importing import MOST_ROWS
from parcelwire.pages.live import RETRY_SECONDS
from parcelwire.pages.parcel import MAX_FORM
from parcelwire.server import limits as server
from parcelwire.server.runner import GRACE_SECONDS
from parcelwire.tracking import spreadsheet
from parcelwire.webhooks.connection import LONGEST_HEAD
from parcelwire.webhooks.settings import WebhookSettings

PAGE = (Path(__file__).parents[2] / "docs" / "hardening.md").read_text("utf-8")
WEBHOOKS = WebhookSettings()
MB, KB = 1_000_000, 1_000

FIXED = {
    "headers of a request": f"{server.MAX_HEADERS}",
    "chunk extensions and trailers": f"{server.MAX_CHUNK_OVERHEAD:,} bytes",
    "pipelined requests": f"{server.MAX_PIPELINED}",
    "login form": f"{LOGIN_BYTES // KB} kB",
    "forms of the public pages": f"{MAX_FORM // KB} kB",
    "uploads on the dashboard": (
        f"a CSV file of {pages.LARGEST_FILE // MB} MB, a form of {pages.LARGEST_FORM // MB} MB"
    ),
    "wrong passwords for one account by one source": (
        f"{login_throttle.FREE_TRIES}, then {login_throttle.FIRST_WAIT // MINUTE} minute,"
        f" doubling to {login_throttle.LONGEST_WAIT // HOUR} hour"
    ),
    "wrong lookups of one number": (
        f"{lookup.TRIES_AN_HOUR} an hour, {lookup.TRIES_IN_ALL} in all;"
        f" of these {lookup.OF_A_SOURCE_AN_HOUR} and {lookup.OF_A_SOURCE_IN_ALL} by one source"
    ),
    "JSON": f"{MOST_CONTAINERS:,} arrays and objects",
    "CSV": (
        f"{pages.LARGEST_FILE // MB} MB, {MOST_ROWS:,} rows, {spreadsheet.MOST_COLUMNS} columns,"
        f" {spreadsheet.LONGEST_HEADING} characters a heading"
    ),
    "CSV cell": f"{spreadsheet.LONGEST_CELL:,} characters",
    "a tracking number, as typed": f"{LONGEST_TYPED:,} characters",
    "a form's parts": f"{forms.MOST_FIELDS}, with {forms.LONGEST_HEAD:,} bytes of headers each",
    "a brand's style rules": f"{style_rules.LONGEST:,} characters",
    "a carrier's answer": (
        f"{transport.Limits(timeout_seconds=1).max_answer_bytes // MB} MB unpacked unless its"
        f" manifest says otherwise, {bodies.MOST_MEMBERS} gzip members,"
        f" {transport.MOST_HEADERS} headers, {MOST_INTERIM} interim answers"
    ),
    "events of one parcel": f"{MOST_EVENTS:,}",
    "a webhook receiver's answer": (
        f"{LONGEST_HEAD >> 10} KiB of headers, {WEBHOOKS.answer_bytes >> 10} KiB of its body;"
        f" {WEBHOOKS.kept_answer_characters:,} characters are kept"
    ),
    "a mail server's reply": f"{MOST_LINES} lines",
    "a machine's clock that differs from PostgreSQL's": f"{LEAST_MS // SECOND} second",
}


def has_row(name: str, figure: str) -> bool:
    """Tell whether a row begins with this figure, and not with a longer one."""
    row = rf"^\| {re.escape(name)} \| {re.escape(figure)}(?![\d.,]*\d)"
    return re.search(row, PAGE, re.MULTILINE) is not None


@pytest.mark.parametrize("name", LimitsSection.__struct_fields__)
def test_every_limit_is_there_with_its_default(name: str) -> None:
    assert has_row(f"`limits.{name}`", f"{getattr(LimitsSection(), name):,g}")


@pytest.mark.parametrize(
    "name",
    [one for one in ServerSection.__struct_fields__ if one.startswith("max_") or "seconds" in one],
)
def test_every_limit_of_the_server_is_there_with_its_default(name: str) -> None:
    figure = f"{getattr(ServerSection(), name):,}".removesuffix(".0")
    assert has_row(f"`server.{name}`", figure)


@pytest.mark.parametrize("name", FIXED)
def test_figures_that_are_fixed_are_those_of_the_code(name: str) -> None:
    assert has_row(name, FIXED[name]), FIXED[name]


def test_what_the_text_says_beside_the_tables() -> None:
    rate = server.ServerLimits().min_body_rate >> 10
    for text in (
        f"gives running ones {GRACE_SECONDS} seconds",
        f"takes nothing of its answer has {server.STOP_WRITE_SECONDS:g} seconds",
        f"plus a second for each {rate} KiB",
        f"for each {server.MIN_WRITE_PROGRESS >> 10} KiB of an answer",
        f"for bodies of more than {server.SMALL_BODY >> 10} KiB",
        "the page asks once a minute instead",
    ):
        assert text in PAGE, text
    assert RETRY_SECONDS == 60


def test_a_longer_figure_is_another() -> None:
    assert has_row("`limits.live_streams`", "1,000")
    assert not has_row("`limits.live_streams`", "1")
    assert not has_row("`limits.live_streams`", "1,00")

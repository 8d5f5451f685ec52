"""What the pages promise stands there word for word, and each promise has tests that hold it."""

from __future__ import annotations

import tomllib

import msgspec
import pytest

from tests.support.named_tests import ROOT, why_missing

# Shorter ones would be found on a page that says something else.
SHORTEST = 20


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the table."""

    page: str
    sentence: str
    tests: list[str]

    def __str__(self) -> str:
        return f"{self.page}: {self.sentence[:50]}"


def folded(text: str) -> str:
    """Return a text with one blank in the place of each run of blanks and line breaks."""
    return " ".join(text.split())


def claims() -> list[Claim]:
    table = tomllib.loads((ROOT / "tests/data/documented_claims.toml").read_text("utf-8"))
    return msgspec.convert(table["claim"], list[Claim])


def why_untrue(claim: Claim) -> str | None:
    """Say what is wrong with a row, or return ``None``."""
    page = folded((ROOT / claim.page).read_text("utf-8"))
    if len(claim.sentence) < SHORTEST:
        return "the sentence is too short to be found for certain"
    if page.count(folded(claim.sentence)) != 1:
        return f"{claim.page} does not say this, or says it twice"
    if not claim.tests:
        return "no test holds it"
    return next(filter(None, map(why_missing, claim.tests)), None)


@pytest.mark.parametrize("claim", claims(), ids=str)
def test_it_stands_on_its_page_and_its_tests_are_there(claim: Claim) -> None:
    assert why_untrue(claim) is None


def test_every_page_has_its_promises_in_the_table() -> None:
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert {claim.page for claim in claims()} == {*pages, "README.md", "SECURITY.md"}


def test_no_row_is_there_twice() -> None:
    rows = [(claim.page, folded(claim.sentence)) for claim in claims()]
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize(
    ("page", "sentence", "test"),
    [
        ("docs/webhooks.md", "Exactly once is promised by everybody.", "tests/unit/test_docs.py"),
        ("docs/webhooks.md", "At least once", "tests/unit/test_docs.py"),
        ("docs/webhooks.md", "Exactly once is promised by nobody.", "tests/unit/test_nothing.py"),
        (
            "docs/webhooks.md",
            "Exactly once is promised by nobody.",
            "tests/unit/test_docs.py::x",
        ),
        ("docs/webhooks.md", "Exactly once is promised by nobody.", "tests/support/openapi.py"),
    ],
)
def test_a_row_that_does_not_hold_is_found(page: str, sentence: str, test: str) -> None:
    assert why_untrue(Claim(page, sentence, [test])) is not None

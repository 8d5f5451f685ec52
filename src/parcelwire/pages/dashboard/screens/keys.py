"""API keys: made, listed, revoked."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from parcelwire.domain.access import RANKS, WorldRule
from parcelwire.domain.account import ApiKey
from parcelwire.domain.clock import DAY
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.visit import Problem, Visit, missing

_KEY_BYTES: Final = 24
LONGEST_LABEL: Final = 200
LIFETIMES: Final = {
    "": "never",
    "7": "in 7 days",
    "30": "in 30 days",
    "90": "in 90 days",
    "365": "in a year",
}
"""Days until a new key expires, as the form offers them."""


async def show(visit: Visit) -> Response:
    """Show the account's keys."""
    return await _show(visit)


async def _show(visit: Visit, problems: tuple[Problem, ...] = (), *, text: str = "") -> Response:
    return await visit.show(
        "keys.html",
        keys=await _visible(visit),
        text=text,
        scopes=list(RANKS),
        lifetimes=LIFETIMES,
        problems=problems,
    )


async def _visible(visit: Visit) -> list[ApiKey]:
    """Return the keys that may be seen: in the test world, those of the test world."""
    keys = await visit.house.store.list_keys(visit.session.account.number)
    return [one for one in keys if one.is_test or not visit.session.kept.is_test]


async def create(visit: Visit) -> Response:
    """Make a key; it is shown this once."""
    form, makes = visit.form, visit.house.keys
    label, scope, lifetime = form.get("label"), form.get("scope"), form.get("expires_in")
    is_test = form.get("world") == "test"
    problems = []
    if len(label) > LONGEST_LABEL:
        problems.append(Problem("label", f"A label has at most {LONGEST_LABEL} characters."))
    if scope not in RANKS:
        problems.append(Problem("scope", "Choose what the key may do."))
    if lifetime not in LIFETIMES:
        problems.append(Problem("expires_in", "Choose when the key expires."))
    if not is_test and visit.session.kept.is_test:
        problems.append(Problem("world", "In the test world you can create test keys only."))
    if problems:
        return await _show(visit, tuple(problems))
    text = makes.make(visit.house.random_bytes(_KEY_BYTES), is_test=is_test)
    await visit.house.store.add_key(
        ApiKey(
            digest=makes.digest(text),
            prefix=makes.prefix(text),
            account_number=visit.session.account.number,
            is_test=is_test,
            label=label,
            scope=scope,
            created_at=visit.now,
            expires_at=visit.now + int(lifetime) * DAY if lifetime else None,
        )
    )
    return await _show(visit, text=text)


async def revoke(visit: Visit) -> Response:
    """Revoke a key for good."""
    prefix = visit.path["prefix"]
    if prefix not in {one.prefix for one in await _visible(visit)}:
        raise missing("key")
    if prefix == visit.session.key_prefix:
        return await visit.go("/keys", "You are logged in with this key.", tone="trouble")
    await visit.house.store.revoke_key(prefix, visit.now)
    return await visit.go("/keys", f"{prefix}… is revoked.")


PAGE: Final = Page(
    path="/keys",
    title="API keys",
    section="Account",
    order=20,
    scope="admin",
    world=WorldRule.ACCOUNT,
    handler=show,
    parts=(
        Part("POST", "/keys", create, "admin", WorldRule.ACCOUNT),
        Part("POST", "/keys/{prefix}/revoke", revoke, "admin", WorldRule.ACCOUNT),
    ),
)

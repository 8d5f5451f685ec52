"""API keys: made, listed, revoked."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from parcelwire.accounts.errors import CurrentKeyError, KeyNotFoundError
from parcelwire.accounts.keys import LONGEST_LABEL, Caller, CreateKey, RevokeKey, problems_of
from parcelwire.domain.access import RANKS, WorldRule
from parcelwire.domain.clock import DAY
from parcelwire.domain.field_problems import FieldProblem, InvalidInputError
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.visit import Problem, Visit, missing

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
        keys=await visit.house.keys.list_keys(visit.session.account.number, _caller(visit)),
        text=text,
        scopes=list(RANKS),
        lifetimes=LIFETIMES,
        longest_label=LONGEST_LABEL,
        problems=problems,
    )


def _caller(visit: Visit) -> Caller:
    return Caller(is_test=visit.session.is_test, key_prefix=visit.session.key_prefix)


async def create(visit: Visit) -> Response:
    """Make a key; it is shown this once."""
    form, lifetime = visit.form, visit.form.get("expires_in")
    days = int(lifetime) if lifetime and lifetime in LIFETIMES else 0
    command = CreateKey(
        account_number=visit.session.account.number,
        label=form.get("label"),
        scope=form.get("scope"),
        is_test=form.get("world") == "test",
        expires_at=visit.now + days * DAY if days else None,
    )
    caller = _caller(visit)
    if lifetime not in LIFETIMES:
        problems = [_problem(one) for one in problems_of(command, caller, visit.now)]
        problems.append(Problem("expires_in", "Choose when the key expires."))
        return await _show(visit, tuple(problems))
    try:
        made = await visit.house.keys.create(command, caller)
    except InvalidInputError as error:
        return await _show(visit, tuple(map(_problem, error.problems)))
    return await _show(visit, text=made.text)


def _problem(problem: FieldProblem) -> Problem:
    match problem.field:
        case "is_test":
            return Problem("world", "In the test world you can create test keys only.")
        case "scope":
            return Problem("scope", "Choose what the key may do.")
        case "label":
            return Problem("label", f"A label {problem.message}.")
        case _:
            return Problem("expires_in", "Choose when the key expires.")


async def revoke(visit: Visit) -> Response:
    """Revoke a key for good."""
    prefix = visit.path["prefix"]
    command = RevokeKey(account_number=visit.session.account.number, prefix=prefix)
    try:
        await visit.house.keys.revoke(command, _caller(visit))
    except KeyNotFoundError:
        raise missing("key") from None
    except CurrentKeyError:
        return await visit.go("/keys", "You are logged in with this key.", tone="trouble")
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

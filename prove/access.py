"""G2: every action of an installation, asked for by everybody, on both engines.

The table of actions (``bootstrap.access``) says what each needs; from that follows what everybody
has to be answered. The application is the real one, called in this process. After each call the
whole database is compared with what it was: a refusal changes nothing, and whatever is allowed
leaves the owner's live world as it is. Last come those who may: an action that its owner cannot do
would prove nothing.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from parcelwire.bootstrap.access import ANYONE, Action, access_table
from parcelwire.domain.access import WorldRule, may
from parcelwire.pages.dashboard.registry import CORE_ROUTES
from parcelwire.pages.dashboard.visit import ROOT
from prove.access_plants import PLANTED
from prove.outcome import Outcome
from tests.support.access_callers import CALLERS, OPERATOR, OWNER, SUSPENDED, Caller
from tests.support.access_rows import SAMPLES, Sample
from tests.support.access_site import ACCOUNT, LIVE, OPERATORS, Site, open_site
from tests.support.database_watch import Row, belongs_to
from tests.support.house import Answer

ENGINES: Final = ("sqlite", "postgres")

_CORE_PATHS: Final = frozenset(ROOT + one.path for one in CORE_ROUTES)

TABLE: Final = access_table()
"""As the program is; planted weaknesses do not change what is expected."""

_AT_A_TIME: Final = 12
"""Actions that one installation is asked for: what they leave behind is read after each call."""

Verdict = Literal["unauthenticated", "suspended", "forbidden", "missing", "allowed"]

_CODES: Final[Mapping[str, Mapping[Verdict, tuple[int, ...]]]] = {
    "v2": {"unauthenticated": (401, 4001, 4002), "suspended": (402,), "forbidden": (403,)},
    "v4": {"unauthenticated": (401,), "suspended": (403,), "forbidden": (403,)},
    "native": {
        "unauthenticated": (401,),
        "suspended": (403,),
        "forbidden": (403,),
        "missing": (404,),
    },
    # The dashboard leads whoever has no session to its login page.
    "dashboard": {
        "unauthenticated": (303,),
        "suspended": (303,),
        "forbidden": (403,),
        "missing": (404,),
    },
    "public": {},
}


def verdict_on(action: Action, sample: Sample, caller: Caller) -> Verdict:
    """Return what has to become of a call, by the table alone."""
    if action.scope == ANYONE:
        return "allowed"
    if caller.state != "good":
        return "unauthenticated"
    if caller.email == SUSPENDED:
        return "suspended"
    is_operator = caller.email == OPERATOR and caller.scope == "admin" and not caller.is_test
    if (
        not may(caller.scope, action.scope)
        or (action.is_for_operators and not is_operator)
        or (action.world is WorldRule.LIVE and caller.is_in_test)
    ):
        return "forbidden"
    return "missing" if sample.names_a_thing and not caller.owns_live else "allowed"


def _code(action: Action, answer: Answer) -> int:
    if action.surface in {"v2", "v4"}:
        return int(msgspec.json.decode(answer.body)["meta"]["code"])
    return answer.status


class Judge:
    """Asks for one action after the other, and keeps what is wrong."""

    def __init__(self, site: Site) -> None:
        """Take what is there now for the owner's."""
        self._site = site
        self._owned: frozenset[Row] = frozenset()
        self.tried = 0
        self.found: list[str] = []

    async def begin(self) -> None:
        """Note what is the owner's (or everybody's): it has to outlive all others' calls."""
        others = [
            account.number * 2 for email, account in self._site.accounts.items() if email != OWNER
        ]
        self._owned = frozenset(
            row
            for row in await self._site.watch.rows()
            if not any(belongs_to(row, world_id) for world_id in others)
        )

    async def try_action(self, action: Action, sample: Sample) -> None:
        """Ask for one action as everybody."""
        site, before = self._site, await self._site.watch.rows()
        values = await site.make("none") | await site.make(sample.kind)
        made = await site.watch.rows()
        self._owned = (self._owned & made) | (made - before)
        if action.surface == "public" and sample.names_a_thing:
            await self._check_no_such_thing(action, sample, values)
        for caller in _callers_of(action):
            verdict = verdict_on(action, sample, caller)
            if verdict != "allowed" or not _may_change(action, caller):
                await self._try_other(action, sample, caller, values)
        for caller in _callers_of(action):
            verdict = verdict_on(action, sample, caller)
            if verdict == "allowed" and _may_change(action, caller):
                await self._try_owner(action, sample, caller)

    async def _try_other(
        self, action: Action, sample: Sample, caller: Caller, values: dict[str, str]
    ) -> None:
        site, where = self._site, f"{action.name} by {caller.name}"
        verdict = verdict_on(action, sample, caller)
        before = await site.watch.rows()
        answer = await site.ask(caller, action.method, action.surface, sample, values)
        self.tried += 1
        self._check_answer(action, caller, verdict, answer)
        if verdict == "missing":
            await self._check_unknown(action, sample, caller, values)
        after = await site.watch.rows()
        if after is before:
            return
        if verdict != "allowed" and after != before:
            self.found.append(f"{where}: refused, and yet it changed {_told(after ^ before)}")
        if lost := self._owned - after:
            self.found.append(f"{where}: changed what is the owner's: {_told(lost)}")
            self._owned -= lost
        if strange := [row for row in after - before if belongs_to(row, site.world_id)]:
            self.found.append(f"{where}: put something into the owner's world: {_told(strange)}")

    async def _check_unknown(
        self, action: Action, sample: Sample, caller: Caller, values: dict[str, str]
    ) -> None:
        """Whoever may not know of a thing is answered as if it did not exist, byte for byte."""
        site, unknown = self._site, self._site.stranger_to(values)
        real = await site.ask(caller, action.method, action.surface, sample, values)
        none = await site.ask(caller, action.method, action.surface, sample, unknown)
        if _bare(real, values) != _bare(none, unknown):
            self.found.append(
                f"{action.name} by {caller.name}: tells what exists from what does not"
            )

    async def _check_no_such_thing(
        self, action: Action, sample: Sample, values: dict[str, str]
    ) -> None:
        """An address that nobody gave out leads nowhere, whoever tries it."""
        before, unknown = await self._site.watch.rows(), self._site.stranger_to(values)
        for caller in _callers_of(action):
            answer = await self._site.ask(caller, action.method, action.surface, sample, unknown)
            self.tried += 1
            if answer.status != 404:
                self.found.append(f"{action.name}: {answer.status} for what does not exist")
        if await self._site.watch.rows() != before:
            self.found.append(f"{action.name}: changed something for what does not exist")

    def _check_answer(
        self, action: Action, caller: Caller, verdict: Verdict, answer: Answer
    ) -> None:
        where = f"{action.name} by {caller.name}"
        expected = _CODES[action.surface].get(verdict)
        code = _code(action, answer) if expected or answer.status >= 500 else 0
        if expected and code not in expected:
            self.found.append(f"{where}: {code}, and not {verdict}: {answer.body[:200]!r}")
        if expected == (303,) and "/login" not in answer.headers.get("location", ""):
            self.found.append(f"{where}: it is not led to the login page")
        if answer.status >= 500 or code in {511, 512, 513}:
            self.found.append(f"{where}: {answer.status} {answer.body[:200]!r}")
        shown = f"{answer.headers}{answer.body!r}"
        secrets = [LIVE]
        if verdict != "allowed" or caller.email not in {OWNER, OPERATOR}:
            secrets.append(ACCOUNT)
        if not action.is_for_operators or verdict != "allowed":
            secrets.append(OPERATORS)
        # An operator sees how many unmapped codes there are, and reads accounts; no parcels.
        self.found += [f"{where}: shows {one}" for one in secrets if one in shown]

    async def _try_owner(self, action: Action, sample: Sample, caller: Caller) -> None:
        """Whoever may, can: on a thing of its own, since it may be gone afterwards."""
        site, before = self._site, await self._site.watch.rows()
        values = await site.make("none") | await site.make(sample.kind)
        answer = await site.ask(caller, action.method, action.surface, sample, values)
        self.tried += 1
        code, where = _code(action, answer), f"{action.name} by {caller.name}"
        control = sample.control or tuple(range(200, 300))
        if not sample.control and action.surface == "dashboard" and action.method == "POST":
            control = (200, 303)
        is_led_away = action.scope != ANYONE and "/login" in answer.headers.get("location", "")
        is_logout = action.path.endswith("/logout")
        if code not in control or (is_led_away and not is_logout):
            self.found.append(f"{where}, who may: {code} {answer.body[:300]!r}")
        after = await site.watch.rows()
        # What its owner changed is as it should be from now on.
        self._owned = (self._owned & after) | (after - before)


def _callers_of(action: Action) -> Iterable[Caller]:
    if action.surface == "public":
        return [one for one in CALLERS if one.name in {"no key", "an admin key"}]
    callers = [one for one in CALLERS if action.surface == "dashboard" or not one.looks_at_test]
    if action.path in _CORE_PATHS:
        # They are about the session alone: any session may end itself.
        return [one for one in callers if one.scope != "none"]
    return callers


def _may_change(action: Action, caller: Caller) -> bool:
    """Tell whether what changes is the caller's own: the owner's live keys, and operators'."""
    if action.surface == "public":
        # The link is the right to it, whatever key comes along.
        return True
    return caller.owns_live or (action.is_for_operators and caller.email == OPERATOR)


def _bare(answer: Answer, values: Mapping[str, str]) -> tuple[int, str]:
    """Return an answer without the names that were asked for, and what differs by session."""
    text = answer.body.decode("utf-8", "replace")
    for name in ("id", "number", "prefix", "token"):
        if value := values.get(name):
            text = text.replace(value, f"<{name}>")
    return answer.status, text


def _told(rows: Iterable[Row]) -> str:
    return "; ".join(f"{table} {text[:120]}" for table, text in sorted(rows)[:3])


async def try_all(engine: str, *, only: tuple[str, ...] = ()) -> tuple[int, list[str]]:
    """Ask for every action (or for those whose name begins with one of ``only``) as everybody.

    Return how many calls there were, and what is wrong.
    """
    wanted = [
        (action, SAMPLES[action.name])
        for action in TABLE
        if action.name in SAMPLES and (not only or action.name.startswith(only))
    ]
    tried, found = 0, list[str]()
    for start in range(0, len(wanted), _AT_A_TIME):
        with tempfile.TemporaryDirectory() as folder:
            async with open_site(Path(folder), engine) as site:
                judge = Judge(site)
                await judge.begin()
                for action, sample in wanted[start : start + _AT_A_TIME]:
                    await judge.try_action(action, sample)
                tried += judge.tried
                found += judge.found
    return tried, found


def uncovered() -> list[str]:
    """Return the actions that have no sample, and the samples that have no action."""
    return sorted({one.name for one in TABLE} ^ SAMPLES.keys())


async def find_planted(engine: str) -> list[str]:
    """Return which of ``PLANTED`` were found on an engine."""
    found = []
    for what, plant in PLANTED.items():
        with plant.sow():
            _, wrong = await try_all(engine, only=plant.actions)
        if any(line.startswith(plant.actions) for line in wrong):
            found.append(what)
    return found


async def _run() -> Outcome:
    tried, planted, violations = 0, 0, [f"{one}: action or sample alone" for one in uncovered()]
    for engine in ENGINES:
        count, found = await try_all(engine)
        tried += count
        violations += [f"{engine}: {one}" for one in found]
        planted += len(await find_planted(engine))
    return Outcome(
        id="G2",
        name=f"{len(TABLE)} actions, each by {len(CALLERS)} callers, two engines",
        tried=tried,
        fired=tried,
        violations=violations,
        planted_found=planted,
        planted_of=len(PLANTED) * len(ENGINES),
    )


def run(*, scale: float, seed: int) -> Outcome:
    """Try everything with everybody; once, whatever ``scale`` and ``seed``."""
    del scale, seed
    return asyncio.run(_run())


PROOFS = {"G2": run}

"""D2 and D4: the native API against who may not call it, and against its own description.

D4 lets schemathesis make up calls from the OpenAPI description, good ones and bad ones, in all of
its phases (examples, coverage, fuzzing, stateful), and compares every answer with what is
described. The house is a real one behind a real HTTP server on loopback; host names have no
addresses in it, so that made-up endpoints reach nobody.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import schemathesis
from msgspec.structs import replace
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from parcelwire.accounts.key_format import prefix_of
from parcelwire.api.house import House
from parcelwire.api.native.openapi import describe
from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.native.problems import ProblemError
from parcelwire.api.native.table import ALL
from prove.outcome import Outcome
from tests.support.house import serve
from tests.support.native_rows import ROWS, Yard, open_yard, refusals, uncovered

EXAMPLES: Final = 60
"""Made-up calls of one operation in one phase, in the long form."""

OWNER: Final = "shop@example.com"

PHASES: Final = ("examples", "coverage", "fuzzing", "stateful")

MALFORMED: Final = {"invalid-json", "validation-failed", "invalid-query", "invalid-idempotency-key"}
"""Problems that say "this is not what is described"."""


@schemathesis.check
def good_calls_are_read(ctx: Any, response: Any, case: Any) -> None:
    """Check that a call made as described is never told that it is not.

    It can still be about nothing that is there, or carry a number that is nobody's.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.headers.get("content-type", [""])[0] == "application/problem+json":
        code = response.json()["code"]
        assert code not in MALFORMED, f"a good call is refused: {response.content!r}"


_own_prefixes: set[str] = set()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Keep the key that asks from locking itself out; whether it can has a test of its own."""
    del context, kwargs
    if case.path_parameters.get("prefix") in _own_prefixes:
        case.path_parameters["prefix"] = "pw_live_nobody"


class Exploration(msgspec.Struct):
    """What came of letting schemathesis loose."""

    calls: Counter[str] = msgspec.field(default_factory=Counter)
    """Calls answered, by phase."""
    unanswered: int = 0
    succeeded: set[str] = msgspec.field(default_factory=set)
    """Operations that were carried out at least once, as ``METHOD /path``."""
    failures: dict[str, str] = msgspec.field(default_factory=dict)
    """What was found, one of each kind and operation, and the call that shows it."""

    def violations(self, operations: tuple[Operation, ...] = ALL) -> list[str]:
        """Return what is wrong, with the API or with the exploration itself."""
        found = [f"{what}: {shown}" for what, shown in self.failures.items()]
        found += [f"phase {one}: no call was made" for one in PHASES if not self.calls[one]]
        never = {f"{one.method} {one.path}" for one in operations} - self.succeeded
        return found + [f"{one}: no call was ever carried out" for one in sorted(never)]


def explore(
    address: str,
    key: str,
    *,
    seed: int,
    examples: int,
    only: str | None = None,
    samples: Mapping[str, str] | None = None,
) -> Exploration:
    """Make up calls of the API at ``address`` (blocks); of the operation ``only``, if given.

    ``samples``: operation -> a value of its path that it is good for, as made-up ones rarely are.
    """
    config = SchemathesisConfig.from_dict(
        {
            "base-url": f"http://{address}/api",
            "headers": {"Authorization": f"Bearer {key}"},
            "seed": seed,
            "workers": 1,
            "continue-on-failure": True,
            "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
            # A good call may be refused for what it is about; ``good_calls_are_read`` tells the
            # two apart, which a status cannot.
            "checks": {
                "positive_data_acceptance": {
                    "expected-statuses": ["2xx", "400", "401", "403", "404", "409", "410", "422"]
                }
            },
        }
    )
    _own_prefixes.add(prefix_of(key))
    described = describe()
    for methods in described["paths"].values():
        for operation in methods.values():
            if sample := (samples or {}).get(operation["operationId"]):
                operation["parameters"][0]["example"] = sample
    schema: Any = schemathesis.openapi.from_dict(described, config=config)
    if only is not None:
        schema = schema.include(operation_id=only)

    found = Exploration()
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished():
                _note(found, event)
            case events.NonFatalError():
                found.failures.setdefault(f"error in {event.label}", str(event.value)[:500])
            case events.FatalError():
                found.failures.setdefault("the exploration ended", repr(event.exception)[:500])
    return found


def _note(found: Exploration, event: events.ScenarioFinished) -> None:
    recorder = event.recorder
    for case_id, made in recorder.interactions.items():
        if made.response is None:
            found.unanswered += 1
            continue
        found.calls[str(event.phase.value)] += 1
        label = recorder.cases[case_id].value.operation.label
        # A case that tries what is not described borrows the operation's name, not its method.
        if made.response.status_code < 300 and made.request.method == label.partition(" ")[0]:
            found.succeeded.add(label)
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is None:
                continue
            label = recorder.cases[case_id].value.operation.label
            failure = check.failure_info.failure
            shown = f"{failure.message} {_shown(recorder.interactions.get(case_id))}"
            found.failures.setdefault(f"{check.name} in {label}: {failure.title}", shown)


def _shown(made: Any) -> str:
    if made is None:
        return ""
    answer = made.response
    said = (
        "no answer" if answer is None else f"{answer.status_code} {answer.content[:300].decode()!r}"
    )
    return f"| {made.request.method} {made.request.uri[:300]} {made.request.body!r:.300} -> {said}"


async def explore_house(
    *,
    seed: int,
    examples: int,
    operations: tuple[Operation, ...] = ALL,
    only: str | None = None,
) -> Exploration:
    """Open a house that answers ``operations`` and let schemathesis loose on it."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_yard(Path(folder), operations, operator=OWNER) as yard:
            key = await yard.key("owner")
            samples = await _samples(yard)
            async with serve(yard.shop.door) as address:
                found = await asyncio.to_thread(
                    explore,
                    address,
                    key,
                    seed=seed,
                    examples=examples,
                    only=only,
                    samples=samples,
                )
            # With a key that was revoked underway, the rest would have proved nothing.
            alive = await yard.shop.ask("GET", "/api/account", key=key)
            if alive.status != 200:
                found.failures["the key"] = f"is no longer good: {alive.body!r}"
            return found


async def _samples(yard: Yard) -> dict[str, str]:
    """Make a thing for each call that is about one, so that one call at least finds it."""
    samples = {}
    for name, row in ROWS.items():
        for kind in row.path.values():
            samples[name] = kind[1:] if kind.startswith("=") else await yard.make(kind)
    return samples


# --- planted bugs -----------------------------------------------------------------------------


async def _stumble(house: House, asked: Asked) -> Any:
    """Fall over a code that is longer than any."""
    if len(asked.path["code"]) > 5:
        raise RuntimeError
    raise ProblemError("courier-not-found")


async def _miscount(house: House, asked: Asked) -> Any:
    """Answer something of another shape than described."""
    return {"total": "many", "by_status": {}}


async def _refuse_oddly(house: House, asked: Asked) -> Any:
    """Refuse with a status that this call does not have."""
    raise ProblemError("events-pruned")


async def _answer_nothing(house: House, asked: Asked) -> Any:
    """Take whatever comes."""
    return {"items": []}


class _AnyQuery(msgspec.Struct, frozen=True):
    """Takes every parameter, and never looks."""


class _SmallPages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Takes less than the description promises."""

    cursor: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=20)] = 20


PLANTED: Final[Mapping[str, tuple[str, dict[str, Any], str]]] = {
    "a fault at some input": ("get_courier", {"handler": _stumble}, "not_a_server_error"),
    "an answer of another shape": (
        "count_trackings",
        {"handler": _miscount},
        "response_schema_conformance",
    ),
    "a status that is not described": (
        "list_endpoints",
        {"handler": _refuse_oddly},
        "status_code_conformance",
    ),
    "bad parameters taken": (
        "list_couriers",
        {"query": _AnyQuery, "handler": _answer_nothing},
        "negative_data_rejection",
    ),
    "good parameters refused": ("list_accounts", {"query": _SmallPages}, "good_calls_are_read"),
}
"""What is planted -> operation, what is exchanged in it, the check that has to find it."""


async def find_planted(*, seed: int, examples: int) -> list[str]:
    """Return which of ``PLANTED`` were found."""
    found = []
    for what, (name, exchanged, check) in PLANTED.items():
        broken = tuple(replace(one, **exchanged) if one.name == name else one for one in ALL)
        seen = await explore_house(seed=seed, examples=examples, operations=broken, only=name)
        if any(failure.startswith(f"{check} in ") for failure in seen.failures):
            found.append(what)
    return found


# --- proofs -----------------------------------------------------------------------------------


def run(*, scale: float, seed: int) -> Outcome:
    """Let schemathesis loose on the whole API, and on five planted bugs."""
    examples = max(3, round(EXAMPLES * scale))
    found = asyncio.run(explore_house(seed=seed, examples=examples))
    planted = asyncio.run(find_planted(seed=seed, examples=max(10, examples // 4)))
    calls = sum(found.calls.values())
    return Outcome(
        id="D4",
        name=f"schemathesis, all phases, {len(ALL)} operations",
        tried=calls + found.unanswered,
        fired=calls,
        violations=found.violations(),
        notes=", ".join(f"{found.calls[one]} {one}" for one in PHASES),
        planted_found=len(planted),
        planted_of=len(PLANTED),
    )


def run_refusals(*, scale: float, seed: int) -> Outcome:
    """Try every call with every key that is not right; once, whatever ``scale`` and ``seed``."""
    tried, violations = asyncio.run(_try_all(ALL))
    violations += [f"{one}: no row says whose things it is about" for one in uncovered()]
    open_doors = {"update_tracking": "read", "delete_endpoint": "read", "list_keys": "write"}
    broken = tuple(
        replace(one, scope=open_doors[one.name]) if one.name in open_doors else one for one in ALL
    )
    _, found = asyncio.run(_try_all(broken))
    return Outcome(
        id="D2",
        name=f"{len(ALL)} calls of the native API with keys that are not right",
        tried=tried,
        fired=tried,
        violations=violations,
        planted_found=sum(any(line.startswith(name) for line in found) for name in open_doors),
        planted_of=len(open_doors),
    )


async def _try_all(operations: tuple[Operation, ...]) -> tuple[int, list[str]]:
    tried, found = 0, []
    with tempfile.TemporaryDirectory() as folder:
        async with open_yard(Path(folder), operations) as yard:
            for one in ALL:
                count, violations = await refusals(yard, one, ROWS[one.name])
                tried += count
                found += violations
    return tried, found


PROOFS = {"D2": run_refusals, "D4": run}

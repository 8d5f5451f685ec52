"""With ten times the rows, no query does more than one and a half times the work.

Every call of the store's ports is measured on both engines (on PostgreSQL with plans made for the
arguments at hand and with plans made for any), and every statement of the stores must have run
meanwhile: a new call, or a new statement, without a row in ``flat_queries`` fails here.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from parcelwire.store.port import Store
from parcelwire.tracking.ports import TrackingFilter
from parcelwire.webhooks.ports import MessageFilter
from tests.contract.store.flat_calls import Shop, prepare
from tests.contract.store.flat_filters import MESSAGE_FILTERS, TRACKING_FILTERS
from tests.contract.store.flat_queries import QUERIES
from tests.contract.store.statements import EXEMPT_STATEMENTS, statements_of, without_a_run
from tests.contract.store.work_meter import (
    CONSTANT,
    FilledCluster,
    Meter,
    postgres_meter,
    sqlite_meter,
)

FEW, MANY = 20_000, 200_000
MOST_TIMES: Final = 1.5

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EXEMPT_CALLS: Final = {
    "close": "ends the store",
    "check": "reads the whole file, in the background, by design",
    "replace_remote_areas": "replaces a whole table by an operator's command",
    **dict.fromkeys(
        (
            "begin_rotation",
            "drop_old_copies",
            "end_rotation",
            "register_first_key",
            "reseal",
            "reset_keys",
            "sealed_counts",
        ),
        "the installation's key is made or rotated: once, over all that is sealed, in portions",
    ),
}


NEVER_GENERIC: Final = frozenset(
    {
        "claim polls",
        "endpoint",
        "give up waiting",
        "prune done",
        "prune records",
        "skipped",
        "suspended",
    }
)
"""Queries for which PostgreSQL never takes a plan made for any arguments. It would reckon with a
tenth of the table for a limit that it does not know, or with an average endpoint's messages, and so
find such a plan dearer than one for the arguments at hand.
"""


class Measured(msgspec.Struct, frozen=True):
    """What a run over all queries has shown on one engine."""

    engine: str
    costs: dict[str, tuple[int, int]]
    """With few rows and with many, by query."""
    calls: set[str]
    statements: set[str]


class _Noted:
    """A store that notes which of its methods are called."""

    def __init__(self, store: Store, calls: set[str]) -> None:
        self._store = store
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        self._calls.add(name)
        return getattr(self._store, name)


async def _measure(
    engine: str, folder: Path, cluster: Callable[[], FilledCluster], patch: pytest.MonkeyPatch
) -> Measured:
    costs: dict[str, tuple[int, int]] = {}
    calls: set[str] = set()
    meters: list[Meter] = []
    shops: list[Shop] = []
    async with AsyncExitStack() as stack:
        for count in (FEW, MANY):
            if engine == "sqlite":
                opened = sqlite_meter(folder, count)
            else:
                dsn = await cluster().database(count, engine.partition(" ")[2])
                opened = postgres_meter(dsn, patch)
            meter = await stack.enter_async_context(opened)
            await prepare(meter.store)
            meters.append(meter)
            noted: Any = _Noted(meter.store, calls)
            shops.append(Shop(noted, count))
        for name, query in QUERIES.items():
            few, many = [
                await meter.cost(query.run(shop)) for meter, shop in zip(meters, shops, strict=True)
            ]
            costs[name] = (few, many)
        statements = {statement for meter in meters for statement in meter.statements}
    return Measured(engine, costs, calls, statements)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Callable[[], FilledCluster]]:
    """Start a server when it is first wanted."""
    start = functools.cache(FilledCluster)
    yield start
    if start.cache_info().currsize:
        start().remove()


@pytest.fixture(
    scope="module", params=["sqlite", "postgres force_generic_plan", "postgres force_custom_plan"]
)
def measured(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    cluster: Callable[[], FilledCluster],
) -> Measured:
    with pytest.MonkeyPatch.context() as patch:
        return asyncio.run(_measure(request.param, tmp_path_factory.mktemp("flat"), cluster, patch))


def test_every_query_is_flat_or_bounded(measured: Measured) -> None:
    engine, _, plans = measured.engine.partition(" ")
    grown = []
    for name, (few, many) in measured.costs.items():
        bound = QUERIES[name].bound
        most = MOST_TIMES * few + CONSTANT[engine]
        if bound is not None:
            most = max(most, bound.sqlite if engine == "sqlite" else bound.postgres)
        if many > most and not (plans == "force_generic_plan" and name in NEVER_GENERIC):
            grown.append(f"{name}: {few} -> {many}")
    assert not grown, "\n".join([measured.engine, *grown])


def test_every_call_of_the_ports_was_measured(measured: Measured) -> None:
    assert calls_of_the_ports() - measured.calls - EXEMPT_CALLS.keys() == set()
    assert not measured.calls & EXEMPT_CALLS.keys(), "measured, so no longer exempt"


def test_every_statement_was_measured(measured: Measured) -> None:
    engine = measured.engine.partition(" ")[0]
    missed = without_a_run(statements_of(engine), measured.statements)
    exempt = EXEMPT_STATEMENTS[engine].keys()
    assert missed == exempt, f"new: {sorted(missed - exempt)}, ran: {sorted(exempt - missed)}"


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        (TrackingFilter, [where for _, where in TRACKING_FILTERS.values()]),
        (MessageFilter, list(MESSAGE_FILTERS.values())),
    ],
)
def test_every_condition_of_a_filter_is_asked_for(
    kind: type[msgspec.Struct], asked: list[msgspec.Struct]
) -> None:
    empty = kind()
    for field in kind.__struct_fields__:
        assert any(getattr(one, field) != getattr(empty, field) for one in asked), field


def calls_of_the_ports() -> set[str]:
    """Return the names of all methods that make up ``Store``."""
    return {
        name
        for port in Store.__mro__
        if port.__module__.startswith("parcelwire")
        for name, member in vars(port).items()
        if callable(member) and not name.startswith("_")
    }

"""The measure that ``test_flat`` goes by sees what grows, and what never ran."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.contract.store.bulk_rows import BIG, Parcel
from tests.contract.store.statements import statements_of, without_a_run
from tests.contract.store.work_meter import FilledCluster, Meter, postgres_meter, sqlite_meter

FEW, MANY = 400, 4_000


async def costs_of(meter: Meter, count: int) -> tuple[int, int]:
    """Return what a look-up by an index and a walk over a table cost."""
    store: Any = meter.store
    looked_up = await meter.cost(store.load(BIG, Parcel(count // 2, count).id))
    if hasattr(store, "_reader"):
        walk = store._reader.scan("SELECT count(*) FROM doc WHERE length(packed) = 0")
    else:
        walk = store._database.fetch("select count(*) from doc where length(body) = 0")
    return looked_up, await meter.cost(walk)


def check(few: tuple[int, int], many: tuple[int, int]) -> None:
    assert 0 < few[0] <= many[0] <= 1.5 * few[0] + 2
    assert many[1] > 8 * few[1] > 0


async def test_a_walk_shows_on_sqlite(tmp_path: Path) -> None:
    async with sqlite_meter(tmp_path, FEW) as few, sqlite_meter(tmp_path, MANY) as many:
        check(await costs_of(few, FEW), await costs_of(many, MANY))
        assert any("length(packed)" in statement for statement in many.statements)


async def test_a_walk_shows_on_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FilledCluster()
    costs = []
    for count in (FEW, MANY):
        dsn = await cluster.database(count, "force_custom_plan")
        async with postgres_meter(dsn, monkeypatch) as meter:
            costs.append(await costs_of(meter, count))
            assert any("length(body)" in statement for statement in meter.statements)
    check(*costs)
    cluster.remove()


def test_a_statement_that_never_ran_is_found() -> None:
    statements = {
        "whole": "SELECT a\nFROM b  -- why\nWHERE c = ?",
        "with a gap": "SELECT \0 FROM b WHERE d = ?",
        "never": "SELECT a FROM b WHERE e = ?",
    }
    ran = {" SELECT a FROM b WHERE c = ? LIMIT 5", "SELECT count(*)\nFROM b WHERE d = ?"}
    assert without_a_run(statements, ran) == {"never"}


@pytest.mark.parametrize(
    ("engine", "names"),
    [
        ("sqlite", {"queries.py:LOAD", "poll_queries.py:SAVE_POLL", "journeys.py:SAVE"}),
        ("postgres", {"trackings.sql:load", "messages.sql:claim_messages", "database.py:_BEAT"}),
    ],
)
def test_statements_are_found_wherever_they_stand(engine: str, names: set[str]) -> None:
    found = statements_of(engine)
    assert names <= found.keys()
    assert len(found) > 100

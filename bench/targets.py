"""The targets, and which figures fall short of them.

Ratios of one run only: an absolute time says more about the machine than about the program. Targets
given in microseconds are
turned into multiples of the constant answer by the floor they were set on (41 us).
"""

from __future__ import annotations

from typing import Any

FLOOR_US = 41.0
"""The constant answer on the machine where the targets were set."""

TARGETS: dict[str, tuple[float, str]] = {
    "get": (3.5, "times the constant answer"),
    "create": (3.5, "times the constant answer"),
    "batch of 40": (60 / FLOOR_US, "times the constant answer, per tracking"),
    "list page of 100": (2500 / FLOOR_US, "times the constant answer"),
}
ENGINES = ("sqlite", "postgres")


def floor_of(measured: dict[str, float], name: str) -> float:
    """Return the constant answer that ``name`` is held against.

    Get and create: the same request answered with a constant of the same size. Batch and list have
    targets in microseconds of the
    machine where get's floor was ``FLOOR_US``.
    """
    own = f"{name}: floor"
    return measured[own if name in ("get", "create") else "get: floor"]


def lines(section: str, figures: dict[str, Any]) -> list[str]:
    """Return a section's figures, one line each."""
    if section != "http":
        return [f"{name:44} {_short(value)}" for name, value in figures.items()]
    table = []
    for engine in ENGINES:
        measured = figures[engine]
        for name in TARGETS:
            value, floor = measured[name], floor_of(measured, name)
            table.append(
                f"{engine:9} {name:18} {value:9.1f} us  constant {floor:7.1f} us"
                f"  {value / floor:6.2f} x constant"
            )
    return table


def _short(value: Any) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


MOST: dict[tuple[str, str], float] = {
    ("start", "first_answer_cpu_seconds"): 1.0,
    ("start", "resident_mb"): 120.0,
    ("refresh", "apply_nothing_new_us"): 110.0,
    ("refresh", "apply_one_new_us"): 250.0,
    ("detection", "parcelwire_us"): 5.0,
    ("client", "cpu_ratio"): 1.0,
    **{
        ("pages", f"{engine}: {page}: times as long"): 1.3
        for engine in ENGINES
        for page in ("first page", "page far behind", "one status")
    },
}
LEAST: dict[tuple[str, str], float] = {
    ("store_sqlite", "claim_and_finish_polls_per_second"): 15_000.0,
    ("store_postgres", "claim_and_finish_polls_per_second"): 15_000.0,
    ("detection", "ratio"): 3.0,
    # With a durable record each, and beside aiohttp posting the same bytes without a store. The
    # client of our own that went before reached 0.5: it sent quicker than aiohttp's connector does.
    ("deliveries", "share_of_bare_client"): 0.4,
}


def shortfalls(figures: dict[str, Any]) -> list[str]:
    """Return one line per target that is not met among what was measured."""
    short = []
    for engine in ENGINES if "http" in figures else ():
        measured = figures["http"][engine]
        for name, (limit, unit) in TARGETS.items():
            if name == "get" and engine != "sqlite":
                continue  # The target names SQLite; PostgreSQL's driver alone costs more.
            ratio = measured[name] / floor_of(measured, name)
            if ratio > limit:
                short.append(
                    f"SHORT OF TARGET {engine} {name}: {ratio:.2f}, at most {limit:.2f} {unit}"
                )
    for table, word in ((MOST, "at most"), (LEAST, "at least")):
        for (section, name), limit in table.items():
            value = figures.get(section, {}).get(name)
            if value is None:
                continue
            if (value > limit) if table is MOST else (value < limit):
                short.append(f"SHORT OF TARGET {section} {name}: {_short(value)}, {word} {limit:g}")
    return short

"""The targets, and which figures fall short of them.

Ratios of one run only: an absolute time says more about the machine than about the program. Targets given in microseconds are
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

    Get and create: the same request answered with a constant of the same size. Batch and list have targets in microseconds of the
    machine where get's floor was ``FLOOR_US``.
    """
    own = f"{name}: floor"
    return measured[own if name in ("get", "create") else "get: floor"]


def lines(figures: dict[str, Any]) -> list[str]:
    """Return the table of HTTP figures."""
    table = []
    for engine in ENGINES:
        measured = figures["http"][engine]
        for name in TARGETS:
            value, floor = measured[name], floor_of(measured, name)
            table.append(
                f"{engine:9} {name:18} {value:9.1f} us  constant {floor:7.1f} us"
                f"  {value / floor:6.2f} x constant"
            )
    return table


def shortfalls(figures: dict[str, Any]) -> list[str]:
    """Return one line per target that is not met."""
    short = []
    for engine in ENGINES:
        measured = figures["http"][engine]
        for name, (limit, unit) in TARGETS.items():
            ratio = measured[name] / floor_of(measured, name)
            if ratio > limit:
                short.append(
                    f"SHORT OF TARGET {engine} {name}: {ratio:.2f}, target {limit:.2f} {unit}"
                )
    detection = figures.get("detection") or {}
    ratio = detection.get("speed_ratio")
    if ratio is not None and ratio < 3:
        short.append(f"SHORT OF TARGET detection: {ratio:.1f} x tracking-numbers, target 3")
    return short

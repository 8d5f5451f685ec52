"""How fast detection is, next to the ``tracking-numbers`` package on the same numbers.

    python -m bench.detection

Both answer every labelled number of the test data, over and over, in alternating bursts; the best
burst of each counts. ``tracking-numbers`` knows 8 couriers, ours is asked over the whole registry.
It is no dependency: without it only our own figures are given.
"""

import random
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from parcelwire.couriers.detection import Detector, default_detector
from parcelwire.couriers.evaluation import read_examples
from parcelwire.couriers.formats import default_table
from parcelwire.couriers.registry import default_registry
from parcelwire.couriers.s10 import default_postal_table

EXAMPLES = Path(__file__).resolve().parent.parent / "tests" / "data" / "detection-examples.json"
BURSTS = 9
ROUNDS_OF_A_BURST = 4
TARGET_NUMBERS_PER_SECOND = 200_000
TARGET_RATIO = 3.0


def run() -> dict[str, float]:
    """Measure, print and answer the figures: microseconds and numbers a second."""
    numbers = [example.number for example in read_examples(EXAMPLES)]
    detect = default_detector().detect
    others = _find_tracking_numbers()
    contestants: dict[str, Callable[[str], object]] = {"parcelwire": detect}
    if others is not None:
        contestants["tracking_numbers"] = others
    figures = {f"{name}_us": us for name, us in _race(contestants, numbers).items()}
    figures["numbers_per_second"] = 1e6 / figures["parcelwire_us"]
    figures["unseen_us"] = _measure_unseen()
    figures["registry_load_ms"] = _measure_ms(default_registry)
    figures["detector_build_ms"] = _measure_ms(_build)
    if others is not None:
        figures["ratio"] = figures["tracking_numbers_us"] / figures["parcelwire_us"]
    _print(figures, len(numbers))
    return figures


def _find_tracking_numbers() -> Callable[[str], object] | None:
    try:
        found: Callable[[str], object] = import_module("tracking_numbers").get_tracking_number
    except ModuleNotFoundError:
        return None
    return found


def _race(contestants: dict[str, Callable[[str], object]], numbers: list[str]) -> dict[str, float]:
    """Answer the best burst of each contestant, in microseconds a number."""
    best = dict.fromkeys(contestants, float("inf"))
    for _ in range(BURSTS):
        for name, ask in contestants.items():
            start = time.perf_counter()
            for _ in range(ROUNDS_OF_A_BURST):
                for number in numbers:
                    ask(number)
            spent = time.perf_counter() - start
            best[name] = min(best[name], spent * 1e6 / ROUNDS_OF_A_BURST / len(numbers))
    return best


def _measure_unseen() -> float:
    """Microseconds a number over numbers that were never asked before, half of them valid 1Z."""
    generator = random.Random(7)
    numbers = [f"{generator.randrange(10**13, 10**14)}" for _ in range(20_000)]
    numbers += [f"1Z{generator.randrange(16**15):015X}{n % 10}" for n in range(20_000)]
    detect = default_detector().detect
    start = time.perf_counter()
    for number in numbers:
        detect(number)
    return (time.perf_counter() - start) * 1e6 / len(numbers)


def _build() -> Detector:
    default_table.cache_clear()
    default_postal_table.cache_clear()
    return Detector(default_table(), default_postal_table())


def _measure_ms(load: Callable[[], object]) -> float:
    """Best of five, each from the data file."""
    best = float("inf")
    for _ in range(5):
        if load is default_registry:
            default_registry.cache_clear()
        start = time.perf_counter()
        load()
        best = min(best, (time.perf_counter() - start) * 1000)
    return best


def _print(figures: dict[str, float], count: int) -> None:
    print(f"detection of {count} labelled numbers, best of {BURSTS} bursts")
    print(f"  parcelwire          {figures['parcelwire_us']:8.2f} us a number")
    print(f"  never seen before   {figures['unseen_us']:8.2f} us a number")
    print(f"  numbers a second    {figures['numbers_per_second']:8.0f}")
    print(f"  registry loads in   {figures['registry_load_ms']:8.2f} ms")
    print(f"  detector builds in  {figures['detector_build_ms']:8.2f} ms")
    if figures["numbers_per_second"] < TARGET_NUMBERS_PER_SECOND:
        print(f"  falls short of {TARGET_NUMBERS_PER_SECOND} numbers a second")
    if "ratio" not in figures:
        print("  tracking-numbers is not installed: pip install tracking-numbers")
        return
    print(f"  tracking-numbers    {figures['tracking_numbers_us']:8.2f} us a number")
    print(f"  ratio               {figures['ratio']:8.2f} (at least {TARGET_RATIO})")


if __name__ == "__main__":
    run()

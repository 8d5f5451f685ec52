"""Which proofs there are, and where to find them."""

from __future__ import annotations

import pkgutil
import traceback
from collections.abc import Iterator
from importlib import import_module
from typing import Final, Protocol

import prove
from prove.outcome import Outcome

TITLES: Final = {
    "A1": "SIGKILL of the server at random instants under load, SQLite",
    "A2": "SIGKILL of workers and of the whole cluster, PostgreSQL",
    "A3": "SIGKILL at every storage system call of one scenario",
    "A4": "power loss: sectors torn, unsynced pages dropped",
    "A5": "seeded worlds on simulated time",
    "B1": "disk full at random moments",
    "B3": "wall clock jumps",
    "B4": "half of 100 endpoints misbehave",
    "B5": "an endpoint down for 72 hours",
    "B6": "every answer of a receiver",
    "B7": "endpoint disabled, then enabled and replayed",
    "B8": "one tracking's message always fails",
    "B10": "mutated, reordered, repeated carrier answers",
    "C1": "signatures verified by others' packages",
    "C4": "internal addresses in every spelling, DNS rebinding",
    "D1": "one Idempotency-Key at once, kills between",
    "D2": "every route without the right to it",
    "D4": "property tests over the native API's description",
    "D7": "paging while rows come and go",
    "F1": "database away and back",
    "F2": "four processes with four clocks",
    "G1": "everything hostile at once, beside an innocent client",
    "G2": "every action asked for by everybody",
    "G3": "key rotation killed, strangers' keys",
    "G4": "one tenant takes all it can get",
    "G6": "damaged pages, a second server on one file",
}


class Proof(Protocol):
    """One proof: ``scale`` 1.0 is its long form, ``seed`` decides all randomness."""

    def __call__(self, *, scale: float, seed: int) -> Outcome:
        """Run it to its end."""
        ...


def discover() -> tuple[dict[str, Proof], list[str]]:
    """Import every module of ``prove``; return its proofs by id, and what could not be imported.

    Raises:
        ValueError: two modules claim one proof, or an id is not in ``TITLES``.
    """
    found: dict[str, Proof] = {}
    broken: list[str] = []
    for name in _modules():
        try:
            module = import_module(name)
        except Exception:  # noqa: BLE001  # a broken proof must not hide the others
            broken.append(f"{name}: {traceback.format_exc(limit=-1).strip()}")
            continue
        if getattr(module, "run", None) and not hasattr(module, "PROOFS"):
            broken.append(f'{name}: it has a run() but no PROOFS = {{"A1": run}}')
        for id_, proof in getattr(module, "PROOFS", {}).items():
            if id_ in found or id_ not in TITLES:
                msg = f"{name} claims {id_}, which is {'taken' if id_ in found else 'unknown'}"
                raise ValueError(msg)
            found[id_] = proof
    return found, broken


def _modules() -> Iterator[str]:
    for info in pkgutil.walk_packages(prove.__path__, "prove."):
        # Whatever imports a planted bug has it from then on.
        if not info.name.endswith("__main__") and not info.name.startswith("prove.planted"):
            yield info.name

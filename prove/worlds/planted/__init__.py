"""Bugs that were put in on purpose: whoever judges worlds must find each of them.

Each replaces one part of the service by one that does what the bug would do. Nothing of the product
knows of them.
"""

from __future__ import annotations

from typing import Final

from prove.worlds.planted import people, processes, store, tracking
from prove.worlds.planted.bug import Bug

BUGS: Final = (*store.BUGS, *tracking.BUGS, *processes.BUGS, *people.BUGS)

__all__ = ["BUGS", "Bug"]

"""A carrier's budget of requests a minute: how it is spread over time. Pure.

A bucket of tokens holds ``burst`` and refills at ``refill``; both together make up what the carrier
allows. A bucket that held a whole minute's requests and refilled besides would grant twice as many
in its first minute, and after every pause.
"""

from __future__ import annotations


def burst(per_minute: int) -> int:
    """Return how many requests may follow each other at once: ten seconds' worth, one at least."""
    return min(per_minute, max(1, per_minute // 6))


def refill(per_minute: int) -> int:
    """Return how many requests a minute come back.

    In any 60 s (the last instant not counted) at most ``burst`` and as many as come back meanwhile
    are granted: less than ``per_minute`` + 1 in all.
    """
    return per_minute - burst(per_minute) + 1

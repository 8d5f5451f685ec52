"""Polls are claimed in the order in which they are due, whoever owns them."""

from __future__ import annotations

from parcelwire.store.postgres import polls as on_postgres
from parcelwire.store.sqlite import polls as on_sqlite

for module in (on_postgres, on_sqlite):
    # All of a claim, and more than there can be: nothing is left for the worlds in turn.
    module.first_come = lambda limit: limit  # type: ignore[attr-defined]

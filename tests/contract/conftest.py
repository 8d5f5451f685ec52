"""The stores of the store's own suite, for every suite that wants to run on both engines."""

from tests.contract.store.conftest import clock, open_another, place, store

__all__ = ["clock", "open_another", "place", "store"]

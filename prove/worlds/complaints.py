"""Hears what the service logs of faults inside itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from parcelwire.store.port import StoreUnavailableError


class _Complaints(logging.Handler):
    """Hears of faults inside the service: errors that nobody planned for, with their place."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or isinstance(error, StoreUnavailableError):
            return
        self.heard.append(f"inside: {record.getMessage()}: {type(error).__name__}: {error}")


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect what the service logs as errors of its own while the block runs."""
    log = logging.getLogger("parcelwire")
    handler = _Complaints()
    level, propagates = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.ERROR)
    log.propagate = False
    try:
        yield handler.heard
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagates

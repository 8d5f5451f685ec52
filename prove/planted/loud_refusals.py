"""Every refusal is logged: whoever is refused often enough fills the disk."""

from __future__ import annotations

import logging

from parcelwire.pages.limits import RefusalLog

_log = logging.getLogger("parcelwire.pages")


def _note(refusals: RefusalLog, what: str, source: str) -> None:
    del refusals
    _log.warning("refused: %s, from %s", what, source)


RefusalLog.note = _note  # type: ignore[method-assign,assignment]  # the bug

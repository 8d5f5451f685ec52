"""Every refusal is logged: whoever is refused often enough fills the disk."""

from __future__ import annotations

import logging

from parcelwire.domain.refusal_log import RefusalLog

_log = logging.getLogger("parcelwire.pages")


def _note(refusals: RefusalLog, kind: str, source: str) -> None:
    del refusals
    _log.warning("refused: %s, from %s", kind, source)


RefusalLog.note = _note  # type: ignore[method-assign,assignment]  # the bug

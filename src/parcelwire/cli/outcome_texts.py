"""How commands word what a carrier answered."""

from __future__ import annotations

from typing import Final

from parcelwire.domain.report import Outcome

OUTCOME_TEXTS: Final = {
    Outcome.FOUND: "the carrier knows this number",
    Outcome.UNKNOWN_NUMBER: "the carrier does not know this number (yet)",
    Outcome.INVALID_NUMBER: "the carrier says that no such number exists",
    Outcome.AUTH_FAILED: "the carrier refused the credentials; see: parcelwire carrier connections",
    Outcome.RATE_LIMITED: "the carrier asks us to wait",
    Outcome.UNAVAILABLE: "the carrier does not answer",
    Outcome.NOT_UNDERSTOOD: "the carrier's answer was not understood",
    Outcome.NO_CONNECTION: "there is no way to ask this carrier; see: parcelwire carrier connect",
}

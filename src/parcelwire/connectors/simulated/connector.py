"""The simulated carrier as a connector. It needs no network: its exchange asks nothing."""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from parcelwire.connectors.base import CarrierContext, Exchange, Manifest, TrackingQuery
from parcelwire.connectors.simulated.timeline import ScenarioTimeline
from parcelwire.connectors.status_table import StatusTable, load_manifest, load_status_table
from parcelwire.domain.clock import SECOND
from parcelwire.domain.report import CarrierReport, Outcome, UnmappedCode

TIME_SCALE_DEFAULT: Final = 1_440.0
"""A simulated day takes a minute."""

_PACKAGE: Final = "parcelwire.connectors.simulated"
_PAGE: Final = b"<!DOCTYPE html>\n<html><body><h1>One moment, please</h1></body></html>"
_DETAILS: Final = {
    Outcome.UNKNOWN_NUMBER: "simulated: no such number",
    Outcome.INVALID_NUMBER: "simulated: the number has no valid form",
    Outcome.UNAVAILABLE: "simulated: HTTP 503, back later",
    Outcome.AUTH_FAILED: "simulated: HTTP 401, the credentials were refused",
    Outcome.RATE_LIMITED: "simulated: HTTP 429",
    Outcome.NOT_UNDERSTOOD: "simulated: a page instead of data",
}

_TIMED: Final = (Outcome.RATE_LIMITED, Outcome.UNAVAILABLE)
"""The carrier says when it can be asked again, as ``Retry-After`` would."""


class SimulatedCarrier:
    """Scripted parcels; the number chooses the script (see README.md).

    ``time_scale`` is how many simulated days pass in one real day, 1 or more. The answer depends
    on nothing but the query, ``context.now`` and the scale.
    """

    def __init__(self, time_scale: float = TIME_SCALE_DEFAULT) -> None:
        if time_scale < 1:
            msg = f"time_scale must be at least 1, not {time_scale}"
            raise ValueError(msg)
        self.time_scale = time_scale

    @cached_property
    def manifest(self) -> Manifest:
        """What this connector is and may."""
        return load_manifest(_PACKAGE)

    @cached_property
    def table(self) -> StatusTable:
        """The meanings and phrases of its event codes."""
        return load_status_table(_PACKAGE)

    def track(self, queries: Sequence[TrackingQuery], context: CarrierContext) -> Exchange:
        """Answer ``queries`` as of ``context.now``, in ``context.language`` where it is known."""
        yield from ()  # an exchange that asks nobody
        return [self._report(query, context) for query in queries]

    def phrase(self, raw_code: str, language: str) -> str | None:
        """Return the wording of one of its event codes."""
        return self.table.phrase(raw_code, language)

    def _report(self, query: TrackingQuery, context: CarrierContext) -> CarrierReport:
        timeline = ScenarioTimeline(query, context.now, self.time_scale)
        trouble = timeline.trouble
        if trouble is None:
            return CarrierReport(
                number=query.number,
                outcome=Outcome.FOUND,
                checkpoints=timeline.checkpoints(self.table, context.language),
                facts=timeline.facts(),
                window=timeline.window(),
                unmapped=timeline.unmapped(self.table),
                raw=timeline.raw(),
                fetched_at=context.now,
                connector="simulated",
            )
        is_page = trouble.outcome is Outcome.NOT_UNDERSTOOD
        retry_at = None
        if trouble.outcome in _TIMED and trouble.until is not None:
            retry_at = max(timeline.visible_at(trouble.until), context.now + SECOND)
        return CarrierReport(
            number=query.number,
            outcome=trouble.outcome,
            detail=_DETAILS[trouble.outcome],
            retry_at=retry_at,
            unmapped=(
                UnmappedCode(kind="answer", value="a page instead of data", sample=_PAGE.decode()),
            )
            if is_page
            else (),
            raw=_PAGE if is_page else b"",
            fetched_at=context.now,
            connector="simulated",
        )

"""What a connector is asked, and what its reports must be before anything else sees them."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from msgspec.structs import replace

from parcelwire.connectors.base import Response, TrackingQuery
from parcelwire.domain.report import CarrierReport, Outcome, UnmappedCode
from parcelwire.domain.tracking import Tracking

_RAW_LIMIT: Final = 20_000
_SAMPLE_LIMIT: Final = 500


def query_of(tracking: Tracking) -> TrackingQuery:
    """Return what a connector is asked about a tracking."""
    details = tracking.details
    return TrackingQuery(
        number=tracking.number,
        courier_code=tracking.courier_code,
        postal_code=details.postal_code or details.recipient_postcode or None,
        ship_date=_ship_date(details.ship_date),
        account=details.courier_account or None,
        origin_country=details.tracking_origin_country or details.origin_country or None,
        destination_country=details.tracking_destination_country
        or details.destination_country
        or None,
        key=details.key or None,
        created_at=tracking.created_at,
    )


def _ship_date(given: str | None) -> str | None:
    """Return ``20260301`` or ``2026-03-01`` as ``2026-03-01``; None when it is no date."""
    try:
        return date.fromisoformat(given or "").isoformat()
    except ValueError:
        return None


def checked(said: object, queries: Sequence[TrackingQuery]) -> list[CarrierReport]:
    """Return the reports if they are what the contract promises.

    A delivery window that cannot be read is taken out of its report and recorded as unmapped.

    Raises:
        TypeError: when they are no reports.
        ValueError: when they answer other queries, or hold a time that is none.
    """
    if not isinstance(said, list) or not all(isinstance(one, CarrierReport) for one in said):
        msg = "no list of reports"
        raise TypeError(msg)
    if [report.number for report in said] != [query.number for query in queries]:
        msg = "other numbers than those asked about"
        raise ValueError(msg)
    for report in said:
        for checkpoint in report.checkpoints:
            # Merge sorts by it; a time that cannot be read must fail here, not there.
            _ = checkpoint.occurred_at
    return [_with_readable_window(report) for report in said]


def _with_readable_window(report: CarrierReport) -> CarrierReport:
    """Return ``report`` without a delivery window that is none, which is recorded as unmapped.

    The events are no worse for it: to refuse them, too, would lose a parcel's whole history.
    """
    window = report.window
    if window is None or window.is_readable:
        return report
    unmapped_code = UnmappedCode(
        kind="answer",
        value="a delivery window that is neither dates nor times",
        sample=f"{window.earliest} to {window.latest}"[:_SAMPLE_LIMIT],
    )
    return replace(report, window=None, unmapped=(*report.unmapped, unmapped_code))


def broken_reports(
    queries: Sequence[TrackingQuery], error: Exception, latest: Response | None
) -> list[CarrierReport]:
    """Return what a connector that failed is taken to have said: it did not understand.

    ``latest`` is the last answer that it was given, kept for whoever looks into it.
    """
    body = latest.body if latest is not None else b""
    what = f"the connector failed: {type(error).__name__}"
    return [
        CarrierReport(
            number=query.number,
            outcome=Outcome.NOT_UNDERSTOOD,
            detail=what,
            unmapped=(
                UnmappedCode(
                    kind="answer",
                    value=what,
                    sample=body[:_SAMPLE_LIMIT].decode("utf-8", "replace"),
                ),
            ),
            raw=body[:_RAW_LIMIT],
        )
        for query in queries
    ]

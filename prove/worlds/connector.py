"""How a simulated carrier is asked: a pure connector, like any other's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from parcelwire.connectors.base import (
    CarrierContext,
    Exchange,
    Manifest,
    Request,
    Response,
    TrackingQuery,
    common_failure,
    not_understood,
)
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import Instant
from parcelwire.domain.report import CarrierReport, DeliveryWindow, Outcome, ParcelFacts

CREDENTIAL: Final = "customer"
"""The one field of a connection's credentials."""


class Asked(msgspec.Struct, frozen=True):
    """One number that is asked about, and when its tracking was created."""

    number: str
    created_at: Instant


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What the carrier says about one number."""

    number: str
    is_known: bool = False
    checkpoints: tuple[Checkpoint, ...] = ()
    facts: ParcelFacts | None = None
    window: DeliveryWindow | None = None


class WorldConnector:
    """Implements ``connectors.base.Connector``."""

    def __init__(self, manifest: Manifest) -> None:
        """``manifest``: what the carrier is and allows."""
        self._manifest = manifest

    @property
    def manifest(self) -> Manifest:
        """What this connector is and may."""
        return self._manifest

    def track(self, queries: Sequence[TrackingQuery], context: CarrierContext) -> Exchange:
        """Ask about ``queries`` with one request."""
        response = yield Request(
            method="POST",
            url=f"https://{self._manifest.code}.example/track",
            headers={"authorization": context.credentials.get(CREDENTIAL, "")},
            body=msgspec.json.encode([Asked(one.number, one.created_at) for one in queries]),
        )
        return _reports(queries, response)

    def phrase(self, raw_code: str, language: str) -> str | None:
        """See ``connectors.base.Connector``: it has no wordings."""
        del raw_code, language
        return None


def _reports(queries: Sequence[TrackingQuery], response: Response) -> list[CarrierReport]:
    refused = [common_failure(one, response) for one in queries]
    if any(refused):
        return [one for one in refused if one is not None]
    try:
        said = msgspec.json.decode(response.body, type=list[Said])
    except msgspec.DecodeError:
        return [not_understood(one, response, "no list of parcels") for one in queries]
    return [
        CarrierReport(
            number=one.number,
            outcome=Outcome.FOUND if one.is_known else Outcome.UNKNOWN_NUMBER,
            checkpoints=one.checkpoints,
            facts=one.facts,
            window=one.window,
            raw=b'{"found": true}' if one.is_known else b"",
        )
        for one in said
    ]

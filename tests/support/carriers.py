"""Carriers for tests: on a script, or the real gateway with the carrier in a box behind it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from parcelwire.connectors.catalogue import load_catalogue
from parcelwire.connectors.connections import StoredConnections
from parcelwire.connectors.credential_encryption import KEY_BYTES, AesGcmCipher
from parcelwire.connectors.gateway import Gateway
from parcelwire.connectors.routing import GatewaySettings
from parcelwire.connectors.simulated import SimulatedCarrier
from parcelwire.connectors.transport import HttpTransport, TransportSettings
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import Clock
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.tracking import Tracking
from parcelwire.store.port import Store
from parcelwire.tracking.ports import CarrierPolicy


class ScriptedCarriers:
    """Carriers that answer what a test wrote down for them, and nothing for the rest.

    A courier that was never named in ``script`` has no connection: nobody can ask it.
    """

    def __init__(self) -> None:
        self._reports: dict[tuple[str, str], list[CarrierReport]] = {}
        self._couriers: dict[str, CarrierPolicy] = {}
        self.phrases: dict[tuple[str, str, str], str] = {}
        """(courier, raw code, language) -> wording."""
        self.asked: list[tuple[int, str, str]] = []
        """(world, courier, number) of every question, in order."""

    def connect(self, courier_code: str, **policy: Any) -> None:
        """Make a courier askable; unknown numbers are then positively unknown."""
        self._couriers[courier_code] = CarrierPolicy(
            **{
                "connector": courier_code,
                "budget_key": courier_code,
                "batch_size": 10,
                "requests_per_minute": 6000,
                "requests_per_day": None,
                "home_zone": "UTC",
                "quiet_from_hour": 0,
                "quiet_to_hour": 0,
                **policy,
            }
        )

    def disconnect(self, courier_code: str) -> None:
        """Take the way to a courier away."""
        del self._couriers[courier_code]

    def script(self, courier_code: str, number: str, *reports: CarrierReport) -> None:
        """Answer ``reports`` one after the other; the last one again and again."""
        if courier_code not in self._couriers:
            self.connect(courier_code)
        self._reports[courier_code, number] = list(reports)

    async def policy(self, world_id: int, courier_code: str) -> CarrierPolicy | None:
        return self._couriers.get(courier_code)

    async def fetch(
        self, world_id: int, courier_code: str, trackings: Sequence[Tracking]
    ) -> list[CarrierReport]:
        answers = []
        for tracking in trackings:
            self.asked.append((world_id, courier_code, tracking.number))
            left = self._reports.get((courier_code, tracking.number))
            if not left:
                answer = report(tracking.number, outcome=Outcome.UNKNOWN_NUMBER)
            else:
                answer = left.pop(0) if len(left) > 1 else left[0]
            fetched_at = answer.fetched_at or tracking.created_at
            answers.append(replace(answer, number=tracking.number, fetched_at=fetched_at))
        return answers

    def phrase(self, courier_code: str, raw_code: str, language: str) -> str | None:
        return self.phrases.get((courier_code, raw_code, language))


def report(
    number: str = "", *checkpoints: Checkpoint, outcome: Outcome = Outcome.FOUND, **more: Any
) -> CarrierReport:
    """Return one carrier's answer."""
    return CarrierReport(
        number=number, outcome=outcome, checkpoints=checkpoints, connector="scripted", **more
    )


SECONDS_A_DAY = 60
"""How long a day of the simulated carrier is, in ``gateway_of``."""


def gateway_of(store: Store, clock: Clock) -> Gateway:
    """Return the real gateway: the carrier in a box answers test keys, one day a minute."""
    seeded = random.Random(5)
    return Gateway(
        load_catalogue(SimulatedCarrier(86_400 / SECONDS_A_DAY), installed=()),
        # It opens no connection before something is sent, and the carrier in a box sends nothing.
        HttpTransport(clock, TransportSettings()),
        source=StoredConnections(
            store, AesGcmCipher([seeded.randbytes(KEY_BYTES)], seeded.randbytes), clock
        ),
        settings=GatewaySettings(),
        clock=clock,
    )

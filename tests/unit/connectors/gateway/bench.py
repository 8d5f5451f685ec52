"""A connector as anybody could write it, its accounts' connections, and what its server saw."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from parcelwire.connectors.base import (
    CarrierContext,
    Connector,
    Exchange,
    Manifest,
    Request,
    Response,
    TrackingQuery,
    Transport,
    common_failure,
    not_understood,
)
from parcelwire.connectors.catalogue import Entry
from parcelwire.connectors.gateway import Gateway
from parcelwire.domain.account import Connection, world_of
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Details, Tracking

LIVE = world_of(7, False)
TEST = world_of(7, True)
SECRET = "s3cret-of-the-shop"  # nothing opens with it


def make_tracking(number: str, courier_code: str = "paper-post", **details: Any) -> Tracking:
    return Tracking(
        id=f"{abs(hash(number)):032x}"[:32],
        world_id=LIVE,
        number=number,
        typed_number=number,
        courier_code=courier_code,
        created_at=1_772_359_200_000,
        updated_at=1_772_359_200_000,
        page_token="t",
        details=Details(**details),
    )


def make_connection(**changes: Any) -> Connection:
    return Connection(
        **{
            "id": "c1",
            "account_number": 7,
            "connector": "paper-post",
            "transport": "api",
            "sealed_credentials": b"sealed-1",
            **changes,
        }
    )


class PaperPost:
    """A connector as anybody could write it: a token first, then one request a batch."""

    def __init__(self) -> None:
        self.queries: list[TrackingQuery] = []
        self.batches: list[tuple[str, int]] = []
        self.sabotage: Callable[[list[CarrierReport]], Any] | None = None

    @property
    def manifest(self) -> Manifest:
        return Manifest(
            code="paper-post",
            courier_codes=("paper-post", "paper-post-express"),
            name="Paper Post",
            home_zone="Europe/Zurich",
            home_country="CH",
            languages=("de", "fr"),
            transports=(
                Transport(
                    name="api",
                    is_official=True,
                    credential_fields=("key",),
                    base_urls={"api": "http://127.0.0.1:9"},
                    batch_size=2,
                    requests_per_minute=30,
                    timeout_seconds=2.0,
                ),
                Transport(
                    name="web",
                    is_official=False,
                    base_urls={"api": "http://127.0.0.1:9"},
                    requests_per_minute=6,
                    timeout_seconds=2.0,
                ),
            ),
        )

    def track(self, queries: Sequence[TrackingQuery], context: CarrierContext) -> Exchange:
        self.queries.extend(queries)
        self.batches.append((context.language, len(queries)))
        base = context.base_urls["api"]
        if context.transport == "api" and "token" not in context.session_state:
            answer = yield Request(
                method="POST",
                url=f"{base}/token",
                body=context.credentials["key"].encode(),
                is_secret_body=True,
            )
            if answer.status != 200:
                return [self._refuse(query, answer) for query in queries]
            context.session_state["token"] = answer.body.decode()
        numbers = ",".join(query.number for query in queries)
        answer = yield Request(
            method="GET",
            url=f"{base}/track?numbers={numbers}",
            headers={"authorization": context.session_state.get("token", "")},
        )
        reports = [self._read(query, answer) for query in queries]
        return self.sabotage(reports) if self.sabotage else reports

    def phrase(self, raw_code: str, language: str) -> str | None:
        return {("P1", "de"): "Angekommen"}.get((raw_code, language))

    def _refuse(self, query: TrackingQuery, answer: Response) -> CarrierReport:
        return common_failure(query, answer) or not_understood(query, answer, "no token")

    def _read(self, query: TrackingQuery, answer: Response) -> CarrierReport:
        said = common_failure(query, answer)
        if said is not None:
            return said
        if answer.body != b"here":
            return not_understood(query, answer, "no paper")
        return CarrierReport(
            number=query.number,
            outcome=Outcome.FOUND,
            checkpoints=(
                Checkpoint(
                    local_time="2026-03-01T10:00:00",
                    text="here",
                    status=Status.TRANSIT,
                    substatus=Substatus.TRANSIT,
                    raw_code="P1",
                ),
            ),
            raw=answer.body,
        )


@dataclass
class Source:
    """The accounts' connections, in memory; sealed bytes name the credentials."""

    connections_of: dict[int, list[Connection]] = field(default_factory=dict)
    credentials: dict[bytes, dict[str, str]] = field(
        default_factory=lambda: {b"sealed-1": {"key": SECRET}, b"sealed-2": {"key": "good-2"}}
    )
    broken: list[tuple[str, str]] = field(default_factory=list)
    reads: int = 0
    stores_broken: bool = True

    async def connections(self, account_number: int) -> list[Connection]:
        self.reads += 1
        return list(self.connections_of.get(account_number, []))

    def opened(self, connection: Connection) -> Mapping[str, str]:
        return self.credentials[connection.sealed_credentials]

    async def report_broken(self, connection: Connection, why: str) -> None:
        self.broken.append((connection.id, why))
        if self.stores_broken:
            self.replace(connection.id, broken_since=1, broken_reason=why)

    def replace(self, connection_id: str, **changes: Any) -> None:
        self.connections_of[7] = [
            replace(one, **changes) if one.id == connection_id else one
            for one in self.connections_of[7]
        ]


@dataclass
class Carrier:
    """The carrier's server, and what it saw."""

    base_url: str
    token_status: int = 200
    token_body: str = "token-of-the-carrier"
    track_status: int = 200
    track_body: str = "here"
    track_headers: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    delay_seconds: float = 0.0
    huge: str = ""
    """An answer about a number that holds this is larger than allowed."""
    huge_status: int = 200


@dataclass
class Bench:
    """Everything one test of the gateway needs."""

    gateway: Gateway
    source: Source
    post: PaperPost
    carrier: Carrier
    clock: FrozenClock

    async def fetch(
        self, world_id: int, courier_code: str, trackings: Sequence[Tracking]
    ) -> list[CarrierReport]:
        """Ask when there is a place for every exchange."""
        answers = await self.gateway.fetch(world_id, courier_code, trackings)
        reports = [one for one in answers if one is not None]
        assert len(reports) == len(trackings)
        return reports


def entry(connector: Connector) -> Entry:
    return Entry(connector.manifest, "a test", lambda: connector)

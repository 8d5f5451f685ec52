"""A connector asked over real HTTP: whether it and its ``mock_server.toml`` understand each other.

Part of ``parcelwire connector check``. Every transport that the mock server speaks is asked about
the description's number, in good moments and in bad ones; what the reports must say is the same
for all carriers.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from parcelwire.connectors.base import CarrierContext, Connector, Request, Response, TrackingQuery
from parcelwire.connectors.base import Transport as TransportOf
from parcelwire.connectors.exchange import ExchangeTooLongError, run_exchange
from parcelwire.connectors.mock_servers import Behaviour, Script
from parcelwire.connectors.mock_servers.description import Description
from parcelwire.connectors.mock_servers.server import MockServer
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.connectors.transport import HttpTransport, Limits, TransportSettings
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.report import CarrierReport, Outcome

_BATCH: Final = 3
"""So many numbers show whether a batch works."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happens at a carrier, and what must be made of it."""

    name: str
    outcomes: tuple[Outcome, ...]
    behaviour: Behaviour | None = None
    times: int | None = None
    has_wrong_credentials: bool = False
    numbers: int = 1
    is_later: bool = False
    """After an ordinary moment, of which the connector remembers what it wants to."""


def moments_of(transport: TransportOf, description: Description) -> Iterator[Moment]:
    """Yield what a transport is tried with."""
    found = (Outcome.FOUND,)
    yield Moment(name="an ordinary moment", outcomes=found)
    if transport.batch_size > 1:
        size = min(transport.batch_size, _BATCH)
        yield Moment(name=f"{size} numbers at once", outcomes=found, numbers=size)
    ends = {
        Behaviour.UNKNOWN: (Outcome.UNKNOWN_NUMBER,),
        Behaviour.RATE_LIMITED: (Outcome.RATE_LIMITED,),
        Behaviour.UNAVAILABLE: (Outcome.UNAVAILABLE,),
        Behaviour.CUT: (Outcome.UNAVAILABLE,),
        Behaviour.HTML: (Outcome.NOT_UNDERSTOOD, Outcome.UNAVAILABLE),
        Behaviour.FORBIDDEN: (Outcome.NOT_UNDERSTOOD, Outcome.AUTH_FAILED),
        Behaviour.BROKEN: (Outcome.NOT_UNDERSTOOD,),
    }
    for behaviour, outcomes in ends.items():
        yield Moment(name=behaviour.value, outcomes=outcomes, behaviour=behaviour)
    if transport.credential_fields:
        yield Moment(
            name="wrong credentials", outcomes=(Outcome.AUTH_FAILED,), has_wrong_credentials=True
        )
        if any(route.issues for route in description.routes):
            expired = Behaviour.TOKEN_EXPIRED
            name = "an expired token"
            yield Moment(name=name, outcomes=found, behaviour=expired, times=1, is_later=True)


def try_out(connector: Connector, description: Description) -> list[str]:
    """Return what a connector makes wrong of its mock server's answers; empty when all is right.

    Must not be called where an event loop runs.
    """
    return asyncio.run(_try_out(connector, description))


async def _try_out(connector: Connector, description: Description) -> list[str]:
    if not description.number:
        return ["it names no number to ask about (number)"]
    problems = []
    for transport in connector.manifest.transports:
        is_spoken = description.transports is None or transport.name in description.transports
        if not is_spoken or not transport.base_urls:
            continue
        for moment in moments_of(transport, description):
            problems += [
                f"transport {transport.name}, {moment.name}: {why}"
                for why in await _meet(connector, description, transport, moment)
            ]
    return problems


async def _meet(
    connector: Connector, description: Description, transport: TransportOf, moment: Moment
) -> list[str]:
    """Ask once, at a server of its own."""
    clock = FrozenClock()
    script = Script(scenario_seconds=0)
    server = MockServer(connector, clock, script, description=description)
    credentials = {
        field: description.credentials.get(field, "") for field in transport.credential_fields
    }
    if moment.has_wrong_credentials:
        credentials = {field: f"not-{value}" for field, value in credentials.items()}
    numbers = list(islice(_numbers_like(description), moment.numbers))
    # It is plain HTTP: loading the trusted certificates would take longer than everything else.
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    http = HttpTransport(clock, TransportSettings(repeats=0), ssl_context=nobody)
    limits = Limits(max_answer_bytes=transport.max_answer_bytes, timeout_seconds=10.0)

    async def send(request: Request) -> Response:
        return await http.send(request, limits)

    context = CarrierContext(
        transport=transport.name,
        now=clock.now(),
        credentials=credentials,
        session_state={},
        language=connector.manifest.languages[0],
    )
    queries = [
        TrackingQuery(number=one, courier_code=connector.manifest.courier_codes[0])
        for one in numbers
    ]
    try:
        async with run_mock_server(server.application()) as address:
            context.base_urls = server.base_urls(address)
            try:
                if moment.is_later:
                    await run_exchange(connector.track(queries, context), send)
                if moment.behaviour is not None:
                    for number in numbers:
                        script.show(moment.behaviour, number, moment.times)
                reports = await run_exchange(connector.track(queries, context), send)
            finally:
                await http.close()  # the server waits for whoever is connected
    except ExchangeTooLongError:
        return ["the exchange does not end"]
    except (Exception, SystemExit) as error:  # noqa: BLE001  # the connector's own code
        return [f"it raises {type(error).__name__}: {error}"]
    return list(_wrong(reports, moment, server))


def _numbers_like(description: Description) -> Iterator[str]:
    """Yield the description's number, and others of its form with the same life."""
    first = description.number
    yield first
    yield from description.more_numbers
    for place in (place for place, char in enumerate(first) if char.isdigit()):
        for digit in "0123456789":
            other = f"{first[:place]}{digit}{first[place + 1 :]}"
            if other != first and description.row_of(other) == description.row_of(first):
                yield other


def _wrong(reports: list[CarrierReport], moment: Moment, server: MockServer) -> Iterator[str]:
    """Yield what is wrong with reports, and what the server could not do."""
    if server.trouble:
        yield server.trouble
        return
    wanted = " or ".join(moment.outcomes)
    for report in reports:
        if report.outcome not in moment.outcomes:
            yield f"{report.number} is {report.outcome} ({report.detail}) instead of {wanted}"
        elif report.outcome is Outcome.FOUND and not report.checkpoints:
            yield f"{report.number} has no event"

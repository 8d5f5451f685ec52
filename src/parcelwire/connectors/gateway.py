"""Asks carriers for the rest of the house: ``tracking.ports.Carriers`` over connectors.

    trackings -> Router: which route -> batches -> run_exchange(connector, transport) -> checked

Whatever a connector does, one report per tracking comes back, in the same order. A connector that
raises has met an answer it does not understand; that is what its reports then say.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final, Protocol

from msgspec.structs import replace

from parcelwire.connectors.base import ANSWER_FAULTS, CarrierContext, Request, Response
from parcelwire.connectors.catalogue import Catalogue
from parcelwire.connectors.exchange import LARGE_BYTES, run_exchange
from parcelwire.connectors.queries import broken_reports, checked, query_of
from parcelwire.connectors.redaction import Redactor, describe_error
from parcelwire.connectors.report_limits import within_limits
from parcelwire.connectors.routing import (
    SIMULATED,
    ConnectionSource,
    GatewaySettings,
    NoRoute,
    Route,
    Router,
)
from parcelwire.connectors.transport import Limits
from parcelwire.domain.account import account_of
from parcelwire.domain.clock import Clock
from parcelwire.domain.languages import choose_language
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.background import BackgroundWork
from parcelwire.tracking.fair_slots import FairSlots, NoSlotError
from parcelwire.tracking.ports import CarrierPolicy

_log: Final = logging.getLogger(__name__)

MOST_DIVISIONS: Final = 10
"""Exchanges beyond the first, to find out which of many makes an answer unreadable."""

_HALTING: Final = {Outcome.AUTH_FAILED: 1, Outcome.RATE_LIMITED: 1, Outcome.UNAVAILABLE: 2}
"""After how many exchanges that ended so the others of one call are not begun.

One number may make a carrier stumble; two in a row are an outage.
"""


class Sender(Protocol):
    """What carries requests: ``transport.HttpTransport``."""

    async def send(self, request: Request, limits: Limits) -> Response:
        """Send one request; never raises for what a carrier does."""
        ...


class Gateway:
    """The way to all carriers; implements ``tracking.ports.Carriers``."""

    def __init__(
        self,
        catalogue: Catalogue,
        sender: Sender,
        *,
        source: ConnectionSource,
        settings: GatewaySettings,
        clock: Clock,
    ) -> None:
        """Take the collaborators; nothing is asked or read before the first query."""
        self._catalogue = catalogue
        self._sender = sender
        self._settings = settings
        self._clock = clock
        self._router = Router(catalogue, source, settings, clock)
        self._session_states: dict[str, tuple[bytes, MutableMapping[str, Any]]] = {}
        self._slots: dict[str, FairSlots] = {}
        self._reported_errors: set[str] = set()
        self._background = BackgroundWork()

    async def policy(self, world_id: int, courier_code: str) -> CarrierPolicy | None:
        """Return how to ask this courier for this world, or None when nobody configured a route."""
        route = await self._router.choose(world_id, courier_code)
        if isinstance(route, NoRoute):
            return None
        manifest, transport = route.entry.manifest, route.transport
        is_simulated = route.code == SIMULATED
        return CarrierPolicy(
            connector=route.code,
            budget_key=route.budget_key,
            batch_size=transport.batch_size,
            requests_per_minute=transport.requests_per_minute,
            requests_per_day=transport.requests_per_day,
            home_zone=manifest.home_zone,
            quiet_from_hour=manifest.quiet_from_hour,
            quiet_to_hour=manifest.quiet_to_hour,
            min_interval_seconds=0
            if transport.is_official
            else self._settings.web_min_interval_seconds,
            time_scale=getattr(route.entry.connector, "time_scale", 1.0) if is_simulated else 1.0,
        )

    async def fetch(
        self, world_id: int, courier_code: str, trackings: Sequence[Tracking]
    ) -> list[CarrierReport | None]:
        """Ask about ``trackings``; one report each, in the same order.

        None: no exchange could begin in time, for those of others.
        """
        if not trackings:
            return []
        route = await self._router.choose(world_id, courier_code)
        if isinstance(route, NoRoute):
            why = CarrierReport(
                number="",
                outcome=Outcome.NO_CONNECTION,
                detail=route.why,
                fetched_at=self._clock.now(),
            )
            return [*_for_each(trackings, why)]
        return await _FetchJob(self, route, trackings, account_of(world_id)).run()

    def phrase(self, courier_code: str, raw_code: str, language: str) -> str | None:
        """Return the carrier's wording of an event code in a language, where known.

        The simulated carrier, which answers for every courier, has codes of its own.
        """
        entries = (self._catalogue.for_courier(courier_code), self._catalogue.get(SIMULATED))
        for entry in entries:
            if entry is None:
                continue
            try:
                phrase = entry.connector.phrase(raw_code, language)
            except Exception as error:  # noqa: BLE001  # a connector is a plug-in
                self.report_error(entry.manifest.code, error)
                continue
            if phrase is not None:
                return phrase
        return None

    def forget(self, account_number: int) -> None:
        """Read an account's connections anew at the next query; for whoever changed them."""
        self._router.forget(account_number)

    async def run_exchange(
        self, route: Route, language: str, trackings: Sequence[Tracking]
    ) -> list[CarrierReport]:
        """Hold one exchange; whatever happens in it becomes reports.

        Where one answer about several cannot be read (``ANSWER_FAULTS``), they are asked about in
        halves until it is found out which of them makes it so: the others are none the worse for
        it.
        """
        done: list[CarrierReport] = []
        waiting, left = [trackings], MOST_DIVISIONS
        while waiting:
            some = waiting.pop()
            reports, is_readable = await self._exchange_once(route, language, some)
            if (
                is_readable
                or len(some) == 1
                or left < 2
                or any(one.outcome is not Outcome.NOT_UNDERSTOOD for one in reports)
            ):
                done += reports
                continue
            left -= 2
            half = len(some) // 2
            waiting += [some[half:], some[:half]]
        return done

    async def _exchange_once(
        self, route: Route, language: str, trackings: Sequence[Tracking]
    ) -> tuple[list[CarrierReport], bool]:
        """Return the reports of one exchange, and whether all its answers could be read."""
        redactor = Redactor(route.credentials.values())
        is_readable = True
        limits = Limits(
            timeout_seconds=route.transport.timeout_seconds,
            max_answer_bytes=route.transport.max_answer_bytes,
        )

        async def send(request: Request) -> Response:
            nonlocal is_readable
            response = await self._sender.send(request, limits)
            is_readable = is_readable and response.fault not in ANSWER_FAULTS
            redactor.see(request, response)
            return response

        context = CarrierContext(
            transport=route.transport.name,
            now=self._clock.now(),
            credentials=dict(route.credentials),
            base_urls=dict(route.base_urls),
            session_state=self.session_state_of(route),
            language=language,
        )
        queries = [query_of(tracking) for tracking in trackings]
        try:
            said = await run_exchange(
                route.entry.connector.track(queries, context),
                send,
                read_large=self._background.run,
            )
            reports = checked(said, queries)
        except Exception as error:  # noqa: BLE001  # a connector that raises did not understand
            self.report_error(route.code, error)
            reports = broken_reports(queries, error, redactor.latest)
        now = self._clock.now()
        bounded = [
            replace(report, connector=route.code, fetched_at=report.fetched_at or now)
            for report in map(within_limits, reports)
        ]
        if sum(len(report.raw) for report in bounded) > LARGE_BYTES:
            return await self._background.run(partial(redactor.clean_all, bounded)), is_readable
        return redactor.clean_all(bounded), is_readable

    async def learn(self, route: Route, reports: Sequence[CarrierReport]) -> None:
        """Note what an exchange showed of its connection: refused credentials stop it."""
        refused = next((r for r in reports if r.outcome is Outcome.AUTH_FAILED), None)
        if refused is None or any(r.outcome is Outcome.FOUND for r in reports):
            return
        self._session_states.pop(_session_key(route), None)
        if route.connection is None:
            return
        try:
            await self._router.break_off(route.connection, refused.detail or "refused")
        except Exception as error:  # noqa: BLE001  # the next refusal tells it again
            _log.error(
                "connection %s could not be marked as broken: %s",
                route.connection.id,
                describe_error(error),
            )

    def session_state_of(self, route: Route) -> MutableMapping[str, Any]:
        """Return what exchanges over this way remember; new credentials start afresh."""
        key = _session_key(route)
        sealed = route.connection.sealed_credentials if route.connection is not None else b""
        known = self._session_states.get(key)
        if known is None or known[0] != sealed:
            known = self._session_states[key] = (sealed, {})
        return known[1]

    def slot(self, route: Route, account_number: int) -> AbstractAsyncContextManager[None]:
        """Return a place among the exchanges with one carrier; accounts have them in turn.

        Entering it raises ``NoSlotError`` when none is free in time.
        """
        slots = self._slots.get(route.code)
        if slots is None:
            slots = self._slots[route.code] = FairSlots(self._settings.concurrency)
        return slots.slot(account_number, self._settings.slot_seconds)

    async def run_exchange_in_time(
        self, route: Route, language: str, trackings: Sequence[Tracking]
    ) -> list[CarrierReport]:
        """Do as ``run_exchange``; an exchange that takes too long is broken off: an outage."""
        seconds = self._settings.exchange_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self.run_exchange(route, language, trackings)
        except TimeoutError:
            outage = CarrierReport(
                number="",
                outcome=Outcome.UNAVAILABLE,
                detail=f"no answer within {seconds:g} s",
                fetched_at=self._clock.now(),
                connector=route.code,
            )
            return _for_each(trackings, outage)

    def report_error(self, code: str, error: Exception) -> None:
        """Log a connector's own error, once per place in its code."""
        where = describe_error(error)
        level = logging.DEBUG if f"{code} {where}" in self._reported_errors else logging.ERROR
        self._reported_errors.add(f"{code} {where}")
        _log.log(level, "connector %s broke: %s", code, where)


class _FetchJob:
    """One call of ``fetch``: its trackings in batches, over one route."""

    def __init__(
        self, gateway: Gateway, route: Route, trackings: Sequence[Tracking], account_number: int
    ) -> None:
        self._gateway = gateway
        self._route = route
        self._trackings = trackings
        self._account_number = account_number
        self._reports: dict[int, CarrierReport] = {}
        self._halted: CarrierReport | None = None
        self._endings: Counter[Outcome] = Counter()

    async def run(self) -> list[CarrierReport | None]:
        batches = self._batches()
        if len(batches) > 1 and not self._gateway.session_state_of(self._route):
            # The first fetches the token (or the session) that the others then share.
            await self._fetch(*batches.pop(0))
        async with asyncio.TaskGroup() as group:
            for language, batch in batches:
                group.create_task(self._fetch(language, batch))
        return [self._reports.get(index) for index in range(len(self._trackings))]

    def _batches(self) -> list[tuple[str, tuple[int, ...]]]:
        """Return the trackings' places in batches of one language each."""
        languages = self._route.entry.manifest.languages
        by_language: dict[str, list[int]] = {}
        for index, tracking in enumerate(self._trackings):
            wanted = tracking.details.language
            language = choose_language(wanted, languages) or languages[0]
            by_language.setdefault(language, []).append(index)
        size = max(1, self._route.transport.batch_size)
        return [
            (language, batch)
            for language, indexes in by_language.items()
            for batch in (
                tuple(indexes[start : start + size]) for start in range(0, len(indexes), size)
            )
        ]

    async def _fetch(self, language: str, indexes: tuple[int, ...]) -> None:
        trackings = [self._trackings[index] for index in indexes]
        try:
            async with self._gateway.slot(self._route, self._account_number):
                halted = self._halted
                if halted is not None:
                    reports = _for_each(trackings, _unasked(halted))
                else:
                    reports = await self._gateway.run_exchange_in_time(
                        self._route, language, trackings
                    )
                    self._halt(reports)
        except NoSlotError:
            return
        await self._gateway.learn(self._route, reports)
        self._reports.update(zip(indexes, reports, strict=True))

    def _halt(self, reports: Sequence[CarrierReport]) -> None:
        outcomes = {report.outcome for report in reports}
        self._endings.update(outcomes if len(outcomes) == 1 else ())
        for outcome, limit in _HALTING.items():
            if self._endings[outcome] >= limit and outcomes == {outcome}:
                self._halted = reports[0]


def _session_key(route: Route) -> str:
    return route.budget_key if route.connection is None else route.connection.id


def _for_each(trackings: Sequence[Tracking], report: CarrierReport) -> list[CarrierReport]:
    return [replace(report, number=tracking.number) for tracking in trackings]


def _unasked(halted: CarrierReport) -> CarrierReport:
    return CarrierReport(
        number="",
        outcome=halted.outcome,
        detail=f"not asked: {halted.detail}",
        retry_at=halted.retry_at,
        fetched_at=halted.fetched_at,
        connector=halted.connector,
    )

"""Carriers' customers: each account's connections, with credentials that are renewed when refused.

Credentials count as refused when a carrier has said so, and then only: a connection that is broken
for another reason was broken by the service.
"""

from __future__ import annotations

import asyncio
from typing import Final

from msgspec.structs import replace

from parcelwire.domain.account import Connection
from parcelwire.domain.clock import HOUR, SECOND
from parcelwire.domain.report import Outcome
from parcelwire.store.port import StoreUnavailableError
from prove.worlds.carriers import Carriers
from prove.worlds.connector import CREDENTIAL
from prove.worlds.ledger import Ledger
from prove.worlds.process import Process, UnknownOutcomeError
from prove.worlds.sky import Plan, WorldIdentifiers
from prove.worlds.users import Alive

LOOKS: Final = 30
"""How often a customer looks after the connections in a world, an hour apart at least."""


class Customer:
    """Who looks after one account's connections."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        *,
        carriers: Carriers,
        alive: Alive,
        identifiers: WorldIdentifiers,
        account: int,
    ) -> None:
        """``account``: its number."""
        self._plan = plan
        self._ledger = ledger
        self._carriers = carriers
        self._alive = alive
        self._identifiers = identifiers
        self._account = account
        self._renewed_at: dict[str, int] = {}

    async def run(self, end: int) -> None:
        """Connect to every carrier, then look after the connections until ``end``."""
        if not self._plan.has_connections:
            return
        for code in self._carriers.policies:
            new_id = self._identifiers.new_id(self._ledger.now())
            await self._certain(new_id, code)
        pause = max(HOUR, end // LOOKS)
        while self._ledger.now() + pause < end:
            await asyncio.sleep(pause / SECOND)
            await self._look()

    async def _certain(self, connection_id: str, code: str) -> None:
        while True:
            try:
                process = await self._alive()
                await process.call(lambda one: self._connect(one, connection_id, code))
            except (UnknownOutcomeError, StoreUnavailableError):
                await asyncio.sleep(10)
            else:
                return

    async def _connect(self, process: Process, connection_id: str, code: str) -> None:
        credentials = {CREDENTIAL: f"customer {self._account}"}
        await process.store.save_connection(
            Connection(
                id=connection_id,
                account_number=self._account,
                connector=code,
                transport="api",
                sealed_credentials=process.ring.seal(credentials, connection_id),
            )
        )

    async def _look(self) -> None:
        try:
            await (await self._alive()).call(self._renew)
        except (UnknownOutcomeError, StoreUnavailableError):
            return

    async def _renew(self, process: Process) -> None:
        for one in await process.store.list_connections(self._account):
            if one.broken_since is None:
                continue
            since = self._renewed_at.get(one.id, 0)
            if not any(
                ask.outcome is Outcome.AUTH_FAILED and ask.courier == one.connector
                for ask in self._ledger.asks
                if since <= (ask.ended_at or ask.at)
            ):
                self._ledger.wrong(f"connection {one.id} is broken, and was never refused")
            self._ledger.fault("connection renewed", one.connector)
            began = self._ledger.now()
            sealed = process.ring.seal({CREDENTIAL: f"customer {self._account}"}, one.id)
            renewed = replace(one, sealed_credentials=sealed, broken_since=None, broken_reason="")
            await process.store.save_connection(renewed, expected=one)
            # Only now: when the power fails meanwhile, it is as broken as before.
            self._renewed_at[one.id] = began

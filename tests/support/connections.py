"""Connections to carriers, as their owners create them."""

from __future__ import annotations

from collections.abc import Mapping

from parcelwire.accounts.connections import CreateConnection
from parcelwire.bootstrap import Installation
from parcelwire.domain.account import Account, Connection


async def connect(
    app: Installation, owner: Account, connector: str, known: Mapping[str, str]
) -> Connection:
    """Connect an account to a carrier's API with those of ``known`` that it wants."""
    connections = app.use_cases.connections
    wanted = connections.transport(connector, "api").credential_fields
    command = CreateConnection(
        account_number=owner.number,
        connector=connector,
        transport="api",
        credentials={name: known.get(name, "") for name in wanted},
    )
    return await connections.create(command)

"""A scratch installation beside the real one: its settings, its key, its endpoints, its judge.

It has the operator's own settings except for what would make a proof reach out (carriers, public
addresses), wait for hours (retries), or touch what is already there (database, key file, port).
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import asdict, replace

from parcelwire.accounts.keys import CreateKey
from parcelwire.accounts.service import CreateAccount
from parcelwire.bootstrap import Installation, open_installation
from parcelwire.config import Config, load
from parcelwire.domain.account import Endpoint, world_of
from parcelwire.domain.tracking import Tracking
from parcelwire.proofs.ledger import Ledger
from parcelwire.proofs.load import Load
from parcelwire.proofs.receiver import Receiver
from parcelwire.tracking.ports import TrackingFilter

EMAIL: Final = "proof@parcelwire.invalid"
PAGE: Final = 500


def scratch_config(
    base: Config, folder: Path, store_url: str, port: int, *, is_quick: bool = True
) -> Config:
    """Return the settings of a scratch installation whose files are in ``folder``.

    ``is_quick`` False keeps leases and time-outs as the operator has them, so that it can be
    measured how soon a killed worker's work is taken up.
    """
    webhooks = replace(
        base.webhooks,
        allowed_networks=tuple(dict.fromkeys((*base.webhooks.allowed_networks, "127.0.0.0/8"))),
        retry_base_seconds=0.2,
    )
    polling = replace(base.polling, time_scale=1.0)
    if is_quick:
        webhooks = replace(webhooks, request_timeout_seconds=1.0)
        polling = replace(polling, lease_seconds=3.0, fetch_timeout_seconds=2.0, idle_seconds=0.2)
    return replace(
        base,
        server=replace(base.server, host="127.0.0.1", port=port, public_url=""),
        store=replace(base.store, url=store_url),
        secrets=replace(base.secrets, key_file=str(folder / "scratch.key")),
        api=replace(
            base.api,
            create_per_second=0.0,
            other_per_second=0.0,
            payment_required=False,
        ),
        # One account does all the work here.
        limits=replace(base.limits, long_reads_per_account=0, test_trackings=0),
        polling=polling,
        webhooks=webhooks,
        # A parcel's life of days passes in seconds. Real carriers are never asked.
        carriers=replace(
            base.carriers,
            unofficial_connectors=(),
            base_urls={},
            registry_file=str(folder / "scratch.couriers.json"),
            simulated_time_scale=86_400.0,
        ),
        logging=replace(base.logging, level="INFO"),
    )


def write_config(config: Config, path: Path) -> Path:
    """Write settings as a file that ``load`` reads; return ``path``."""
    lines: list[str] = []
    for section in config.__struct_fields__:
        lines.append(f"[{section}]")
        values = asdict(getattr(config, section))
        lines += [f"{name} = {_toml(value)}" for name, value in values.items() if value is not None]
    path.touch(mode=0o600)  # the URL of a database may hold a password
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    # JSON's texts, numbers and truth values are TOML's too.
    return json.dumps(value)


class Furniture(msgspec.Struct, frozen=True):
    """What shops and receivers need to know of a scratch installation."""

    key: str
    world_id: int
    endpoints: tuple[str, ...]


async def furnish(
    config: Config,
    address: str,
    endpoints: Sequence[str],
    *,
    email: str = EMAIL,
    is_test: bool = True,
) -> Furniture:
    """Make an account, a key of one of its worlds, and an endpoint for each name at ``address``."""
    house = await open_installation(config)
    try:
        now, use_cases = house.clock.now(), house.use_cases
        account = await use_cases.accounts.create(CreateAccount(email=email))
        world_id = world_of(account.number, is_test=is_test)
        command = CreateKey(account_number=account.number, is_test=is_test)
        key = (await use_cases.keys.create(command)).text
        for name in endpoints:
            secret = base64.b64encode(secrets.token_bytes(32)).decode()
            await house.store.add_endpoint(
                Endpoint(
                    id=house.identifiers.new_id(house.clock.now()),
                    world_id=world_id,
                    url=f"{address}/hook/{name}",
                    dialect="v4",
                    secret=f"whsec_{secret}",
                    created_at=now,
                )
            )
    finally:
        await house.close()
    return Furniture(key, world_id, tuple(endpoints))


class NotSettledError(Exception):
    """Work was left that nobody took up in time."""


async def settle(config: Config, world_id: int, *, seconds: float) -> Ledger:
    """Wait until nothing is left to ask or to send, then read the store's side of the ledger.

    The servers go on working meanwhile.

    Raises:
        NotSettledError: after ``seconds`` without an end.
    """
    house = await open_installation(config)
    try:
        deadline = time.monotonic() + seconds
        while True:
            message_at, poll_at = (
                await house.store.next_message_due(),
                await house.store.next_poll_due(),
            )
            if message_at is None and poll_at is None:
                break
            if time.monotonic() > deadline:
                msg = f"after {seconds:g} s " + (
                    "messages wait" if message_at is not None else "parcels are to be asked about"
                )
                raise NotSettledError(msg)
            await asyncio.sleep(0.2)
        return await _read(house, world_id)
    finally:
        await house.close()


async def _read(house: Installation, world_id: int) -> Ledger:
    trackings = await _all_trackings(house, world_id)
    ledger = Ledger(
        acknowledged=set(),
        stored={tracking.id for tracking in trackings},
        last_sequences={tracking.id: tracking.sequence for tracking in trackings},
        event_sequences={},
        receipts=[],
        stored_notes={tracking.id: tracking.details.note or "" for tracking in trackings},
    )
    cursor = 0
    while page := await house.store.events_after(world_id, cursor, PAGE):
        for _, event in page:
            ledger.event_sequences.setdefault(event.tracking_id, []).append(event.sequence)
        cursor = page[-1][0]
    return ledger


async def _all_trackings(house: Installation, world_id: int) -> list[Tracking]:
    found: list[Tracking] = []
    while True:
        page = await house.store.list_trackings(
            world_id, TrackingFilter(), offset=len(found), limit=PAGE
        )
        found += [stored.tracking for stored in page]
        if len(page) < PAGE:
            return found


def complete(ledger: Ledger, load_: Load, receiver: Receiver, endpoints: Sequence[str]) -> Ledger:
    """Add the shops' and the receivers' side to the store's."""
    ledger.acknowledged = load_.acknowledged
    ledger.deleted = load_.deleted
    ledger.doubtful = load_.doubtful - load_.deleted
    ledger.allowed_notes = load_.notes
    ledger.receipts = receiver.receipts
    ledger.overlaps = receiver.overlaps
    ledger.endpoints = tuple(endpoints)
    return ledger


def reload(path: Path) -> Config:
    """Read a scratch configuration back, without the environment's settings."""
    return load(path, {})

"""The shop's own addresses in its mails, on the page of the brand: each is confirmed by a code."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.responses import Response

from parcelwire.domain.brand import Brand
from parcelwire.domain.clock import Instant
from parcelwire.notices.senders import CODE_BYTES, make_code
from parcelwire.pages.dashboard.visit import Visit

FIELDS: Final = {"mail_from": "Sender address", "support_email": "Reply address"}
"""Fields of the brand whose addresses stand in mails -> what they are for."""

_BACK: Final = "/brand#senders"
_MESSAGES: Final = {
    "sent": ("good", "A code is on its way to {address}. Enter it below."),
    "confirmed": ("good", "{address} is confirmed. Your mails use it from now on."),
    "too-often": ("trouble", "No more codes can be sent to {address} today. Try again tomorrow."),
    "too-many": ("trouble", "Codes were requested for too many addresses. Contact the operator."),
    "not-an-address": ("trouble", "No mail can be sent to {address}."),
    "wrong": ("trouble", "That code is wrong. Use the one in the newest mail to {address}."),
    "expired": ("trouble", "That code is no longer valid. Send a new one to {address}."),
    "none": ("trouble", "Enter an address above and save the brand first."),
}


class SenderAddress(msgspec.Struct, frozen=True, kw_only=True):
    """One of the brand's addresses and whether it is confirmed."""

    field: str
    label: str
    address: str
    confirmed_at: Instant | None
    asked_at: Instant | None
    """When the code that can be entered now was sent; None: there is none."""


async def addresses_of(visit: Visit, brand: Brand) -> list[SenderAddress]:
    """Return the addresses that a brand, as it is kept, would use in mails."""
    number, found = visit.session.account.number, []
    for field, label in FIELDS.items():
        address: str = getattr(brand, field)
        if not address:
            continue
        proof = await visit.house.senders.load(number, address)
        found.append(
            SenderAddress(
                field=field,
                label=label,
                address=address,
                confirmed_at=proof.confirmed_at if proof is not None else None,
                asked_at=proof.asked_at
                if proof is not None and proof.is_valid(visit.now)
                else None,
            )
        )
    return found


async def send_code(visit: Visit) -> Response:
    """Have a mail with a code sent to one of the brand's addresses."""
    address = await _address(visit)
    if not address:
        return await _go_back(visit, "none", address)
    code = make_code(visit.house.random_bytes(CODE_BYTES))
    outcome = await visit.house.senders.ask(visit.session.account.number, address, code)
    return await _go_back(visit, outcome, address)


async def confirm_code(visit: Visit) -> Response:
    """Check the code that was entered."""
    address = await _address(visit)
    if not address:
        return await _go_back(visit, "none", address)
    number, code = visit.session.account.number, visit.form.get("code")
    return await _go_back(visit, await visit.house.senders.confirm(number, address, code), address)


async def _address(visit: Visit) -> str:
    field = visit.form.get("field")
    if field not in FIELDS:
        return ""
    kept = await visit.house.brands.find(visit.world_id)
    address: str = getattr(kept.brand, field)
    return address


async def _go_back(visit: Visit, outcome: str, address: str) -> Response:
    tone, text = _MESSAGES[outcome]
    return await visit.go(_BACK, text.format(address=address), tone=tone)

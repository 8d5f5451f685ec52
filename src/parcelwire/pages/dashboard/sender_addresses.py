"""The shop's own addresses in its mails, on the page of the brand: each is confirmed by a code."""

from __future__ import annotations

import base64
from typing import Final

import msgspec
from starlette.responses import Response

from parcelwire.domain.brand import Brand
from parcelwire.domain.clock import Instant
from parcelwire.pages.dashboard.visit import Visit
from parcelwire.tracking.brands import find_brand

FIELDS: Final = {"mail_from": "Sender of your mails", "support_email": "Replies to your mails"}
"""Fields of the brand whose addresses stand in mails -> what they are for."""

CODE_BYTES: Final = 10
"""80 random bits: 16 characters."""

_BACK: Final = "/brand#senders"
_SAYS: Final = {
    "sent": ("good", "A mail with a code is on its way to {address}. Enter the code below."),
    "confirmed": ("good", "{address} is confirmed: your mails use it from now on."),
    "too-often": ("trouble", "{address} has had enough of these mails for today. Try tomorrow."),
    "too-many": ("trouble", "You have asked about too many addresses. Contact the operator."),
    "not-an-address": ("trouble", "No mail can be sent to {address}."),
    "wrong": ("trouble", "That is not the code in the newest mail to {address}."),
    "expired": ("trouble", "That code is not valid any more. Send a new mail to {address}."),
    "none": ("trouble", "Enter the address above and save the brand first."),
}


class SenderAddress(msgspec.Struct, frozen=True, kw_only=True):
    """One of the brand's addresses and how it stands."""

    field: str
    label: str
    address: str
    confirmed_at: Instant | None
    asked_at: Instant | None
    """When the mail went out whose code can be typed now; None: there is none."""


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
        return await _say(visit, "none", address)
    code = base64.b32encode(visit.house.random_bytes(CODE_BYTES)).decode()
    said = await visit.house.senders.ask(visit.session.account.number, address, code)
    return await _say(visit, said, address)


async def confirm_code(visit: Visit) -> Response:
    """Take the code that the mail said."""
    address = await _address(visit)
    if not address:
        return await _say(visit, "none", address)
    number, code = visit.session.account.number, visit.form.get("code")
    return await _say(visit, await visit.house.senders.confirm(number, address, code), address)


async def _address(visit: Visit) -> str:
    field = visit.form.get("field")
    if field not in FIELDS:
        return ""
    kept = await find_brand(visit.house.store, visit.world_id)
    address: str = getattr(kept.brand, field)
    return address


async def _say(visit: Visit, said: str, address: str) -> Response:
    tone, text = _SAYS[said]
    return await visit.go(_BACK, text.format(address=address), tone=tone)

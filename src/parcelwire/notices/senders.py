"""Addresses that a shop may send its mails under, or have answers go to: those it has confirmed.

    ask -> mail with a code to the address -> the code, typed on the dashboard -> confirmed

Whoever reads the mailbox has to hand the code over, so nobody sends in somebody else's name. What
is confirmed is the very address: another one needs a code of its own.
"""

from __future__ import annotations

import base64
import hmac
from typing import Final, Literal

import msgspec

from parcelwire.domain.account import world_of
from parcelwire.domain.clock import DAY, Clock, Instant
from parcelwire.notices.addresses import digest_of, mail_address
from parcelwire.notices.journal import CONFIRM_SENDER, Entry, Journal
from parcelwire.notices.ports import NoticeStore
from parcelwire.notices.subscriptions import Subscriptions

KIND: Final = "sender-proof"
"""As it is stored since the first version. Scope = the account's number, id = the address's digest.
"""
CODE_BYTES: Final = 10
"""Random bytes of a code, 80 bits: 16 characters."""
MOST: Final = 20
"""Addresses that one account may ask about."""
MOST_TRIES: Final = 10
"""Codes that may be typed for one mail."""
VALID: Final = 7 * DAY

Asked = Literal["sent", "confirmed", "too-often", "too-many", "not-an-address"]
Confirmed = Literal["confirmed", "wrong", "expired"]


class SenderConfirmation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an account stands to one address."""

    address: str
    code: str = ""
    """What the newest mail says; empty when it was used."""
    asked_at: Instant = 0
    asks: int = 0
    tries: int = 0
    """Codes typed since the newest mail."""
    confirmed_at: Instant | None = None

    def is_valid(self, now: Instant) -> bool:
        """Tell whether the code may still be typed."""
        return bool(self.code) and self.tries < MOST_TRIES and now - self.asked_at < VALID


_decode: Final = msgspec.json.Decoder(SenderConfirmation).decode
_encode: Final = msgspec.json.Encoder().encode


def scope_of(account_number: int) -> str:
    """Return the scope of the records about such mails, in place of a tracking's id."""
    return f"account-{account_number}"


def account_in(scope: str) -> int | None:
    """Return the account of a scope that ``scope_of`` made."""
    word, _, number = scope.partition("-")
    return int(number) if word == "account" and number.isdigit() else None


class Senders:
    """Asks for, checks and knows confirmations."""

    def __init__(self, store: NoticeStore, clock: Clock, subscriptions: Subscriptions) -> None:
        """Keep them in ``store``; ``subscriptions`` counts mails that ask to confirm something."""
        self._store = store
        self._clock = clock
        self._subscriptions = subscriptions
        self._journal = Journal(store, clock)

    async def load(self, account_number: int, address: str) -> SenderConfirmation | None:
        """Return how an account stands to an address; None: it never asked."""
        known = mail_address(address)
        return None if known is None else await self.find(account_number, digest_of(known))

    async def find(self, account_number: int, digest: str) -> SenderConfirmation | None:
        """Do as ``load``, by the address's digest."""
        document = await self._store.load_record(KIND, str(account_number), digest)
        return None if document is None else _decode(document)

    async def confirmed(self, account_number: int, address: str) -> str:
        """Return the address as it is written to if the account has confirmed it, else nothing."""
        known = await self.load(account_number, address) if address else None
        return "" if known is None or known.confirmed_at is None else known.address

    async def ask(self, account_number: int, address: str, code: str) -> Asked:
        """Queue a mail with ``code`` to an address; earlier codes for it are void from then on."""
        to = mail_address(address)
        if to is None:
            return "not-an-address"
        scope, digest, now = str(account_number), digest_of(to), self._clock.now()
        known = await self.find(account_number, digest)
        if known is not None and known.confirmed_at is not None:
            return "confirmed"
        if known is None and len(await self._store.list_records(KIND, scope, limit=MOST)) >= MOST:
            return "too-many"
        if not await self._subscriptions.take_confirmation(to):
            return "too-often"

        def note(document: bytes | None) -> bytes:
            before = SenderConfirmation(address=to) if document is None else _decode(document)
            return _encode(
                SenderConfirmation(
                    address=to,
                    code=plain_code(code),
                    asked_at=now,
                    asks=before.asks + 1,
                    confirmed_at=before.confirmed_at,
                )
            )

        document = await self._store.change_record(KIND, scope, digest, note, at=now)
        entry = Entry(
            tracking_id=scope_of(account_number),
            occasion=f"{CONFIRM_SENDER}{_decode(document or b'').asks}",
            digest=digest,
        )
        await self._journal.put(str(world_of(account_number, is_test=False)), entry, now)
        return "sent"

    async def confirm(self, account_number: int, address: str, code: str) -> Confirmed:
        """Say that somebody typed the code of the newest mail to an address."""
        to, now = mail_address(address) or "", self._clock.now()
        found: list[Confirmed] = []

        def note(document: bytes | None) -> bytes | None:
            confirmation = None if document is None else _decode(document)
            if confirmation is None or not confirmation.is_valid(now):
                found[:] = ["expired"]
                return document
            is_right = hmac.compare_digest(plain_code(code).encode(), confirmation.code.encode())
            found[:] = ["confirmed" if is_right else "wrong"]
            if is_right:
                return _encode(msgspec.structs.replace(confirmation, code="", confirmed_at=now))
            return _encode(msgspec.structs.replace(confirmation, tries=confirmation.tries + 1))

        await self._store.change_record(KIND, str(account_number), digest_of(to), note, at=now)
        return found[0]


def make_code(random_bytes: bytes) -> str:
    """Return a code, made of ``CODE_BYTES`` from a secure source."""
    return base64.b32encode(random_bytes).decode()


def plain_code(code: str) -> str:
    """Return a code for comparing: case, blanks and hyphens do not matter."""
    return "".join(char for char in code[:100].upper() if char.isalnum())


def shown_code(code: str) -> str:
    """Return a code as people read it, in groups of four."""
    plain = plain_code(code)
    return "-".join(plain[at : at + 4] for at in range(0, len(plain), 4))

"""Who wants mails about a parcel, and who does so no more.

    subscribe -> (pending) -> mail "please confirm" -> confirm -> news -> end

Nothing but the one mail goes to an address whose owner has not confirmed. A subscription that was
ended stays as a digest without the address, so that nothing takes it up again unasked.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from parcelwire.domain.account import account_of, is_test_world
from parcelwire.domain.clock import DAY, MINUTE, Clock, Instant
from parcelwire.domain.tracking import Tracking, id_of_page_token, make_page_token
from parcelwire.notices.addresses import digest_of, mail_address
from parcelwire.notices.journal import CONFIRM, EVERYWHERE, Entry, Journal
from parcelwire.notices.ports import NoticeStore
from parcelwire.notices.unasked import Unasked
from parcelwire.tracking.ports import Identifiers, Stored
from parcelwire.tracking.words import choose

KIND: Final = "subscription"
SLOTS_KIND: Final = "subscription-places"
"""The digests of the addresses that strangers have named for a parcel; scope = its id."""
ADDRESS_KIND: Final = "notice-address"
"""What was sent to an address lately; scope ``EVERYWHERE``, id = digest."""

MOST_OF_A_PARCEL: Final = 10
"""Subscriptions that strangers may ask for on one tracking page."""
CONFIRM_PAUSE: Final = 30 * MINUTE
"""Between two mails that ask one address to confirm."""
CONFIRM_WITHIN: Final = 7 * DAY


class Subscription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One address and one parcel."""

    email: str
    """Empty when it was ended."""
    language: str
    token: str
    """Leads to this subscription from a mail; unguessable."""
    created_at: Instant
    confirmed_at: Instant | None = None
    ended_at: Instant | None = None
    asked_at: Instant = 0
    """When its owner was last asked to confirm."""
    asks: int = 0
    is_automatic: bool = False
    """The shop gave the address with the parcel."""

    @property
    def is_active(self) -> bool:
        """Whether news may be sent."""
        return self.confirmed_at is not None and self.ended_at is None and bool(self.email)

    def is_told(self, *, is_unasked_on: bool) -> bool:
        """Whether news may be sent now. ``is_unasked_on``: customers are told who never asked."""
        return self.is_active and (is_unasked_on or not self.is_automatic)


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one address got lately."""

    last_at: Instant = 0
    """The newest news."""
    confirms: tuple[Instant, ...] = ()
    """When its owner was asked to confirm something, in the last 24 hours."""
    day: int = 0
    """The day (since 1970, UTC) of ``count``."""
    count: int = 0
    """News on that day, from all accounts."""


_decode: Final = msgspec.json.Decoder(Subscription).decode
_decode_address: Final = msgspec.json.Decoder(Address).decode
_decode_slots: Final = msgspec.json.Decoder(list[str]).decode
_encode: Final = msgspec.json.Encoder().encode


def subscription_of(document: bytes) -> Subscription:
    """Return a subscription record's content."""
    return _decode(document)


def address_of(document: bytes | None) -> Address:
    """Return what is known of an address."""
    return Address() if document is None else _decode_address(document)


class Subscriptions:
    """Takes, confirms and ends subscriptions."""

    def __init__(
        self,
        store: NoticeStore,
        *,
        clock: Clock,
        identifiers: Identifiers,
        confirmations_per_day: int,
        auto_notify_accounts: Iterable[str] = (),
    ) -> None:
        """Keep them in ``store``. The mails that ask to confirm are queued, for any worker.

        ``auto_notify_accounts``: accounts that may have their customers told unasked; ``*`` = all.
        ``confirmations_per_day``: mails to one address that ask to confirm something; 0 = no limit.
        """
        self._store = store
        self._clock = clock
        self._identifiers = identifiers
        self._journal = Journal(store, clock)
        self._confirmations_per_day = confirmations_per_day
        self.unasked = Unasked(store, auto_notify_accounts)

    async def subscribe(self, stored: Stored, email: str, language: str) -> bool:
        """See ``pages.house.Subscriber``."""
        address = mail_address(email)
        if address is None:
            return False
        tracking, now = stored.tracking, self._clock.now()
        if is_test_world(tracking.world_id) and not await self.is_own(tracking.world_id, address):
            return True
        digest = digest_of(address)
        known = dict(await self._store.list_records(KIND, tracking.id, limit=MOST_OF_A_PARCEL + 1))
        if not await self._take_slot(tracking.id, digest, list(known)):
            return True
        secret = self._identifiers.new_token()
        # Whom the shop tells no more has to be asked like anybody.
        is_unasked_on = await self.unasked.is_on(tracking.world_id)

        def is_asked_again(document: bytes | None) -> bool:
            if document is None:
                return True
            one = _decode(document)
            is_waiting = not one.ended_at and now - one.asked_at < CONFIRM_PAUSE
            return not one.is_told(is_unasked_on=is_unasked_on) and not is_waiting

        # Counted before anything is written: many at one moment are as many as one by one.
        if not is_asked_again(known.get(digest)) or not await self.take_confirmation(address):
            return True
        before: list[bytes | None] = []

        def note(document: bytes | None) -> bytes:
            before[:] = [document]
            if document is not None and not is_asked_again(document):
                return document
            return _encode(
                Subscription(
                    email=address,
                    language=choose(language, None).language,
                    token=make_page_token(tracking.id, secret),
                    created_at=now,
                    asked_at=now,
                    asks=1 if document is None else _decode(document).asks + 1,
                )
            )

        document = await self._change_one(tracking.id, digest, note, now)
        # None: the parcel was deleted meanwhile, which its page tells whoever asked.
        if document is not None and document != before[0]:
            asks = _decode(document).asks
            entry = Entry(tracking_id=tracking.id, occasion=f"{CONFIRM}{asks}", digest=digest)
            await self._journal.put(str(tracking.world_id), entry, now)
        return True

    async def _take_slot(self, tracking_id: str, digest: str, known: list[str]) -> bool:
        """Count an address among those of a parcel; False when there are too many.

        In one transaction: of many at one moment, no more are taken than of as many in turn.
        """
        if digest in known:
            return True
        is_taken = False

        def take(document: bytes | None) -> bytes | None:
            nonlocal is_taken
            named = [] if document is None else _decode_slots(document)
            is_taken = digest in named or len({*named, *known}) < MOST_OF_A_PARCEL
            if is_taken and digest not in named:
                return _encode([*named, digest])
            return document

        await self._store.change_record(
            SLOTS_KIND, tracking_id, "all", take, at=self._clock.now(), tracking_id=tracking_id
        )
        return is_taken

    async def _change_one(
        self,
        tracking_id: str,
        digest: str,
        change: Callable[[bytes | None], bytes | None],
        now: Instant,
    ) -> bytes | None:
        return await self._store.change_record(
            KIND, tracking_id, digest, change, at=now, tracking_id=tracking_id
        )

    async def is_own(self, world_id: int, address: str) -> bool:
        """Tell whether an address is that of the world's own account."""
        account = await self._store.load_account(account_of(world_id))
        own = mail_address(account.email) if account is not None else None
        return own is not None and digest_of(own) == digest_of(address)

    async def take_confirmation(self, address: str) -> bool:
        """Count one mail that asks an address to confirm something; False: it had its share."""
        most, now = self._confirmations_per_day, self._clock.now()
        taken: list[bool] = []

        def note(document: bytes | None) -> bytes:
            known = address_of(document)
            # A time in the future was given by a clock that has jumped back since.
            lately = tuple(at for at in known.confirms if abs(now - at) < DAY)
            taken[:] = [not most or len(lately) < most]
            if taken[0]:
                lately = (*lately, now)[-most:] if most else ()
            return _encode(msgspec.structs.replace(known, confirms=lately))

        await self._store.change_record(ADDRESS_KIND, EVERYWHERE, digest_of(address), note, at=now)
        return taken[0]

    async def adopt(self, tracking: Tracking) -> None:
        """Let the customer whose address the shop gave be told, unless they ended it before."""
        address = mail_address(tracking.details.customer_email or "")
        if address is None:
            return
        now = self._clock.now()
        fresh = Subscription(
            email=address,
            language=choose(None, None, tracking.details.language).language,
            token=make_page_token(tracking.id, self._identifiers.new_token()),
            created_at=now,
            confirmed_at=now,
            is_automatic=True,
        )
        await self._change_one(
            tracking.id, digest_of(address), lambda before: before or _encode(fresh), now
        )

    async def active(self, tracking_id: str) -> list[tuple[str, Subscription]]:
        """Return the digests and subscriptions that news of a parcel go to."""
        found = await self._store.list_records(KIND, tracking_id, limit=MOST_OF_A_PARCEL + 10)
        return [(digest, one) for digest, document in found if (one := _decode(document)).is_active]

    async def load(self, tracking_id: str, digest: str) -> Subscription | None:
        """Return one subscription."""
        document = await self._store.load_record(KIND, tracking_id, digest)
        return None if document is None else _decode(document)

    async def find(self, token: str) -> tuple[str, str, Subscription] | None:
        """Return tracking id, digest and subscription of a mail's link."""
        tracking_id = id_of_page_token(token)
        if tracking_id is None:
            return None
        found = await self._store.list_records(KIND, tracking_id, limit=MOST_OF_A_PARCEL + 10)
        for digest, document in found:
            subscription = _decode(document)
            if hmac.compare_digest(subscription.token.encode(), token.encode()):
                return tracking_id, digest, subscription
        return None

    async def parcel_of(self, token: str) -> Tracking | None:
        """Return the parcel of a link whose owner has confirmed; others may not know it."""
        found = await self.find(token)
        if found is None or found[2].confirmed_at is None:
            return None
        stored = await self._store.load_many([found[0]])
        return stored[0].tracking if stored else None

    async def confirm(self, token: str) -> bool:
        """Say that the owner of the address wants the news; False: the link is not valid."""
        now = self._clock.now()

        def note(one: Subscription) -> Subscription:
            if one.ended_at is not None or now - one.asked_at > CONFIRM_WITHIN:
                return one
            return msgspec.structs.replace(one, confirmed_at=one.confirmed_at or now)

        after = await self._change(token, note)
        return after is not None and after.is_active

    async def end(self, token: str) -> bool:
        """Say that the owner of the address wants no more; False: the link is not valid."""
        now = self._clock.now()

        def note(one: Subscription) -> Subscription:
            return msgspec.structs.replace(one, email="", ended_at=one.ended_at or now)

        return await self._change(token, note) is not None

    async def _change(
        self, token: str, change: Callable[[Subscription], Subscription]
    ) -> Subscription | None:
        found = await self.find(token)
        if found is None:
            return None
        tracking_id, digest, _ = found
        after: list[Subscription] = []

        def note(document: bytes | None) -> bytes | None:
            after.clear()
            if document is None:
                return None
            one = _decode(document)
            if one.token != token:
                return document
            after.append(change(one))
            return _encode(after[0])

        await self._change_one(tracking_id, digest, note, self._clock.now())
        return after[0] if after else None

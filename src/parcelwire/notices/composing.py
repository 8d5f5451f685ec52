"""From an entry of the queue to the mail: whether it is still wanted, and what it says."""

from __future__ import annotations

from typing import Protocol

import msgspec

from parcelwire.accounts.brands import find_brand, load_logo
from parcelwire.couriers.registry import Registry
from parcelwire.domain.account import account_of, is_test_world, world_of
from parcelwire.domain.clock import Clock
from parcelwire.domain.tracking import Tracking
from parcelwire.notices.journal import CONFIRM, CONFIRM_SENDER, Entry
from parcelwire.notices.letters import (
    Letter,
    Links,
    Logo,
    confirm_letter,
    news_letter,
    sender_confirmation_letter,
)
from parcelwire.notices.occasions import occasion_of
from parcelwire.notices.ports import NoticeStore
from parcelwire.notices.posting import Mail, OwnAddresses, make_mail
from parcelwire.notices.senders import (
    SenderConfirmation,
    Senders,
    account_in,
    shown_code,
)
from parcelwire.notices.settings import NoticeSettings
from parcelwire.notices.subscriptions import Subscription, Subscriptions
from parcelwire.tracking.words import words


class PendingMail(Protocol):
    """A mail that may be sent."""

    @property
    def world_id(self) -> int:
        """Whose it is."""
        ...

    @property
    def number(self) -> str:
        """The tracking number that it is about; empty: none."""
        ...

    async def obstacle(self) -> str | None:
        """Return why it is not to be sent any more; empty: it is. None: nothing is known of it."""
        ...

    async def compose(self, mail_id: str) -> Mail:
        """Return the mail, about what ``obstacle`` last saw.

        Raises:
            ValueError: it cannot be written.
        """
        ...


class MailComposer:
    """Knows what each entry of the queue is about."""

    def __init__(
        self,
        store: NoticeStore,
        *,
        clock: Clock,
        registry: Registry,
        settings: NoticeSettings,
        subscriptions: Subscriptions,
    ) -> None:
        """Read everything from ``store``."""
        self.store = store
        self.clock = clock
        self.registry = registry
        self.settings = settings
        self.subscriptions = subscriptions
        self.senders = Senders(store, clock, subscriptions)

    async def load(self, entry: Entry) -> PendingMail | None:
        """Return what an entry is about; None: that is gone."""
        if entry.occasion.startswith(CONFIRM_SENDER):
            number = account_in(entry.tracking_id)
            return None if number is None else SenderConfirmationMail(self, entry, number)
        found = await self.store.load_many([entry.tracking_id])
        return NewsMail(self, entry, found[0].tracking) if found else None


class NewsMail:
    """News of a parcel, or the question whether somebody wants them."""

    def __init__(self, composer: MailComposer, entry: Entry, tracking: Tracking) -> None:
        self._composer = composer
        self._entry = entry
        self._tracking = tracking
        self._subscription: Subscription | None = None
        self.world_id = tracking.world_id
        self.number = tracking.number

    async def obstacle(self) -> str | None:
        """See ``PendingMail``."""
        entry, tracking, subscriptions = self._entry, self._tracking, self._composer.subscriptions
        subscription = await subscriptions.load(entry.tracking_id, entry.digest)
        self._subscription = subscription
        if subscription is None:
            return None
        if is_test_world(self.world_id) and not await subscriptions.is_own(
            self.world_id, subscription.email
        ):
            return "mails about test parcels go to their own account only"
        if entry.occasion.startswith(CONFIRM):
            is_open = subscription.confirmed_at is None and subscription.ended_at is None
            is_newest = entry.occasion == f"{CONFIRM}{subscription.asks}"
            return "" if is_open and is_newest else "answered"
        if not subscription.is_active:
            return "no longer wanted"
        if subscription.is_automatic:
            is_unasked_on = await subscriptions.unasked.is_on(self.world_id)
            if not subscription.is_told(is_unasked_on=is_unasked_on):
                return "the shop tells nobody unasked any more"
        if occasion_of(tracking.status, tracking.substatus) != entry.occasion:
            return "overtaken"
        return ""

    async def compose(self, mail_id: str) -> Mail:
        """See ``PendingMail``."""
        composer, entry, tracking = self._composer, self._entry, self._tracking
        store, settings, subscription = composer.store, composer.settings, self._subscription
        if subscription is None:
            msg = "no longer wanted"
            raise ValueError(msg)
        kept = await find_brand(store, tracking.world_id)
        brand, data = kept.brand, await load_logo(store, kept)
        logo = Logo(brand.logo_type, data) if data else None
        say = words(subscription.language)
        links = Links(
            page=f"{settings.public_url}/t/{tracking.page_token}?lang={say.language}",
            subscription=f"{settings.public_url}/n/{subscription.token}",
        )
        if entry.occasion.startswith(CONFIRM):
            letter = confirm_letter(say, links, brand=brand)
        else:
            courier = composer.registry.get(tracking.courier_code)
            letter = news_letter(
                tracking,
                say,
                links,
                brand=brand,
                carrier=courier.name if courier is not None else tracking.courier_code,
                is_automatic=subscription.is_automatic,
            )
        own = OwnAddresses()
        if is_test_world(tracking.world_id):
            letter = msgspec.structs.replace(letter, subject=f"[Test] {letter.subject}")
        else:
            own = await self._own(brand.mail_from, brand.support_email)
        return make_mail(
            letter,
            subscription.email,
            sender=settings.sender,
            name=brand.name,
            own=own,
            mail_id=mail_id,
            at=composer.clock.now(),
            logo=logo,
        )

    async def _own(self, mail_from: str, support_email: str) -> OwnAddresses:
        """Return those of the shop's addresses that it has confirmed."""
        number, senders = account_of(self.world_id), self._composer.senders
        return OwnAddresses(
            mail_from=await senders.confirmed(number, mail_from),
            reply_to=await senders.confirmed(number, support_email),
        )


class SenderConfirmationMail:
    """The code that shows that an account may send under an address."""

    def __init__(self, composer: MailComposer, entry: Entry, account_number: int) -> None:
        self._composer = composer
        self._entry = entry
        self._account_number = account_number
        self._confirmation: SenderConfirmation | None = None
        self.world_id = world_of(account_number, is_test=False)
        self.number = ""

    async def obstacle(self) -> str | None:
        """See ``PendingMail``."""
        confirmation = await self._composer.senders.find(self._account_number, self._entry.digest)
        self._confirmation = confirmation
        if confirmation is None:
            return None
        is_newest = self._entry.occasion == f"{CONFIRM_SENDER}{confirmation.asks}"
        return "" if is_newest and confirmation.is_valid(self._composer.clock.now()) else "answered"

    async def compose(self, mail_id: str) -> Mail:
        """See ``PendingMail``."""
        composer, confirmation = self._composer, self._confirmation
        account = await composer.store.load_account(self._account_number)
        if confirmation is None or account is None:
            msg = "no longer wanted"
            raise ValueError(msg)
        letter: Letter = sender_confirmation_letter(
            words("en"),
            account=account.email,
            code=shown_code(confirmation.code),
            link=f"{composer.settings.public_url}/dashboard/brand",
        )
        return make_mail(
            letter,
            confirmation.address,
            sender=composer.settings.sender,
            name="Parcelwire",
            mail_id=mail_id,
            at=composer.clock.now(),
        )

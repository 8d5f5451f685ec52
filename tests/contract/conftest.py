"""The stores of the store's own suite, for every suite that wants to run on both engines; a yard
where parcels are asked about, and an office that mails customers.
"""

from collections.abc import Iterator

import pytest

from parcelwire.domain.account import Account
from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import Store
from parcelwire.tracking.service import TrackingService
from tests.contract.notice_office import Office
from tests.contract.poll_yard import Yard
from tests.contract.store.conftest import clock, open_another, place, store
from tests.support.mail_server import MailBox, mail_server

__all__ = ["clock", "open_another", "place", "store"]


@pytest.fixture
def box() -> MailBox:
    """What the mail server of ``port`` has taken."""
    return MailBox()


@pytest.fixture
def port(box: MailBox) -> Iterator[int]:
    """The port of a real mail server."""
    with mail_server(box) as port:
        yield port


@pytest.fixture
async def account(store: Store, clock: FrozenClock) -> Account:
    """An account of a shop."""
    return await store.add_account("shop@example.com", now=clock.now())


@pytest.fixture
async def office(store: Store, clock: FrozenClock, port: int, account: Account) -> Office:
    """Somebody who mails the customers of ``account``."""
    office = Office(store, clock, port)
    await office.work()
    clock.advance(60)
    return office


@pytest.fixture
def yard(store: Store, clock: FrozenClock) -> Yard:
    """Where parcels are asked about."""
    return Yard(store, clock)


@pytest.fixture
def service(yard: Yard) -> TrackingService:
    """The use cases of ``yard``."""
    return yard.service()

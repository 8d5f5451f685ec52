"""The use cases of messages and test events on both engines, as any adapter calls them."""

from __future__ import annotations

import pytest

from parcelwire.domain.account import Account
from parcelwire.domain.clock import SECOND, FrozenClock
from parcelwire.domain.field_problems import InvalidInputError
from parcelwire.store.port import Store
from parcelwire.tracking.ports import AlreadyDoneError
from parcelwire.webhooks.commands import ReplayMessages
from parcelwire.webhooks.errors import (
    EndpointDisabledError,
    EndpointNotFoundError,
    MessageNotFoundError,
)
from parcelwire.webhooks.message import TEST_EVENT_TYPE
from parcelwire.webhooks.messages import Replayed
from parcelwire.webhooks.ports import MessageFilter, MessageState
from tests.contract.webhook_services import NOBODY, Services


@pytest.fixture
def services(store: Store, clock: FrozenClock, account: Account) -> Services:
    return Services(store, clock, account)


# --- messages ---------------------------------------------------------------------------------


async def test_a_message_is_due_again_whatever_became_of_it(services: Services) -> None:
    endpoint = await services.add()
    await services.post(endpoint)
    (message_id,) = await services.log()
    await services.deliver()
    message = await services.messages.get(services.world_id, message_id)
    assert message.state is MessageState.DELIVERED
    assert [one.status for one in await services.messages.attempts_at(message)] == [204]
    services.clock.advance(60)
    due = await services.messages.resend(services.world_id, message_id)
    assert (due.state, due.attempts, due.due_at) == (MessageState.PENDING, 0, services.clock.now())
    assert await services.messages.get(services.world_id, message_id) == due
    assert services.woken == 1


async def test_a_message_is_resent_once(services: Services) -> None:
    endpoint = await services.add()
    await services.post(endpoint)
    (message_id,) = await services.log()
    once = services.once(lambda message: message.id)
    await services.messages.resend(services.world_id, message_id, once=once)
    with pytest.raises(AlreadyDoneError):
        await services.messages.resend(services.world_id, message_id, once=once)
    assert (await services.recorded(), services.woken) == (message_id.encode(), 1)


@pytest.mark.parametrize("message_id", [NOBODY, "", "x\0"])
async def test_a_message_that_is_not_there(services: Services, message_id: str) -> None:
    with pytest.raises(MessageNotFoundError):
        await services.messages.get(services.world_id, message_id)
    with pytest.raises(MessageNotFoundError):
        await services.messages.resend(services.world_id, message_id, once=services.once())
    assert (await services.recorded(), services.woken) == (None, 0)


async def test_the_message_of_a_deleted_endpoint_is_not_resent(services: Services) -> None:
    endpoint = await services.add()
    await services.post(endpoint)
    await services.endpoints.delete(services.world_id, endpoint.id)
    (message_id,) = await services.log()
    with pytest.raises(MessageNotFoundError):
        await services.messages.resend(services.test_world_id, message_id)
    with pytest.raises(EndpointNotFoundError, match="endpoint was deleted"):
        await services.messages.resend(services.world_id, message_id)


async def test_a_replay_takes_what_fits_all_conditions(services: Services) -> None:
    endpoint, other = await services.add(), await services.add()
    began = services.clock.now()
    await services.post(endpoint, count=3)
    await services.post(other)
    await services.deliver()
    services.clock.advance(60)
    await services.post(endpoint)
    replay = services.messages.replay
    none = ReplayMessages(created_min=began + 1, created_max=began + 60_000)
    assert await replay(services.world_id, endpoint.id, none) == Replayed(0, is_complete=True)
    for command in (
        ReplayMessages(event_types=("endpoint.failing",)),
        ReplayMessages(tracking_id=NOBODY),
        ReplayMessages(states=(MessageState.DEAD,)),
    ):
        assert (await replay(services.world_id, endpoint.id, command)).count == 0
    command = ReplayMessages(created_max=began, states=(MessageState.DELIVERED,), limit=2)
    assert await replay(services.world_id, endpoint.id, command) == Replayed(2, is_complete=False)
    assert await replay(services.world_id, endpoint.id, command) == Replayed(1, is_complete=True)
    # A time of the first millisecond there is is a condition, too.
    assert await replay(services.world_id, other.id, ReplayMessages(created_min=0)) == Replayed(
        1, is_complete=True
    )
    assert len(await services.log(MessageState.PENDING)) == 5
    assert services.woken == 7


async def test_a_replay_names_a_condition(services: Services) -> None:
    endpoint = await services.add()
    await services.post(endpoint)
    await services.deliver()
    with pytest.raises(InvalidInputError, match="at least one of"):
        await services.messages.replay(services.world_id, endpoint.id, ReplayMessages())
    assert (await services.log(MessageState.PENDING), services.woken) == ([], 0)


async def test_a_replay_happens_once(services: Services) -> None:
    endpoint = await services.add()
    await services.post(endpoint, count=2)
    await services.deliver()
    command, once = ReplayMessages(created_min=0), services.once(lambda replayed: replayed.count)
    await services.messages.replay(services.world_id, endpoint.id, command, once=once)
    await services.deliver()
    with pytest.raises(AlreadyDoneError):
        await services.messages.replay(services.world_id, endpoint.id, command, once=once)
    assert (await services.recorded(), await services.log(MessageState.PENDING)) == (b"2", [])


async def test_a_condition_that_is_given_twice_counts_once(services: Services) -> None:
    await services.post(await services.add())
    where = MessageFilter(
        states=(MessageState.PENDING, MessageState.PENDING), event_types=("tracking.updated",) * 2
    )
    assert len((await services.messages.list_messages(services.world_id, where)).messages) == 1


# --- test events ------------------------------------------------------------------------------


async def test_a_test_is_sent_and_its_attempt_awaited(services: Services) -> None:
    endpoint = await services.add(statuses=("expired",), event_types=("tracking.status_changed",))
    message_id = await services.tests.send(services.world_id, endpoint.id)
    message = await services.messages.get(services.world_id, message_id)
    assert message.event_type == TEST_EVENT_TYPE
    attempt = await services.tests.first_attempt(message_id)
    assert attempt is not None
    assert (attempt.status, attempt.is_success) == (204, True)
    assert await services.tests.first_attempt(message_id) == attempt


async def test_nothing_is_sent_to_one_that_is_paused(services: Services) -> None:
    endpoint = await services.add()
    await services.endpoints.pause(services.world_id, endpoint.id)
    with pytest.raises(EndpointDisabledError, match=r"^it is paused; nothing was sent$"):
        await services.tests.send(services.world_id, endpoint.id, once=services.once())
    assert (await services.recorded(), await services.log()) == (None, [])


async def test_a_test_is_sent_once(services: Services) -> None:
    endpoint, once = await services.add(), services.once(str)
    message_id = await services.tests.send(services.world_id, endpoint.id, once=once)
    with pytest.raises(AlreadyDoneError):
        await services.tests.send(services.world_id, endpoint.id, once=once)
    assert (await services.recorded(), await services.log()) == (message_id.encode(), [message_id])


async def test_nobody_waits_for_ever(services: Services) -> None:
    began = services.clock.now()
    assert await services.tests.first_attempt(NOBODY) is None
    assert 25 * SECOND <= services.clock.now() - began <= 26 * SECOND

"""The use cases of endpoints on both engines, as any adapter calls them."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest

from parcelwire.domain.account import Account, Endpoint
from parcelwire.domain.clock import HOUR, SECOND, FrozenClock
from parcelwire.domain.field_problems import InvalidInputError
from parcelwire.store.port import Store
from parcelwire.tracking.ports import AlreadyDoneError, Once
from parcelwire.webhooks.commands import (
    LONGEST_OVERLAP_SECONDS,
    MOST_ENDPOINTS,
    CreateEndpoint,
    ReplayMessages,
    UpdateEndpoint,
)
from parcelwire.webhooks.endpoints import MOST_WAITING_IN_LISTS
from parcelwire.webhooks.errors import (
    EndpointDisabledError,
    EndpointNotFoundError,
    TooManyEndpointsError,
)
from parcelwire.webhooks.ports import Attempt, AttemptResult, MessageState
from tests.contract.webhook_services import NOBODY, URL, Services


@pytest.fixture
def services(store: Store, clock: FrozenClock, account: Account) -> Services:
    return Services(store, clock, account)


async def refused(call: Awaitable[object]) -> list[str]:
    """Return the names of the fields that a call was refused for."""
    with pytest.raises(InvalidInputError) as caught:
        await call
    return [one.field for one in caught.value.problems]


# --- endpoints: created -----------------------------------------------------------------------


async def test_an_endpoint_is_stored_as_it_is_returned(services: Services) -> None:
    command = CreateEndpoint(
        url=URL,
        dialect="v4",
        statuses=("delivered", "delivered"),
        event_types=("tracking.updated",),
        headers={"X-Shop": "alpine"},
        rate_per_second=2.5,
        concurrency=3,
        description="Lager Zürich",
    )
    made = await services.endpoints.create(services.world_id, command)
    endpoint = made.endpoint
    assert (made.waiting, endpoint.state, endpoint.created_at) == (
        0,
        "enabled",
        services.clock.now(),
    )
    assert (endpoint.statuses, endpoint.headers) == (("delivered",), {"x-shop": "alpine"})
    assert endpoint.secret.startswith("whsec_")
    assert await services.endpoints.get(services.world_id, endpoint.id) == made
    assert await services.endpoints.list_endpoints(services.world_id) == [made]
    assert await services.endpoints.list_endpoints(services.test_world_id) == []
    assert (await services.add()).secret != endpoint.secret


async def test_everything_wrong_is_told_at_once_and_nothing_is_stored(services: Services) -> None:
    wrong = CreateEndpoint(
        url="http://inside/",
        dialect="v9",
        statuses=("gone",),
        event_types=("endpoint.test",),
        headers={"Host": "x"},
        rate_per_second=0,
        concurrency=0,
        description="\0",
    )
    fields = await refused(services.endpoints.create(services.world_id, wrong))
    assert sorted(fields) == sorted(CreateEndpoint.__struct_fields__)
    assert await services.endpoints.list_endpoints(services.world_id) == []


async def test_a_world_has_only_so_many(services: Services) -> None:
    for _ in range(MOST_ENDPOINTS):
        await services.add()
    with pytest.raises(TooManyEndpointsError, match="100 already"):
        await services.add()
    await services.endpoints.create(services.test_world_id, CreateEndpoint(url=URL))


async def test_it_is_created_once_and_the_record_leaves_out_the_secret(services: Services) -> None:
    secrets: list[str] = []

    def once(secret: str) -> Once:
        secrets.append(secret)
        return services.once(lambda view: view.endpoint.id, secret=secret)

    command = CreateEndpoint(url=URL)
    made = await services.endpoints.create(services.world_id, command, once=once)
    assert secrets == [made.endpoint.secret]
    with pytest.raises(AlreadyDoneError) as caught:
        await services.endpoints.create(services.world_id, command, once=once)
    record = caught.value.record
    assert (record.body, record.secret) == (made.endpoint.id.encode(), made.endpoint.secret)
    assert len(await services.endpoints.list_endpoints(services.world_id)) == 1


async def test_what_is_refused_leaves_no_record(services: Services) -> None:
    def once(secret: str) -> Once:
        return services.once(secret=secret)

    await refused(
        services.endpoints.create(services.world_id, CreateEndpoint(url="inside"), once=once)
    )
    assert await services.recorded() is None


# --- endpoints: changed -----------------------------------------------------------------------


async def test_what_is_named_is_changed_and_the_rest_stays(services: Services) -> None:
    endpoint = await services.add(statuses=("delivered",), headers={"x-a": "1"}, concurrency=2)
    services.checked.clear()
    command = UpdateEndpoint(url=URL, description="new", concurrency=None)
    changed = (await services.endpoints.update(services.world_id, endpoint.id, command)).endpoint
    assert (changed.description, changed.concurrency) == ("new", None)
    assert (changed.statuses, changed.headers) == (("delivered",), {"x-a": "1"})
    assert await services.stored(endpoint) == changed
    assert services.checked == []  # the URL is the same: a name server that is down is in no way
    await services.endpoints.update(services.world_id, endpoint.id, UpdateEndpoint(url=f"{URL}/2"))
    assert services.checked == [f"{URL}/2"]


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        (UpdateEndpoint(url="https://inside/"), ["url"]),
        (UpdateEndpoint(url="https://inside/", concurrency=0), ["concurrency", "url"]),
        (UpdateEndpoint(event_types=("tracking.lost",)), ["event_types"]),
        (UpdateEndpoint(headers={"": "x"}), ["headers"]),
    ],
)
async def test_a_change_that_is_refused_changes_nothing(
    services: Services, command: UpdateEndpoint, fields: list[str]
) -> None:
    endpoint = await services.add()
    assert (
        await refused(services.endpoints.update(services.world_id, endpoint.id, command)) == fields
    )
    assert await services.stored(endpoint) == endpoint


async def test_what_others_note_meanwhile_stays(services: Services) -> None:
    endpoint = await services.add()
    load = services.store.load_endpoint

    async def load_and_disable(world_id: int, endpoint_id: str) -> Endpoint | None:
        read = await load(world_id, endpoint_id)
        services.store.load_endpoint = load  # type: ignore[method-assign]  # the race, held still
        await services.endpoints.pause(world_id, endpoint_id)
        return read

    services.store.load_endpoint = load_and_disable  # type: ignore[method-assign]
    command = UpdateEndpoint(description="new")
    await services.endpoints.update(services.world_id, endpoint.id, command)
    after = await services.stored(endpoint)
    assert (after.description, after.state) == ("new", "paused")


async def test_paused_and_enabled(services: Services) -> None:
    endpoint = await services.add()
    await services.post(endpoint, count=2)
    paused = await services.endpoints.pause(services.world_id, endpoint.id)
    assert (paused.endpoint.state, paused.waiting) == ("paused", 2)
    assert await services.endpoints.pause(services.world_id, endpoint.id) == paused
    assert services.woken == 0
    enabled = await services.endpoints.enable(services.world_id, endpoint.id)
    assert (enabled.endpoint, enabled.waiting, services.woken) == (endpoint, 2, 1)


async def test_pausing_one_that_is_disabled_does_not_hide_why(services: Services) -> None:
    endpoint = await services.add()
    await services.post(endpoint)
    (claimed,) = await services.store.claim_messages(
        services.clock.now(), lease_until=services.clock.now() + HOUR, limit=1, per_endpoint=1
    )
    attempt = Attempt(
        id=NOBODY, message_id=claimed.message.id, at=services.clock.now(), duration_ms=1, status=410
    )
    gone = AttemptResult(
        attempt=attempt,
        state=MessageState.PENDING,
        next_at=services.clock.now(),
        disable_endpoint_reason="the receiver answered 410 Gone",
    )
    await services.store.finish_attempts([gone])
    paused = (await services.endpoints.pause(services.world_id, endpoint.id)).endpoint
    assert (paused.state, paused.disabled_reason) == ("disabled", "the receiver answered 410 Gone")
    with pytest.raises(EndpointDisabledError, match="it is disabled: the receiver answered 410"):
        await services.tests.send(services.world_id, endpoint.id)
    assert (
        await services.endpoints.enable(services.world_id, endpoint.id)
    ).endpoint.disabled_reason == ""


async def test_the_old_secret_signs_on_for_a_while(services: Services) -> None:
    endpoint = await services.add()
    rotated = (
        await services.endpoints.rotate_secret(services.world_id, endpoint.id, overlap_seconds=60)
    ).endpoint
    assert rotated.secret != endpoint.secret
    assert await services.stored(endpoint) == rotated
    assert rotated.secrets_at(services.clock.now()) == (rotated.secret, endpoint.secret)
    assert rotated.secrets_at(services.clock.advance(60)) == (rotated.secret,)
    at_once = (
        await services.endpoints.rotate_secret(services.world_id, endpoint.id, overlap_seconds=0)
    ).endpoint
    assert at_once.secrets_at(services.clock.now()) == (at_once.secret,)
    assert (at_once.previous_secret, at_once.previous_secret_until) == ("", None)
    usual = (await services.endpoints.rotate_secret(services.world_id, endpoint.id)).endpoint
    assert usual.previous_secret_until == services.clock.now() + 86_400 * SECOND


@pytest.mark.parametrize("seconds", [-1, LONGEST_OVERLAP_SECONDS + 1])
async def test_an_overlap_that_is_refused_leaves_the_secret(
    services: Services, seconds: int
) -> None:
    endpoint = await services.add()
    rotating = services.endpoints.rotate_secret(
        services.world_id, endpoint.id, overlap_seconds=seconds
    )
    assert await refused(rotating) == ["overlap_seconds"]
    assert await services.stored(endpoint) == endpoint


async def test_a_secret_is_rotated_once(services: Services) -> None:
    endpoint = await services.add()

    def once(secret: str) -> Once:
        return services.once(lambda view: view.waiting, secret=secret)

    rotated = await services.endpoints.rotate_secret(services.world_id, endpoint.id, once=once)
    with pytest.raises(AlreadyDoneError) as caught:
        await services.endpoints.rotate_secret(services.world_id, endpoint.id, once=once)
    assert caught.value.record.secret == rotated.endpoint.secret
    assert (await services.stored(endpoint)).secret == rotated.endpoint.secret


@pytest.mark.parametrize("endpoint_id", [NOBODY, "", "x\0", "ü" * 32, "1" * 10_000])
async def test_an_endpoint_that_is_not_there(services: Services, endpoint_id: str) -> None:
    for call in (
        services.endpoints.get(services.world_id, endpoint_id),
        services.endpoints.update(services.world_id, endpoint_id, UpdateEndpoint()),
        services.endpoints.delete(services.world_id, endpoint_id),
        services.endpoints.pause(services.world_id, endpoint_id),
        services.endpoints.enable(services.world_id, endpoint_id),
        services.endpoints.rotate_secret(services.world_id, endpoint_id),
        services.messages.replay(services.world_id, endpoint_id, ReplayMessages(created_min=0)),
        services.tests.send(services.world_id, endpoint_id),
    ):
        with pytest.raises(EndpointNotFoundError):
            await call


async def test_another_worlds_endpoint_is_not_there(services: Services) -> None:
    endpoint = await services.add()
    for call in (
        services.endpoints.get(services.test_world_id, endpoint.id),
        services.endpoints.update(
            services.test_world_id, endpoint.id, UpdateEndpoint(description="x")
        ),
        services.endpoints.delete(services.test_world_id, endpoint.id),
        services.endpoints.rotate_secret(services.test_world_id, endpoint.id),
        services.tests.send(services.test_world_id, endpoint.id),
    ):
        with pytest.raises(EndpointNotFoundError):
            await call
    assert await services.stored(endpoint) == endpoint


async def test_one_that_is_deleted_under_way_leaves_no_record(services: Services) -> None:
    endpoint = await services.add()
    save = services.store.save_endpoint

    async def delete_and_save(*given: Any, **more: Any) -> bool:
        await services.store.delete_endpoint(services.world_id, endpoint.id)
        return await save(*given, **more)

    services.store.save_endpoint = delete_and_save  # type: ignore[method-assign]  # held still
    with pytest.raises(EndpointNotFoundError):
        await services.endpoints.enable(services.world_id, endpoint.id, once=services.once())
    assert (await services.recorded(), services.woken) == (None, 0)


async def test_deleted_it_is_gone_and_what_waited_is_given_up(services: Services) -> None:
    endpoint = await services.add()
    await services.post(endpoint, count=2)
    await services.endpoints.delete(services.world_id, endpoint.id)
    assert len(await services.log(MessageState.DEAD)) == 2
    with pytest.raises(EndpointNotFoundError):
        await services.endpoints.delete(services.world_id, endpoint.id)


async def test_what_waits_is_counted_up_to_a_bound(services: Services) -> None:
    endpoint = await services.add()
    await services.post(endpoint, count=MOST_WAITING_IN_LISTS + 1)
    (listed,) = await services.endpoints.list_endpoints(services.world_id)
    (few,) = await services.endpoints.list_endpoints(services.world_id, count_up_to=3)
    one = await services.endpoints.get(services.world_id, endpoint.id)
    assert [listed.waiting, few.waiting, one.waiting] == [1_000, 3, 1_001]

"""Use cases on endpoints: create, read, update, pause, enable, give another secret, delete.

``once`` makes a call's effect happen once for an idempotency key (``tracking.ports.Once``). Its
``answer`` is given the result of the use case, or the error that is raised then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import SECOND, Clock
from parcelwire.domain.field_problems import FieldProblem, refuse_if_any
from parcelwire.tracking.creating import told_as
from parcelwire.tracking.ports import Identifiers, Once
from parcelwire.webhooks import standing
from parcelwire.webhooks.address import AddressRefusedError
from parcelwire.webhooks.commands import (
    DEFAULT_OVERLAP_SECONDS,
    MOST_ENDPOINTS,
    CreateEndpoint,
    UpdateEndpoint,
    check_fields,
    not_allowed,
    overlap_problem,
)
from parcelwire.webhooks.errors import EndpointNotFoundError, TooManyEndpointsError, WebhookError
from parcelwire.webhooks.ports import MessageStore
from parcelwire.webhooks.secrets import new_secret

MOST_WAITING: Final = 10_000
"""Up to how many the waiting messages of one endpoint are counted."""
MOST_WAITING_IN_LISTS: Final = 1_000

SecretOnce = Callable[[str], Once | None]
"""Gives a call's ``once`` from the secret that its answer will tell and its record leaves out."""


class EndpointView(msgspec.Struct, frozen=True):
    """An endpoint, and how many messages wait for it (see ``MOST_WAITING``)."""

    endpoint: Endpoint
    waiting: int


class EndpointService:
    """What can be done with the endpoints of a world."""

    def __init__(
        self,
        store: MessageStore,
        *,
        check_url: Callable[[str], Awaitable[None]],
        clock: Clock,
        identifiers: Identifiers,
        random_bytes: Callable[[int], bytes],
        wake: Callable[[], None],
    ) -> None:
        """``check_url`` raises ``AddressRefusedError`` for where messages may not be sent.

        ``random_bytes`` are unpredictable. ``wake`` says that messages have become due.
        """
        self._store = store
        self._check_url = check_url
        self._clock = clock
        self._identifiers = identifiers
        self._random_bytes = random_bytes
        self._wake = wake

    async def create(
        self, world_id: int, command: CreateEndpoint, *, once: SecretOnce | None = None
    ) -> EndpointView:
        """Store a new endpoint with a new secret.

        Raises:
            InvalidInputError: nothing can be sent to it, or not like this.
            TooManyEndpointsError: the world has as many as it may have.
        """
        fields, problems = check_fields(command)
        await self._refuse_unless_valid(problems, command.url)
        if len(await self._store.list_endpoints(world_id)) >= MOST_ENDPOINTS:
            raise TooManyEndpointsError(MOST_ENDPOINTS)
        now = self._clock.now()
        endpoint = Endpoint(
            id=self._identifiers.new_id(now),
            world_id=world_id,
            secret=new_secret(self._random_bytes),
            created_at=now,
            **fields,
        )
        view = EndpointView(endpoint, 0)
        told = told_as(once(endpoint.secret) if once else None, lambda _: view)
        await self._store.add_endpoint(endpoint, once=told)
        return view

    async def list_endpoints(
        self, world_id: int, *, count_up_to: int = MOST_WAITING_IN_LISTS
    ) -> list[EndpointView]:
        """Return the world's endpoints, oldest first, and of each what waits up to that number."""
        return [
            EndpointView(one, await self._store.count_waiting(one.id, most=count_up_to))
            for one in await self._store.list_endpoints(world_id)
        ]

    async def get(self, world_id: int, endpoint_id: str) -> EndpointView:
        """Return one endpoint.

        Raises:
            EndpointNotFoundError: the world has none of this id.
        """
        return await self._view(await find_endpoint(self._store, world_id, endpoint_id))

    async def update(
        self, world_id: int, endpoint_id: str, command: UpdateEndpoint
    ) -> EndpointView:
        """Change what the command names.

        Raises:
            EndpointNotFoundError: the world has none of this id.
            InvalidInputError: nothing can be sent to it, or not like this.
        """
        endpoint = await find_endpoint(self._store, world_id, endpoint_id)
        fields, problems = check_fields(command)
        url = fields.get("url", endpoint.url)
        await self._refuse_unless_valid(problems, url if url != endpoint.url else None)
        return await self._save(endpoint, replace(endpoint, **fields))

    async def delete(self, world_id: int, endpoint_id: str) -> None:
        """Delete an endpoint; what waits for it is given up.

        Raises:
            EndpointNotFoundError: the world has none of this id.
        """
        if not await self._store.delete_endpoint(world_id, endpoint_id):
            raise EndpointNotFoundError

    async def pause(
        self, world_id: int, endpoint_id: str, *, once: Once | None = None
    ) -> EndpointView:
        """Send nothing for a while; messages are kept. One that is disabled already stays so.

        Raises:
            EndpointNotFoundError: the world has none of this id.
        """
        endpoint = await find_endpoint(self._store, world_id, endpoint_id)
        after = standing.pause(endpoint) if endpoint.is_enabled else endpoint
        return await self._save(endpoint, after, once)

    async def enable(
        self, world_id: int, endpoint_id: str, *, once: Once | None = None
    ) -> EndpointView:
        """Send again, beginning with what waited.

        Raises:
            EndpointNotFoundError: the world has none of this id.
        """
        endpoint = await find_endpoint(self._store, world_id, endpoint_id)
        view = await self._save(endpoint, standing.enable(endpoint), once)
        self._wake()
        return view

    async def rotate_secret(
        self,
        world_id: int,
        endpoint_id: str,
        *,
        overlap_seconds: int = DEFAULT_OVERLAP_SECONDS,
        once: SecretOnce | None = None,
    ) -> EndpointView:
        """Give an endpoint a new secret; its present one signs too during the overlap (0: none).

        Raises:
            EndpointNotFoundError: the world has none of this id.
            InvalidInputError: the overlap is too long.
        """
        refuse_if_any([overlap_problem(overlap_seconds)])
        endpoint = await find_endpoint(self._store, world_id, endpoint_id)
        until = self._clock.now() + overlap_seconds * SECOND
        after = replace(
            endpoint,
            secret=new_secret(self._random_bytes),
            previous_secret=endpoint.secret if overlap_seconds else "",
            previous_secret_until=until if overlap_seconds else None,
        )
        return await self._save(endpoint, after, once(after.secret) if once else None)

    async def _refuse_unless_valid(self, problems: list[FieldProblem], url: str | None) -> None:
        """Check a URL (None: it stays as it is) beside what was found already.

        Raises:
            InvalidInputError: it is refused, or ``problems`` are not empty.
        """
        if url is not None:
            try:
                await self._check_url(url)
            except AddressRefusedError as error:
                problems = [*problems, not_allowed("url", error)]
        refuse_if_any(problems)

    async def _view(self, endpoint: Endpoint) -> EndpointView:
        waiting = await self._store.count_waiting(endpoint.id, most=MOST_WAITING)
        return EndpointView(endpoint, waiting)

    async def _save(
        self, before: Endpoint, after: Endpoint, once: Once | None = None
    ) -> EndpointView:
        """Store what differs; what a worker noted in the meantime stays."""
        view = await self._view(after)

        def result_of(is_there: bool) -> EndpointView | WebhookError:
            return view if is_there else EndpointNotFoundError()

        told = told_as(once, result_of)
        if not await self._store.save_endpoint(after, expected=before, once=told):
            raise EndpointNotFoundError
        return view


async def find_endpoint(store: MessageStore, world_id: int, endpoint_id: str) -> Endpoint:
    """Return one endpoint.

    Raises:
        EndpointNotFoundError: the world has none of this id.
    """
    endpoint = await store.load_endpoint(world_id, endpoint_id)
    if endpoint is None:
        raise EndpointNotFoundError
    return endpoint

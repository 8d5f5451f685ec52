"""Endpoints: the URLs that are told what happens. Made, changed, paused, given another secret."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from parcelwire.api.house import House
from parcelwire.api.native.endpoint_shapes import (
    MOST_ENDPOINTS,
    MOST_WAITING,
    MOST_WAITING_IN_LISTS,
    EndpointDraft,
    EndpointList,
    EndpointObject,
    EndpointPatch,
    EndpointWithSecret,
    SecretRotation,
    endpoint_object,
    endpoint_with_secret,
)
from parcelwire.api.native.operations import Asked, Operation, given
from parcelwire.api.native.problems import FieldError, ProblemError
from parcelwire.api.native.sealed import LEFT_OUT, reveal
from parcelwire.domain.access import WorldRule
from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import SECOND
from parcelwire.webhooks import standing
from parcelwire.webhooks.address import AddressRefusedError
from parcelwire.webhooks.headers import HeadersRefusedError, check_headers
from parcelwire.webhooks.secrets import new_secret


async def find_endpoint(house: House, asked: Asked) -> Endpoint:
    """Return the endpoint that the path names.

    Raises:
        ProblemError: the key's world has none of this id.
    """
    endpoint_id = asked.path["id"]
    endpoint = await house.store.load_endpoint(asked.world_id, endpoint_id)
    if endpoint is None:
        raise ProblemError("endpoint-unknown")
    return endpoint


async def create_endpoint(house: House, asked: Asked) -> EndpointWithSecret:
    """Make an endpoint with a new secret."""
    draft: EndpointDraft = asked.body
    checked = _headers(draft.headers)
    await _check_url(house, draft.url)
    if len(await house.store.list_endpoints(asked.world_id)) >= MOST_ENDPOINTS:
        raise ProblemError("endpoints-too-many", f"there are {MOST_ENDPOINTS} already")
    now = house.clock.now()
    secret = new_secret(house.random_bytes)
    endpoint = Endpoint(
        id=house.identifiers.new_id(now),
        world_id=asked.world_id,
        url=draft.url,
        dialect=draft.dialect,
        secret=secret,
        statuses=_texts(draft.statuses),
        event_types=_texts(draft.event_types),
        headers=checked,
        rate_per_second=draft.rate_per_second,
        concurrency=draft.concurrency,
        description=draft.description,
        created_at=now,
    )

    def record(_: None) -> EndpointWithSecret:
        return endpoint_with_secret(endpoint, 0, LEFT_OUT)

    await house.store.add_endpoint(endpoint, once=asked.once(201, record, secret=secret))
    return endpoint_with_secret(endpoint, 0, secret)


async def show_secret(house: House, asked: Asked, said: EndpointWithSecret) -> EndpointWithSecret:
    """Return what was recorded with its secret opened."""
    return replace(said, secret=reveal(house, asked, said.secret, said.id))


async def list_endpoints(house: House, asked: Asked) -> EndpointList:
    """Answer all endpoints of the world."""
    shown = []
    for one in await house.store.list_endpoints(asked.world_id):
        waiting = await house.store.count_waiting(one.id, most=MOST_WAITING_IN_LISTS)
        shown.append(endpoint_object(one, waiting))
    return EndpointList(endpoints=shown)


async def read_endpoint(house: House, asked: Asked) -> EndpointObject:
    """Answer one endpoint."""
    return await _shown(house, await find_endpoint(house, asked))


async def change_endpoint(house: House, asked: Asked) -> EndpointObject:
    """Change what the body names."""
    patch: EndpointPatch = asked.body
    endpoint = await find_endpoint(house, asked)
    changes = given(patch)
    if changes.get("headers") is not None:
        changes["headers"] = _headers(changes["headers"])
    if changes.get("url", endpoint.url) != endpoint.url:
        await _check_url(house, changes["url"])
    for name, empty in (
        ("statuses", ()),
        ("event_types", ()),
        ("headers", {}),
        ("description", ""),
    ):
        if name in changes:
            changes[name] = changes[name] if changes[name] is not None else empty
    for name in ("statuses", "event_types"):
        if name in changes:
            changes[name] = _texts(changes[name])
    return await _save(house, asked, endpoint, replace(endpoint, **changes))


async def delete_endpoint(house: House, asked: Asked) -> None:
    """Delete an endpoint; what waits for it is given up."""
    if not await house.store.delete_endpoint(asked.world_id, asked.path["id"]):
        raise ProblemError("endpoint-unknown")


async def pause_endpoint(house: House, asked: Asked) -> EndpointObject:
    """Send nothing for a while; messages are kept. One that is disabled already stays so."""
    endpoint = await find_endpoint(house, asked)
    after = standing.pause(endpoint) if endpoint.is_enabled else endpoint
    return await _save(house, asked, endpoint, after)


async def enable_endpoint(house: House, asked: Asked) -> EndpointObject:
    """Send again, beginning with what waited."""
    endpoint = await find_endpoint(house, asked)
    answer = await _save(house, asked, endpoint, standing.enable(endpoint))
    house.desk.wake()
    return answer


def rotated(endpoint: Endpoint, secret: str, overlap_seconds: int, now: int) -> Endpoint:
    """Return the endpoint with a new secret; its present one signs too during the overlap."""
    return replace(
        endpoint,
        secret=secret,
        previous_secret=endpoint.secret if overlap_seconds else "",
        previous_secret_until=now + overlap_seconds * SECOND if overlap_seconds else None,
    )


async def rotate_secret(house: House, asked: Asked) -> EndpointWithSecret:
    """Give an endpoint a new secret."""
    rotation: SecretRotation = asked.body
    secret = new_secret(house.random_bytes)
    before = await find_endpoint(house, asked)
    endpoint = rotated(before, secret, rotation.overlap_seconds, house.clock.now())
    waiting = await house.store.count_waiting(endpoint.id, most=MOST_WAITING)

    def record(is_there: bool) -> EndpointWithSecret:
        _need(is_there)
        return endpoint_with_secret(endpoint, waiting, LEFT_OUT)

    once = asked.once(200, record, secret=secret)
    _need(await house.store.save_endpoint(endpoint, expected=before, once=once))
    return endpoint_with_secret(endpoint, waiting, secret)


async def _check_url(house: House, url: str) -> None:
    try:
        await house.desk.check_url(url)
    except AddressRefusedError as error:
        raise ProblemError(
            "url-refused", f"url: {error}", errors=(FieldError("url", str(error)),)
        ) from None


def _headers(typed: dict[str, str]) -> dict[str, str]:
    try:
        return check_headers(typed)
    except HeadersRefusedError as error:
        raise ProblemError(
            "headers-refused", f"headers: {error}", errors=(FieldError("headers", str(error)),)
        ) from None


def _texts(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(value) for value in values))


def _need(is_there: bool) -> None:
    if not is_there:
        raise ProblemError("endpoint-unknown")


async def _shown(house: House, endpoint: Endpoint) -> EndpointObject:
    return endpoint_object(
        endpoint, await house.store.count_waiting(endpoint.id, most=MOST_WAITING)
    )


async def _save(house: House, asked: Asked, before: Endpoint, after: Endpoint) -> EndpointObject:
    """Store what differs; what a worker noted in the meantime stays."""
    shown = await _shown(house, after)

    def answer(is_there: bool) -> EndpointObject:
        _need(is_there)
        return shown

    once = asked.once(200, answer)
    return answer(await house.store.save_endpoint(after, expected=before, once=once))


_ID: Final = {"id": "The endpoint's id"}
_IDS: Final = {"id": "0192f0c5a80000000000000000000001"}
_DRAFT: Final = {
    "url": "https://shop.example.com/hooks/parcels",
    "statuses": ["delivered", "exception"],
    "headers": {"authorization": "Bearer receiver-token"},
}


def about_one(**fields: Any) -> Operation:
    """Return a call about one endpoint."""
    problems = ("endpoint-unknown", *fields.pop("problems", ()))
    return Operation(path_texts=_ID, path_examples=_IDS, problems=problems, **fields)


OPERATIONS: Final = (
    Operation(
        name="list_endpoints",
        method="GET",
        path="/endpoints",
        summary="All endpoints, oldest first",
        handler=list_endpoints,
        scope="read",
        world=WorldRule.OWN,
        answer=EndpointList,
    ),
    Operation(
        name="create_endpoint",
        method="POST",
        path="/endpoints",
        summary="Make an endpoint",
        text="The answer holds the secret that verifies its messages. It is not shown again.",
        handler=create_endpoint,
        finish=show_secret,
        answer=EndpointWithSecret,
        success=201,
        scope="write",
        world=WorldRule.OWN,
        request=EndpointDraft,
        problems=("endpoints-too-many", "headers-refused", "url-refused"),
        takes_idempotency_key=True,
        location="/endpoints/{id}",
        example=_DRAFT,
    ),
    about_one(
        name="read_endpoint",
        method="GET",
        path="/endpoints/{id}",
        summary="One endpoint",
        handler=read_endpoint,
        scope="read",
        world=WorldRule.OWN,
        answer=EndpointObject,
    ),
    about_one(
        name="change_endpoint",
        method="PATCH",
        path="/endpoints/{id}",
        summary="Change an endpoint",
        handler=change_endpoint,
        answer=EndpointObject,
        scope="write",
        world=WorldRule.OWN,
        request=EndpointPatch,
        problems=("headers-refused", "url-refused"),
        example={"statuses": ["delivered"], "rate_per_second": 5},
    ),
    about_one(
        name="delete_endpoint",
        method="DELETE",
        path="/endpoints/{id}",
        summary="Delete an endpoint; what waits for it is given up",
        handler=delete_endpoint,
        success=204,
        scope="write",
        world=WorldRule.OWN,
    ),
    about_one(
        name="pause_endpoint",
        method="POST",
        path="/endpoints/{id}/pause",
        summary="Send nothing for a while; messages are kept",
        handler=pause_endpoint,
        answer=EndpointObject,
        scope="write",
        world=WorldRule.OWN,
        takes_idempotency_key=True,
    ),
    about_one(
        name="enable_endpoint",
        method="POST",
        path="/endpoints/{id}/enable",
        summary="Send again, beginning with what waited",
        handler=enable_endpoint,
        answer=EndpointObject,
        scope="write",
        world=WorldRule.OWN,
        takes_idempotency_key=True,
    ),
    about_one(
        name="rotate_secret",
        method="POST",
        path="/endpoints/{id}/rotate-secret",
        summary="Replace the secret; the old one signs too for a while",
        text="The answer holds the new secret. It is not shown again.",
        handler=rotate_secret,
        finish=show_secret,
        answer=EndpointWithSecret,
        scope="write",
        world=WorldRule.OWN,
        request=SecretRotation,
        takes_idempotency_key=True,
        example={"overlap_seconds": 86_400},
    ),
)

"""Endpoints: the URLs that are told what happens. Made, changed, paused, given another secret."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from parcelwire.api.house import House
from parcelwire.api.native.endpoint_shapes import (
    EndpointCreateRequest,
    EndpointList,
    EndpointObject,
    EndpointUpdateRequest,
    EndpointWithSecret,
    SecretRotationRequest,
    endpoint_object,
    endpoint_with_secret,
)
from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.native.sealed import LEFT_OUT, reveal
from parcelwire.domain.access import WorldRule
from parcelwire.tracking.ports import Once
from parcelwire.webhooks.endpoints import EndpointView, SecretOnce


async def create_endpoint(house: House, asked: Asked) -> EndpointWithSecret:
    """Make an endpoint with a new secret."""
    draft: EndpointCreateRequest = asked.body
    made = await house.endpoints.create(
        asked.world_id, draft.command(), once=_once_with_secret(asked, 201)
    )
    return endpoint_with_secret(made, made.endpoint.secret)


async def show_secret(house: House, asked: Asked, said: EndpointWithSecret) -> EndpointWithSecret:
    """Return what was recorded with its secret opened."""
    return replace(said, secret=reveal(house, asked, said.secret, said.id))


async def list_endpoints(house: House, asked: Asked) -> EndpointList:
    """Answer all endpoints of the world."""
    views = await house.endpoints.list_endpoints(asked.world_id)
    return EndpointList(items=[endpoint_object(one) for one in views])


async def get_endpoint(house: House, asked: Asked) -> EndpointObject:
    """Answer one endpoint."""
    return endpoint_object(await house.endpoints.get(asked.world_id, asked.path["id"]))


async def update_endpoint(house: House, asked: Asked) -> EndpointObject:
    """Change what the body names."""
    patch: EndpointUpdateRequest = asked.body
    changed = await house.endpoints.update(asked.world_id, asked.path["id"], patch.command())
    return endpoint_object(changed)


async def delete_endpoint(house: House, asked: Asked) -> None:
    """Delete an endpoint; what waits for it is given up."""
    await house.endpoints.delete(asked.world_id, asked.path["id"])


async def pause_endpoint(house: House, asked: Asked) -> EndpointObject:
    """Send nothing for a while; messages are kept. One that is disabled already stays so."""
    paused = await house.endpoints.pause(asked.world_id, asked.path["id"], once=_once(asked))
    return endpoint_object(paused)


async def enable_endpoint(house: House, asked: Asked) -> EndpointObject:
    """Send again, beginning with what waited."""
    enabled = await house.endpoints.enable(asked.world_id, asked.path["id"], once=_once(asked))
    return endpoint_object(enabled)


async def rotate_endpoint_secret(house: House, asked: Asked) -> EndpointWithSecret:
    """Give an endpoint a new secret."""
    rotation: SecretRotationRequest = asked.body
    rotated = await house.endpoints.rotate_secret(
        asked.world_id,
        asked.path["id"],
        overlap_seconds=rotation.overlap_seconds,
        once=_once_with_secret(asked, 200),
    )
    return endpoint_with_secret(rotated, rotated.endpoint.secret)


def _once(asked: Asked) -> Once | None:
    return asked.once(200, endpoint_object)


def _once_with_secret(asked: Asked, status: int) -> SecretOnce:
    def record(view: EndpointView) -> EndpointWithSecret:
        return endpoint_with_secret(view, LEFT_OUT)

    return lambda secret: asked.once(status, record, secret=secret)


_ID: Final = {"id": "The endpoint's id"}
_IDS: Final = {"id": "0192f0c5a80000000000000000000001"}
_DRAFT: Final = {
    "url": "https://shop.example.com/hooks/parcels",
    "statuses": ["delivered", "exception"],
    "headers": {"authorization": "Bearer receiver-token"},
}


def about_one(**fields: Any) -> Operation:
    """Return a call about one endpoint."""
    problems = ("endpoint-not-found", *fields.pop("problems", ()))
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
        request=EndpointCreateRequest,
        problems=("too-many-endpoints", "headers-not-allowed", "url-not-allowed"),
        takes_idempotency_key=True,
        location="/endpoints/{id}",
        example=_DRAFT,
    ),
    about_one(
        name="get_endpoint",
        method="GET",
        path="/endpoints/{id}",
        summary="One endpoint",
        handler=get_endpoint,
        scope="read",
        world=WorldRule.OWN,
        answer=EndpointObject,
    ),
    about_one(
        name="update_endpoint",
        method="PATCH",
        path="/endpoints/{id}",
        summary="Change an endpoint",
        handler=update_endpoint,
        answer=EndpointObject,
        scope="write",
        world=WorldRule.OWN,
        request=EndpointUpdateRequest,
        problems=("headers-not-allowed", "url-not-allowed"),
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
        name="rotate_endpoint_secret",
        method="POST",
        path="/endpoints/{id}/rotate-secret",
        summary="Replace the secret; the old one signs too for a while",
        text="The answer holds the new secret. It is not shown again.",
        handler=rotate_endpoint_secret,
        finish=show_secret,
        answer=EndpointWithSecret,
        scope="write",
        world=WorldRule.OWN,
        request=SecretRotationRequest,
        takes_idempotency_key=True,
        example={"overlap_seconds": 86_400},
    ),
)

"""The way of one call through v4: key, rate limit, route, call, envelope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from parcelwire.api.bodies import ReadBody
from parcelwire.api.gate import Refusal
from parcelwire.api.house import House
from parcelwire.api.shares import TooManyCallsError
from parcelwire.api.v4.airwaybills import AirWaybillCalls
from parcelwire.api.v4.changes import ChangeCalls
from parcelwire.api.v4.couriers import CourierCalls
from parcelwire.api.v4.creation import CreationCalls
from parcelwire.api.v4.errors import (
    EMPTY_LIST,
    FAULT,
    FORBIDDEN,
    FORMAT_INVALID,
    NULL,
    RETRY_LATER,
    STORE_UNAVAILABLE,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
    UNKNOWN_PATH,
    WRONG_METHOD,
    Refused,
    refusal,
    refused_for,
)
from parcelwire.api.v4.listing import ListingCalls
from parcelwire.api.v4.render import Renderer
from parcelwire.api.v4.routes import ROUTES, Route
from parcelwire.api.wire import Call, Reply
from parcelwire.domain.access import may
from parcelwire.store.port import StoreUnavailableError
from parcelwire.tracking.errors import TrackingError

KEY_HEADER: Final = b"tracking-api-key"
OLD_KEY_HEADER: Final = b"trackingmore-api-key"
"""v2's name of it: a client that moved from v2 to v4 halfway still gets in."""

Handler = Callable[[Call], Awaitable[Reply]]


class V4Dialect:
    """TrackingMore's version 4."""

    prefix = "v4"

    def __init__(self, house: House, renderer: Renderer | None = None) -> None:
        """``renderer`` has to be the one that makes the store's renditions.

        None: with the house's registry and phrases.
        """
        renderer = renderer or Renderer(house.registry, house.service.carriers.phrase)
        self._gate = house.gate
        self._limiter = house.limiter
        couriers = CourierCalls(house)
        creation = CreationCalls(house, renderer)
        changes = ChangeCalls(house)
        handlers: dict[str, Handler] = {
            "list_couriers": couriers.list_couriers,
            "detect_courier": couriers.detect_courier,
            "create_tracking": creation.create_tracking,
            "create_trackings": creation.create_trackings,
            "list_trackings": ListingCalls(house, renderer).list_trackings,
            "update_tracking": changes.update_tracking,
            "delete_tracking": changes.delete_tracking,
            "retrack": changes.retrack,
            "read_air_waybill": AirWaybillCalls(house).read_air_waybill,
        }
        self._routes = {route.path: (route, handlers[route.name]) for route in ROUTES}

    async def answer(
        self,
        method: str,
        segments: tuple[str, ...],
        query_string: bytes,
        headers: dict[bytes, bytes],
        read_body: ReadBody | None,
    ) -> Reply:
        """Answer one call, whatever it is."""
        found = self._routes.get(segments[:2])
        # Without its id a call about one tracking is still that call: 4112 helps more than 404.
        is_known = found is not None and len(segments) <= len(found[0].path) + found[0].has_id
        route = found[0] if found is not None and is_known else None
        empty = EMPTY_LIST if route is not None and route.is_list else NULL

        admitted = await self._gate.admit_by(headers, KEY_HEADER, OLD_KEY_HEADER)
        if isinstance(admitted, Refusal):
            # v4 has one code for a missing, an unknown, a revoked and an expired key.
            return refusal(Refused(UNAUTHORIZED), empty)
        key, account = admitted
        allowance = self._limiter.take(key.world_id, route.limit if route is not None else "other")
        call = Call(
            method=method,
            segments=segments,
            query_string=query_string,
            body=b"",
            headers=headers,
            key=key,
            account=account,
        )
        try:
            if not allowance.is_allowed:
                raise Refused(TOO_MANY_REQUESTS)
            if account.is_suspended:
                raise Refused(FORBIDDEN)
            if found is None or route is None:
                raise Refused(UNKNOWN_PATH)
            _check(route, method, call)
            if read_body is not None:
                body = await read_body(key.digest)
                if body is not None:
                    call.body = body
                elif route.request is not None:
                    # Open in the sources: v4 has no code for a body that is too large. It is 4130,
                    # like any body that cannot be understood. One that nobody reads may be as large
                    # as it likes: some clients send one with GET.
                    raise Refused(FORMAT_INVALID, field="request body (it is too large)")
            reply = await found[1](call)
        except Refused as refused:
            reply = refusal(refused, empty)
        except TrackingError as error:
            reply = refusal(refused_for(error), empty)
        except TooManyCallsError:
            reply = refusal(Refused(TOO_MANY_REQUESTS), empty)
            reply = msgspec.structs.replace(reply, headers=(*reply.headers, RETRY_LATER))
        if route is not None and route.counts_items and allowance.is_allowed:
            allowance = self._limiter.current(key.world_id, route.limit)
        if limits := allowance.headers():
            return Reply(reply.status, reply.body, (*reply.headers, *limits), reply.content_type)
        return reply

    def failure(self, error: Exception) -> Reply:
        """Return the reply for a fault of ours (500/511) or of the store (503/512)."""
        is_store = isinstance(error, StoreUnavailableError)
        return refusal(Refused(STORE_UNAVAILABLE if is_store else FAULT))


def _check(route: Route, method: str, call: Call) -> None:
    is_method_right = method == route.method or (method == "HEAD" and route.method == "GET")
    if not is_method_right:
        raise Refused(WRONG_METHOD)
    if not may(call.key.scope, route.scope):
        raise Refused(FORBIDDEN)

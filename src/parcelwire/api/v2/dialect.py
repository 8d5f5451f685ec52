"""The way of one call through v2: key, rate limit, route, call, envelope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from parcelwire.api.bodies import ReadBody
from parcelwire.api.gate import Refusal
from parcelwire.api.house import House
from parcelwire.api.shares import TooManyCallsError
from parcelwire.api.v2.aircargo import AirCargoCalls
from parcelwire.api.v2.changes import Changing, SingleCalls
from parcelwire.api.v2.couriers import PICTURE_SUFFIX, CourierCalls
from parcelwire.api.v2.creation import CreationCalls
from parcelwire.api.v2.errors import (
    FAULT,
    FIELD_OF,
    FORBIDDEN,
    KEY_DELETED,
    KEY_INVALID,
    NEEDS_ACTIVATION,
    NOT_UNDERSTOOD,
    PAYMENT_REQUIRED,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
    UNAVAILABLE,
    UNKNOWN_PATH,
    WRONG_METHOD,
    Refused,
    code_for,
    message_for,
    refusal,
)
from parcelwire.api.v2.listing import ListingCalls
from parcelwire.api.v2.many import ManyCalls
from parcelwire.api.v2.render import Renderer
from parcelwire.api.v2.routes import ONE, ROUTES, Route
from parcelwire.api.v2.tables import TableCalls
from parcelwire.api.v2.tracking_path import read_tracking_path
from parcelwire.api.wire import MISSING_FIELDS, Call, Reply
from parcelwire.domain.access import may
from parcelwire.store.port import StoreUnavailableError
from parcelwire.tracking.errors import FieldsMissingError, TrackingError

KEY_HEADER: Final = b"trackingmore-api-key"
NEW_KEY_HEADER: Final = b"tracking-api-key"
"""v3's and v4's name of it: their clients fall back to v2 for air cargo."""

_REFUSALS: Final = {
    Refusal.NO_KEY: UNAUTHORIZED,
    Refusal.UNKNOWN_KEY: KEY_INVALID,
    Refusal.REVOKED_KEY: KEY_DELETED,
    Refusal.EXPIRED_KEY: KEY_DELETED,
}

Handler = Callable[[Call], Awaitable[Reply]]
Methods = dict[str, tuple[Route, Handler]]


class V2Dialect:
    """TrackingMore's version 2."""

    prefix = "v2"

    def __init__(self, house: House) -> None:
        """Answer with what ``house`` has."""
        self._house = house
        settings = house.settings
        self._disabled = {path.strip("/ ") for path in settings.v2_disabled_calls}
        self._couriers = couriers = CourierCalls(house)
        renderer, changing = (
            Renderer(house.registry, house.service.carriers.phrase),
            Changing(house),
        )
        creation, listing = CreationCalls(house, renderer), ListingCalls(house, renderer)
        single, many = SingleCalls(house, renderer, changing), ManyCalls(house, changing)
        tables = TableCalls(house)
        handlers: dict[str, Handler] = {
            "list_couriers": couriers.list_couriers,
            "detect_courier": couriers.detect_courier,
            "create_tracking": creation.create_tracking,
            "create_trackings": creation.create_trackings,
            "read_real_time": creation.read_real_time,
            "list_trackings": listing.list_trackings,
            "count_statuses": listing.count_statuses,
            "read_tracking": single.read_tracking,
            "update_tracking": single.update_tracking,
            "delete_tracking": single.delete_tracking,
            "change_courier": single.change_courier,
            "update_trackings": many.update_trackings,
            "delete_trackings": many.delete_trackings,
            "stop_trackings": many.stop_trackings,
            "read_user_info": tables.read_user_info,
            "find_remote_areas": tables.find_remote_areas,
            "read_lane_times": tables.read_lane_times,
            "read_air_waybills": AirCargoCalls(house).read_air_waybills,
        }
        self._paths: dict[tuple[str, ...], Methods] = {}
        for route in ROUTES:
            methods = self._paths.setdefault(route.path, {})
            methods.update((method, (route, handlers[route.name])) for method in route.methods)

    async def answer(
        self,
        method: str,
        segments: tuple[str, ...],
        query_string: bytes,
        headers: dict[bytes, bytes],
        read_body: ReadBody | None,
    ) -> Reply:
        """Answer one call, whatever it is."""
        if _is_picture(method, segments):
            return self._couriers.picture(segments[1])
        admitted = await self._house.gate.admit_by(headers, KEY_HEADER, NEW_KEY_HEADER)
        if isinstance(admitted, Refusal):
            return refusal(_REFUSALS[admitted])
        key, account = admitted
        methods = self._find(method, segments)
        route, handler = (methods or {}).get("GET" if method == "HEAD" else method, (None, None))
        kind = route.limit if route is not None else "other"
        allowance = self._house.limiter.take(key.world_id, kind)
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
            if self._house.settings.is_payment_required or account.is_suspended:
                raise Refused(PAYMENT_REQUIRED)
            if methods is None:
                raise Refused(UNKNOWN_PATH)
            if route is None or handler is None:
                raise Refused(WRONG_METHOD)
            self._check(route, call)
            if read_body is not None:
                body = await read_body(key.digest)
                if body is not None:
                    call.body = body
                elif route.request is not None or method == "POST":
                    # One that nobody reads may be as large as it likes: some send one with GET.
                    raise Refused(NOT_UNDERSTOOD)
            reply = await handler(call)
        except Refused as refused:
            reply = refusal(refused.code)
        except TrackingError as error:
            reply = refusal(code_for(error), message_for(error))
            if isinstance(error, FieldsMissingError):
                named = ", ".join(FIELD_OF.get(name, name) for name in error.fields).encode()
                reply = msgspec.structs.replace(reply, headers=((MISSING_FIELDS, named),))
        except TooManyCallsError:
            reply = refusal(TOO_MANY_REQUESTS)
        if route is not None and route.counts_items and allowance.is_allowed:
            allowance = self._house.limiter.current(key.world_id, kind)
        if limits := allowance.headers():
            # The two minutes that v2 advises stand in the refusal already.
            more = tuple(one for one in limits if one[0] != b"retry-after")
            return Reply(reply.status, reply.body, (*reply.headers, *more), reply.content_type)
        return reply

    def failure(self, error: Exception) -> Reply:
        """Return the reply for a fault of ours (500) or of the store (503)."""
        return refusal(UNAVAILABLE if isinstance(error, StoreUnavailableError) else FAULT)

    def _find(self, method: str, segments: tuple[str, ...]) -> Methods | None:
        named = self._paths.get(segments)
        if named is not None or segments[:1] != ONE[:1]:
            return named
        if read_tracking_path(segments, has_language=method in ("GET", "HEAD")):
            return self._paths[ONE]
        # A client without a number asks for "trackings/dhl/": 4013 helps it more than 404.
        is_courier = len(segments) == 2 and self._house.registry.resolve(segments[1]) is not None
        return self._paths[ONE] if is_courier else None

    def _check(self, route: Route, call: Call) -> None:
        if not may(call.key.scope, route.scope):
            raise Refused(FORBIDDEN)
        if route.label in self._disabled:
            raise Refused(NEEDS_ACTIVATION)


def _is_picture(method: str, segments: tuple[str, ...]) -> bool:
    return (
        method in ("GET", "HEAD")
        and len(segments) == 2
        and segments[0] == "carriers"
        and segments[1].endswith(PICTURE_SUFFIX)
    )

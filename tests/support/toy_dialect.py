"""A dialect of five calls, as the files of a package that a test writes into its own folder.

It speaks like no version of TrackingMore: other words, other codes, another envelope, another key.
"""

from __future__ import annotations

from typing import Final

MODELS: Final = '''\
"""The toy's shapes."""

import msgspec


class Order(msgspec.Struct, frozen=True):
    """What a client asks to have followed."""

    no: str | None = None
    by: str | None = None
    name: str = ""


class Parcel(msgspec.Struct, frozen=True):
    """A parcel that is followed."""

    no: str
    by: str
    name: str
    state: str


class Failure(msgspec.Struct, frozen=True):
    """An order that came to nothing."""

    no: str
    by: str
    trouble: int


class Ordered(msgspec.Struct, frozen=True):
    """What became of many orders."""

    parcels: list[Parcel]
    failures: list[Failure]


class Carrier(msgspec.Struct, frozen=True):
    """A courier."""

    by: str
    name: str
'''

RENDER: Final = '''\
"""From the domain to the toy's words."""

import msgspec

from parcelwire.api.trackingmore.batches import ItemFailure
from parcelwire.api.wire import Reply
from parcelwire.domain.tracking import Tracking
from toy_dialect.models import Failure, Parcel


def parcel(tracking: Tracking) -> Parcel:
    return Parcel(
        no=tracking.typed_number,
        by=tracking.courier_code,
        name=tracking.details.title or "",
        state=tracking.status.upper(),
    )


def failure(failed: ItemFailure) -> Failure:
    return Failure(no=failed.number, by=failed.courier_code, trouble=failed.refused.code)


def fine(result) -> Reply:
    return Reply(200, msgspec.json.encode({"fine": result}))
'''

CODES: Final = '''\
"""The toy's codes, each of which is an HTTP status as well."""

import msgspec

from parcelwire.api.trackingmore.refusals import RefusalReason, Refused
from parcelwire.api.wire import Reply
from parcelwire.tracking.errors import AlreadyExistsError, NotFoundError, TrackingError

BAD = 422
_REASONS = {
    RefusalReason.RATE_LIMITED: 429,
    RefusalReason.TOO_MANY_AT_ONCE: 429,
    RefusalReason.PAYMENT_REQUIRED: 402,
    RefusalReason.SUSPENDED: 402,
    RefusalReason.UNKNOWN_PATH: 404,
    RefusalReason.WRONG_METHOD: 405,
    RefusalReason.SCOPE_TOO_SMALL: 403,
    RefusalReason.DISABLED: 403,
    RefusalReason.BODY_TOO_LARGE: 413,
    RefusalReason.SERVER_FAULT: 500,
    RefusalReason.STORE_UNAVAILABLE: 503,
}
_ERRORS = {AlreadyExistsError: 409, NotFoundError: 404}


def refused_for(problem: RefusalReason | TrackingError) -> Refused:
    if isinstance(problem, RefusalReason):
        return Refused(_REASONS.get(problem, 401))
    return Refused(_ERRORS.get(type(problem), BAD), message=type(problem).__name__)


def render_refusal(refused: Refused, route) -> Reply:
    trouble = {"trouble": refused.code, "call": route.name if route else None}
    if refused.message:
        trouble["because"] = refused.message
    return Reply(refused.code, msgspec.json.encode(trouble))
'''

DIALECT: Final = '''\
"""The toy's five calls."""

import msgspec

from parcelwire.api.house import House
from parcelwire.api.trackingmore.batches import Batches
from parcelwire.api.trackingmore.bodies import NotJsonError, content_of, decode_json
from parcelwire.api.trackingmore.declaration import Bound, Declaration
from parcelwire.api.trackingmore.refusals import Refused
from parcelwire.api.trackingmore.routes import Route
from parcelwire.api.trackingmore.tracking_pairs import find_by_path
from parcelwire.api.trackingmore.tracking_path import locate_tracking
from parcelwire.api.wire import Call, Reply
from parcelwire.domain.access import WorldRule
from parcelwire.domain.tracking import Details
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.ports import TrackingFilter
from toy_dialect.codes import BAD, refused_for, render_refusal
from toy_dialect.models import Carrier, Order, Ordered, Parcel
from toy_dialect.render import failure, fine, parcel

ONE = ("parcels", "{by}", "{no}")
ROUTES = (
    Route(
        name="order",
        methods=("POST",),
        path=("parcels",),
        summary="Follow parcels",
        scope="write",
        world=WorldRule.OWN,
        request=list[Order],
        answer=Ordered,
        limit="create",
        counts_items=True,
    ),
    Route(
        name="list",
        methods=("GET",),
        path=("parcels",),
        summary="All parcels",
        scope="read",
        world=WorldRule.OWN,
        answer=list[Parcel],
    ),
    Route(
        name="get",
        methods=("GET",),
        path=ONE,
        summary="One parcel",
        scope="read",
        world=WorldRule.OWN,
        answer=Parcel,
    ),
    Route(
        name="forget",
        methods=("DELETE",),
        path=ONE,
        summary="Forget a parcel",
        scope="write",
        world=WorldRule.OWN,
        answer=Parcel,
    ),
    Route(
        name="carriers",
        methods=("GET",),
        path=("carriers",),
        summary="All carriers",
        scope="read",
        world=WorldRule.INSTALLATION,
        answer=list[Carrier],
    ),
)
_DECODER = msgspec.json.Decoder()


def draft_of(item) -> Draft:
    try:
        order = msgspec.convert(item, Order)
    except msgspec.ValidationError as error:
        raise Refused(BAD) from error
    return Draft(number=order.no, courier_code=order.by, details=Details(title=order.name or None))


class Handlers:
    def __init__(self, context: House) -> None:
        self._context = context
        self._batches = Batches(
            context, number_field="no", courier_field="by", refused_for=refused_for
        )

    async def order(self, call: Call) -> Reply:
        try:
            items = decode_json(content_of(call.body), _DECODER)
        except NotJsonError as error:
            raise Refused(BAD, message="not JSON") from error
        if not isinstance(items, list):
            raise Refused(BAD, message="no list")
        created, failed = await self._batches.create(call, items, draft_of)
        return fine(
            Ordered(parcels=list(map(parcel, created)), failures=list(map(failure, failed)))
        )

    async def list(self, call: Call) -> Reply:
        found = await self._context.store.list_trackings(
            call.world_id, TrackingFilter(), offset=0, limit=50
        )
        return fine([parcel(one.tracking) for one in found])

    async def get(self, call: Call) -> Reply:
        stored, _ = await find_by_path(self._context.service, call.world_id, call.segments)
        return fine(parcel(stored.tracking))

    async def forget(self, call: Call) -> Reply:
        stored, _ = await find_by_path(self._context.service, call.world_id, call.segments)
        await self._context.service.delete(call.world_id, [stored.tracking.id])
        return fine(parcel(stored.tracking))

    async def carriers(self, call: Call) -> Reply:
        return fine([Carrier(one.code, one.name) for one in self._context.registry.all()])


def bind(context: House) -> Bound:
    handlers = Handlers(context)
    return Bound(
        handlers={route.name: getattr(handlers, route.name) for route in ROUTES},
        locate=locate_tracking(ONE, context.registry),
    )


TOY = Declaration(
    prefix="toy",
    key_headers=(b"toy-key",),
    routes=ROUTES,
    refused_for=refused_for,
    render_refusal=render_refusal,
    bind=bind,
)
'''

FILES: Final = {
    "__init__.py": "",
    "models.py": MODELS,
    "render.py": RENDER,
    "codes.py": CODES,
    "dialect.py": DIALECT,
}
"""Name of a file -> its text, for a package of the name ``toy_dialect``."""

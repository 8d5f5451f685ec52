"""Couriers: who there is, and whose number a number is, with how sure that is and why."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from parcelwire.api.house import House
from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.native.problems import ProblemError
from parcelwire.api.native.tracking_requests import Country
from parcelwire.couriers.registry import Courier
from parcelwire.domain.access import WorldRule
from parcelwire.domain.tracking import Details


class CourierQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which couriers to list."""

    search: Annotated[
        str,
        Meta(
            max_length=200,
            description="Words that code, names, aliases or home page hold; best match first. "
            "Empty: all couriers.",
        ),
    ] = ""


class CourierObject(msgspec.Struct, frozen=True, kw_only=True):
    """One courier. ``tracking_url`` is its own page; ``{number}`` in it stands for the number."""

    courier_code: str
    courier_name: str
    names: Annotated[dict[str, str], Meta(description="Its name by language")]
    country: str | None
    homepage: str | None
    phone: str | None
    kind: str
    tracking_url: str | None
    required_fields: Annotated[
        tuple[str, ...],
        Meta(description="What must be known beside the number: postal_code, ship_date, ..."),
    ]
    languages: tuple[str, ...]
    aliases: Annotated[
        dict[str, tuple[str, ...]], Meta(description="What other vendors call it, by vendor")
    ]
    status: Annotated[str, Meta(description="listed, legacy or own")]


class CourierList(msgspec.Struct, frozen=True, kw_only=True):
    """Couriers."""

    items: list[CourierObject]


class DetectRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number, and what else is known of the parcel. Null means not known."""

    number: Annotated[
        str, Meta(max_length=200, description="As typed: spaces, dots and case do not matter")
    ]
    destination_country: Country | None = None
    origin_country: Country | None = None
    postal_code: Annotated[str, Meta(max_length=20, description="The recipient's")] | None = None
    ship_date: date | None = None


class CandidateObject(msgspec.Struct, frozen=True, kw_only=True):
    """A courier that the number can belong to, how probable that is, and why."""

    courier_code: str
    courier_name: str
    probability: Annotated[float, Meta(ge=0, le=1)]
    reasons: tuple[str, ...]


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """Whose number it can be, best first; no candidates where it fits nobody's numbers.

    ``number`` is in the compact form. What is missing to a sum of 1 is the chance that the
    number is nobody's.
    """

    number: str
    candidates: list[CandidateObject]


async def list_couriers(house: House, asked: Asked) -> CourierList:
    """Answer all couriers by code, or those that match, best first."""
    query: CourierQuery = asked.query
    registry = house.registry
    found = registry.search(query.search) if query.search.strip() else registry.all()
    return CourierList(items=[courier_object(courier) for courier in found])


async def get_courier(house: House, asked: Asked) -> CourierObject:
    """Answer one courier by its code, or by what another vendor calls it."""
    code = asked.path["code"]
    courier = house.registry.resolve(code)
    if courier is None:
        raise ProblemError("courier-not-found", f"there is no courier {code}")
    return courier_object(courier)


async def detect_courier(house: House, asked: Asked) -> Detection:
    """Answer whose number a number is, with what the caller says and the account's history."""
    request: DetectRequest = asked.body
    drafting = house.service.drafting
    number = drafting.number(request.number)
    details = Details(
        destination_country=request.destination_country,
        origin_country=request.origin_country,
        postal_code=request.postal_code,
        ship_date=request.ship_date.strftime("%Y%m%d") if request.ship_date else None,
    )
    candidates = []
    for one in await drafting.candidates(asked.world_id, number, details):
        courier = house.registry.get(one.courier_code)
        if courier is not None:
            candidates.append(
                CandidateObject(
                    courier_code=courier.code,
                    courier_name=courier.name,
                    probability=round(one.probability, 6),
                    reasons=one.reasons,
                )
            )
    return Detection(number=number, candidates=candidates)


def courier_object(courier: Courier) -> CourierObject:
    """Return a courier as the native API shows it."""
    return CourierObject(
        courier_code=courier.code,
        courier_name=courier.name,
        names=courier.names,
        country=courier.country,
        homepage=courier.homepage,
        phone=courier.phone,
        kind=courier.kind,
        tracking_url=courier.tracking_url,
        required_fields=courier.required_fields,
        languages=courier.languages,
        aliases=courier.aliases,
        status=courier.status,
    )


OPERATIONS: Final = (
    Operation(
        name="list_couriers",
        method="GET",
        path="/couriers",
        summary="All couriers, or those that match a search",
        handler=list_couriers,
        scope="read",
        world=WorldRule.INSTALLATION,
        answer=CourierList,
        query=CourierQuery,
    ),
    Operation(
        name="get_courier",
        method="GET",
        path="/couriers/{code}",
        summary="One courier",
        handler=get_courier,
        scope="read",
        world=WorldRule.INSTALLATION,
        answer=CourierObject,
        path_texts={"code": "Courier code, or another vendor's word for the courier"},
        path_examples={"code": "swiss-post"},
        problems=("courier-not-found",),
    ),
    Operation(
        name="detect_courier",
        method="POST",
        path="/couriers/detect",
        summary="Whose number a number is, how sure that is, and why",
        handler=detect_courier,
        scope="read",
        world=WorldRule.OWN,
        answer=Detection,
        request=DetectRequest,
        problems=("invalid-tracking-number",),
        example={"number": "99.60.123456.78901234", "destination_country": "CH"},
    ),
)

"""``trackings/getuserinfo``, ``trackings/remote`` and ``trackings/costtime``.

What has no source here is never invented: remote areas come from the operator's table, times from
what this installation saw itself.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from parcelwire.api.house import House
from parcelwire.api.trackingmore.bodies import Text
from parcelwire.api.trackingmore.refusals import Refused
from parcelwire.api.trackingmore.transit_times import TransitTimes, transit_times
from parcelwire.api.v2.bodies import LaneRequest, RemoteRequest
from parcelwire.api.v2.countries import iso2_of
from parcelwire.api.v2.errors import NO_CONTENT, NOT_UNDERSTOOD, success
from parcelwire.api.v2.models import LaneTimes, RemoteArea, UserInfo
from parcelwire.api.v2.requests import code_of, courier_of, items_of, shaped, text_of
from parcelwire.api.wire import Call, Reply
from parcelwire.domain.checkpoint import fold
from parcelwire.domain.clock import SECOND
from parcelwire.tracking.errors import CourierUnknownError

_encode: Final = msgspec.json.Encoder().encode


class TableCalls:
    """Answers what the installation knows beside trackings."""

    def __init__(self, house: House) -> None:
        self._store = house.store
        self._drafting = house.service.drafting

    async def read_user_info(self, call: Call) -> Reply:
        """Answer who the key belongs to."""
        account = call.account
        info = UserInfo(
            email=account.email,
            regtime=str(account.created_at // SECOND),
            phone=account.phone or "",
            money=0,
            track_number=await self._store.count_created(call.world_id),
        )
        return success(_encode(info))

    async def find_remote_areas(self, call: Call) -> Reply:
        """Answer which of the places count as remote, with whom; none of them is an empty list.

        Raises:
            Refused: a place is not of its form, or the operator loaded no table (4031).
        """
        places = []
        for item in items_of(call, code_of_none=NOT_UNDERSTOOD):
            request = shaped(item, RemoteRequest)
            country = _country(request.country)
            postcode = code_of(request.postcode)
            if postcode is None:
                raise Refused(NOT_UNDERSTOOD)
            places.append((request, country, postcode))
        if not await self._store.has_remote_areas():
            raise Refused(NO_CONTENT)
        found: list[RemoteArea] = []
        for request, country, postcode in places:
            wanted = fold(text_of(request.company) or "")
            found.extend(
                RemoteArea(
                    country=text_of(request.country) or country,
                    postcode=postcode,
                    company=company,
                    country_code=country,
                    postal_code=postcode,
                    remote_courier_code=company,
                )
                for company in await self._store.remote_area(country, postcode)
                if not wanted or fold(company) == wanted
            )
        return success(_encode(found))

    async def read_lane_times(self, call: Call) -> Reply:
        """Answer how long parcels took on each lane, by this installation's own history.

        Raises:
            Refused: a country is none, or nothing was ever followed on any of the lanes (4031).
            TrackingError: there is no such courier.
        """
        lanes = [self._lane(item) for item in items_of(call, code_of_none=NOT_UNDERSTOOD)]
        is_test = call.key.is_test
        times = []
        for code, origin, destination in lanes:
            history = await self._store.lane_history(code, origin, destination, is_test=is_test)
            times.append(lane_times(code, origin, destination, transit_times(history)))
        if not any(one.total for one in times):
            raise Refused(NO_CONTENT)
        return success(_encode(times))

    def _lane(self, item: Any) -> tuple[str, str, str]:
        request = shaped(item, LaneRequest)
        code = courier_of(request.carrier_code)
        if code is None:
            raise CourierUnknownError("")
        courier = self._drafting.courier(code)
        return courier.code, _country(request.original), _country(request.destination)


def lane_times(courier_code: str, origin: str, destination: str, times: TransitTimes) -> LaneTimes:
    """Return the figures of one lane (countries as ISO 3166 alpha-2)."""
    shares = times.shares
    return LaneTimes(
        carrier_code=courier_code,
        original=origin,
        destination=destination,
        total=times.total,
        delivered=times.delivered,
        range1=shares[0],
        range2=shares[1],
        range3=shares[2],
        range4=shares[3],
        range5=shares[4],
        average=times.average_days,
        range_1_7=shares[0],
        range_8_15=shares[1],
        range_16_30=shares[2],
        range_31_60=shares[3],
        range_60_up=shares[4],
        average_delivery_time=times.average_days,
    )


def _country(typed: Text) -> str:
    text = text_of(typed)
    country = iso2_of(text) if text is not None else None
    if country is None:
        raise Refused(NOT_UNDERSTOOD)
    return country

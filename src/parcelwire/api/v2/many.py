"""``trackings/updatemore``, ``trackings/delete`` and ``trackings/notupdate``: many at once.

Each item has its own fate. What came to nothing is listed in ``errors``, in the form that batch has
(open in the sources: the vendor's samples show successes only).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from parcelwire.api.house import House
from parcelwire.api.trackingmore.refusals import Refused
from parcelwire.api.trackingmore.tracking_pairs import apply_change, find_pair
from parcelwire.api.v2.bodies import PairRequest, UpdateRequest
from parcelwire.api.v2.changes import change_of
from parcelwire.api.v2.creation import batches_of, item_error
from parcelwire.api.v2.errors import NOT_FOUND, success
from parcelwire.api.v2.models import Deleted, DeletedMany, Pair, StoppedMany, UpdatedMany
from parcelwire.api.v2.render import updated_item
from parcelwire.api.v2.requests import courier_of, items_of, number_of, shaped
from parcelwire.api.wire import Call, Reply
from parcelwire.tracking.ports import Stored

_encode: Final = msgspec.json.Encoder().encode


class ManyCalls:
    """Changes and ends trackings, up to 200 with one call."""

    def __init__(self, house: House) -> None:
        self._service = house.service
        self._batches = batches_of(house)

    async def update_trackings(self, call: Call) -> Reply:
        """Change what is given about each.

        Raises:
            Refused: there is no list, it is empty, or it is too long: then nothing is changed.
        """

        async def update(item: Any) -> Stored:
            request = shaped(item, UpdateRequest)
            change = change_of(request)
            return await apply_change(self._service, await self._find(call, request), change)

        items = items_of(call)
        done, failures = await self._batches.each(items, update)
        result = UpdatedMany(
            submitted=len(items),
            change=len(done),
            updated=len(done),
            trackings=[updated_item(stored.tracking) for _, stored in done],
            errors=[item_error(one) for one in failures],
        )
        return success(_encode(result))

    async def delete_trackings(self, call: Call) -> Reply:
        """Delete each for good, all in one transaction.

        Raises:
            Refused: there is no list, it is empty, or it is too long: then nothing is deleted.
        """
        items = items_of(call)
        found, failures = await self._batches.each(
            items, lambda item: self._find(call, shaped(item, PairRequest))
        )
        ids = list(dict.fromkeys(stored.tracking.id for _, stored in found))
        gone = set(await self._service.delete(call.world_id, ids))
        deleted = []
        for item, stored in found:
            if stored.tracking.id in gone:
                gone.remove(stored.tracking.id)
                deleted.append(Deleted(meta=_pair(stored)))
            else:
                # Named twice in the list, or deleted by somebody else meanwhile.
                failures.append(self._batches.failure(item, Refused(NOT_FOUND)))
        result = DeletedMany(
            submitted=len(items),
            delete=len(deleted),
            trackings=deleted,
            errors=[item_error(one) for one in failures],
        )
        return success(_encode(result))

    async def stop_trackings(self, call: Call) -> Reply:
        """Ask the carriers of each no more.

        Raises:
            Refused: there is no list, it is empty, or it is too long: then nothing is stopped.
        """

        async def stop(item: Any) -> Stored:
            return await self._service.stop(await self._find(call, shaped(item, PairRequest)))

        items = items_of(call)
        done, failures = await self._batches.each(items, stop)
        result = StoppedMany(
            submitted=len(items),
            change=len(done),
            trackings=[_pair(stored) for _, stored in done],
            errors=[item_error(one) for one in failures],
        )
        return success(_encode(result))

    async def _find(self, call: Call, request: PairRequest) -> Stored:
        return await find_pair(
            self._service,
            call.world_id,
            number_of(request.tracking_number),
            courier_of(request.carrier_code),
        )


def _pair(stored: Stored) -> Pair:
    return Pair(tracking_number=stored.tracking.number, carrier_code=stored.tracking.courier_code)

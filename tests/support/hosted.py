"""A recorder that answers as TrackingMore's hosted v4 does, from the documented shapes.

Documented: the tracking object (with the fields that came later and that our server does not send),
the envelope, codes and messages, ``data`` of errors (``[]``, and the three fields of 4101), the
batch answer, 429 without Retry-After. Nothing here was recorded from the service. It keeps no more
than a list of trackings, and writes down every request it gets.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

Message = MutableMapping[str, Any]

OK = "Request response is successful"
CREATED_AT = "2023-10-25T07:02:52+00:00"
NEWER_FIELDS = {"substatusV2": "transit001", "stausDataNumV2": 3}
"""Came after the published models; ``staus`` is so spelt on the wire."""

_NULLS = (
    "order_date destination_country destination_state destination_city origin_country origin_state"
    " origin_city tracking_postal_code tracking_ship_date tracking_destination_country"
    " tracking_origin_country tracking_key tracking_courier_account customer_name customer_email"
    " customer_sms order_id title logistics_channel note signed_by service_code weight weight_kg"
    " product_type pieces dimension previously destination_track_number exchange_number"
    " scheduled_delivery_date scheduled_address status_info latest_event latest_checkpoint_time"
)


def leg(courier: str | None, events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an info object."""
    return {
        "courier_code": courier,
        "courier_phone": None,
        "weblink": "https://carrier.example/" if courier else None,
        "reference_number": None,
        "milestone_date": {
            "inforeceived_date": None,
            "pickup_date": "2023-10-25T09:15:00-03:00" if events else None,
            "outfordelivery_date": None,
            "delivery_date": None,
            "returning_date": None,
            "returned_date": None,
        },
        "pickup_date": None,
        "departed_airport_date": None,
        "arrived_abroad_date": None,
        "customs_received_date": None,
        "tracking_link": None,
        "trackinfo": events,
    }


def tracking(number: str, courier: str, index: int) -> dict[str, Any]:
    """Return a tracking object, some fields in forms that the models do not expect."""
    event = {
        "checkpoint_date": "2024-05-03 09:15" if index % 2 else "2024-05-29T06:46:26-03:00",
        "checkpoint_delivery_status": "transit",
        "checkpoint_delivery_substatus": "transit001",
        "tracking_detail": "On the way",
        "location": "Milano",
        "country_iso2": "IT",
        "state": None,
        "city": "Milano",
        "zip": 20121,  # documented as text; a number does happen
        "raw_status": None,
        "icon": "truck",
    }
    return {
        "id": f"{index:032x}",
        "tracking_number": number,
        "courier_code": courier,
        "order_number": None,
        "created_at": CREATED_AT,
        "update_at": "2023-10-25T07:02:53+00:00",
        "delivery_status": "transit",
        "archived": "tracking",
        "updating": True,
        "source": "API",
        **dict.fromkeys(_NULLS.split()),
        "transit_time": 0,
        "substatus": "transit001",
        "origin_info": leg(courier, [event]),
        "destination_info": [] if index % 3 == 0 else leg(None, []),
        **NEWER_FIELDS,
    }


class Hosted:
    """The ASGI application."""

    def __init__(self) -> None:
        self.trackings: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        """Method, path with query, headers, body."""
        self.refusals: list[int] = []
        """Codes that the next requests are answered with, whatever they ask."""
        self.page_cap = 200

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        query = scope["query_string"].decode()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = scope["path"]
        self.requests.append((scope["method"], f"{path}?{query}" if query else path, headers, body))
        content = msgspec.json.decode(body) if body else None
        status, answer = self._answer(path, dict(parse_qsl(query)), content, headers)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"application/json")],
            }
        )
        await send({"type": "http.response.body", "body": msgspec.json.encode(answer)})

    def _answer(
        self, path: str, query: dict[str, str], content: Any, headers: dict[str, str]
    ) -> tuple[int, Any]:
        if self.refusals:
            return refusal(self.refusals.pop(0))
        if not headers.get("tracking-api-key"):
            return refusal(401)
        match path.removeprefix("/v4/").split("/"):
            case ["trackings", "create"]:
                return self._create(content)
            case ["trackings", "batch"]:
                return self._batch(content)
            case ["trackings", "get"]:
                return success(self._page(query))
            case ["trackings", "update" | "delete" | "retrack" as verb, tracking_id]:
                return self._one(verb, tracking_id, content)
            case ["couriers", "all" | "detect"]:
                return success([COURIER])
            case ["awb"]:
                return success(AIR_WAYBILL)
        return refusal(404)

    def _find(self, number: str, courier: str) -> dict[str, Any] | None:
        for one in self.trackings:
            if (one["tracking_number"], one["courier_code"]) == (number, courier):
                return one
        return None

    def _create(self, content: Any) -> tuple[int, Any]:
        if "courier_code" not in content:
            return refusal(4120)
        number, courier = content["tracking_number"], content["courier_code"]
        if (found := self._find(number, courier)) is not None:
            return refusal(4101, identity(found))
        made = tracking(number, courier, len(self.trackings) + 1)
        made |= {name: value for name, value in content.items() if name in made}
        self.trackings.insert(0, made)
        return success(made)

    def _batch(self, content: Any) -> tuple[int, Any]:
        if len(content) > 40:
            return refusal(4103)
        done: dict[str, list[Any]] = {"success": [], "error": []}
        for item in content:
            _, answer = self._create(item)
            if answer["meta"]["code"] == 200:
                done["success"].append(identity(answer["data"]))
            else:
                done["error"].append(
                    {
                        **item,
                        "id": (answer["data"] or {}).get("id"),
                        "errorCode": answer["meta"]["code"],
                        "errorMessage": answer["meta"]["message"],
                    }
                )
        return success(done)

    def _page(self, query: dict[str, str]) -> list[dict[str, Any]]:
        numbers = query.get("tracking_numbers", "")
        found = [
            one
            for one in self.trackings
            if (not numbers or one["tracking_number"] in numbers.split(","))
            and query.get("courier_code", one["courier_code"]) == one["courier_code"]
        ]
        size = min(int(query.get("items_amount", "100")), self.page_cap)
        start = (int(query.get("pages_amount", "1")) - 1) * size
        return found[start : start + size]

    def _one(self, verb: str, tracking_id: str, content: Any) -> tuple[int, Any]:
        found = next((one for one in self.trackings if one["id"] == tracking_id), None)
        if found is None:
            return refusal(4112)
        if verb == "retrack":
            return refusal(4113) if found["delivery_status"] != "expired" else success(found)
        if verb == "delete":
            self.trackings.remove(found)
            return success(found)
        found |= content
        return success({**identity(found), **content})


def identity(one: dict[str, Any]) -> dict[str, Any]:
    """Return the three fields that name a tracking."""
    return {name: one[name] for name in ("id", "tracking_number", "courier_code")}


def success(data: Any) -> tuple[int, Any]:
    """Return status and envelope."""
    return 200, {"meta": {"code": 200, "message": OK}, "data": data}


MESSAGES = {
    401: "Authentication failed or has no permission. Please check and ensure your API Key is"
    " correct.",
    404: "Page does not exist. Please check and ensure your link is correct.",
    429: "Exceeded API request limits, please try again later. Please check the API documentation"
    " for the limit of this API.",
    511: "Server error. Please contact us: service@trackingmore.org.",
    4101: "Tracking No. already exists.",
    4103: "You have exceeded the shipment quantity of API call. The maximum quantity is 40"
    " shipments per call.",
    4112: "Invalid Tracking ID.",
    4113: "Retrack is not allowed. You can only retrack an expired tracking.",
    4120: "The value of courier_code is invalid.",
    4121: "Cannot detect courier.",
    4190: "You are reaching the maximum quota limitation, please upgrade your current plan.",
}


def refusal(code: int, data: Any = None) -> tuple[int, Any]:
    """Return status and envelope of an error; ``data`` is ``[]`` unless something is said."""
    status = 500 if 500 < code < 600 else code if code < 500 else 400
    return status, {"meta": {"code": code, "message": MESSAGES[code]}, "data": data or []}


COURIER = {
    "courier_name": "USPS",
    "courier_code": "usps",
    "courier_country_iso2": "US",
    "courier_url": "https://www.usps.com/",
    "courier_phone": "+1 800 275 8777",
    "courier_type": "globalpost",
    "tracking_required_fields": None,
    "optional_fields": None,
    "default_language": "en",
    "support_language": ["en"],
    "courier_logo": "https://carrier.example/usps.png",
}
AIR_WAYBILL = {
    "awb_number": "235-69030430",
    "status_number": 4,
    "weight": "100.00",
    "piece": 1,  # documented as text
    "origin": "LIN",
    "destination": "MEX",
    "flight_way_station": ["LIN", "LUX", "MEX"],
    "last_event": "Delivered,MEX,2023-07-04 11:00:00",
    "flight_info": {
        "CV6684": {
            "depart_station": "LUX",
            "arrival_station": "MEX",
            "plan_depart_time": "2023-07-01 10:00:00",
            "depart_time": None,
            "plan_arrival_time": "2023-07-01 23:00:00",
            "arrival_time": None,
            "gate": "7",
        }
    },
    "track_info": [
        {
            "plan_date": None,
            "actual_date": "2023-07-04 11:00:00",
            "event": "Delivered",
            "station": "MEX",
            "flight_number": None,
            "status": "DLV",
            "piece": "1",
            "weight": "100.00",
        }
    ],
    "airline_info": {"name": "Cargolux", "url": None, "track_url": None, "trackpage_url": None},
}

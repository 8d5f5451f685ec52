"""One sample of every action: what it is about, what is sent, and what its owner is answered.

``{id}`` and the like stand for what ``access_site.Site.make`` made. An action without a sample, and
a sample without an action, fail the proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from parcelwire.api.native.table import ALL
from tests.support.native_rows import ROWS as NATIVE_ROWS

T = TypeVar("T")


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """How one action is asked for."""

    path: str
    kind: str = "none"
    """What of the owner's it is about: a ``Site._make_<kind>``; ``none``: about no thing."""
    query: str = ""
    body: Any = None
    """Sent as JSON."""
    form: dict[str, str] = {}
    """Sent as a form."""
    files: dict[str, bytes] = {}
    control: tuple[int, ...] = ()
    """What whoever may is answered (v2 and v4: ``meta.code``); empty: any success."""
    is_missing_to_others: bool = True
    """Others are answered as if the thing did not exist. Only where ``kind`` is not ``none``."""

    @property
    def names_a_thing(self) -> bool:
        """Whether it is about one of the owner's things, by name."""
        return self.kind != "none" and self.is_missing_to_others


def filled(shape: T, values: Mapping[str, str]) -> T:
    """Return a text, or a structure of texts, with ``{names}`` replaced."""
    made: Any = shape
    if isinstance(shape, str):
        for name, value in values.items():
            made = made.replace("{" + name + "}", value)
    elif isinstance(shape, dict):
        made = {name: filled(value, values) for name, value in shape.items()}
    elif isinstance(shape, list):
        made = [filled(value, values) for value in shape]
    return made  # type: ignore[no-any-return]  # of the kind that came in


_PAIR: Final = {"tracking_number": "{number}", "carrier_code": "{courier}"}
_FRESH: Final = {"tracking_number": "{fresh}", "carrier_code": "swiss-post"}
_ONE: Final = "/v2/trackings/{courier}/{number}"
_NOTHING: Final = (4031,)
"""v2: there is nothing of that kind."""

_V2: Final = {
    "GET /v2/carriers": Sample(path="/v2/carriers"),
    "POST /v2/carriers/detect": Sample(
        path="/v2/carriers/detect", body={"tracking_number": "{fresh}"}
    ),
    "GET /v2/carriers/detect": Sample(
        path="/v2/carriers/detect", body={"tracking_number": "{fresh}"}
    ),
    "POST /v2/trackings/post": Sample(path="/v2/trackings/post", body=_FRESH),
    "POST /v2/trackings/batch": Sample(path="/v2/trackings/batch", body=[_FRESH]),
    "GET /v2/trackings/get": Sample(
        path="/v2/trackings/get", kind="tracking", query="numbers={number}"
    ),
    "POST /v2/trackings/get": Sample(
        path="/v2/trackings/get", kind="tracking", body={"numbers": "{number}"}
    ),
    "POST /v2/trackings/realtime": Sample(path="/v2/trackings/realtime", body=_FRESH),
    "GET /v2/trackings/realtime": Sample(path="/v2/trackings/realtime", body=_FRESH),
    "POST /v2/trackings/update": Sample(
        path="/v2/trackings/update",
        kind="tracking",
        body={**_PAIR, "update_carrier_code": "dhl"},
    ),
    "POST /v2/trackings/updatemore": Sample(
        path="/v2/trackings/updatemore", kind="tracking", body=[{**_PAIR, "title": "mine"}]
    ),
    "POST /v2/trackings/delete": Sample(path="/v2/trackings/delete", kind="tracking", body=[_PAIR]),
    "POST /v2/trackings/notupdate": Sample(
        path="/v2/trackings/notupdate", kind="tracking", body=[_PAIR]
    ),
    "GET /v2/trackings/getuserinfo": Sample(path="/v2/trackings/getuserinfo"),
    "GET /v2/trackings/getstatusnumber": Sample(path="/v2/trackings/getstatusnumber"),
    "POST /v2/trackings/getstatusnumber": Sample(path="/v2/trackings/getstatusnumber", body={}),
    "POST /v2/trackings/remote": Sample(
        path="/v2/trackings/remote",
        body=[{"country": "CH", "postcode": "8000"}],
        control=_NOTHING,
    ),
    "POST /v2/trackings/costtime": Sample(
        path="/v2/trackings/costtime",
        body=[{"carrier_code": "swiss-post", "original": "CH", "destination": "DE"}],
        control=_NOTHING,
    ),
    "POST /v2/trackings/aircargo": Sample(
        path="/v2/trackings/aircargo", body={"track_number": "020-12345675"}, control=(200, 4031)
    ),
    "GET /v2/trackings/{carrier_code}/{tracking_number}": Sample(path=_ONE, kind="tracking"),
    "PUT /v2/trackings/{carrier_code}/{tracking_number}": Sample(
        path=_ONE, kind="tracking", body={"title": "mine"}
    ),
    "POST /v2/trackings/{carrier_code}/{tracking_number}": Sample(
        path=_ONE, kind="tracking", body={"title": "mine"}
    ),
    "DELETE /v2/trackings/{carrier_code}/{tracking_number}": Sample(path=_ONE, kind="tracking"),
}

_NEW: Final = {"tracking_number": "{fresh}", "courier_code": "swiss-post"}
_V4: Final = {
    "GET /v4/couriers/all": Sample(path="/v4/couriers/all"),
    "POST /v4/couriers/detect": Sample(
        path="/v4/couriers/detect", body={"tracking_number": "{fresh}"}
    ),
    "POST /v4/trackings/create": Sample(path="/v4/trackings/create", body=_NEW),
    "POST /v4/trackings/batch": Sample(path="/v4/trackings/batch", body=[_NEW]),
    "GET /v4/trackings/get": Sample(
        path="/v4/trackings/get", kind="tracking", query="tracking_numbers={number}"
    ),
    "PUT /v4/trackings/update/{id}": Sample(
        path="/v4/trackings/update/{id}", kind="tracking", body={"title": "mine"}
    ),
    "DELETE /v4/trackings/delete/{id}": Sample(path="/v4/trackings/delete/{id}", kind="tracking"),
    "POST /v4/trackings/retrack/{id}": Sample(path="/v4/trackings/retrack/{id}", kind="expired"),
    "POST /v4/awb": Sample(
        path="/v4/awb", body={"awb_number": "020-12345675"}, control=(200, 4161)
    ),
}


def _native() -> dict[str, Sample]:
    """Return the samples of the native API, made from its own examples."""
    found = {}
    for one in ALL:
        row = NATIVE_ROWS[one.name]
        path, kind = f"/api{one.path}", "none"
        for name, what in row.path.items():
            if what.startswith("="):
                path = path.replace("{" + name + "}", what[1:])
            elif what in {"account", "bystander"}:
                path = path.replace("{" + name + "}", "{account}")
            else:
                kind = what
        body = None
        if one.request is not None:
            body = row.body if row.body is not None else one.example
        if one.name in {"create_tracking", "create_trackings"}:
            body = {"number": "{fresh}", "courier_code": "swiss-post"}
            body = body if one.name == "create_tracking" else {"trackings": [body]}
        if one.name == "create_account":
            body = {"email": "{email}"}
        found[f"{one.method} /api{one.path}"] = Sample(path=path, kind=kind, body=body)
    return found


def _do(path: str, kind: str, **form: str) -> dict[str, Sample]:
    """Return the sample of a form of the dashboard about one thing."""
    return {f"POST /dashboard{path}": Sample(path=f"/dashboard{path}", kind=kind, form=form)}


def _see(path: str, kind: str = "none", **more: Any) -> dict[str, Sample]:
    """Return the sample of a page of the dashboard."""
    return {f"GET /dashboard{path}": Sample(path=f"/dashboard{path}", kind=kind, **more)}


_ENDPOINT: Final = {"url": "http://127.0.0.1:1025/hook"}
_DASHBOARD: Final = {
    **_see("", control=(303,)),
    **_see("/", control=(303,)),
    **_see("/login", control=(200, 303)),
    "POST /dashboard/login": Sample(path="/dashboard/login", control=(401,)),
    **_do("/logout", "none"),
    **_do("/world", "none", world="live"),
    **_see("/add"),
    **_do("/add/one", "none", number="{fresh}", courier_code="swiss-post"),
    **_do("/add/many", "none", numbers="{fresh}", courier_code="swiss-post"),
    "POST /dashboard/add/file": Sample(
        path="/dashboard/add/file", files={"file": b"tracking_number,courier\nRA1CH,swiss-post\n"}
    ),
    **_see("/uploads/{id}", "upload"),
    **_see("/uploads/{id}/report.csv", "upload"),
    **_see("/analytics"),
    "GET /dashboard/analytics/{name}.csv": Sample(path="/dashboard/analytics/couriers.csv"),
    **_see("/attention"),
    **_see("/brand"),
    **_do("/brand", "none", name="Mine", lookup="order_number"),
    "POST /dashboard/brand/remove": Sample(path="/dashboard/brand/remove", control=(404,)),
    **_do("/brand/sender/send", "none", field="mail_from"),
    **_do("/brand/sender/confirm", "none", field="mail_from", code="none"),
    **_do("/brand/preview", "none", name="Mine"),
    **_see("/brand/draft/brand.css"),
    **_see("/brand/draft/logo", control=(404,)),
    **_see("/brand/draft/live", control=(204,)),
    **_see("/connections"),
    "POST /dashboard/connections": Sample(
        path="/dashboard/connections",
        form={
            "way": "swiss-post/api",
            "swiss-post/api/client_id": "a",
            "swiss-post/api/client_secret": "b",
        },
    ),
    **_do("/connections/{id}/test", "connection", number="{number}"),
    **_do("/connections/{id}/retry", "connection"),
    **_do("/connections/{id}/delete", "connection"),
    **_see("/couriers", query="number={fresh}"),
    **_see("/couriers/options", query="courier_code=swiss"),
    **_see("/endpoints"),
    **_do("/endpoints", "none", **_ENDPOINT),
    **_see("/endpoints/{id}", "endpoint"),
    **_do("/endpoints/{id}", "endpoint", **_ENDPOINT),
    **_do("/endpoints/{id}/pause", "endpoint"),
    **_do("/endpoints/{id}/enable", "endpoint"),
    **_do("/endpoints/{id}/rotate", "endpoint"),
    **_do("/endpoints/{id}/test", "endpoint"),
    **_do("/endpoints/{id}/replay", "endpoint", states="dead"),
    **_do("/endpoints/{id}/delete", "endpoint"),
    **_see("/gaps"),
    **_see("/connectors"),
    **_see("/keys"),
    **_do("/keys", "none", scope="read", world="test"),
    **_do("/keys/{prefix}/revoke", "key"),
    **_see("/mails"),
    **_see("/messages"),
    **_see("/messages/{id}", "message"),
    **_do("/messages/{id}/resend", "message"),
    **_see("/trackings/{id}", "tracking"),
    **_see("/trackings/{id}/answers", "tracking"),
    **_see("/trackings/{id}/changes", "tracking"),
    **_do("/trackings/{id}/refresh", "tracking"),
    **_do("/trackings/{id}/stop", "tracking"),
    **_do("/trackings/{id}/retrack", "expired"),
    **_do("/trackings/{id}/archive", "tracking", archive="yes"),
    **_do("/trackings/{id}/delete", "tracking"),
    **_do("/trackings/{id}/courier", "tracking", courier_code="dhl"),
    **_do("/trackings/{id}/details", "tracking", title="mine"),
    **_do("/trackings/{id}/status", "tracking", status="delivered"),
    **_see("/settings"),
    **_see("/trackings"),
    **_do("/trackings/views", "none", name="mine", query="status=transit"),
    **_do("/trackings/views/{id}/delete", "view"),
}


def _open(method: str, path: str, kind: str = "none", **more: Any) -> dict[str, Sample]:
    """Return the sample of a public address."""
    return {f"{method} {path}": Sample(path=path, kind=kind, **more)}


_PUBLIC: Final = {
    **_open("GET", "/t/{token}", "tracking"),
    **_open("GET", "/t/{token}/live", "tracking"),
    **_open("GET", "/t/{token}/data.json", "tracking"),
    **_open("GET", "/t/{token}/brand.css", "tracking"),
    **_open("GET", "/t/{token}/logo", control=(404,)),
    **_open("POST", "/t/{token}/feedback", "tracking", form={"rating": "good"}, control=(303,)),
    **_open("POST", "/t/{token}/subscribe", "tracking", form={"email": "x"}, control=(303, 404)),
    **_open("GET", "/n/{token}", control=(404,)),
    **_open("POST", "/n/{token}", control=(404,)),
    **_open("GET", "/track", control=(404,)),
    **_open("GET", "/track/{account}"),
    **_open(
        "POST",
        "/track/{account}",
        "tracking",
        form={"number": "{number}", "word": "{order}"},
        control=(303,),
        is_missing_to_others=False,
    ),
    **_open("GET", "/track/{account}/brand.css"),
    **_open("GET", "/track/{account}/logo", control=(404,)),
    **_open("GET", "/widget.js"),
    **_open("GET", "/healthz"),
    **_open("GET", "/readyz"),
    **_open("GET", "/api/openapi.json"),
    **_open("GET", "/api/docs"),
    "GET /v2/carriers/{picture}": Sample(path="/v2/carriers/swiss-post.svg"),
}

SAMPLES: Final[Mapping[str, Sample]] = {**_V2, **_V4, **_native(), **_DASHBOARD, **_PUBLIC}
"""Method and path, as in the table of actions -> its sample."""

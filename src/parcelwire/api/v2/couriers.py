"""``carriers`` and ``carriers/detect``, and the pictures that the list links to."""

from __future__ import annotations

import zlib
from typing import Final
from urllib.parse import quote

import msgspec

from parcelwire.api.house import House
from parcelwire.api.trackingmore.creation import detect_couriers
from parcelwire.api.trackingmore.refusals import RefusalReason
from parcelwire.api.trackingmore.routes import Path
from parcelwire.api.v2.bodies import DetectRequest
from parcelwire.api.v2.errors import refused_for, render_refusal, success
from parcelwire.api.v2.models import CarrierItem, DetectedCarrier
from parcelwire.api.v2.requests import fields_of, number_of, shaped, text_of
from parcelwire.api.wire import Call, Reply
from parcelwire.couriers.registry import Courier
from parcelwire.domain.languages import language_of

LANGUAGES: Final = ("en", "cn", "tw", "es", "ru", "it")
"""What the header ``Lang`` may say. A courier without a name in that language keeps its own."""

PICTURE_SUFFIX: Final = ".svg"

_encode: Final = msgspec.json.Encoder().encode


class CourierCalls:
    """Answers who exists, and whose number it is."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._base = house.settings.public_url.partition("://")[2].rstrip("/")
        self._lists: dict[str, Reply] = {}

    async def list_couriers(self, call: Call) -> Reply:
        """Answer every courier, named in the language of the header ``Lang`` (or of ``lang``)."""
        asked = call.headers.get(b"lang", b"").decode("latin-1") or call.query().get("lang")
        language = language_of(asked) or "en"
        # Whoever asks for a language that no name is in gets the list that everybody gets.
        if language not in map(language_of, LANGUAGES):
            language = "en"
        if language not in self._lists:
            couriers = [self._item(courier, language) for courier in self._house.registry.all()]
            self._lists[language] = success(_encode(couriers))
        return self._lists[language]

    async def detect_courier(self, call: Call) -> Reply:
        """Answer the couriers of one number, best guess first.

        Raises:
            Refused: the body is wrong.
            TrackingError: no number, no possible number (4014), or no courier for it (4032).
        """
        request = shaped(fields_of(call), DetectRequest)
        number = self._house.service.drafting.number(number_of(request.tracking_number))
        language = language_of(text_of(request.lang)) or "en"
        found = [
            DetectedCarrier(name=_name(courier, language), code=courier.code)
            for courier in await detect_couriers(self._house, call.world_id, number)
        ]
        return success(_encode(found))

    def picture(self, method: str, segments: Path) -> Reply | None:
        """Return a courier's picture, which web pages show without a key; None for other calls.

        Parcelwire ships no couriers' logos: they are the couriers' marks. The picture is the
        initials of the name on a ground whose colour follows from the code.
        """
        if (
            len(segments) != 2
            or segments[0] != "carriers"
            or not segments[1].endswith(PICTURE_SUFFIX)
            or method not in ("GET", "HEAD")
        ):
            return None
        courier = self._house.registry.get(segments[1].removesuffix(PICTURE_SUFFIX))
        if courier is None:
            return render_refusal(refused_for(RefusalReason.UNKNOWN_PATH))
        return Reply(
            200,
            _monogram(courier).encode(),
            ((b"cache-control", b"public, max-age=86400"),),
            b"image/svg+xml; charset=utf-8",
        )

    def _item(self, courier: Courier, language: str) -> CarrierItem:
        homepage = courier.homepage or ""
        return CarrierItem(
            name=_name(courier, language),
            code=courier.code,
            phone=courier.phone or "",
            homepage=homepage.removeprefix("https:").removeprefix("http:"),
            type=courier.kind,
            picture=f"//{self._base}/v2/carriers/{quote(courier.code, safe='')}{PICTURE_SUFFIX}",
        )


def _name(courier: Courier, language: str) -> str:
    return courier.names.get(language, courier.name)


def _monogram(courier: Courier) -> str:
    words = "".join(char if char.isalnum() else " " for char in courier.name).split()
    initials = "".join(word[0] for word in words[:2]).upper() or "?"
    hue = zlib.crc32(courier.code.encode()) % 360
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64">'
        f'<rect width="64" height="64" rx="12" fill="hsl({hue},45%,35%)"/>'
        '<text x="32" y="34" fill="#fff" font-family="sans-serif" font-size="26" '
        'text-anchor="middle" dominant-baseline="middle">'
        f"{initials}</text></svg>"
    )

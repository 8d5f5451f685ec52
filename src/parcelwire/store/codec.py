"""How both engines write documents and raw answers: JSON, packed with zstd behind a marker byte.

The first byte of a packed value says how the rest is to be read, so that a better way can be added
later without touching what is stored. Trackings, events and recorded answers have bytes of their
own: the first ones were stored with names that are others today (``first_names``), and are not
rewritten.
"""

from __future__ import annotations

import sys
import threading
from typing import Final

import msgspec

from parcelwire.domain.account import Connection, Endpoint
from parcelwire.domain.changes import Event
from parcelwire.domain.clock import Instant
from parcelwire.domain.tracking import Tracking
from parcelwire.polling.ports import Pause
from parcelwire.store.first_names import answer_with_names_of_today, with_names_of_today

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLAIN: Final = b"\x00"
ZSTD: Final = b"\x01"
PLAIN_DOCUMENT: Final = b"\x02"
"""With the names of today: ``PLAIN`` and ``ZSTD`` trackings, events and answers have the first."""
ZSTD_DOCUMENT: Final = b"\x03"

PACK_FROM: Final = 600
"""Bytes from which packing pays: below, the 10 to 15 us to unpack cost more than it saves."""

PACK_ACTIVE_FROM: Final = 16_384
"""The same for a tracking that is still followed, which is read and written at every change."""

_LEVEL: Final = 1
_FLUSH: Final = zstd.ZstdCompressor.FLUSH_FRAME


class _Compressors(threading.local):
    """One compressor per thread: making a new one for each value takes twice the time of using it.

    It is emptied by ``FLUSH_FRAME``, so that every value is a frame of its own.
    """

    def __init__(self) -> None:
        self.zstd = zstd.ZstdCompressor(level=_LEVEL)


_compressors = _Compressors()


def pack(
    data: bytes, *, packs_from: int = PACK_FROM, plain: bytes = PLAIN, packed: bytes = ZSTD
) -> bytes:
    """Return ``data`` with a marker byte, compressed from a length of ``packs_from`` bytes.

    ``plain`` and ``packed`` are the two markers.
    """
    if len(data) < packs_from:
        return plain + data
    return packed + _compressors.zstd.compress(data, _FLUSH)


def unpack(packed: bytes) -> bytes:
    """Return what ``pack`` was given.

    Raises:
        ValueError: when the marker byte is none of ours, or the rest is damaged.
    """
    marker = packed[:1]
    if marker in (PLAIN, PLAIN_DOCUMENT):
        return packed[1:]
    if marker not in (ZSTD, ZSTD_DOCUMENT):
        msg = f"not a packed value: it starts with {marker!r}"
        raise ValueError(msg)
    try:
        return zstd.decompress(memoryview(packed)[1:])
    except zstd.ZstdError as error:
        msg = f"a packed value is damaged: {error}"
        raise ValueError(msg) from error


encode_json: Final = msgspec.json.Encoder().encode


class _Moment(msgspec.Struct):
    """The one field of an event that tells its age."""

    at: Instant


_moment_decoder: Final = msgspec.json.Decoder(_Moment)
_tracking_decoder: Final = msgspec.json.Decoder(Tracking)
_event_decoder: Final = msgspec.json.Decoder(Event)
_endpoint_decoder: Final = msgspec.json.Decoder(Endpoint)
_connection_decoder: Final = msgspec.json.Decoder(Connection)
_pause_decoder: Final = msgspec.json.Decoder(Pause)


def encode_tracking(tracking: Tracking) -> bytes:
    """Return the whole tracking, compressed when its way is over (most are, and seldom read)."""
    return _pack_document(encode_json(tracking), _packs_from(tracking))


def pack_rendition(tracking: Tracking, rendition: bytes) -> bytes:
    """Return a tracking's rendition, compressed when its way is over."""
    return pack(rendition, packs_from=_packs_from(tracking))


def _packs_from(tracking: Tracking) -> int:
    is_over = tracking.is_stopped or tracking.is_final
    return PACK_FROM if is_over else PACK_ACTIVE_FROM


def decode_tracking(packed: bytes) -> Tracking:
    """Return the tracking that ``encode_tracking`` was given."""
    return _tracking_decoder.decode(_unpack_document(packed))


def encode_event(event: Event) -> bytes:
    """Return the whole event, packed."""
    return _pack_document(encode_json(event), PACK_FROM)


def decode_event(packed: bytes) -> Event:
    """Return the event that ``encode_event`` was given."""
    return _event_decoder.decode(_unpack_document(packed))


def pack_answer(body: bytes) -> bytes:
    """Return the body that is told again to a call with the same idempotency key, packed."""
    return _pack_document(body, PACK_FROM)


def unpack_answer(packed: bytes) -> bytes:
    """Return the body that ``pack_answer`` was given."""
    body = unpack(packed)
    return body if _is_of_today(packed) else answer_with_names_of_today(body)


def _pack_document(data: bytes, packs_from: int) -> bytes:
    return pack(data, packs_from=packs_from, plain=PLAIN_DOCUMENT, packed=ZSTD_DOCUMENT)


def _unpack_document(packed: bytes) -> bytes:
    data = unpack(packed)
    return data if _is_of_today(packed) else with_names_of_today(data)


def _is_of_today(packed: bytes) -> bool:
    return packed[:1] in (PLAIN_DOCUMENT, ZSTD_DOCUMENT)


def event_at(packed: bytes) -> Instant:
    """Return when the event that ``encode_event`` was given happened."""
    return _moment_decoder.decode(unpack(packed)).at


def decode_endpoint(document: bytes) -> Endpoint:
    """Return the endpoint behind its (unpacked) JSON."""
    return _endpoint_decoder.decode(document)


def decode_connection(document: bytes) -> Connection:
    """Return the connection behind its (unpacked) JSON."""
    return _connection_decoder.decode(document)


def decode_pause(document: bytes) -> Pause:
    """Return the pause behind its (unpacked) JSON."""
    return _pause_decoder.decode(document)

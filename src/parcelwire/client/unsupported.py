"""What a server lacks, said by name: of TrackingMore's service all that is Parcelwire's own."""

from __future__ import annotations

from typing import NoReturn

from parcelwire.client.errors import UnsupportedError
from parcelwire.client.settings import Backend


def require_native_api(backend: Backend, name: str) -> None:
    """Refuse a call that only Parcelwire has.

    Raises:
        UnsupportedError: the server is none.
    """
    if not backend.has_native_api:
        msg = f"{backend.name} has no call for {name}: only a Parcelwire has"
        raise UnsupportedError(msg)


def raise_missing(thing: object, name: str, *own: str) -> NoReturn:
    """Raise what asking for an attribute that is not there has to raise.

    ``own``: what a Parcelwire has there, in dotted names.

    Raises:
        UnsupportedError: a Parcelwire has it.
        AttributeError: nobody has.
    """
    for one in own:
        if one.rpartition(".")[2] == name:
            msg = f"TrackingMore's hosted service has no call for {one}: only a Parcelwire has"
            raise UnsupportedError(msg)
    msg = f"{type(thing).__name__!r} object has no attribute {name!r}"
    raise AttributeError(msg, name=name, obj=thing)

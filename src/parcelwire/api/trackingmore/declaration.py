"""What a version of TrackingMore's API says about itself, so that the frame can serve it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from parcelwire.api.house import House
from parcelwire.api.trackingmore.refusals import RefusalReason, Refused
from parcelwire.api.trackingmore.routes import Handler, Locate, Path, Route
from parcelwire.api.wire import Reply
from parcelwire.tracking.errors import TrackingError

RefusedFor = Callable[[RefusalReason | TrackingError], Refused]
"""The code of a version for a reason of the frame, or for a mistake that a use case found.

Raises:
    TypeError: a kind of mistake without a code (a fault of ours).
"""


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """A version in a running installation."""

    handlers: Mapping[str, Handler]
    """Name of a route -> who answers it."""
    locate: Locate | None = None
    """See ``RouteTable``."""
    answer_openly: Callable[[str, Path], Reply | None] | None = None
    """(method, segments) -> the answer to a call that needs no key; None for all others."""
    disabled: frozenset[str] = frozenset()
    """Calls that the operator switched off, by the text of their path (``Route.label``)."""
    is_payment_required: bool = False
    """Whether every call is refused until the operator is paid."""


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """A version, whatever installation it is mounted in."""

    prefix: str
    """First segment of its paths, e.g. ``v4``."""
    key_headers: tuple[bytes, ...]
    """Names in lower case; the first that says something counts."""
    routes: tuple[Route, ...]
    refused_for: RefusedFor
    render_refusal: Callable[[Refused, Route | None], Reply]
    """The envelope of an error; the route None: the path is none of this version."""
    bind: Callable[[House], Bound]
    """Make the handlers, for the installation whose use cases these are."""
    limits_by_path: bool = False
    """A call with a wrong method counts as the call of its path, not among the others."""

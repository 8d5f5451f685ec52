# Generated from ../aio by tools/generate_sync.py: change that, and generate again.
"""The synchronous client."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from parcelwire.client.call_attempts import Repeat
from parcelwire.client.calls import call_of
from parcelwire.client.connections import Connections
from parcelwire.client.settings import (
    LOCAL_URL,
    PARCELWIRE,
    TRACKINGMORE,
    TRACKINGMORE_URL,
    Backend,
    ClientOptions,
    settings_for,
)
from parcelwire.client.sync.air_waybills import AirWaybills
from parcelwire.client.sync.couriers import Couriers, NativeCouriers
from parcelwire.client.sync.engine import Engine, Sleep
from parcelwire.client.sync.native_trackings import NativeTrackings
from parcelwire.client.sync.trackings import Trackings
from parcelwire.client.unsupported import raise_missing, require_native_api
from parcelwire.client.webhooks import Webhooks

if TYPE_CHECKING:
    import httpx2

    # What a short script does not use, it shall not pay for at its start.
    from parcelwire.client.sync.endpoints import Endpoints
    from parcelwire.client.sync.events import Events
    from parcelwire.client.sync.keys import AccountResource, Keys
    from parcelwire.client.sync.messages import Messages


class V4Client:
    """A client of one server: the calls that TrackingMore's hosted service has, too.

    ``Parcelwire`` is one with more, and ``Parcelwire.for_trackingmore`` makes this one.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str = LOCAL_URL,
        *,
        backend: Backend = PARCELWIRE,
        transport: httpx2.BaseTransport | None = None,
        randomness: Random | None = None,
        monotonic: Callable[[], float] | None = None,
        sleep: Sleep | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        """``options``: see ``Options``. ``transport`` replaces the network, for tests.

        ``randomness`` (of ids and pauses), ``monotonic`` and ``sleep`` are the system's unless a
        test gives its own.

        Raises:
            ValueError: the key, the address or an option is unusable.
        """
        settings = settings_for(api_key, base_url, backend, options)
        # Public for code that wants to know how a call went, not only its result.
        self.engine = Engine(
            settings,
            Connections(transport),
            randomness=randomness,
            monotonic=monotonic,
            sleep=sleep,
        )

    if not TYPE_CHECKING:
        # A type checker shall find that it is missing; a person is told why.
        def __getattr__(self, name: str) -> object:
            return raise_missing(self, name, *NATIVE_RESOURCES)

    @cached_property
    def trackings(self) -> Trackings:
        """Create, read, update and delete trackings."""
        return Trackings(self.engine)

    @cached_property
    def couriers(self) -> Couriers:
        """Who exists, and whose number it is."""
        return Couriers(self.engine)

    @cached_property
    def air_waybills(self) -> AirWaybills:
        """What airlines know."""
        return AirWaybills(self.engine)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Check what claims to come from the server."""
        return Webhooks(self.engine.settings.backend.webhook_scheme)

    def with_options(self, **options: Unpack[ClientOptions]) -> Self:
        """Return this client with other options. Both share the connections, so close only one."""
        changed = object.__new__(type(self))
        changed.engine = self.engine.with_options(options)
        return changed

    def request(
        self, method: str, path: str, body: Any = None, *, is_idempotent: bool = False
    ) -> Any:
        """Make a call that has no method here, and return its ``data`` as it came.

        ``path`` begins with a slash and is encoded, its query included; what stands under ``/api/``
        is Parcelwire's own and comes without an envelope. ``is_idempotent``: doing it twice is
        doing it once, so it may be tried again after an answer was lost.

        Raises:
            ParcelwireError: it came to nothing.
        """
        repeat = Repeat.ALWAYS if is_idempotent or method == "GET" else Repeat.UNDONE
        return self.engine.send(call_of(method, path, body, repeat=repeat))

    def close(self) -> None:
        """Close the connections, also those of clients made by ``with_options``."""
        self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.engine.settings!r}>"


class Parcelwire(V4Client):
    """A client of one Parcelwire.

    ::

        with Parcelwire("pw_live_...", "https://parcels.example.com") as client:
            tracking = client.trackings.create("RA471108151CH", "swiss-post")
            for tracking in client.trackings.list(status="transit"):
                ...

    One client serves a whole program, its threads and its event loops, one after the other or at
    once; it keeps connections open until it is closed.
    """

    @staticmethod
    def for_trackingmore(
        api_key: str,
        *,
        base_url: str = TRACKINGMORE_URL,
        transport: httpx2.BaseTransport | None = None,
        **options: Unpack[ClientOptions],
    ) -> V4Client:
        """Return a client of TrackingMore's hosted service, version 4.

        It lacks what only a Parcelwire has: a type checker says so, and ``UnsupportedError``.
        """
        return V4Client(api_key, base_url, backend=TRACKINGMORE, transport=transport, **options)

    @cached_property
    def trackings(self) -> NativeTrackings:
        """Create, read, update and delete trackings; query carriers now."""
        return NativeTrackings(self.engine)

    @cached_property
    def couriers(self) -> NativeCouriers:
        """List couriers, and detect the courier of a number, with reasons."""
        return NativeCouriers(self.engine)

    @cached_property
    def endpoints(self) -> Endpoints:
        """URLs that are told what happens."""
        from parcelwire.client.sync.endpoints import Endpoints

        return Endpoints(self._own("endpoints"))

    @cached_property
    def messages(self) -> Messages:
        """What was told to whom, and what became of it."""
        from parcelwire.client.sync.messages import Messages

        return Messages(self._own("messages"))

    @cached_property
    def events(self) -> Events:
        """Everything that changed, in one order."""
        from parcelwire.client.sync.events import Events

        return Events(self._own("events"))

    @cached_property
    def keys(self) -> Keys:
        """Keys of the account."""
        from parcelwire.client.sync.keys import Keys

        return Keys(self._own("keys"))

    @cached_property
    def account(self) -> AccountResource:
        """The account of the key."""
        from parcelwire.client.sync.keys import AccountResource

        return AccountResource(self._own("account"))

    def _own(self, name: str) -> Engine:
        require_native_api(self.engine.settings.backend, name)
        return self.engine


NATIVE_RESOURCES = ("endpoints", "messages", "events", "keys", "account")
"""What only a Parcelwire has."""

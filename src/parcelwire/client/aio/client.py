"""The asynchronous client."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from parcelwire.client.aio.air_waybills import AsyncAirWaybills
from parcelwire.client.aio.couriers import AsyncCouriers, AsyncNativeCouriers
from parcelwire.client.aio.engine import AsyncEngine, Sleep
from parcelwire.client.aio.native_trackings import AsyncNativeTrackings
from parcelwire.client.aio.trackings import AsyncTrackings
from parcelwire.client.call_attempts import Repeat
from parcelwire.client.calls import call_of
from parcelwire.client.loop_connections import AsyncConnections
from parcelwire.client.settings import (
    LOCAL_URL,
    PARCELWIRE,
    TRACKINGMORE,
    TRACKINGMORE_URL,
    Backend,
    ClientOptions,
    settings_for,
)
from parcelwire.client.unsupported import raise_missing, require_native_api
from parcelwire.client.webhooks import Webhooks

if TYPE_CHECKING:
    import httpx2

    # What a short script does not use, it shall not pay for at its start.
    from parcelwire.client.aio.endpoints import AsyncEndpoints
    from parcelwire.client.aio.events import AsyncEvents
    from parcelwire.client.aio.keys import AsyncAccountResource, AsyncKeys
    from parcelwire.client.aio.messages import AsyncMessages


class AsyncV4Client:
    """A client of one server: the calls that TrackingMore's hosted service has, too.

    ``AsyncParcelwire`` is one with more, and ``AsyncParcelwire.for_trackingmore`` makes this one.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str = LOCAL_URL,
        *,
        backend: Backend = PARCELWIRE,
        transport: httpx2.AsyncBaseTransport | None = None,
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
        self.engine = AsyncEngine(
            settings,
            AsyncConnections(transport),
            randomness=randomness,
            monotonic=monotonic,
            sleep=sleep,
        )

    if not TYPE_CHECKING:
        # A type checker shall find that it is missing; a person is told why.
        def __getattr__(self, name: str) -> object:
            return raise_missing(self, name, *NATIVE_RESOURCES)

    @cached_property
    def trackings(self) -> AsyncTrackings:
        """Create, read, update and delete trackings."""
        return AsyncTrackings(self.engine)

    @cached_property
    def couriers(self) -> AsyncCouriers:
        """Who exists, and whose number it is."""
        return AsyncCouriers(self.engine)

    @cached_property
    def air_waybills(self) -> AsyncAirWaybills:
        """What airlines know."""
        return AsyncAirWaybills(self.engine)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Check what claims to come from the server."""
        return Webhooks(self.engine.settings.backend.webhook_scheme)

    def with_options(self, **options: Unpack[ClientOptions]) -> Self:
        """Return this client with other options. Both share the connections, so close only one."""
        changed = object.__new__(type(self))
        changed.engine = self.engine.with_options(options)
        return changed

    async def request(
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
        return await self.engine.send(call_of(method, path, body, repeat=repeat))

    async def close(self) -> None:
        """Close the connections, also those of clients made by ``with_options``."""
        await self.engine.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.engine.settings!r}>"


class AsyncParcelwire(AsyncV4Client):
    """A client of one Parcelwire.

    ::

        async with AsyncParcelwire("pw_live_...", "https://parcels.example.com") as client:
            tracking = await client.trackings.create("RA471108151CH", "swiss-post")
            async for tracking in client.trackings.list(status="transit"):
                ...

    One client serves a whole program, its threads and its event loops, one after the other or at
    once; it keeps connections open until it is closed.
    """

    @staticmethod
    def for_trackingmore(
        api_key: str,
        *,
        base_url: str = TRACKINGMORE_URL,
        transport: httpx2.AsyncBaseTransport | None = None,
        **options: Unpack[ClientOptions],
    ) -> AsyncV4Client:
        """Return a client of TrackingMore's hosted service, version 4.

        It lacks what only a Parcelwire has: a type checker says so, and ``UnsupportedError``.
        """
        return AsyncV4Client(
            api_key, base_url, backend=TRACKINGMORE, transport=transport, **options
        )

    @cached_property
    def trackings(self) -> AsyncNativeTrackings:
        """Create, read, update and delete trackings; query carriers now."""
        return AsyncNativeTrackings(self.engine)

    @cached_property
    def couriers(self) -> AsyncNativeCouriers:
        """List couriers, and detect the courier of a number, with reasons."""
        return AsyncNativeCouriers(self.engine)

    @cached_property
    def endpoints(self) -> AsyncEndpoints:
        """URLs that are told what happens."""
        from parcelwire.client.aio.endpoints import AsyncEndpoints

        return AsyncEndpoints(self._own("endpoints"))

    @cached_property
    def messages(self) -> AsyncMessages:
        """What was told to whom, and what became of it."""
        from parcelwire.client.aio.messages import AsyncMessages

        return AsyncMessages(self._own("messages"))

    @cached_property
    def events(self) -> AsyncEvents:
        """Everything that changed, in one order."""
        from parcelwire.client.aio.events import AsyncEvents

        return AsyncEvents(self._own("events"))

    @cached_property
    def keys(self) -> AsyncKeys:
        """Keys of the account."""
        from parcelwire.client.aio.keys import AsyncKeys

        return AsyncKeys(self._own("keys"))

    @cached_property
    def account(self) -> AsyncAccountResource:
        """The account of the key."""
        from parcelwire.client.aio.keys import AsyncAccountResource

        return AsyncAccountResource(self._own("account"))

    def _own(self, name: str) -> AsyncEngine:
        require_native_api(self.engine.settings.backend, name)
        return self.engine


NATIVE_RESOURCES = ("endpoints", "messages", "events", "keys", "account")
"""What only a Parcelwire has."""

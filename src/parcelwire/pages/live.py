"""Streams of server-sent events that tell open pages of changes, and how many there may be.

Whoever gets no stream is answered 204, which tells a browser not to try again by itself; the page
then asks once a minute instead (``static/tracking.js``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import msgspec
from starlette.responses import Response, StreamingResponse

from parcelwire.domain.account import account_of
from parcelwire.domain.clock import SECOND
from parcelwire.domain.tracking import Tracking
from parcelwire.pages.house import PageHouse
from parcelwire.pages.limits import PageLimits
from parcelwire.pages.rendering import PUBLIC
from parcelwire.store.port import StoreUnavailableError
from parcelwire.tracking.suspension import Suspensions

LIVE_SECONDS: Final = 4.0
"""How often a watched parcel is looked at."""
LIVE_FOR_SECONDS: Final = 600
"""How long one stream lasts; the browser opens the next by itself. Where a client is gone and no
network says so, its slot is free after this at the latest."""
RETRY_SECONDS: Final = 60


class Viewer(msgspec.Struct, frozen=True):
    """Who watches what."""

    source: str
    tracking_id: str
    account: int


class LiveStreams:
    """The streams that are open in this process."""

    def __init__(self, limits: PageLimits) -> None:
        """Allow as many as ``limits`` says."""
        self._limits = limits
        self._counts: Counter[tuple[str, str | int]] = Counter()

    def __len__(self) -> int:
        return self._counts["all", ""]

    def enter(self, viewer: Viewer) -> str:
        """Count one more; return "", or the limit that is reached already."""
        limits = self._limits
        most = {
            "source": limits.live_per_source,
            "tracking": limits.live_per_tracking,
            "account": limits.live_per_account,
            "all": limits.live,
        }
        counters = _counters_of(viewer)
        for counter in counters:
            if self._counts[counter] >= most[counter[0]]:
                return counter[0]
        self._counts.update(counters)
        return ""

    def leave(self, viewer: Viewer) -> None:
        """Count one less."""
        for counter in _counters_of(viewer):
            self._counts[counter] -= 1
            if self._counts[counter] <= 0:
                # A counter at zero takes no memory.
                del self._counts[counter]


def _counters_of(viewer: Viewer) -> list[tuple[str, str | int]]:
    return [
        ("source", viewer.source),
        ("tracking", viewer.tracking_id),
        ("account", viewer.account),
        ("all", ""),
    ]


class LiveResponse(StreamingResponse):
    """One stream. It is counted while it is being sent, however that ends."""

    def __init__(
        self,
        content: AsyncIterator[bytes],
        *,
        streams: LiveStreams,
        viewer: Viewer,
        refuse: Callable[[str], None],
    ) -> None:
        """``refuse`` is called with the limit that was reached."""
        super().__init__(
            content,
            media_type="text/event-stream",
            headers={**PUBLIC, "x-accel-buffering": "no"},
        )
        self._streams = streams
        self._viewer = viewer
        self._refuse = refuse

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it, or 204."""
        limit = self._streams.enter(self._viewer)
        if limit:
            self._refuse(limit)
            headers = {**PUBLIC, "retry-after": str(RETRY_SECONDS)}
            await Response(status_code=204, headers=headers)(scope, receive, send)
            return
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.leave(self._viewer)


async def change_events(
    house: PageHouse, suspensions: Suspensions, tracking: Tracking, seen: str
) -> AsyncIterator[bytes]:
    """Yield one event whenever a parcel's version is another than ``seen``."""
    clock = house.clock
    began = clock.now()
    yield b"retry: 5000\n\n"
    # A clock that was set back ends the stream: the browser opens the next one.
    while 0 <= clock.now() - began < LIVE_FOR_SECONDS * SECOND and not house.is_closing():
        try:
            stored = await house.store.find_by_page_token(tracking.page_token)
            is_held = await suspensions.holds(tracking.world_id)
        except StoreUnavailableError:
            return
        if stored is None or is_held:
            return
        version = str(stored.tracking.version)
        if version != seen:
            seen = version
            yield b"event: changed\ndata: %s\n\n" % version.encode()
        else:
            # Says that the connection lives, to whatever stands in between, and finds out whether
            # it does.
            yield b":\n\n"
        await clock.sleep(LIVE_SECONDS)


def viewer_of(source: str, tracking: Tracking) -> Viewer:
    """Return who watches a parcel."""
    return Viewer(source, tracking.id, account_of(tracking.world_id))

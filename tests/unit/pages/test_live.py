"""Who gets a stream of live updates, and that every place is given back."""

from __future__ import annotations

import pytest

from parcelwire.pages.limits import PageLimits
from parcelwire.pages.live import LiveStreams, Viewer

LIMITS = PageLimits(live_per_source=3, live_per_tracking=4, live_per_account=6, live=8)


def fill(streams: LiveStreams, viewers: list[Viewer]) -> list[str]:
    return [streams.enter(viewer) for viewer in viewers]


@pytest.mark.parametrize(
    ("viewers", "most", "limit"),
    [
        ([Viewer("a", f"t{n}", n) for n in range(9)], 3, "source"),
        ([Viewer(f"s{n}", "t", 1) for n in range(9)], 4, "tracking"),
        ([Viewer(f"s{n}", f"t{n}", 1) for n in range(9)], 6, "account"),
        ([Viewer(f"s{n}", f"t{n}", n) for n in range(9)], 8, "all"),
    ],
)
def test_each_limit_names_itself_and_frees_its_places(
    viewers: list[Viewer], most: int, limit: str
) -> None:
    streams = LiveStreams(LIMITS)
    assert fill(streams, viewers) == [""] * most + [limit] * (9 - most)
    assert len(streams) == most
    streams.leave(viewers[0])
    assert fill(streams, viewers[:2]) == ["", limit]
    for viewer in viewers[:most]:
        streams.leave(viewer)
    assert len(streams) == 0
    assert fill(streams, viewers) == [""] * most + [limit] * (9 - most)


def test_another_account_has_room_beside_one_that_is_full() -> None:
    streams = LiveStreams(LIMITS)
    fill(streams, [Viewer(f"s{n}", f"t{n}", 1) for n in range(9)])
    assert streams.enter(Viewer("other", "other", 2)) == ""

"""What a planted bug is."""

from __future__ import annotations

import msgspec

from prove.worlds.process import Parts


class Bug(msgspec.Struct, frozen=True):
    """One planted bug."""

    name: str
    parts: Parts
    seed: int
    """A world that is known to show it, unless the service has changed since."""

"""F2: processes on machines whose clocks differ, or are set while they work."""

from __future__ import annotations

from typing import Final

CARRIER: Final = "swiss-post"
PER_MINUTE: Final = 360
"""How often the carrier of this proof lets itself be asked: at the real twenty a minute nothing
much would happen in the time that a proof takes."""

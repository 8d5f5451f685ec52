"""The snippets of the client's pages run as they stand, against the real server."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from parcelwire.api.v4.dialect import V4Dialect
from parcelwire.compat import trackingmore
from tests.support.house import MakeDialects, open_house, serve

ROOT = Path(__file__).parents[2]
DIALECTS: MakeDialects = lambda house: [V4Dialect(house)]  # noqa: E731
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("page", "snippets"), [("sdk.md", 8), ("migrating-from-trackingmore.md", 1)]
)
async def test_snippets_run(page: str, snippets: int, tmp_path: Path) -> None:
    found = _BLOCK.findall((ROOT / "docs" / page).read_text())
    assert len(found) == snippets
    async with open_house(tmp_path, DIALECTS) as house, serve(house.door) as address:
        names: dict[str, Any] = {}

        def run() -> None:
            for snippet in found:
                code = snippet.replace("pw_live_...", house.key)
                code = code.replace("https://parcels.example.com", f"http://{address}")
                exec(compile(code, page, "exec"), names)  # noqa: S102  (our own page)

        await asyncio.to_thread(run)
        if "client" in names:
            names["client"].close()
        trackingmore.close()


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_examples_compile(example: Path) -> None:
    compile(example.read_text(), str(example), "exec")

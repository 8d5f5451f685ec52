"""The snippets of the client's pages run as they stand, against the real server; examples too."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from parcelwire import client
from parcelwire.compat import trackingmore
from tests.support.clients import whole_door
from tests.support.house import open_house, serve
from tools.client_reference import describe_client
from tools.reference_pages import COMMAND

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

PAGES = {
    "docs/sdk.md": 9,
    "docs/migrating-from-trackingmore.md": 1,
    "docs/hosted-trackingmore.md": 1,
}
ELSEWHERE = {
    "README.md": "test_tutorial.py follows its five minutes",
    "docs/tutorial.md": "test_tutorial.py follows it, step by step",
    "docs/receiving-webhooks.md": "test_receivers.py runs it",
    "docs/connectors.md": "its blocks are parts of a connector, which has tests of its own",
    "docs/dashboard.md": "test_dashboard.py registers it and looks at it",
    "docs/webhooks.md": "tests/unit/webhooks/test_verify_module.py runs them",
}


def test_every_page_with_python_is_run_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.md")]
    found = {
        str(page.relative_to(ROOT)) for page in pages if _BLOCK.search(page.read_text("utf-8"))
    }
    assert found <= {*PAGES, *ELSEWHERE}
    assert set(PAGES) <= found


@pytest.mark.parametrize(("page", "snippets"), PAGES.items())
async def test_snippets_run(page: str, snippets: int, tmp_path: Path) -> None:
    found = _BLOCK.findall((ROOT / page).read_text())
    assert len(found) == snippets
    async with (
        open_house(tmp_path, lambda _: []) as house,
        serve(whole_door(house)) as address,
    ):
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


TYPED = ("sdk", "receiving-webhooks", "migrating-from-trackingmore", "hosted-trackingmore")


def test_what_the_pages_show_passes_mypy_strict(tmp_path: Path) -> None:
    """Outside this checkout, as a project that has the package installed."""
    files = []
    for page in TYPED:
        files.append(f"{page.replace('-', '_')}.py")
        snippets = _BLOCK.findall((ROOT / "docs" / f"{page}.md").read_text("utf-8"))
        assert snippets
        (tmp_path / files[-1]).write_text("\n".join(snippets), "utf-8")
    for example in ("flask_receiver.py", "fastapi_receiver.py"):
        files.append(example)
        (tmp_path / example).write_text((ROOT / "examples" / example).read_text("utf-8"), "utf-8")
    # Django has no types of its own.
    lenient = ["--ignore-missing-imports", "--allow-untyped-decorators"]
    django = "django_receiver.py"
    (tmp_path / django).write_text((ROOT / "examples" / django).read_text("utf-8"), "utf-8")
    for command in (files, [*lenient, django]):
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--config-file=", *command],
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_reference_is_what_the_code_says() -> None:
    text = (ROOT / "docs" / "sdk-reference.md").read_text("utf-8")
    assert text == describe_client(COMMAND), COMMAND


def test_the_reference_has_every_public_name() -> None:
    text = (ROOT / "docs" / "sdk-reference.md").read_text("utf-8")
    without_page = {
        *(
            "AsyncTrackingPager",
            "TrackingPager",
            "AsyncV4Client",
            "V4Client",
            "Parcelwire",
            "Status",
        ),
        *(
            "ClientOptions",
            "TrackingDetails",
            "TrackingCreateParams",
            "EndpointCreateParams",
            "EndpointUpdateParams",
        ),
    }
    for name in set(client.__all__) - without_page:
        assert re.search(rf"^##+ {name}\b", text, re.MULTILINE), name

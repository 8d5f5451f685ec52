"""A real Chromium without a window, driven over its debugging protocol.

    async with open_browser(tmp_path) as browser:
        page = await browser.open("http://127.0.0.1:1/", width=390, height=800, scheme="dark")
        assert await page.evaluate("document.title") == "..."

Only what the page tests need: open an address, ask the page's own JavaScript engine, take a
picture, hear what the console says.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
START_SECONDS = 60.0


def find_browser() -> str | None:
    """Return the program of a Chromium on this machine, or None."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    return found or next((place for place in _PLACES if Path(place).exists()), None)


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session_id: str) -> None:
        self._browser = browser
        self._session_id = session_id

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the debugging protocol for this tab."""
        return await self._browser.call(method, self._session_id, **parameters)

    async def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression gives in the page (JSON)."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def picture(self, path: Path) -> None:
        """Write a PNG of the whole page."""
        answer = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    @property
    def complaints(self) -> list[str]:
        """What the browser wrote into this tab's console: refused style sheets, errors."""
        return self._browser.complaints.get(self._session_id, [])


class Browser:
    """A running Chromium."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded: dict[str, asyncio.Event] = {}
        self.complaints: dict[str, list[str]] = {}

    async def listen(self) -> None:
        """Sort what the browser says, until the connection ends."""
        async for message in self._socket:
            content = message.json()
            session_id = content.get("sessionId", "")
            if "id" in content:
                self._answers.pop(content["id"]).set_result(content)
            elif content["method"] == "Page.loadEventFired":
                self._loaded[session_id].set()
            elif content["method"] == "Log.entryAdded":
                entry = content["params"]["entry"]
                self.complaints.setdefault(session_id, []).append(entry["text"])

    async def call(self, method: str, session_id: str = "", **parameters: Any) -> dict[str, Any]:
        """Call a method of the debugging protocol."""
        number = next(self._numbers)
        request = {"id": number, "method": method, "params": parameters}
        if session_id:
            request["sessionId"] = session_id
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        await self._socket.send_json(request)
        content = await asyncio.wait_for(answer, START_SECONDS)
        assert "error" not in content, content
        result: dict[str, Any] = content["result"]
        return result

    async def open(self, url: str, *, width: int, height: int, scheme: str = "light") -> Page:
        """Load an address in a new tab of this size; ``scheme`` is ``light`` or ``dark``."""
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        page = Page(self, attached["sessionId"])
        loaded = self._loaded[attached["sessionId"]] = asyncio.Event()
        await page.call("Page.enable")
        await page.call("Log.enable")
        await page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await page.call("Emulation.setEmulatedMedia", features=features)
        await page.call("Page.navigate", url=url)
        # The empty page of a new tab has a load event of its own, which may come late.
        while await page.evaluate("location.href") != url:
            await asyncio.wait_for(loaded.wait(), START_SECONDS)
            loaded.clear()
        while await page.evaluate("document.readyState") != "complete":
            await asyncio.wait_for(loaded.wait(), START_SECONDS)
            loaded.clear()
        return page


@asynccontextmanager
async def open_browser(program: str, folder: Path) -> AsyncIterator[Browser]:
    """Start ``program`` with its profile in ``folder``, and end it again."""
    process = await asyncio.create_subprocess_exec(
        program,
        "--headless=new",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        "--no-first-run",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        # Nothing but loopback: what a page would load from elsewhere must fail.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        # Root (a container) has no sandbox to give up.
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        address = await asyncio.wait_for(_address(folder, process), START_SECONDS)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(address, max_msg_size=0) as socket,
        ):
            browser = Browser(socket)
            listening = asyncio.create_task(browser.listen())
            try:
                yield browser
            finally:
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), START_SECONDS)


async def _address(folder: Path, process: asyncio.subprocess.Process) -> str:
    """Wait for the file in which the browser says where it listens."""
    while True:
        with suppress(OSError, ValueError):
            port, path = (folder / "DevToolsActivePort").read_text("utf-8").split("\n")
            return f"ws://127.0.0.1:{int(port)}{path}"
        assert process.returncode is None, "the browser ended at once"
        await asyncio.sleep(0.05)

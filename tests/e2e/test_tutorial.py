"""The tutorial and the README's first steps, followed in an empty folder with the real program."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.pages_run import fetch
from tests.support.process import free_port
from tests.support.terminal import Answer, Call, listener

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IN_TERMINALS_OF_THEIR_OWN = ("parcelwire serve", "python shop.py")


class Reader:
    """Somebody who does what the page says; ``export`` lasts, as it does in a shell."""

    def __init__(self, folder: Path, ports: dict[str, str]) -> None:
        self.folder = folder
        self._ports = ports
        here = str(Path(sys.executable).parent)
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PARCELWIRE_", "XDG_"))
        } | {"HOME": str(folder), "PATH": f"{here}:{os.environ['PATH']}"}

    def text(self, block: str) -> str:
        """Return a block with ports that are free on this machine."""
        for there, here in self._ports.items():
            block = block.replace(there, here)
        return block

    def type(self, block: str) -> str:
        """Run the lines of a block in a shell; return what it printed."""
        script = f"set -e -o pipefail\n{self.text(block)}\nenv -0 > .environment\n"
        done = subprocess.run(
            ["bash", "-c", script],  # noqa: S607  (whichever the reader has)
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (block, done.stdout, done.stderr)
        lasting = (self.folder / ".environment").read_text().split("\0")
        self.environment = dict(one.partition("=")[::2] for one in lasting if one)
        return done.stdout

    @contextmanager
    def terminal(self, line: str) -> Iterator[Path]:
        """Run a line in a terminal of its own until the end; yields what it prints."""
        printed = self.folder / f"{line.replace(' ', '-')}.log"
        with printed.open("wb") as log:
            process = subprocess.Popen(
                line.split(), cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        try:
            yield printed
        finally:
            process.terminate()
            process.wait(timeout=40)


def wait_for(printed: Path, text: str) -> None:
    deadline = time.monotonic() + 30
    while text not in printed.read_text():
        assert time.monotonic() < deadline, printed.read_text()
        time.sleep(0.05)


@pytest.mark.timeout(150)
def test_the_tutorial_works_as_it_is_written(tmp_path: Path) -> None:
    ports = {"8787": str(free_port()), "9000": str(free_port())}
    reader = Reader(tmp_path, ports)
    blocks = _BLOCK.findall(TUTORIAL.read_text("utf-8"))
    *blocks, last = blocks
    assert "carrier connect" in last[1], "the last block is about real parcels, and is not followed"
    shop: Path | None = None
    printed: list[str] = []
    with ExitStack() as stack:
        for language, body in blocks:
            text = body.strip()
            if language == "toml":
                (tmp_path / "parcelwire.toml").write_text(reader.text(body))
            elif language == "python" and "class Shop" in body:
                (tmp_path / "shop.py").write_text(reader.text(body))
            elif language == "python":
                (tmp_path / "own.py").write_text(reader.text(body))
                printed.append(reader.type("python own.py"))
            elif text in IN_TERMINALS_OF_THEIR_OWN:
                log = stack.enter_context(reader.terminal(text))
                if text == "parcelwire serve":
                    wait_for(log, "listening on")
                else:
                    shop = log
            else:
                assert language == "sh"
                printed.append(reader.type(text))
        assert shop is not None
        wait_for(shop, "order 1017: delivered")
        wait_for(shop, "order 1018: delivered")
        told = shop.read_text()
    assert "refused" not in told
    assert told.index("order 1017: transit") < told.index("order 1017: delivered")
    assert any("Delivered" in text for text in printed), "track --watch saw the end"
    assert any("HTTP 204" in text for text in printed), "the log shows what the shop answered"
    assert any("1018 pending" in text or "1018 transit" in text for text in printed)


README = Path(__file__).parents[2] / "README.md"


@pytest.mark.timeout(150)
def test_the_first_steps_of_the_readme_work(tmp_path: Path) -> None:
    def hear(_: Call) -> Answer:
        return 204, b"", {}

    with ExitStack() as stack:
        hook = stack.enter_context(listener(hear))
        port = str(free_port())
        ports = {"8787": port, "https://shop.example/hooks/parcels": f"{hook}/hooks"}
        reader = Reader(tmp_path, ports)
        text = README.read_text("utf-8")
        steps = text.partition("\n## Five minutes\n")[2].partition("\n## ")[0]
        keys, curls, webhooks, settings, _real = (body for _, body in _BLOCK.findall(steps))
        (tmp_path / "parcelwire.toml").write_text(f"[server]\nport = {port}\n{settings}")
        *made, serve = keys.strip().splitlines()
        printed = "".join(reader.type(line) for line in made)
        (key,) = re.findall(r"pw_test_\w+", printed)
        wait_for(stack.enter_context(reader.terminal(serve)), "listening on")
        for call in reader.text(curls).strip().split("\n\n"):
            _, answer = fetch(call, key)
            assert answer["meta"]["code"] == 200
        add, test, log = webhooks.strip().splitlines()
        (endpoint,) = re.findall(r"^endpoint (\w+)", reader.type(add), re.MULTILINE)
        assert "204" in reader.type(test.replace("ENDPOINT_ID", endpoint))
        assert "204" in reader.type(log)
        (snippet,) = (body for language, body in _BLOCK.findall(text) if language == "python")
        (tmp_path / "own.py").write_text(reader.text(snippet).replace("pw_test_…", key))
        assert reader.type("python own.py").startswith("pending")

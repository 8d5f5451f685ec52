"""The servers that proofs kill: forked ones behave as new ones do, and none outlives its forge."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from parcelwire.config import Config, WebhooksSection
from parcelwire.proofs.scratch import reload, scratch_config, write_config
from parcelwire.proofs.servers import DiedError, Forge, Server, free_port


@pytest.fixture(scope="module")
def forge() -> Iterator[Forge]:
    one = Forge()
    yield one
    one.close()


def make_server(folder: Path, forge: Forge | None) -> Server:
    port = free_port()
    config = scratch_config(Config(), folder, f"sqlite:{folder / 'scratch.db'}", port)
    return Server(write_config(config, folder / "scratch.toml"), port, folder / "log", forge=forge)


def test_a_scratch_configuration_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    base = Config(webhooks=WebhooksSection(allowed_networks=("10.0.0.0/8",), ca_file='a "b"\\c'))
    config = scratch_config(base, tmp_path, "sqlite:x.db", 8000)
    assert reload(write_config(config, tmp_path / "scratch.toml")) == config
    assert config.webhooks.allowed_networks == ("10.0.0.0/8", "127.0.0.0/8")
    assert (tmp_path / "scratch.toml").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("is_forked", [True, False])
def test_a_server_is_killed_started_again_and_stopped(
    tmp_path: Path, forge: Forge, is_forked: bool
) -> None:
    server = make_server(tmp_path, forge if is_forked else None)
    server.start()
    assert server.status("/healthz") == 200
    first = server.pid
    ending = server.kill()
    assert (ending.code, ending.was_alive) == (-signal.SIGKILL, True)
    assert not server.is_alive()
    assert server.status("/healthz") == 0
    server.start()
    assert server.pid != first
    assert server.stop() == 0
    assert "listening on" in server.tail()


@pytest.mark.parametrize("is_forked", [True, False])
def test_a_server_that_ends_by_itself_is_told_from_a_killed_one(
    tmp_path: Path, forge: Forge, is_forked: bool
) -> None:
    server = make_server(tmp_path, forge if is_forked else None)
    server.config.write_text("[store]\nurl = 'sqlite:/nowhere/at/all.db'\n")
    with pytest.raises(DiedError, match="there is no folder /nowhere/at"):
        server.start()
    ending = server.kill()
    assert (ending.code, ending.was_alive) == (1, False)


def test_no_server_outlives_its_forge(tmp_path: Path) -> None:
    forge = Forge()
    server = make_server(tmp_path, forge)
    server.start()
    forge.close()
    with pytest.raises(ProcessLookupError):
        _wait_for_the_end(server.pid)


def _wait_for_the_end(pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        os.kill(pid, 0)
        time.sleep(0.01)

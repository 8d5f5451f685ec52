"""``parcelwire serve``, ``api``, ``worker``, ``migrate`` and ``config``."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from parcelwire.bootstrap import Installation, InstallationError, open_installation, open_store
from parcelwire.bootstrap.key_identity import loose_modes, private_paths
from parcelwire.bootstrap.settings import make_catalogue, server_limits
from parcelwire.cli.common import config_file, plain_reason, read_config, run_async
from parcelwire.config import Config, default_text

if TYPE_CHECKING:
    from parcelwire.server.runner import LimitedServer

log = logging.getLogger("parcelwire")


def start_logging(config: Config) -> None:
    """Log to standard error, one line each, times in UTC."""
    handler = logging.StreamHandler()
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=config.logging.level, handlers=[handler], force=True)
    if config.logging.level == "INFO":
        # Its start and stop are told by the commands, in their own words.
        logging.getLogger("uvicorn").setLevel(logging.WARNING)


def listen(config: Config) -> tuple[Config, list[socket.socket]]:
    """Open the sockets that ``server.host`` and ``server.port`` name.

    Done before anything else, so that a second server on one port ends before it touches the
    database. Port 0 takes a free one; the settings returned hold it.

    Raises:
        InstallationError: the address is taken, not allowed, or not this machine's.
    """
    host, port = config.server.host, config.server.port
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((one[0], one[4][:2]) for one in found):
            free = sockets[0].getsockname()[1] if sockets else port
            sockets.append(socket.create_server((address[0], free), family=family, backlog=2048))
    except (OSError, UnicodeError) as error:
        for one in sockets:
            one.close()
        why = plain_reason(error) if isinstance(error, OSError) else "no such host name"
        msg = f"cannot listen on {host}:{port}: {why} (server.host, server.port)"
        raise InstallationError(msg) from None
    real_port: int = sockets[0].getsockname()[1]
    return replace(config, server=replace(config.server, port=real_port)), sockets


def make_server(house: Installation, config: Config) -> LimitedServer:
    """Return the HTTP server for an installation, not yet running.

    The limit of open files is raised as far as the system allows it.
    """
    # Commands that serve nothing must not pay for these.
    from parcelwire.server.connections import ConnectionTable
    from parcelwire.server.open_files import raise_file_limit
    from parcelwire.server.proxies import TrustedProxies
    from parcelwire.server.runner import LimitedServer

    files = raise_file_limit()
    limits = server_limits(config, files)
    proxies = TrustedProxies(config.server.trusted_proxies)
    log.info("at most %d connections (%d open files)", limits.max_connections, files)
    if limits.max_connections >= files:
        log.warning(
            "server.max_connections is %d, but the process may open %d files only: raise the limit"
            " of open files, or new connections may fail",
            limits.max_connections,
            files,
        )
    return LimitedServer(house.asgi(), ConnectionTable(limits, proxies, time.monotonic))


def settle_memory() -> None:
    """Settle the garbage collector and the C library's allocator for a long life.

    What was made at start is taken out of the collector's rounds: p99 at saturation falls to a
    third. The allocator keeps what it has: with glibc's defaults the database's thread gives memory
    back and asks for it again once per write.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:  # musl has none
            for setting, value in _MALLOC:
                mallopt(setting, value)


_MALLOC = ((-1, 64 << 20), (-2, 4 << 20), (-3, 4 << 20))
"""M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD of ``malloc.h`` and their bytes."""


def _run(ctx: click.Context, *, with_api: bool, with_workers: bool) -> None:
    config = read_config(ctx)
    start_logging(config)
    for line in loose_modes(private_paths(config, config_file(ctx))):
        log.warning("%s", line)
    if not (with_api and with_workers) and config.store.sqlite_file is not None:
        msg = (
            "api and worker alone need PostgreSQL (store.url): SQLite serves one machine,"
            " use: parcelwire serve"
        )
        raise InstallationError(msg)
    sockets: list[socket.socket] = []
    if with_api:
        config, sockets = listen(config)
    import uvloop  # only servers need it

    with contextlib.ExitStack() as stack:
        for listener in sockets:
            stack.enter_context(listener)
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        runner.run(_work(config, sockets, with_workers=with_workers))


async def _work(config: Config, sockets: list[socket.socket], *, with_workers: bool) -> None:
    """Serve and work until a signal says stop; a second signal does not wait for open calls."""
    house = await open_installation(config, is_server=True)
    try:
        await house.check_key()
        if count := await house.seal_plaintext_secrets():
            log.info("sealed the secrets of %d endpoints, which lay open in the database", count)
        server = make_server(house, config) if sockets else None
        stop = asyncio.Event()

        def on_signal() -> None:
            house.house.is_closing = True
            if server is not None:
                server.force_exit = stop.is_set()
                server.should_exit = True
            stop.set()

        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, on_signal)
        if with_workers:
            house.start_workers()
        else:
            house.start_watches()
        settle_memory()
        log.info("%s", house.store.describe())
        if server is not None:
            house.start_sharing_rate_limits()
            log.info("listening on %s", _address(sockets[0]))
            await server.serve(sockets)
        else:
            log.info("polling and delivering")
            await stop.wait()
        log.info("stopping")
    finally:
        await house.close()


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@click.command()
@click.pass_context
def serve(ctx: click.Context) -> None:
    """Run API, pages, polling and webhooks in one process."""
    _run(ctx, with_api=True, with_workers=True)


@click.command()
@click.pass_context
def api(ctx: click.Context) -> None:
    """Run the API and pages only; start any number of them (PostgreSQL)."""
    _run(ctx, with_api=True, with_workers=False)


@click.command()
@click.pass_context
def worker(ctx: click.Context) -> None:
    """Run polling and webhooks only; start any number of them (PostgreSQL)."""
    _run(ctx, with_api=False, with_workers=True)


@click.command()
@click.pass_context
@run_async
async def migrate(ctx: click.Context) -> None:
    """Migrate the database schema (serve does so at start)."""
    from parcelwire.bootstrap import SystemClock  # only here

    store = await open_store(read_config(ctx), SystemClock())
    try:
        await store.try_write()
        click.echo(f"up to date: {store.describe()}")
    finally:
        await store.close()


@click.command()
@click.option("--check", is_flag=True, help="Check your settings instead.")
@click.pass_context
def config(ctx: click.Context, check: bool) -> None:
    """Print the commented default configuration."""
    if check:
        # Their names are no settings of ours: only who knows the connectors can check them.
        make_catalogue(read_config(ctx))
        click.echo("The settings are valid.")
        return
    click.echo(default_text(), nl=False)

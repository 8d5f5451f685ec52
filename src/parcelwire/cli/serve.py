"""``parcelwire serve``, ``api``, ``worker``, ``migrate`` and ``config``."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from parcelwire.bootstrap import Installation, InstallationError, open_installation, open_store
from parcelwire.cli.support import read_config, run_async
from parcelwire.config import Config, default_text
from parcelwire.store.port import StoreUnavailableError

if TYPE_CHECKING:
    import uvicorn

log = logging.getLogger("parcelwire")

GRACE_SECONDS = 25
"""How long a stop waits for calls that are being answered."""


def start_logging(config: Config) -> None:
    """Log to standard error, one line each, times in UTC."""
    import time  # only servers log

    handler = logging.StreamHandler()
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=config.logging.level, handlers=[handler], force=True)


def make_server(house: Installation, config: Config) -> uvicorn.Server:
    """Return the HTTP server for an installation, not yet running."""
    import uvicorn  # commands that serve nothing must not pay for it

    class Server(uvicorn.Server):
        """Leaves signals to the commands: uvicorn's own way raises them again when it has stopped.

        That would end the process before the workers and the store have finished.
        """

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Server(
        uvicorn.Config(
            house.asgi(),
            host=config.server.host,
            port=config.server.port,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


def settle_memory() -> None:
    """Take what was made at start out of the garbage collector's rounds (p99 at saturation falls
    to a third).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def run_server(house: Installation, config: Config, *, with_workers: bool) -> None:
    """Serve until a signal says stop."""
    server = make_server(house, config)
    if with_workers:
        house.start_workers()
    settle_memory()
    log.info("%s", house.store.describe())
    log.info("listening on http://%s:%d", config.server.host, config.server.port)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, server.handle_exit, signum, None)
    try:
        await server.serve()
    except SystemExit:
        msg = f"cannot listen on {config.server.host}:{config.server.port} (is it in use?)"
        raise InstallationError(msg) from None


def _run(ctx: click.Context, *, with_api: bool, with_workers: bool) -> None:
    config = read_config(ctx)
    start_logging(config)
    if not (with_api and with_workers) and config.store.url.startswith("sqlite:"):
        msg = (
            "api and worker alone need PostgreSQL (store.url): SQLite serves one machine,"
            " use: parcelwire serve"
        )
        raise InstallationError(msg)

    async def run() -> None:
        house = await open_installation(config)
        try:
            if with_api:
                await run_server(house, config, with_workers=with_workers)
            else:
                await _run_workers(house)
        finally:
            await house.close()

    import uvloop  # only servers need it

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


async def _run_workers(house: Installation) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    house.start_workers()
    settle_memory()
    log.info("%s", house.store.describe())
    log.info("polling and delivering")
    await stop.wait()


@click.command()
@click.pass_context
def serve(ctx: click.Context) -> None:
    """Run everything in one process: API, pages, polling, webhooks."""
    _run(ctx, with_api=True, with_workers=True)


@click.command()
@click.pass_context
def api(ctx: click.Context) -> None:
    """Run the API and the pages alone (PostgreSQL); start as many as you like."""
    _run(ctx, with_api=True, with_workers=False)


@click.command()
@click.pass_context
def worker(ctx: click.Context) -> None:
    """Run polling and webhooks alone (PostgreSQL); start as many as you like."""
    _run(ctx, with_api=False, with_workers=True)


@click.command()
@click.pass_context
@run_async
async def migrate(ctx: click.Context) -> None:
    """Bring the database's schema up to date (serve does so by itself at start)."""
    from parcelwire.bootstrap import SystemClock  # only here

    store = await open_store(read_config(ctx), SystemClock())
    try:
        if not await store.is_ready():
            msg = "the database does not answer"
            raise StoreUnavailableError(msg)
        click.echo(f"up to date: {store.describe()}")
    finally:
        await store.close()


@click.command()
@click.option("--check", is_flag=True, help="Check your own settings instead.")
@click.pass_context
def config(ctx: click.Context, check: bool) -> None:
    """Print the commented default configuration."""
    if check:
        read_config(ctx)
        click.echo("the settings are in order")
        return
    click.echo(default_text(), nl=False)

"""Open what a configuration names: key file, couriers, store, installation."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

from parcelwire.api.v4.render import Renderer, render_tracking
from parcelwire.bootstrap.errors import InstallationError
from parcelwire.bootstrap.installation import Installation
from parcelwire.bootstrap.system import SystemClock
from parcelwire.config import Config
from parcelwire.connectors.sealing import Sealer, SealingError, create_key_file, load_sealer
from parcelwire.couriers.refresh import CourierListError, refreshed_registry
from parcelwire.couriers.registry import Registry, default_registry
from parcelwire.domain.clock import Clock
from parcelwire.domain.tracking import Tracking
from parcelwire.store.opening import StoreOpeningError, open_engine
from parcelwire.store.port import Store

log = logging.getLogger(__name__)


async def open_store(
    config: Config,
    clock: Clock,
    render: Callable[[Tracking], bytes] = render_tracking,
    *,
    is_server: bool = False,
) -> Store:
    """Open the store that ``store.url`` names, bringing its schema up to date.

    ``render`` makes the renditions that it keeps. ``is_server``: see ``open_engine``.

    Raises:
        InstallationError: the database cannot be reached, or not be used.
    """
    try:
        return await open_engine(
            config.store.url,
            render=render,
            clock=clock,
            behind_pgbouncer=config.store.behind_pgbouncer,
            pool_size=config.store.pool_size,
            is_server=is_server,
        )
    except StoreOpeningError as error:
        msg = f"cannot use the database: {error} (store.url)"
        raise InstallationError(msg) from error


async def open_installation(
    config: Config, *, clock: Clock | None = None, is_server: bool = False
) -> Installation:
    """Open (and at first make) the installation that ``config`` describes.

    ``is_server``: it will serve or work until it is stopped, and not only for one command.

    Raises:
        InstallationError, StoreUnavailableError: it cannot be opened; the message says what to do.
    """
    clock = clock or SystemClock()
    sealer = await asyncio.to_thread(_open_key_file, Path(config.secrets.key_file))
    registry = load_registry(config)
    renderer = Renderer(registry)
    store = await open_store(config, clock, renderer.tracking, is_server=is_server)
    try:
        return Installation(config, store, clock, sealer, registry=registry, renderer=renderer)
    except BaseException:
        await store.close()
        raise


def load_registry(config: Config) -> Registry:
    """Return the couriers known here: the package's own, and what was refreshed since.

    Raises:
        InstallationError: the file of refreshed couriers cannot be used.
    """
    try:
        return refreshed_registry(default_registry(), Path(config.carriers.registry_file))
    except CourierListError as error:
        msg = f"{error} (carriers.registry_file)"
        raise InstallationError(msg) from error


def _open_key_file(path: Path) -> Sealer:
    try:
        if not path.exists():
            create_key_file(path, os.urandom)
            log.info("made a new key file %s: back it up apart from the database", path)
        return load_sealer(path, os.urandom)
    except FileExistsError:  # another process made it a moment ago
        return load_sealer(path, os.urandom)
    except OSError as error:
        msg = f"cannot make the key file {path}: {error.strerror} (secrets.key_file)"
        raise InstallationError(msg) from error
    except SealingError as error:
        msg = f"{error} (secrets.key_file)"
        raise InstallationError(msg) from error

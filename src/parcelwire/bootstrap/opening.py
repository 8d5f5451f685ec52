"""Open what a configuration names: key file, couriers, store, installation."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from parcelwire.api.trackingmore.declaration import Declaration
from parcelwire.api.v4.render import Renderer, render_tracking
from parcelwire.bootstrap.clock_watch import ClockWatch
from parcelwire.bootstrap.errors import InstallationError
from parcelwire.bootstrap.installation import Installation
from parcelwire.bootstrap.key_identity import KeyIdentity, key_file_of
from parcelwire.bootstrap.settings import make_catalogue
from parcelwire.bootstrap.system import SystemClock
from parcelwire.config import Config
from parcelwire.connectors.catalogue import Catalogue, CatalogueError, known_couriers
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.couriers.refresh import CourierListError
from parcelwire.couriers.registry import Registry
from parcelwire.domain.clock import Clock
from parcelwire.domain.tracking import Tracking
from parcelwire.store.opening import StoreOpeningError, open_engine
from parcelwire.store.port import Store
from parcelwire.store.sealing import ValueSealer


async def open_store(
    config: Config,
    clock: Clock,
    render: Callable[[Tracking], bytes] = render_tracking,
    *,
    is_server: bool = False,
    sealer: ValueSealer | None = None,
) -> Store:
    """Open the store that ``store.url`` names, bringing its schema up to date.

    ``render`` makes the renditions that it keeps. ``is_server``: see ``open_engine``. Without a
    ``sealer`` secrets can neither be read nor written.

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
            sealer=sealer,
        )
    except StoreOpeningError as error:
        msg = f"cannot use the database: {error} (store.url)"
        raise InstallationError(msg) from error


async def open_installation(
    config: Config,
    *,
    clock: Clock | None = None,
    may_make_key: bool = True,
    is_server: bool = False,
    environment: Mapping[str, str] = os.environ,
    more_dialects: Sequence[Declaration] = (),
) -> Installation:
    """Open (and at first make) the installation that ``config`` describes.

    ``is_server``: it will serve or work until it is stopped, and not only for one command.
    A key file that is missing or not the database's is no error yet: what needs no secrets works
    without; ``Installation.check_key`` tells. ``may_make_key``: a new installation gets a key file
    now; otherwise with the first ``check_key``. ``more_dialects`` are served beside those that come
    with Parcelwire.

    Raises:
        InstallationError, StoreUnavailableError: it cannot be opened; the message says what to do.
    """
    clock = clock or SystemClock()
    ring = await asyncio.to_thread(KeyRing, key_file_of(config, environment), os.urandom)
    catalogue = make_catalogue(config)
    registry = load_registry(config, catalogue)
    renderer = Renderer(registry)
    store = await open_store(config, clock, renderer.tracking, sealer=ring, is_server=is_server)
    try:
        if isinstance(clock, SystemClock):
            await ClockWatch(store, clock).look()
        identity = KeyIdentity(
            store, ring, clock=clock, is_default_path=not config.secrets.key_file
        )
        await identity.settle(os.urandom, may_make=may_make_key)
        return Installation(
            config,
            store,
            clock,
            ring,
            identity=identity,
            catalogue=catalogue,
            registry=registry,
            renderer=renderer,
            more_dialects=more_dialects,
        )
    except BaseException:
        await store.close()
        raise


def load_registry(config: Config, catalogue: Catalogue) -> Registry:
    """Return the couriers known here.

    They are the package's own and those that the connectors of ``catalogue`` declare, with what was
    refreshed since.

    Raises:
        InstallationError: the file of refreshed couriers cannot be used, or a connector cannot.
    """
    try:
        return known_couriers(catalogue, Path(config.carriers.registry_file))
    except CatalogueError as error:
        raise InstallationError(str(error)) from error
    except CourierListError as error:
        msg = f"{error} (carriers.registry_file)"
        raise InstallationError(msg) from error

"""Weaknesses planted on purpose, which G2 must find: each is what somebody could forget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from parcelwire.accounts import brands
from parcelwire.accounts.keys import Caller, KeyService
from parcelwire.api.native.application import application as native_application
from parcelwire.api.native.table import ALL
from parcelwire.bootstrap import installation
from parcelwire.domain.access import WorldRule
from parcelwire.domain.account import ApiKey, Endpoint, KeyState, account_of
from parcelwire.pages.dashboard import application as dashboard_application
from parcelwire.pages.dashboard.registry import Page, discover
from parcelwire.store.postgres import PostgresStore
from parcelwire.store.sqlite.store import SqliteStore


class Plant(msgspec.Struct, frozen=True):
    """One weakness: the actions that it concerns, and how it gets into the program."""

    actions: tuple[str, ...]
    sow: Callable[[], AbstractContextManager[None]]


@contextmanager
def _swapped(owner: Any, name: str, value: Any) -> Iterator[None]:
    sound = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, sound)


def _brand_of_the_account() -> AbstractContextManager[None]:
    """Save the brand under the account, whichever world is looked at."""
    return _swapped(brands, "record_scope", lambda world_id: str(account_of(world_id)))


def _call_without_scope() -> AbstractContextManager[None]:
    """Let keys that may only read change a tracking over the native API."""
    broken = tuple(
        replace(one, scope="read") if one.name == "update_tracking" else one for one in ALL
    )
    return _swapped(installation, "native_application", lambda app: native_application(app, broken))


def _pages(change: Callable[[Page], Page]) -> AbstractContextManager[None]:
    return _swapped(dashboard_application, "discover", lambda: [change(one) for one in discover()])


def _part_without_scope() -> AbstractContextManager[None]:
    """Let keys that may only read delete an endpoint on the dashboard."""

    def change(page: Page) -> Page:
        parts = tuple(
            replace(one, scope="read") if one.path.endswith("/delete") else one
            for one in page.parts
        )
        return replace(page, parts=parts)

    return _pages(change)


def _connections_everywhere() -> AbstractContextManager[None]:
    """Reach the live world's connections from the test world."""

    def change(page: Page) -> Page:
        if page.path != "/connections":
            return page
        parts = tuple(replace(one, world=WorldRule.OWN) for one in page.parts)
        return replace(page, world=WorldRule.OWN, parts=parts)

    return _pages(change)


def _gaps_for_all() -> AbstractContextManager[None]:
    """Show the installation's unmapped codes to every account."""
    return _pages(lambda page: replace(page, is_for_operators=False))


def _no_expiry() -> AbstractContextManager[None]:
    """Forget that keys expire."""

    def state_at(key: ApiKey, _now: int) -> KeyState:
        return "active" if key.revoked_at is None else "revoked"

    return _swapped(ApiKey, "state_at", state_at)


def _keys_of_both_worlds() -> AbstractContextManager[None]:
    """Show live keys in the test world, and revoke them from there."""
    sound = KeyService.list_keys

    async def list_keys(
        service: KeyService, account_number: int | None, _caller: Caller
    ) -> list[ApiKey]:
        return await sound(service, account_number)

    return _swapped(KeyService, "list_keys", list_keys)


def _query_without_world() -> AbstractContextManager[None]:
    """Find endpoints by their id alone."""
    sound = {store: store.load_endpoint for store in (SqliteStore, PostgresStore)}

    async def load(store: Any, world_id: int, endpoint_id: str) -> Endpoint | None:
        for one in (world_id, *range(2, 12)):
            if (found := await sound[type(store)](store, one, endpoint_id)) is not None:
                return found
        return None

    @contextmanager
    def sow() -> Iterator[None]:
        with (
            _swapped(SqliteStore, "load_endpoint", load),
            _swapped(PostgresStore, "load_endpoint", load),
        ):
            yield

    return sow()


PLANTED: Final[dict[str, Plant]] = {
    "a brand kept under the account": Plant(("POST /dashboard/brand",), _brand_of_the_account),
    "a native call whose scope is not checked": Plant(
        ("PATCH /api/trackings/{id}",), _call_without_scope
    ),
    "a part of the dashboard without a scope": Plant(
        ("POST /dashboard/endpoints/{id}/delete",), _part_without_scope
    ),
    "connections reached from the test world": Plant(
        ("GET /dashboard/connections",), _connections_everywhere
    ),
    "unmapped codes shown to every account": Plant(("GET /dashboard/gaps",), _gaps_for_all),
    "a check that forgets the end of a key": Plant(
        ("GET /api/account", "GET /v2/carriers", "GET /v4/couriers/all"), _no_expiry
    ),
    "live keys revoked from the test world": Plant(
        ("POST /dashboard/keys/{prefix}/revoke", "DELETE /api/keys/{prefix}"),
        _keys_of_both_worlds,
    ),
    "a query that forgets the world": Plant(
        ("GET /api/endpoints/{id}", "POST /dashboard/endpoints/{id}/pause"), _query_without_world
    ),
}
"""What is planted -> how, and where it has to be found."""

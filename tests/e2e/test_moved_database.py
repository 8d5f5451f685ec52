"""The real server before and after its database has moved: a subscriber goes on with its cursor,
and the receiver of webhooks gets each event once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from parcelwire.domain.clock import FrozenClock
from tests.contract import webhook_receivers as receivers
from tests.contract.store.conftest import clock
from tests.contract.store.moving import MOVERS, Mover, mover
from tests.contract.webhook_office import eventually
from tests.contract.webhook_receivers import receiver
from tests.support.process import Server, free_port, run_command

__all__ = ["clock", "mover"]

PARCELS = 4


class Subscriber:
    """A shop's system: it makes things happen, and reads the feed by its cursor."""

    def __init__(self, key: str, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self._headers = {"authorization": f"Bearer {key}"}
        self._client: Any = None
        self.cursor = ""
        self.paths: list[str] = []
        self.sequences: dict[str, int] = {}
        self.seen: list[tuple[str, int]] = []

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(self._address, headers=self._headers) as self._client:
            yield

    async def furnish(self, hook: str) -> None:
        """Create parcels, and an endpoint unless ``hook`` is empty."""
        if hook:
            await self._post("/api/endpoints", {"url": hook})
        for number in range(PARCELS):
            draft = {"number": f"RA12345678{number}CH", "courier_code": "swiss-post"}
            made = await self._post("/api/trackings", draft)
            self.paths.append(f"/api/trackings/{made['id']}")

    async def change(self, *statuses: str) -> None:
        """Let something happen to each parcel."""
        for status in statuses:
            for path in self.paths:
                async with self._client.patch(path, json={"status_override": status}) as answer:
                    assert answer.status == 200, await answer.text()
                    said = await answer.json()
                    self.sequences[said["id"]] = said["sequence"]

    async def read(self, limit: int) -> int:
        """Read one page; return how many events it had."""
        status, said = await self.ask(self.cursor, limit)
        assert status == 200, said
        self.cursor = said["next_cursor"]
        self.seen += [(one["tracking_id"], one["sequence"]) for one in said["items"]]
        return len(said["items"])

    async def ask(self, cursor: str, limit: int = 200) -> tuple[int, Any]:
        """Ask for what came after a cursor; return the answer's status and what it says."""
        query = {"after": cursor, "limit": str(limit)}
        async with self._client.get("/api/events", params=query) as answer:
            return answer.status, await answer.json()

    @property
    def all(self) -> list[tuple[str, int]]:
        """Every event that there was."""
        return [
            (tracking_id, sequence)
            for tracking_id, last in self.sequences.items()
            for sequence in range(1, last + 1)
        ]

    async def _post(self, path: str, body: dict[str, str]) -> Any:
        async with self._client.post(path, json=body) as answer:
            assert answer.status in (200, 201), await answer.text()
            return await answer.json()


@asynccontextmanager
async def shop_and_server(
    folder: Path, mover: Mover, name: str
) -> AsyncIterator[tuple[Subscriber, Server, Callable[[], None]]]:
    """Give a shop with a key, a server that is not started, and what points it to the database."""
    config, port = folder / "parcelwire.toml", free_port()

    def point() -> None:
        config.write_text(
            f'[server]\nport = {port}\n[store]\nurl = "{mover.url}"\n'
            f'[secrets]\nkey_file = "{folder / "moved.key"}"\n'
            '[webhooks]\nallowed_networks = ["127.0.0.0/8"]\n'
        )

    point()
    making = ("key", "create", "--account", f"{name}@shop.example", "--quiet")
    shop = Subscriber((await asyncio.to_thread(run_command, config, *making)).strip(), port)
    server = Server(config, port, folder / "server.log")
    try:
        yield shop, server, point
    finally:
        if server.is_alive():
            await asyncio.to_thread(server.kill)


async def test_a_subscriber_and_a_receiver_go_on_after_the_move(
    mover: Mover, tmp_path: Path
) -> None:
    async with (
        receiver(receivers.answer(204)) as hook,
        shop_and_server(tmp_path, mover, "moved") as (shop, server, point),
    ):
        await asyncio.to_thread(server.start)
        async with shop.calling():
            await shop.furnish(hook.url)
            await shop.change("delivered", "exception")
            assert await shop.read(5) == 5
            await shop.change("delivered")
        assert await asyncio.to_thread(server.stop) == 0
        await mover.move()
        point()
        await asyncio.to_thread(server.start)
        async with shop.calling():
            await shop.change("exception")
            await shop.read(3)
            await shop.change("delivered")
            while await shop.read(50):
                pass
        assert sorted(shop.seen) == sorted(shop.all)
        assert len(shop.all) >= 5 * PARCELS
        expected = {one: list(range(1, last + 1)) for one, last in shop.sequences.items()}
        await eventually(lambda: hook.lines == expected, seconds=60)
        assert await asyncio.to_thread(server.stop) == 0


async def test_a_subscriber_who_has_read_more_than_the_backup_holds_is_told(
    mover: Mover, tmp_path: Path
) -> None:
    """The feed gives the same numbers again, for other events: nobody may pass these over."""
    async with shop_and_server(tmp_path, mover, "back") as (shop, server, point):
        await asyncio.to_thread(server.start)
        async with shop.calling():
            await shop.furnish("")
            await shop.change("delivered", "exception")
            await shop.read(200)
            before_backup = shop.cursor
        assert await asyncio.to_thread(server.stop) == 0
        await mover.back_up()
        kept = len(shop.seen)
        await asyncio.to_thread(server.start)
        async with shop.calling():
            await shop.change("delivered")
            assert await shop.read(200) == PARCELS
            status, quiet = await shop.ask(shop.cursor)
            assert (status, quiet["items"]) == (200, [])
        assert await asyncio.to_thread(server.stop) == 0
        await mover.restore()
        point()
        await asyncio.to_thread(server.start)
        async with shop.calling():
            assert (await shop.ask(before_backup))[0] == 200
            # Behind the end of the feed; on its last number, which is another event's; far before.
            for changes in ([], ["delivered"], ["exception", "delivered"]):
                await shop.change(*changes)
                for cursor in (shop.cursor, quiet["next_cursor"]):
                    status, said = await shop.ask(cursor)
                    assert (status, said["code"]) == (410, "database-restored")
            status, page = await shop.ask(said["first_cursor"])
            assert status == 200
            assert len(page["items"]) == kept + 3 * PARCELS
            status, page = await shop.ask(before_backup)
            assert status == 200
            assert len(page["items"]) == 3 * PARCELS
        assert await asyncio.to_thread(server.stop) == 0


async def test_a_copy_of_a_sqlite_file_that_is_made_while_the_server_works_is_whole(
    tmp_path: Path, clock: FrozenClock
) -> None:
    """What was acknowledged before the copy began is in it, and a server goes on with it."""
    async with (
        MOVERS["sqlite"](tmp_path, clock) as mover,
        shop_and_server(tmp_path, mover, "copy") as (shop, server, point),
    ):
        await asyncio.to_thread(server.start)
        async with shop.calling():
            await shop.furnish("")
            await shop.change("delivered", "exception")
            before = shop.all
            working = asyncio.create_task(shop.change(*("delivered", "exception") * 50))
            await eventually(lambda: len(shop.all) > len(before) + 2 * PARCELS, seconds=60)
            await mover.back_up()
            assert not working.done()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        await asyncio.to_thread(server.kill)
        await mover.restore()
        point()
        await asyncio.to_thread(server.start)
        async with shop.calling():
            while await shop.read(200):
                pass
            assert set(before) < set(shop.seen)
            assert len(shop.seen) == len(set(shop.seen))
            count = len(shop.seen)
            await shop.change("delivered", "exception")
            assert await shop.read(200) >= PARCELS
            assert len(shop.seen) > count
        assert await asyncio.to_thread(server.stop) == 0

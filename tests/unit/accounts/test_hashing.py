"""The line of passwords that wait to be checked: bounded, known browsers first, no place lost."""

from __future__ import annotations

import asyncio

import pytest

from parcelwire.accounts.hashing import HashingBusyError, HashingQueue


class Works:
    """Checks that end when the test says so."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.most_at_once = 0
        self._now = 0

    async def work(self, name: str) -> bool:
        self.begun.append(name)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await self.ends.setdefault(name, asyncio.Event()).wait()
        self._now -= 1
        return True

    def end(self, name: str) -> None:
        self.ends.setdefault(name, asyncio.Event()).set()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def start(
    queue: HashingQueue, works: Works, name: str, *, is_known: bool = False
) -> asyncio.Task[bool]:
    return asyncio.create_task(queue.run(lambda: works.work(name), is_known=is_known))


async def test_a_thousand_at_once_are_two_that_run_and_twenty_that_wait() -> None:
    queue, works = HashingQueue(20), Works()
    tasks = [start(queue, works, f"n{number}") for number in range(1_000)]
    await settle()
    assert (queue.running, queue.waiting, works.begun) == (2, 20, ["n0", "n1"])
    turned_away = [task for task in tasks if task.done()]
    assert len(turned_away) == 978
    assert all(isinstance(task.exception(), HashingBusyError) for task in turned_away)
    for number in range(22):
        works.end(f"n{number}")
    assert await asyncio.gather(*tasks[:22]) == [True] * 22
    assert (queue.running, queue.waiting, works.most_at_once) == (0, 0, 2)


async def test_known_browsers_go_first_and_have_room_of_their_own() -> None:
    queue, works = HashingQueue(2), Works()
    tasks = [start(queue, works, name) for name in ("a", "b", "c", "d")]
    await settle()
    assert queue.is_full(is_known=False)
    assert not queue.is_full(is_known=True)
    tasks.append(start(queue, works, "owner", is_known=True))
    await settle()
    works.end("a")
    await settle()
    assert works.begun == ["a", "b", "owner"]
    for name in ("b", "c", "d", "owner"):
        works.end(name)
    assert await asyncio.gather(*tasks) == [True] * 5


@pytest.mark.parametrize("when", ["waiting", "turn has come", "running"])
async def test_whoever_goes_away_leaves_no_place_taken(when: str) -> None:
    queue, works = HashingQueue(5, at_a_time=1), Works()
    first = start(queue, works, "first")
    await settle()
    gone = first if when == "running" else start(queue, works, "gone")
    last = start(queue, works, "last")
    await settle()
    if when == "turn has come":
        works.end("first")
        for _ in range(10):
            if queue.waiting == 1:
                break
            await asyncio.sleep(0)
        assert works.begun == ["first"]
    gone.cancel()
    await settle()
    if when == "running":
        # The thread goes on, so its place is not free before it has ended.
        assert (queue.running, works.begun) == (1, ["first"])
    works.end("first")
    works.end("last")
    assert await last
    await settle()
    assert (queue.running, queue.waiting, works.most_at_once) == (0, 0, 1)


async def test_a_check_that_fails_gives_its_place_back() -> None:
    queue = HashingQueue(5, at_a_time=1)

    async def fail() -> bool:
        raise MemoryError

    for _ in range(3):
        with pytest.raises(MemoryError):
            await queue.run(fail, is_known=False)
    await settle()
    assert queue.running == 0

"""Shops at work: they create, change and delete parcels and note down what was acknowledged."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

import aiohttp

CALL_SECONDS = 10.0


class Load:
    """Shops that call one server after the other until told that it is over.

    Nothing is repeated: a call without an answer promised nothing, whatever came of it.
    """

    def __init__(
        self, ports: Sequence[int], key: str, *, seed: int, shops: int = 4, pause_seconds: float
    ) -> None:
        """``pause_seconds`` lies between two calls of one shop."""
        self.acknowledged: set[str] = set()
        self.deleted: set[str] = set()
        self.doubtful: set[str] = set()
        self.notes: dict[str, set[str]] = {}
        self.answers: Counter[str] = Counter()
        """How calls ended: ``200``, other codes, ``none`` without an answer."""
        self.answered = asyncio.Event()
        """Set whenever a call was answered with success; whoever waits for it clears it before."""
        self.is_over = False
        self._ports = tuple(ports)
        self._key = key
        self._seed = seed
        self._shops = shops
        self._pause_seconds = pause_seconds

    async def run(self) -> None:
        """Work until ``is_over``."""
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        headers = {"Tracking-Api-Key": self._key}
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            await asyncio.gather(*(self._shop(session, index) for index in range(self._shops)))

    async def _shop(self, session: aiohttp.ClientSession, index: int) -> None:
        chance = random.Random(f"{self._seed} {index}")  # noqa: S311  # seeded randomness is wanted
        recent: deque[str] = deque(maxlen=20)
        count = 0
        while not self.is_over:
            count += 1
            base = f"http://127.0.0.1:{self._ports[count % len(self._ports)]}/v4/trackings"
            dice = chance.random()
            if dice < 0.04 and recent:
                await self._delete(session, base, recent.popleft())
            elif dice < 0.25 and recent:
                await self._note(session, base, chance.choice(recent), f"note {index} {count}")
            else:
                number = f"SIM-NORMAL-{index}{self._seed % 1000:03d}{count:06d}"
                body = {"tracking_number": number, "courier_code": "dhl"}
                answer = await self._call(session, "POST", f"{base}/create", body)
                if answer is not None:
                    self.acknowledged.add(answer["id"])
                    recent.append(answer["id"])
            await asyncio.sleep(self._pause_seconds)

    async def _note(
        self, session: aiohttp.ClientSession, base: str, tracking_id: str, note: str
    ) -> None:
        # Until it is answered, the earlier one and this one are both right. (None so far: no note.)
        allowed = self.notes.setdefault(tracking_id, {""})
        allowed.add(note)
        if await self._call(session, "PUT", f"{base}/update/{tracking_id}", {"note": note}):
            self.notes[tracking_id] = {note}

    async def _delete(self, session: aiohttp.ClientSession, base: str, tracking_id: str) -> None:
        self.doubtful.add(tracking_id)
        if await self._call(session, "DELETE", f"{base}/delete/{tracking_id}", None):
            self.deleted.add(tracking_id)

    async def _call(
        self, session: aiohttp.ClientSession, method: str, url: str, body: Any
    ) -> dict[str, Any] | None:
        """Return ``data`` of a success, None for everything else."""
        try:
            async with session.request(method, url, json=body) as answer:
                content = await answer.json()
                self.answers[str(content["meta"]["code"])] += 1
                if content["meta"]["code"] != 200:
                    return None
                self.answered.set()
                data: dict[str, Any] = content["data"]
                return data
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            # The server is being killed: nobody promised anything.
            self.answers["none"] += 1
            await asyncio.sleep(0.03)
            return None

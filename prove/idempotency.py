"""D1: two hundred calls with one Idempotency-Key at once, and SIGKILLs of the server between.

Each round sends one POST two hundred times at the same time to a real server and kills that server
at a random instant. Whoever gets no answer asks again, as a good client does, until the server that
was started anew answers. Then there must be one effect, and everybody must have been answered the
very same bytes. Endpoints and keys would be made anew by every call; the number of a tracking is
unique by itself, and must be answered as "created" all the same.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

import prove
from parcelwire.proofs.servers import Forge, Server, free_port, run_command
from prove.outcome import Outcome
from tests.contract.store.postgres_fixture import Cluster

CALLERS: Final = 200
ROUNDS: Final = 60
"""On each engine, in the long form."""

ENGINES: Final = ("sqlite", "postgres")
PLANTS: Final = ("forgets_keys", "records_apart")
PATIENCE_SECONDS: Final = 60.0
ROOT: Final = Path(prove.__file__).parent.parent


class Kind(msgspec.Struct, frozen=True):
    """One kind of call: where it goes, what it sends, where its effects are counted."""

    path: str
    list_path: str
    items: str
    """Member of the list's answer that holds the things."""
    mark: str
    """Member of a thing that holds the round's own word."""

    def body(self, word: str) -> dict[str, Any]:
        """Return the body of a round's calls."""
        match self.path:
            case "/api/trackings":
                number = word.replace("-", "")
                return {"number": number, "courier_code": "dhl", "details": {"title": word}}
            case "/api/endpoints":
                return {"url": "http://127.0.0.1:9009/hook", "description": word}
            case _:
                return {"label": word, "scope": "read"}


KINDS: Final = (
    Kind("/api/endpoints", "/api/endpoints", "items", "description"),
    Kind("/api/trackings", "/api/trackings?limit=200", "items", "title"),
    Kind("/api/keys", "/api/keys", "items", "label"),
)


class Round(msgspec.Struct):
    """What came of one round."""

    what: str
    disturbed: int = 0
    """Calls that were not answered, because of the kill."""
    answers: Counter[tuple[int, bytes]] = msgspec.field(default_factory=Counter)
    replayed: int = 0
    effects: int = 0

    def violations(self) -> list[str]:
        """Return what was broken."""
        found = []
        if self.effects != 1:
            found.append(f"{self.what}: {self.effects} effects")
        if len(self.answers) != 1:
            said = [(status, body[:150]) for status, body in self.answers]
            found.append(f"{self.what}: {len(self.answers)} different answers, {said[:3]}")
        elif next(iter(self.answers))[0] != 201:
            found.append(f"{self.what}: answered {next(iter(self.answers))}")
        if self.answers.total() != CALLERS:
            found.append(f"{self.what}: {self.answers.total()} of {CALLERS} were answered")
        return found


class Ordeal:
    """A server, somebody who kills it, and two hundred who call it."""

    def __init__(self, server: Server, key: str, seed: int) -> None:
        self.server = server
        self.address = f"http://127.0.0.1:{server.port}"
        self.headers = {"authorization": f"Bearer {key}"}
        self.random = random.Random(seed)

    async def round(self, kind: Kind, word: str) -> Round:
        """Make one call two hundred times at once, with a kill in it."""
        said = Round(what=f"{kind.path} {word}")
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector, headers=self.headers) as session:
            async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
                for _ in range(CALLERS):
                    group.create_task(self._call(session, kind, word, said))
                group.create_task(self._kill(said))
            async with session.get(f"{self.address}{kind.list_path}") as answer:
                things = (await answer.json())[kind.items]
        said.effects = sum(
            one.get(kind.mark, one.get("details", {}).get(kind.mark)) == word for one in things
        )
        return said

    async def _call(
        self, session: aiohttp.ClientSession, kind: Kind, word: str, said: Round
    ) -> None:
        headers = {"idempotency-key": word}
        while True:
            try:
                async with session.post(
                    f"{self.address}{kind.path}", json=kind.body(word), headers=headers
                ) as answer:
                    body = await answer.read()
                    if answer.status == 503:
                        continue
                    said.answers[answer.status, body] += 1
                    said.replayed += answer.headers.get("idempotency-replayed") == "true"
                    return
            except (aiohttp.ClientError, ConnectionError):
                said.disturbed += 1
                await asyncio.sleep(0.02)

    async def _kill(self, said: Round) -> None:
        """Kill while nobody is answered yet, or when some are."""
        answered = self.random.choice((0, 0, 1, self.random.randrange(2, 30)))
        if answered:
            while said.answers.total() < answered:  # noqa: ASYNC110  # no event for each answer
                await asyncio.sleep(0.001)
        else:
            await asyncio.sleep(self.random.uniform(0.005, 0.1))
        ending = await asyncio.to_thread(self.server.kill)
        if not ending.was_alive:
            raise RuntimeError(f"the server had ended by itself:\n{self.server.tail()}")
        await asyncio.to_thread(self.server.start)


async def run_rounds(
    rounds: int, engine: str, *, seed: int, plants: tuple[str, ...] = ()
) -> list[Round]:
    """Open a server on an engine and go through ``rounds``, its kinds in turn.

    A round whose kill came too late to disturb anybody does not count, but is judged all the same;
    after as many of them again nothing more is tried.
    """
    with tempfile.TemporaryDirectory() as folder, _store_url(engine, Path(folder)) as url:
        port = free_port()
        config = Path(folder) / "parcelwire.toml"
        config.write_text(
            f'[server]\nport = {port}\n[store]\nurl = "{url}"\n'
            f'[secrets]\nkey_file = "{folder}/parcelwire.key"\n'
            '[webhooks]\nallowed_networks = ["127.0.0.0/8"]\n'
            # Two hundred at once are meant to come in.
            "[api]\ncreate_per_second = 0.0\nother_per_second = 0.0\n"
        )
        making = ("key", "create", "--account", "once@shop.example", "--scope", "admin", "--quiet")
        key = (await asyncio.to_thread(run_command, config, *making)).strip()
        forge = Forge([f"prove.planted.{name}" for name in plants], ROOT)
        server = Server(config, port, Path(folder) / "server.log", forge=forge)
        try:
            await asyncio.to_thread(server.start)
            ordeal = Ordeal(server, key, seed)
            gone: list[Round] = []
            while disturbed(gone) < rounds and len(gone) < 2 * rounds:
                kind = KINDS[disturbed(gone) % len(KINDS)]
                gone.append(await ordeal.round(kind, f"ONCE-{seed}-{len(gone):05d}"))
            return gone
        finally:
            await asyncio.to_thread(forge.close)


def disturbed(rounds: list[Round]) -> int:
    """Return how many rounds were disturbed by their kill."""
    return sum(one.disturbed > 0 for one in rounds)


@contextmanager
def _store_url(engine: str, folder: Path) -> Iterator[str]:
    if engine == "sqlite":
        yield f"sqlite:{folder / 'once.db'}"
        return
    cluster = Cluster()
    try:
        yield cluster.create_database()
    finally:
        cluster.remove()


def run(*, scale: float, seed: int) -> Outcome:
    """Go through the rounds on both engines, and through some with planted bugs."""
    rounds = max(len(KINDS), round(ROUNDS * scale))
    gone_through: list[Round] = []
    notes = []
    for engine in ENGINES:
        some = asyncio.run(run_rounds(rounds, engine, seed=seed))
        gone_through += some
        notes.append(
            f"{engine}: {sum(one.disturbed for one in some)} calls disturbed,"
            f" {sum(one.replayed for one in some)} replayed"
        )
    found = sum(
        any(
            one.violations()
            for one in asyncio.run(run_rounds(len(KINDS), "sqlite", seed=seed, plants=(name,)))
        )
        for name in PLANTS
    )
    return Outcome(
        id="D1",
        name=f"{CALLERS} calls at once under one key, a SIGKILL in each of {2 * rounds} rounds",
        tried=2 * rounds,
        fired=disturbed(gone_through),
        violations=[line for one in gone_through for line in one.violations()],
        notes="; ".join(notes),
        planted_found=found,
        planted_of=len(PLANTS),
    )


PROOFS = {"D1": run}

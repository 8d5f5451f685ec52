"""A dialect is added by its models, rendering and codes, without a file outside its own folder."""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcelwire.accounts.key_format import make_key
from parcelwire.api.asgi import ASGIApp
from parcelwire.api.trackingmore.declaration import Declaration
from parcelwire.bootstrap import open_installation
from parcelwire.bootstrap.access import access_table
from parcelwire.config import ApiSection, Config, SecretsSection, StoreSection
from parcelwire.domain.clock import FrozenClock
from tests.support.asgi import Answer, call
from tests.support.house import key_record
from tests.support.toy_dialect import FILES

ODD = " rs 907/483.608-ch "
"""A number as somebody may type it; carriers know it as RS907483608CH."""


class Toy(msgspec.Struct, kw_only=True):
    """The installation's application, and who calls it."""

    app: ASGIApp
    clock: FrozenClock
    keys: dict[str, str]

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str = "write", raw: bytes = b""
    ) -> Answer:
        """Call ``path`` of the toy with the key of that name."""
        sent = msgspec.json.encode(body) if body is not None else raw
        headers = {"Toy-Key": self.keys.get(key, key)} if key else {}
        return await call(self.app, method, f"/toy/{path}", body=sent, headers=headers)

    async def refused(self, code: int, method: str, path: str, **sent: Any) -> Any:
        """Make a call that must be refused with ``code``, and return the answer's body."""
        answer = await self.ask(method, path, **sent)
        said = answer.json()
        assert (answer.status, said["trouble"]) == (code, code)
        return said


@pytest.fixture
def declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declaration:
    """The toy, written into a folder of its own."""
    folder = tmp_path / "elsewhere" / "toy_dialect"
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(folder.parent)
    for name in [one for one in sys.modules if one.partition(".")[0] == folder.name]:
        monkeypatch.delitem(sys.modules, name)
    found: Declaration = importlib.import_module("toy_dialect.dialect").TOY
    return found


@pytest.fixture
async def toy(tmp_path: Path, declaration: Declaration) -> AsyncIterator[Toy]:
    """An installation that speaks it beside the others, on a real SQLite file."""
    clock = FrozenClock()
    installation = await open_installation(
        Config(
            store=StoreSection(url=f"sqlite:{tmp_path / 'parcelwire.db'}"),
            secrets=SecretsSection(key_file=str(tmp_path / "parcelwire.key")),
            api=ApiSection(create_per_second=5, other_per_second=20),
        ),
        clock=clock,
        more_dialects=[declaration],
    )
    try:
        account = await installation.store.add_account("shop@example.com", now=clock.now())
        keys = {}
        for seed, scope in enumerate(("read", "write")):
            key = keys[scope] = make_key(random.Random(seed).randbytes(24), is_test=True)
            await installation.store.add_key(
                key_record(key, account.number, is_test=True, scope=scope)
            )
        yield Toy(app=installation.asgi(is_served=False), clock=clock, keys=keys)
    finally:
        await installation.close()


async def test_its_five_calls(toy: Toy) -> None:
    orders = [{"no": "RS907483608CH", "by": "swiss-post", "name": "Boots"}]
    parcel = {"no": "RS907483608CH", "by": "swiss-post", "name": "Boots", "state": "PENDING"}
    created = await toy.ask("POST", "parcels", orders)
    assert (created.status, created.json()) == (
        200,
        {"fine": {"parcels": [parcel], "failures": []}},
    )
    assert created.headers["ratelimit-limit"] == "5"
    for path in ("parcels/swiss-post/RS907483608CH", "/parcels//swiss-post/rs907483608ch/"):
        assert (await toy.ask("GET", path)).json() == {"fine": parcel}
    assert (await toy.ask("GET", "parcels")).json() == {"fine": [parcel]}
    carriers = (await toy.ask("GET", "carriers")).json()["fine"]
    assert {"by": "swiss-post", "name": "Swiss Post"} in carriers
    head = await toy.ask("HEAD", "parcels")
    assert (head.status, head.body) == (200, b"")
    assert (await toy.ask("DELETE", "parcels/swiss-post/RS907483608CH")).json() == {"fine": parcel}
    await toy.refused(404, "GET", "parcels/swiss-post/RS907483608CH")


async def test_each_item_has_its_own_outcome(toy: Toy) -> None:
    orders = [
        {"no": "RS907483608CH", "by": "swiss-post"},
        {"no": "RS907483608CH", "by": "swiss-post"},
        {"no": "!", "by": "swiss-post"},
        {"no": "RS907483608CH", "by": "nobody/at all"},
        {"no": 5, "by": ["?"]},
    ]
    result = (await toy.ask("POST", "parcels", orders)).json()["fine"]
    assert [one["no"] for one in result["parcels"]] == ["RS907483608CH"]
    assert result["failures"] == [
        {"no": "5", "by": "", "trouble": 422},
        {"no": "RS907483608CH", "by": "swiss-post", "trouble": 409},
        {"no": "!", "by": "swiss-post", "trouble": 422},
        {"no": "RS907483608CH", "by": "nobody/at all", "trouble": 422},
    ]


async def test_a_number_is_answered_as_it_was_sent(toy: Toy) -> None:
    result = (await toy.ask("POST", "parcels", [{"no": ODD, "by": "swiss-post"}])).json()["fine"]
    assert [one["no"] for one in result["parcels"]] == [ODD]
    again = (await toy.ask("POST", "parcels", [{"no": ODD, "by": "swiss-post"}])).json()["fine"]
    assert again["failures"] == [{"no": ODD, "by": "swiss-post", "trouble": 409}]
    # A stroke in a path is part of the number.
    for path in ("parcels/swiss-post/RS907483608CH", "parcels/swiss-post/RS907/483608CH"):
        assert (await toy.ask("GET", path)).json()["fine"]["no"] == ODD


async def test_what_it_refuses(toy: Toy) -> None:
    for key in ("", "nonsense", toy.keys["write"][:-1] + "0"):
        assert await toy.refused(401, "GET", "parcels", key=key) == {"trouble": 401, "call": "list"}
    assert await toy.refused(403, "POST", "parcels", body=[], key="read") == {
        "trouble": 403,
        "call": "order",
    }
    assert await toy.refused(404, "GET", "nothing") == {"trouble": 404, "call": None}
    await toy.refused(405, "PUT", "carriers")
    said = await toy.refused(422, "POST", "parcels", raw=b"not json")
    assert said == {"trouble": 422, "call": "order", "because": "not JSON"}
    await toy.refused(413, "POST", "parcels", raw=b" " * 3_000_000)
    said = await toy.refused(404, "GET", "parcels/swiss-post/RS907483608CH")
    assert said["because"] == "NotFoundError"


async def test_its_calls_are_limited(toy: Toy) -> None:
    orders = [{"no": f"RB0000000{n}5CN", "by": "china-post"} for n in range(7)]
    created = await toy.ask("POST", "parcels", orders)
    assert len(created.json()["fine"]["parcels"]) == 7
    assert created.headers["ratelimit-remaining"] == "0"
    answer = await toy.ask("POST", "parcels", orders)
    assert answer.json() == {"trouble": 429, "call": "order"}
    assert int(answer.headers["retry-after"]) >= 1
    # The other calls have a limit of their own, and a second later there is room again.
    assert (await toy.ask("GET", "parcels")).headers["ratelimit-remaining"] == "19"
    toy.clock.advance(1)
    assert (await toy.ask("POST", "parcels", [])).status == 200


async def test_the_others_are_spoken_as_before(toy: Toy) -> None:
    await toy.ask("POST", "parcels", [{"no": "RS907483608CH", "by": "swiss-post"}])
    headers = {"Tracking-Api-Key": toy.keys["read"]}
    four = await call(toy.app, "GET", "/v4/trackings/get", headers=headers)
    assert [one["tracking_number"] for one in four.json()["data"]] == ["RS907483608CH"]
    two = await call(toy.app, "GET", "/v2/trackings/swiss-post/RS907483608CH", headers=headers)
    assert two.json()["meta"]["code"] == 200
    # Their keys' headers are not the toy's.
    assert (await call(toy.app, "GET", "/toy/parcels", headers=headers)).status == 401


def test_its_permissions_stand_in_the_table(declaration: Declaration) -> None:
    actions = {one.name: one.scope for one in access_table(dialects=[declaration])}
    assert actions["POST /toy/parcels"] == "write"
    assert actions["GET /toy/parcels/{by}/{no}"] == "read"


def test_it_stands_on_the_frame_alone() -> None:
    for text in FILES.values():
        assert "api.v" not in text
        assert "bootstrap" not in text

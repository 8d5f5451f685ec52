"""v2: whatever is sent, the answer is one of the codes, and never a fault of ours."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from parcelwire.api.v2.routes import ONE as ONE_PATH
from parcelwire.api.v2.routes import ROUTES
from tests.support.v2 import COURIER, NUMBER, OTHER_NUMBER, ask, open_v2

NAMES = [
    "tracking_number",
    "carrier_code",
    "update_carrier_code",
    "title",
    "customer_email",
    "order_create_time",
    "tracking_ship_date",
    "destination_code",
    "status",
    "archived",
    "lang",
    "auto_correct",
    "track_number",
    "country",
    "postcode",
    "company",
    "original",
    "destination",
    "page",
    "limit",
    "numbers",
    "orders",
    "created_at_min",
    "update_time_max",
    "trackings",
]
VALUES: list[Any] = [
    None,
    "",
    " ",
    "0",
    0,
    -1,
    1.5,
    1e300,
    10**30,
    True,
    [],
    {},
    [None],
    ["a", 1],
    [[]],
    {"a": {"b": []}},
    NUMBER,
    OTHER_NUMBER.lower(),
    COURIER,
    "china-ems",
    "mondialrelay",
    "CN",
    "United States",
    "172-28891936",
    "2018/8/27 16:51",
    "20180908",
    "9999-12-31 23:59",
    "1526817600",
    "4",
    8,
    "true",
    "delivered",
    "notfound",
    "de",
    "\u0000",
    "\U0001f600",
    "\ud83d",
    "٣٣٣٣٣٣",
    "Ⅷ" * 12,
    "x" * 5_001,
    "%00%ff",
    "'; DROP TABLE tracking; --",
]
CALLS = 2_500


def make_object(dice: random.Random) -> dict[str, Any]:
    made = {name: dice.choice(VALUES) for name in dice.sample(NAMES, dice.randint(0, 6))}
    # Mostly about something that can be there, or nearly all would end at the first look.
    if dice.random() < 0.7:
        made |= {"tracking_number": NUMBER, "carrier_code": COURIER}
    return made


def make_body(dice: random.Random) -> Any:
    kind = dice.random()
    if kind < 0.5:
        return make_object(dice)
    if kind < 0.9:
        return [make_object(dice) for _ in range(dice.randint(0, 4))]
    return dice.choice(VALUES)


def make_query(dice: random.Random) -> str:
    names = dice.sample(NAMES, dice.randint(0, 3))
    texts = [str(value).encode("utf-8", "replace") for value in VALUES]
    return "&".join(
        f"{name}={''.join(f'%{byte:02x}' for byte in dice.choice(texts)[:300])}" for name in names
    )


async def test_nothing_that_is_sent_makes_a_fault(tmp_path: Path) -> None:
    dice = random.Random(20260301)
    seen: set[int] = set()
    async with open_v2(tmp_path) as house:
        for _ in range(CALLS):
            route = dice.choice(ROUTES)
            path = "/v2/" + "/".join(route.path)
            if route.path == ONE_PATH:
                segments = [dice.choice([COURIER, "x", "%00"]), dice.choice([NUMBER, "1", "\x00é"])]
                path = f"/v2/trackings/{'/'.join(segments)}"
            code, _ = await ask(
                house,
                dice.choice([*route.methods, "GET", "POST"]),
                path,
                # The standard library escapes half a surrogate pair, as careless clients do.
                body=json.dumps(make_body(dice)).encode(),
                query=make_query(dice),
                key=dice.choice([house.key, house.test_key]),
            )
            seen.add(code)
        assert not seen & {500, 503}
        # It came everywhere, not only to the first refusal.
        assert seen >= {200, 201, 405, 4012, 4013, 4014, 4015, 4016, 4017, 4031, 4033}

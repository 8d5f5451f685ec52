"""Who may not do what on the native API: one row per call, tried with every key that is not right.

The rows say which object a call is about, and what a stranger is answered who names somebody
else's. ``refusals`` tries a call with no key, a wrong one, a revoked one, one of too small a scope,
one of the same account's other world and one of another account; it returns every broken promise:
a wrong answer, a byte of the owner's data, or a change of it. Then it makes the call as its owner,
so that a row that leads nowhere is found out.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from parcelwire.accounts.key_format import make_key, prefix_of
from parcelwire.api.house import ApiSettings
from parcelwire.api.native.operations import Operation
from parcelwire.api.native.problems import KINDS
from parcelwire.api.native.table import ALL
from parcelwire.domain.access import RANKS
from parcelwire.domain.account import Account, Endpoint
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details
from parcelwire.tracking.ports import NewMessage, TrackingFilter
from parcelwire.webhooks.ports import MessageFilter
from tests.contract.store.samples import create, make_change
from tests.support.house import Answer, HouseUnderTest, key_record, open_house
from tests.support.native_shop import Shop

CANARY: Final = "canary7f3a"
"""In every text of the owner's objects. Whoever may not see them never gets a byte of it."""

OWN_TEST_WORLD: Final = "the owner's test world"
OPERATOR: Final = "operator@example.com"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one call is about."""

    path: Mapping[str, str] = {}
    """Name in the path -> kind of the owner's object (``Yard.make``), or ``=`` and a fixed value.
    """
    foreign: str = ""
    """Code of the problem that a stranger is answered; empty: the call shows one's own things."""
    body: Any = None
    """What to send; None: the operation's example."""
    owner: str = "owner"
    """Who may: ``owner``, or ``operator``."""
    control: int | None = None
    """Status answered to who may; None: the operation's own."""


def _one(kind: str, foreign: str, **more: Any) -> Row:
    return Row(path={"id": kind}, foreign=foreign, **more)


_TRACKING: Final = _one("tracking", "tracking-not-found")
_ENDPOINT: Final = _one("endpoint", "endpoint-not-found")
_MESSAGE: Final = _one("message", "message-not-found")
_OWN: Final = Row()
_OPERATORS: Final = Row(foreign="operator-required", owner="operator")
_ACCOUNT: Final = Row(path={"number": "account"}, foreign="operator-required", owner="operator")

ROWS: Final[Mapping[str, Row]] = {
    "list_trackings": _OWN,
    "create_tracking": _OWN,
    "create_trackings": _OWN,
    "count_trackings": _OWN,
    "get_tracking": _TRACKING,
    "update_tracking": _TRACKING,
    "delete_tracking": _TRACKING,
    "refresh_tracking": _TRACKING,
    "stop_tracking": _TRACKING,
    "retrack_tracking": _one("expired", "tracking-not-found"),
    "correct_courier": _TRACKING,
    "list_raw_responses": _TRACKING,
    "list_tracking_events": _TRACKING,
    "list_tracking_polls": _TRACKING,
    "list_events": _OWN,
    "list_couriers": _OWN,
    "get_courier": Row(path={"code": "=swiss-post"}),
    "detect_courier": _OWN,
    "list_endpoints": _OWN,
    "create_endpoint": Row(body={"url": "http://127.0.0.1:9009/hook"}),
    "get_endpoint": _ENDPOINT,
    "update_endpoint": _ENDPOINT,
    "delete_endpoint": _ENDPOINT,
    "pause_endpoint": _ENDPOINT,
    "enable_endpoint": _ENDPOINT,
    "rotate_endpoint_secret": _ENDPOINT,
    "send_test_event": _ENDPOINT,
    "replay_messages": _ENDPOINT,
    "list_messages": _OWN,
    "get_message": _MESSAGE,
    "list_attempts": _MESSAGE,
    "resend_message": _MESSAGE,
    "list_keys": _OWN,
    "create_key": _OWN,
    "revoke_key": Row(path={"prefix": "key"}, foreign="key-not-found"),
    "get_account": _OWN,
    "update_account": _OWN,
    "list_accounts": _OPERATORS,
    "create_account": _OPERATORS,
    "update_any_account": _ACCOUNT,
    # Operators cannot suspend themselves.
    "suspend_account": Row(
        path={"number": "bystander"}, foreign="operator-required", owner="operator"
    ),
    "resume_account": _ACCOUNT,
    "create_account_key": _ACCOUNT,
}


class Yard:
    """A house with an owner, whose things bear the canary, a stranger and an operator."""

    def __init__(self, house: HouseUnderTest, operations: tuple[Operation, ...]) -> None:
        self.house = house
        self.shop = Shop(house, operations)
        self._random = random.Random(20261121)
        self._numbers = itertools.count(1)
        self.accounts: dict[str, Account] = {}

    async def settle(self) -> None:
        """Make the accounts and one of each thing, so that lists have something to betray."""
        store, now = self.house.store, self.house.clock.now()
        owner = msgspec.structs.replace(self.house.account, name=f"name {CANARY}", phone=CANARY)
        await store.save_account(owner)
        self.accounts["owner"] = owner
        self.accounts["stranger"] = await store.add_account("stranger@example.com", now=now)
        self.accounts["operator"] = await store.add_account(OPERATOR, now=now)
        self.accounts["bystander"] = await store.add_account("bystander@example.com", now=now)
        for kind in ("tracking", "endpoint", "message", "key"):
            await self.make(kind)

    async def key(self, who: str, scope: str = "admin", **fields: Any) -> str:
        """Store a key of an account and return it."""
        is_test = bool(fields.get("is_test"))
        key = make_key(self._random.randbytes(24), is_test=is_test)
        record = key_record(key, self.accounts[who].number, scope=scope, **fields)
        await self.house.store.add_key(record)
        return key

    async def make(self, kind: str) -> str:
        """Make one of the owner's things, and return what names it in a path."""
        store, house = self.house.store, self.house
        number = next(self._numbers)
        if kind == "account":
            return str(self.accounts["owner"].number)
        if kind == "bystander":
            return str(self.accounts["bystander"].number)
        if kind == "key":
            return prefix_of(await self.key("owner", "read", label=CANARY))
        if kind == "endpoint":
            endpoint = self._endpoint(number)
            await store.add_endpoint(endpoint)
            return endpoint.id
        if kind == "message":
            endpoint = self._endpoint(number)
            await store.add_endpoint(endpoint)
            message = NewMessage(
                id=f"{number:032x}",
                endpoint_id=endpoint.id,
                world_id=house.world_id,
                tracking_id=f"{number:032x}",
                sequence=1,
                event_id=f"{number:032x}",
                event_type="tracking.updated",
                payload=f'{{"canary":"{CANARY}"}}'.encode(),
                created_at=house.clock.now(),
            )
            await store.add_messages([message])
            return message.id
        tracking = await create(
            store,
            f"RA{number:09d}CH",
            world_id=house.world_id,
            details=Details(title=CANARY),
        )
        change = make_change(
            tracking,
            status=Status.EXPIRED if kind == "expired" else Status.TRANSIT,
            expired_at=house.clock.now() if kind == "expired" else None,
        )
        assert await store.save(change)
        return tracking.id

    async def snapshot(self) -> list[Any]:
        """Return all that the owner has, to be compared: first what is live, then the account."""
        store, number = self.house.store, self.accounts["owner"].number
        world_id = self.house.world_id
        trackings = await store.list_trackings(world_id, TrackingFilter(), offset=0, limit=10_000)
        messages = (await store.list_messages(world_id, MessageFilter(), limit=10_000)).messages
        return [
            trackings,
            await store.list_endpoints(world_id),
            [(one.id, one.state, one.due_at) for one in messages],
            await store.load_account(number),
            await store.list_keys(number),
        ]

    def _endpoint(self, number: int) -> Endpoint:
        return Endpoint(
            id=f"{number:032x}",
            world_id=self.house.world_id,
            url=f"http://127.0.0.1:9009/{CANARY}",
            dialect="native",
            secret="whsec_" + "A" * 32,
            description=CANARY,
            headers={"x-canary": CANARY},
            created_at=self.house.clock.now(),
        )


@asynccontextmanager
async def open_yard(
    folder: Path, operations: tuple[Operation, ...] = ALL, *, operator: str = OPERATOR
) -> AsyncIterator[Yard]:
    """Open a house with everything in it. ``operator``: who runs the installation."""
    settings = ApiSettings(operators=(operator,))
    async with open_house(folder, lambda _: [], settings=settings) as house:
        yard = Yard(house, operations)
        await yard.settle()
        yield yard


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One call that has to be refused, or to show one's own things only."""

    what: str
    headers: dict[str, str]
    status: int = 0
    """0: any, as long as nothing of the owner's is in it."""
    code: str = ""


async def trials_of(yard: Yard, operation: Operation, row: Row) -> list[Trial]:
    """Return who must not get through to the owner's things with a call."""
    unknown = make_key(random.Random(99).randbytes(24), is_test=False)
    revoked = await yard.key("owner", revoked_at=1)
    trials = [
        Trial(what="no key", headers={}, status=401, code="api-key-missing"),
        _trial("a broken key", unknown[:-1] + "~", 401, "invalid-api-key"),
        _trial("an unknown key", unknown, 401, "invalid-api-key"),
        _trial("a revoked key", revoked, 401, "api-key-revoked"),
    ]
    # "none" is no scope at all: a call that wants the smallest is refused to it as well.
    for scope in ("none", *RANKS):
        if scope == "none" or RANKS[scope] < RANKS[operation.scope]:
            key = await yard.key(row.owner, scope)
            trials.append(_trial(f"scope {scope}", key, 403, "insufficient-scope"))
    code = row.foreign
    status = KINDS[code][0] if code else 0
    stranger = await yard.key("stranger")
    trials.append(_trial("another account", stranger, status, code))
    test = await yard.key("stranger", is_test=True)
    trials.append(_trial("another account's test world", test, status, code))
    if row.owner == "owner":
        own_test = await yard.key("owner", is_test=True)
        trials.append(_trial(OWN_TEST_WORLD, own_test, status, code))
    return trials


def _trial(what: str, key: str, status: int, code: str) -> Trial:
    return Trial(what=what, headers={"authorization": f"Bearer {key}"}, status=status, code=code)


async def refusals(yard: Yard, operation: Operation, row: Row) -> tuple[int, list[str]]:
    """Try a call with every key that is not right; return how many there were, and what broke."""
    values = {
        name: kind[1:] if kind.startswith("=") else await yard.make(kind)
        for name, kind in row.path.items()
    }
    path = f"/api{operation.path.format_map(values)}"
    trials = await trials_of(yard, operation, row)
    right = await yard.key(row.owner)
    before = await yard.snapshot()
    found: list[str] = []
    for trial in trials:
        answer = await _send(yard, operation, row, path, trial.headers)
        where = f"{operation.name} with {trial.what}"
        if trial.status and _said(answer) != (trial.status, trial.code):
            found.append(f"{where}: {_said(answer)}, not {(trial.status, trial.code)}")
        if answer.status >= 500:
            found.append(f"{where}: {answer.status}")
        # The account and its keys are one, whichever of its worlds asks.
        is_own = trial.what == OWN_TEST_WORLD
        if CANARY in f"{answer.headers}{answer.body!r}" and not (
            is_own and "account" in operation.name
        ):
            found.append(f"{where}: shows what is the owner's")
        after = await yard.snapshot()
        if after[:3] != before[:3] or (after != before and not is_own):
            found.append(f"{where}: changed what is the owner's")
        before = after
    # Who may, can: the row does lead to the thing.
    headers = {"authorization": f"Bearer {right}"}
    answer = await _send(yard, operation, row, path, headers)
    if answer.status != (row.control or operation.success):
        found.append(f"{operation.name} by who may: {answer.status} {answer.body[:200]!r}")
    return len(trials), found


async def _send(
    yard: Yard, operation: Operation, row: Row, path: str, headers: dict[str, str]
) -> Answer:
    sent: dict[str, Any] = {"headers": dict(headers)}
    if operation.request is not None:
        sent["json"] = row.body if row.body is not None else operation.example
    return await yard.shop.ask(operation.method, path, **sent)


def _said(answer: Answer) -> tuple[int, str]:
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    return answer.status, answer.json()["code"] if is_problem else ""


def uncovered(operations: tuple[Operation, ...] = ALL) -> list[str]:
    """Return the calls that have no row, and the rows that have no call."""
    names = {one.name for one in operations}
    return sorted(names ^ ROWS.keys())

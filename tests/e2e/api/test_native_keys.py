"""Keys and accounts over the native API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from parcelwire.accounts.key_format import is_well_formed
from parcelwire.api.house import ApiSettings
from parcelwire.domain.status import Status
from tests.contract.store.samples import advance, create
from tests.support.native import Caller, fields_of, ok, open_caller, refused

KEYS = "/api/keys"
ACCOUNT = "/api/account"
ACCOUNTS = "/api/accounts"
OPERATOR = "operator@example.com"
KEY_FIELDS = [
    *("prefix", "label", "scope", "is_test"),
    *("is_current", "created_at", "revoked_at", "expires_at"),
]
ACCOUNT_FIELDS = [
    "number",
    "email",
    "name",
    "phone",
    "tracking_quota",
    "created_at",
    "suspended_at",
    "suspended_reason",
]


class Office:
    """A caller with an admin key, and an operator's."""

    def __init__(self, caller: Caller, folder: Path) -> None:
        self.caller = caller
        self.ask = caller.ask
        self.house = caller.house
        self.folder = folder
        self.admin = ""
        self.operator = ""


@pytest.fixture(params=["sqlite", "postgres"])
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    settings = ApiSettings(operators=("Operator@Example.com",))
    async with open_caller(tmp_path, request, request.param, settings=settings) as caller:
        made = Office(caller, tmp_path)
        made.admin = await caller.house.add_key(seed=31, scope="admin")
        made.operator = await caller.house.add_account(OPERATOR, seed=32, scope="admin")
        yield made


# --- keys -------------------------------------------------------------------------------------


async def test_a_key_is_made_shown_once_and_works(office: Office) -> None:
    draft = {"label": "warehouse", "scope": "read", "is_test": False}
    made = ok(await office.ask("POST", KEYS, json=draft, key=office.admin), 201)
    assert list(made) == [*KEY_FIELDS, "key"]
    key = made.pop("key")
    assert is_well_formed(key)
    assert key.startswith("pw_live_")
    assert made == {
        "prefix": key[:16],
        "label": "warehouse",
        "scope": "read",
        "is_test": False,
        "is_current": False,
        "created_at": "2026-03-01T10:00:00+00:00",
        "revoked_at": None,
        "expires_at": None,
    }
    answered = await office.ask("GET", KEYS, key=office.admin)
    listed = ok(answered)["items"]
    assert [one["prefix"] for one in listed if one["is_current"]] == [office.admin[:16]]
    assert listed[-1] == made
    assert key.encode() not in answered.body
    ok(await office.ask("GET", ACCOUNT, key=key))
    refused(await office.ask("POST", "/api/endpoints", json={}, key=key), 403, "insufficient-scope")
    plain = ok(await office.ask("POST", KEYS, json={}, key=office.admin), 201)
    assert (plain["label"], plain["scope"], plain["is_test"]) == ("", "write", False)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scope": "root"}, "scope"),
        ({"scope": None}, "scope"),
        ({"label": 5}, "label"),
        ({"label": "a" * 201}, "label"),
        ({"label": "a\0"}, "label"),
        ({"is_test": "yes"}, "is_test"),
        ({"account_number": 2}, "account_number"),
        ([], ""),
    ],
)
async def test_a_key_that_nobody_can_have(office: Office, body: Any, field: str) -> None:
    answered = await office.ask("POST", KEYS, json=body, key=office.admin)
    assert fields_of(refused(answered, 422, "validation-failed")) == [field]


async def test_a_revoked_key_is_refused(office: Office) -> None:
    made = ok(await office.ask("POST", KEYS, json={}, key=office.admin), 201)
    ok(await office.ask("GET", ACCOUNT, key=made["key"]))
    path = f"{KEYS}/{made['prefix']}"
    ok(await office.ask("DELETE", path, key=office.admin), 204)
    # Twice is once.
    ok(await office.ask("DELETE", path, key=office.admin), 204)
    office.house.clock.advance(1)
    refused(await office.ask("GET", ACCOUNT, key=made["key"]), 401, "api-key-revoked")
    listed = ok(await office.ask("GET", KEYS, key=office.admin))["items"]
    assert listed[-1]["revoked_at"] == "2026-03-01T10:00:00+00:00"
    for prefix in ("pw_live_00000000", made["key"], "x", "%00", office.operator[:16]):
        answered = await office.ask("DELETE", f"{KEYS}/{prefix}", key=office.admin)
        refused(answered, 404, "key-not-found")
    ok(await office.ask("GET", ACCOUNTS, key=office.operator))


async def test_the_key_that_asks_is_not_revoked_by_mistake(office: Office) -> None:
    path = f"{KEYS}/{office.admin[:16]}"
    refused(await office.ask("DELETE", path, key=office.admin), 409, "cannot-revoke-current-key")
    refused(
        await office.ask("DELETE", path, query="allow_current=false", key=office.admin),
        409,
        "cannot-revoke-current-key",
    )
    refused(
        await office.ask("DELETE", path, query="allow_current=sure", key=office.admin),
        400,
        "invalid-query",
    )
    ok(await office.ask("GET", KEYS, key=office.admin))
    ok(await office.ask("DELETE", path, query="allow_current=true", key=office.admin), 204)
    office.house.clock.advance(1)
    refused(await office.ask("GET", KEYS, key=office.admin), 401, "api-key-revoked")


async def test_a_test_key_stays_in_its_world(office: Office) -> None:
    testing = await office.house.add_key(seed=33, scope="admin", is_test=True)
    listed = ok(await office.ask("GET", KEYS, key=testing))["items"]
    assert {one["prefix"] for one in listed} == {office.house.test_key[:16], testing[:16]}
    refused(await office.ask("POST", KEYS, json={}, key=testing), 403, "test-key-not-allowed")
    made = ok(await office.ask("POST", KEYS, json={"is_test": True}, key=testing), 201)
    assert made["key"].startswith("pw_test_")
    answered = await office.ask("DELETE", f"{KEYS}/{office.admin[:16]}", key=testing)
    refused(answered, 404, "key-not-found")
    refused(
        await office.ask("PATCH", ACCOUNT, json={"name": "x"}, key=testing),
        403,
        "test-key-not-allowed",
    )


async def test_a_repetition_shows_the_same_key_which_lies_nowhere(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    first = await office.ask(
        "POST", KEYS, json={"label": "a"}, key=office.admin, idempotency_key="k-1"
    )
    key = ok(first, 201)["key"]
    ok(await office.ask("GET", ACCOUNT, key=key))
    again = await office.ask(
        "POST", KEYS, json={"label": "a"}, key=office.admin, idempotency_key="k-1"
    )
    assert (again.status, again.body) == (201, first.body)
    assert len(ok(await office.ask("GET", KEYS, key=office.admin))["items"]) == 4
    record = await office.house.store.find_idempotency_record(office.house.world_id, "k-1")
    assert record is not None
    assert b'"label":"a"' in record.body
    assert key.encode() not in record.body
    assert key not in caplog.text
    # Not in the files of the database either.
    for file in office.folder.glob("parcelwire.db*"):
        assert key.encode() not in file.read_bytes()


async def test_only_admin_keys_see_keys(office: Office) -> None:
    reading = await office.house.add_key(seed=34, scope="read")
    for key in (office.house.key, reading):
        for method, path, body in (
            ("GET", KEYS, None),
            ("POST", KEYS, {}),
            ("DELETE", f"{KEYS}/{office.admin[:16]}", None),
            ("PATCH", ACCOUNT, {"name": "x"}),
            ("GET", ACCOUNTS, None),
            ("POST", ACCOUNTS, {"email": "a@b"}),
            ("PATCH", f"{ACCOUNTS}/1", {}),
            ("POST", f"{ACCOUNTS}/1/keys", {}),
        ):
            answered = await office.ask(method, path, json=body, key=key)
            refused(answered, 403, "insufficient-scope")


# --- the own account --------------------------------------------------------------------------


async def test_the_account_with_its_figures(office: Office) -> None:
    house = office.house
    for number, status in (("A1", Status.DELIVERED), ("A2", Status.TRANSIT), ("A3", None)):
        tracking = await create(house.store, number, world_id=house.world_id)
        if status:
            await advance(house.store, tracking, status=status)
    gone = await create(house.store, "A4", world_id=house.world_id)
    await house.store.delete_trackings(house.world_id, [gone.id])
    said = ok(await office.ask("GET", ACCOUNT))
    assert list(said) == [
        *ACCOUNT_FIELDS,
        "is_test",
        "created_tracking_count",
        "tracking_count",
        "tracking_count_by_status",
    ]
    assert (said["email"], said["name"], said["phone"]) == ("shop@example.com", "Shop", None)
    assert said["tracking_quota"] is None
    assert (said["is_test"], said["created_tracking_count"], said["tracking_count"]) == (
        False,
        4,
        3,
    )
    counts = said["tracking_count_by_status"]
    assert set(counts) == {status.value for status in Status}
    assert {status: count for status, count in counts.items() if count} == {
        "delivered": 1,
        "transit": 1,
        "pending": 1,
    }
    test = ok(await office.ask("GET", ACCOUNT, key=house.test_key))
    assert (test["is_test"], test["created_tracking_count"], test["tracking_count"]) == (True, 0, 0)


async def test_name_and_phone_are_changed(office: Office) -> None:
    said = ok(
        await office.ask(
            "PATCH", ACCOUNT, json={"name": "Bergladen", "phone": "+41 44 000"}, key=office.admin
        )
    )
    assert list(said) == ACCOUNT_FIELDS
    assert (said["name"], said["phone"]) == ("Bergladen", "+41 44 000")
    said = ok(await office.ask("PATCH", ACCOUNT, json={"phone": None}, key=office.admin))
    assert (said["name"], said["phone"]) == ("Bergladen", None)
    # Seen at once, though keys are remembered for a second.
    assert ok(await office.ask("GET", ACCOUNT))["name"] == "Bergladen"
    for body, field in (
        ({"email": "a@b"}, "email"),
        ({"tracking_quota": 5}, "tracking_quota"),
        ({"name": 5}, "name"),
        ({"name": "a\0"}, "name"),
        ({"phone": "1" * 51}, "phone"),
    ):
        answered = await office.ask("PATCH", ACCOUNT, json=body, key=office.admin)
        assert fields_of(refused(answered, 422, "validation-failed")) == [field]


# --- all accounts -----------------------------------------------------------------------------


async def test_operators_make_accounts_and_set_quotas(office: Office) -> None:
    answered = await office.ask(
        "POST",
        ACCOUNTS,
        json={"email": "new@shop.example", "name": "New"},
        key=office.operator,
        idempotency_key="a-1",
    )
    made = ok(answered, 201)
    assert list(made) == ACCOUNT_FIELDS
    assert (made["email"], made["name"], made["tracking_quota"]) == (
        "new@shop.example",
        "New",
        None,
    )
    again = await office.ask(
        "POST",
        ACCOUNTS,
        json={"email": "new@shop.example", "name": "New"},
        key=office.operator,
        idempotency_key="a-1",
    )
    assert again.body == answered.body
    for email in ("new@shop.example", "NEW@Shop.Example"):
        answered = await office.ask("POST", ACCOUNTS, json={"email": email}, key=office.operator)
        refused(answered, 409, "account-already-exists")

    path = f"{ACCOUNTS}/{made['number']}"
    changed = ok(await office.ask("PATCH", path, json={"tracking_quota": 2}, key=office.operator))
    assert changed == {**made, "tracking_quota": 2}
    key = ok(await office.ask("POST", f"{path}/keys", json={}, key=office.operator), 201)["key"]
    assert ok(await office.ask("GET", ACCOUNT, key=key))["tracking_quota"] == 2
    changed = ok(
        await office.ask("PATCH", path, json={"tracking_quota": None}, key=office.operator)
    )
    assert changed["tracking_quota"] is None
    listed = ok(await office.ask("GET", ACCOUNTS, key=office.operator))["items"]
    assert [one["email"] for one in listed] == ["shop@example.com", OPERATOR, "new@shop.example"]


async def test_operators_suspend_and_resume_accounts(office: Office) -> None:
    path = f"{ACCOUNTS}/1"
    before = ok(await office.ask("GET", ACCOUNT, key=office.admin))
    assert (before["suspended_at"], before["suspended_reason"]) == (None, "")

    reason = {"reason": "unpaid since März"}
    said = ok(await office.ask("POST", f"{path}/suspend", json=reason, key=office.operator))

    assert said["suspended_at"] == "2026-03-01T10:00:00+00:00"
    assert said["suspended_reason"] == "unpaid since März"
    assert ok(await office.ask("GET", ACCOUNTS, key=office.operator))["items"][0] == said
    # A key that was just in use is believed for a second, and is not told the reason.
    for method, body in (("GET", None), ("PATCH", {"name": "A"})):
        answer = await office.ask(method, ACCOUNT, json=body, key=office.admin)
        refused(answer, 403, "account-suspended")
    office.house.clock.advance(1)
    refused(await office.ask("GET", ACCOUNT, key=office.admin), 403, "account-suspended")
    # Changing the account otherwise does not resume it.
    changed = await office.ask("PATCH", path, json={"name": "Ä"}, key=office.operator)
    assert ok(changed)["suspended_at"] == said["suspended_at"]

    for _ in range(2):
        resumed = ok(await office.ask("POST", f"{path}/resume", json=None, key=office.operator))
        assert (resumed["suspended_at"], resumed["suspended_reason"]) == (None, "")
    office.house.clock.advance(1)
    assert ok(await office.ask("GET", ACCOUNT, key=office.admin))["name"] == "Ä"


async def test_an_operator_cannot_lock_itself_out(office: Office) -> None:
    own = ok(await office.ask("GET", ACCOUNT, key=office.operator))["number"]
    answered = await office.ask("POST", f"{ACCOUNTS}/{own}/suspend", json={}, key=office.operator)
    refused(answered, 409, "cannot-suspend-own-account")
    assert await office.house.store.suspended_accounts() == frozenset()


async def test_accounts_come_in_pages(office: Office) -> None:
    for number in range(7):
        body = {"email": f"{number}@shop.example"}
        ok(await office.ask("POST", ACCOUNTS, json=body, key=office.operator), 201)
    seen: list[int] = []
    query = "limit=4"
    while True:
        page = ok(await office.ask("GET", ACCOUNTS, query=query, key=office.operator))
        seen += [one["number"] for one in page["items"]]
        if not page["has_more"]:
            break
        query = f"limit=4&cursor={page['next_cursor']}"
    assert seen == list(range(1, 10))


@pytest.mark.parametrize(
    "email",
    ["", "a", "a@", "@b", "a@b@c", "a b@c", "a@b\n", "a@b\0", "a" * 255 + "@b", 5, None],
)
async def test_an_address_that_is_none(office: Office, email: Any) -> None:
    answered = await office.ask("POST", ACCOUNTS, json={"email": email}, key=office.operator)
    assert fields_of(refused(answered, 422, "validation-failed")) == ["email"]


async def test_accounts_that_are_not_there(office: Office) -> None:
    for number in ("99", "0", "-1", "x", "1.0", "\uff19", "9" * 40, "%00"):
        path = f"{ACCOUNTS}/{number}"
        answered = await office.ask("PATCH", path, json={}, key=office.operator)
        refused(answered, 404, "account-not-found")
        for action in ("keys", "suspend", "resume"):
            answered = await office.ask("POST", f"{path}/{action}", json={}, key=office.operator)
            refused(answered, 404, "account-not-found")
    for quota in (-1, 1.5, "5", 2**31):
        body = {"tracking_quota": quota}
        answered = await office.ask("PATCH", f"{ACCOUNTS}/1", json=body, key=office.operator)
        assert fields_of(refused(answered, 422, "validation-failed")) == ["tracking_quota"]


async def test_whoever_is_no_operator_is_refused(office: Office) -> None:
    testing = await office.house.store.find_account(OPERATOR)
    assert testing is not None
    test_key = await office.house.add_key_of(testing, seed=40, scope="admin", is_test=True)
    for key in (office.admin, test_key):
        for method, path, body in (
            ("GET", ACCOUNTS, None),
            ("POST", ACCOUNTS, {"email": "thief@example.com"}),
            ("PATCH", f"{ACCOUNTS}/1", {"tracking_quota": None}),
            ("POST", f"{ACCOUNTS}/{testing.number}/keys", {"scope": "admin"}),
            ("POST", f"{ACCOUNTS}/{testing.number}/suspend", {}),
            ("POST", f"{ACCOUNTS}/1/resume", {}),
        ):
            refused(await office.ask(method, path, json=body, key=key), 403, "operator-required")
    assert len(await office.house.store.list_accounts()) == 2


async def test_nobody_is_an_operator_by_default(tmp_path: Path) -> None:
    async with open_caller(tmp_path) as caller:
        admin = await caller.house.add_key(scope="admin")
        refused(await caller.ask("GET", ACCOUNTS, key=admin), 403, "operator-required")

from __future__ import annotations

import hashlib

import pytest
from msgspec.structs import replace

from parcelwire.domain.account import ApiKey, Connection
from parcelwire.domain.clock import SECOND
from parcelwire.domain.report import UnmappedCode
from parcelwire.store.port import Store
from tests.contract.store.samples import NOW, new_id


async def test_accounts_are_numbered_from_one(store: Store) -> None:
    assert await store.list_accounts() == []
    first = await store.add_account("Zoë@shop.example", name="Zoë", now=NOW)
    second = await store.add_account("b@shop.example", now=NOW + 1)
    assert (first.number, second.number) == (1, 2)
    assert (first.email, first.name, first.created_at) == ("Zoë@shop.example", "Zoë", NOW)
    assert first.tracking_quota is None
    assert await store.list_accounts() == [first, second]
    assert await store.load_account(2) == second
    assert await store.load_account(3) is None


async def test_an_email_address_has_one_account_whatever_its_case(store: Store) -> None:
    first = await store.add_account("Zoë@Shop.example", now=NOW)
    with pytest.raises(ValueError, match="already"):
        await store.add_account("ZOË@shop.EXAMPLE", now=NOW)
    assert await store.find_account("zoë@SHOP.example") == first
    assert await store.find_account("nobody@shop.example") is None
    assert await store.list_accounts() == [first]
    # The failed one took no number that matters: the next account is there under its own.
    second = await store.add_account("b@shop.example", now=NOW)
    assert await store.load_account(second.number) == second


async def test_an_account_is_changed(store: Store) -> None:
    account = await store.add_account("a@shop.example", name="A", now=NOW)
    changed = replace(account, name="Ä", phone="+41 44", tracking_quota=100)
    await store.save_account(changed)
    assert await store.load_account(account.number) == changed
    await store.save_account(account)
    assert await store.load_account(account.number) == account


def make_key(secret: str, account_number: int, **fields: object) -> ApiKey:
    values: dict[str, object] = {
        "digest": hashlib.sha256(secret.encode()).digest(),
        "prefix": secret[:8],
        "account_number": account_number,
        "is_test": False,
        "created_at": NOW,
        **fields,
    }
    return ApiKey(**values)  # type: ignore[arg-type]  # the struct checks nothing, the tests do


async def test_a_key_is_found_by_its_digest_with_its_account(store: Store) -> None:
    account = await store.add_account("a@shop.example", now=NOW)
    other = await store.add_account("b@shop.example", now=NOW)
    key = make_key("pw_aaaaa-1", account.number, label="Größe", scope="read")
    test_key = make_key("pw_bbbbb-2", account.number, is_test=True, created_at=NOW + 1)
    theirs = make_key("pw_ccccc-3", other.number, created_at=NOW + 2, expires_at=2**45)
    for one in (theirs, test_key, key):
        await store.add_key(one)

    assert await store.find_key(key.digest) == (key, account)
    assert await store.find_key(test_key.digest) == (test_key, account)
    assert await store.find_key(hashlib.sha256(b"no such key").digest()) is None
    assert await store.find_key(b"") is None
    assert await store.list_keys() == [key, test_key, theirs]
    assert await store.list_keys(account.number) == [key, test_key]
    assert await store.list_keys(99) == []


async def test_a_revoked_key_is_still_known(store: Store) -> None:
    account = await store.add_account("a@shop.example", now=NOW)
    key = make_key("pw_aaaaa-1", account.number)
    await store.add_key(key)
    assert await store.revoke_key("pw_", NOW) is False
    assert await store.revoke_key(key.prefix, NOW + SECOND) is True
    assert await store.revoke_key(key.prefix, NOW + 9 * SECOND) is False
    revoked = replace(key, revoked_at=NOW + SECOND)
    assert await store.find_key(key.digest) == (revoked, account)
    assert await store.list_keys() == [revoked]


async def test_connections_are_replaced_by_id(store: Store) -> None:
    connection = Connection(
        id=new_id(),
        account_number=1,
        connector="swiss-post",
        transport="api",
        sealed_credentials=bytes(range(256)),
        base_urls={"api": "https://carrier.example/"},
        created_at=NOW,
    )
    second = replace(connection, id=new_id(), created_at=NOW + 1)
    theirs = replace(connection, id=new_id(), account_number=2, created_at=NOW + 2)
    for one in (second, theirs, connection):
        await store.save_connection(one)
    assert await store.list_connections() == [connection, second, theirs]
    broken = replace(connection, broken_since=NOW, broken_reason="401")
    await store.save_connection(broken)
    assert await store.list_connections(1) == [broken, second]
    assert await store.delete_connection(1, theirs.id) is False
    assert await store.delete_connection(1, second.id) is True
    assert await store.delete_connection(1, second.id) is False
    assert await store.list_connections() == [broken, theirs]


async def test_a_late_change_brings_no_deleted_connection_back(store: Store) -> None:
    connection = Connection(
        id=new_id(),
        account_number=1,
        connector="swiss-post",
        transport="api",
        sealed_credentials=b"first",
        created_at=NOW,
    )
    broken = replace(connection, broken_since=NOW, broken_reason="401")
    await store.save_connection(connection)
    assert await store.save_connection(broken, expected=connection)
    renewed = replace(connection, sealed_credentials=b"second")
    assert await store.save_connection(renewed)
    assert await store.save_connection(broken, expected=broken) is False
    assert await store.list_connections() == [renewed]
    assert await store.delete_connection(1, connection.id)
    assert await store.save_connection(renewed, expected=renewed) is False
    assert await store.list_connections() == []


async def test_gaps_are_counted_with_their_newest_sample(store: Store) -> None:
    assert await store.list_unmapped_codes() == []
    await store.add_unmapped_codes("swiss-post", [], NOW)
    code = UnmappedCode(kind="code", value="LETTER.*.1", sample="first")
    await store.add_unmapped_codes(
        "swiss-post", [code, UnmappedCode(kind="text", value="« ça »", sample="x")], NOW
    )
    await store.add_unmapped_codes("swiss-post", [code], NOW + 1)
    await store.add_unmapped_codes("dhl", [replace(code, sample="elsewhere")], NOW + 1)
    await store.add_unmapped_codes("swiss-post", [replace(code, sample="newest")], NOW + 2)
    assert await store.list_unmapped_codes() == [
        ("swiss-post", "code", "LETTER.*.1", 3, "newest", NOW + 2),
        ("dhl", "code", "LETTER.*.1", 1, "elsewhere", NOW + 1),
        ("swiss-post", "text", "« ça »", 1, "x", NOW),
    ]
    assert len(await store.list_unmapped_codes(limit=1)) == 1


async def test_a_gap_twice_in_one_answer_counts_twice(store: Store) -> None:
    gap = UnmappedCode(kind="code", value="7", sample="a")
    await store.add_unmapped_codes("dhl", [gap, replace(gap, sample="b")], NOW)
    assert await store.list_unmapped_codes() == [("dhl", "code", "7", 2, "b", NOW)]


async def test_remote_areas_are_the_operators_table(store: Store) -> None:
    assert await store.has_remote_areas() is False
    assert await store.remote_area("CH", "3992") == []
    rows = [
        ("CH", "3992", "dhl"),
        ("CH", "3992", "ups"),
        ("GB", "HS1 2AA", "dhl"),
        ("CH", "Zürich-Flughafen", "fedex"),
    ]
    assert await store.replace_remote_areas(iter(rows)) == 4
    assert await store.has_remote_areas() is True
    assert await store.remote_area("ch", " 3992 ") == ["dhl", "ups"]
    assert await store.remote_area("GB", "hs12aa") == ["dhl"]
    assert await store.remote_area("CH", "ZURICH FLUGHAFEN") == ["fedex"]
    assert await store.remote_area("DE", "3992") == []
    assert await store.replace_remote_areas([("IT", "98050", "gls")]) == 1
    assert await store.remote_area("CH", "3992") == []
    assert await store.remote_area("IT", "98050") == ["gls"]
    assert await store.replace_remote_areas([]) == 0
    assert await store.has_remote_areas() is False


async def test_a_large_table_of_remote_areas_is_replaced_at_once(store: Store) -> None:
    rows = [("CH", f"{index:06d}", "dhl") for index in range(20_000)]
    assert await store.replace_remote_areas(rows) == 20_000
    assert await store.remote_area("CH", "019999") == ["dhl"]

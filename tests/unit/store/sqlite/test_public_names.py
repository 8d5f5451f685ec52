"""Tables and columns took other names: nothing that they hold is lost."""

from __future__ import annotations

import json
from pathlib import Path

import apsw
import msgspec
import pytest

from parcelwire.domain.account import Connection
from parcelwire.domain.clock import FrozenClock
from parcelwire.polling.ports import Pause
from parcelwire.store.codec import pack
from parcelwire.store.sqlite import migrations, open_store
from parcelwire.store.sqlite.migrations import all_migrations, migrate
from tests.contract.store.samples import NOW, WORLD, make_endpoint, new_id, render

LONG_ANSWER = b'{"is_own":true,"label":"%s"}' % (b"x" * 700)
BROKEN = 'HTTP 401, "broken_why": x'
FIRST = b'{"disabled_why":null,"previous_secret_until":null,"health":{"waiting":2}}'
NOW_CALLED = (
    b'{"disabled_reason":null,"previous_secret_expires_at":null,"health":{"pending_count":2}}'
)


async def test_what_stood_under_the_names_before_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = all_migrations()
    before = next(at for at, one in enumerate(known) if one.name == "public_names")
    path = tmp_path / "parcelwire.db"
    connection = apsw.Connection(str(path))
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "all_migrations", lambda: known[:before])
        migrate(connection, NOW)
    endpoint = make_endpoint(
        is_enabled=False, disabled_reason="410 Gone", failing_since=NOW, failing_reported_at=NOW
    )
    document = json.loads(msgspec.json.encode(endpoint))
    document["disabled_why"] = document.pop("disabled_reason")
    document["failing_told_at"] = document.pop("failing_reported_at")
    connection.execute(
        "INSERT INTO endpoint (key, id, world_id, is_enabled, document) VALUES (1, ?, ?, 0, ?)",
        (bytes.fromhex(endpoint.id), WORLD, _bytes(document)),
    )
    link = Connection(
        id="c1",
        account_number=1,
        connector="swiss-post",
        transport="api",
        sealed_credentials=b"sealed",
        created_at=NOW,
        broken_since=NOW,
        broken_reason=BROKEN,
    )
    document = json.loads(msgspec.json.encode(link))
    document["broken_why"] = document.pop("broken_reason")
    connection.execute(
        "INSERT INTO connection VALUES (?, ?, ?, ?)",
        (link.id, link.account_number, link.created_at, _bytes(document)),
    )
    # One that is damaged stays as it is, and stops nobody.
    connection.execute("INSERT INTO connection VALUES ('x', 1, 0, x'ff2262726f6b656e5f776879223a')")
    connection.execute(
        "INSERT INTO pause VALUES ('post', ?)",
        (_bytes({"until": NOW, "failures": 2, "why": "503", "since": NOW}),),
    )
    connection.execute("INSERT INTO gap VALUES ('post', 'code', 'Z9', 3, 'sample', ?)", (NOW,))
    connection.executemany(
        "INSERT INTO done (world_id, key, fingerprint, at, status, body)"
        " VALUES (?, ?, x'', ?, 201, ?)",
        [
            (WORLD, "plain", NOW, b"\x00" + FIRST),
            (WORLD, "packed", NOW, pack(LONG_ANSWER)),
        ],
    )
    tracking = new_id()
    connection.execute(
        "INSERT INTO attempt VALUES (1, ?, 7, ?, 5, 500, 'answered 500', 'oh no')",
        (bytes.fromhex(tracking), NOW),
    )
    connection.close()

    store = await open_store(path, render=render, clock=FrozenClock())
    assert await store.list_endpoints(WORLD) == [endpoint]
    assert [one for one in await store.list_connections() if one.id == link.id] == [link]
    assert await store.pauses() == {"post": Pause(until=NOW, failures=2, reason="503", since=NOW)}
    assert await store.list_unmapped_codes() == [("post", "code", "Z9", 3, "sample", NOW)]
    record = await store.find_idempotency_record(WORLD, "plain")
    assert record is not None
    assert record.body == NOW_CALLED
    record = await store.find_idempotency_record(WORLD, "packed")
    assert record is not None
    assert record.body == LONG_ANSWER.replace(b"is_own", b"is_current")
    assert await store._reader.rows("SELECT response_body FROM attempt") == [("oh no",)]
    await store.close()


def _bytes(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()

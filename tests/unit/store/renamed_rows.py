"""What the tests of both engines keep under the names before, and find under those of today."""

from __future__ import annotations

import json
from typing import Final

import msgspec

from parcelwire.domain.account import Connection, Endpoint
from parcelwire.polling.ports import Pause
from parcelwire.store.codec import pack
from parcelwire.store.port import Store
from tests.contract.store.samples import NOW, WORLD, make_endpoint

_ANSWER: Final = b'{"disabled_why":null,"previous_secret_until":null,"health":{"waiting":2}}'
_ANSWER_TODAY: Final = (
    b'{"disabled_reason":null,"previous_secret_expires_at":null,"health":{"pending_count":2}}'
)
_LONG_ANSWER: Final = b'{"is_own":true,"label":"%s"}' % (b"x" * 700)

ANSWERS: Final = {"plain": b"\x00" + _ANSWER, "packed": pack(_LONG_ANSWER)}
"""Idempotency key -> the answer as it is stored."""

DAMAGED_LINK: Final = b'\xff"broken_why":'
"""A connection that is no text, which stays as it is and stops nobody."""

LINK: Final = Connection(
    id="c1",
    account_number=1,
    connector="swiss-post",
    transport="api",
    sealed_credentials=b"sealed",
    created_at=NOW,
    broken_since=NOW,
    broken_reason='HTTP 401, "broken_why": x',
)


def make_disabled_endpoint() -> Endpoint:
    return make_endpoint(
        is_enabled=False, disabled_reason="410 Gone", failing_since=NOW, failing_reported_at=NOW
    )


def document_before(record: msgspec.Struct, **names: str) -> bytes:
    """Return a record's JSON with the names before; ``names``: those of today -> those before."""
    document = json.loads(msgspec.json.encode(record))
    for now, before in names.items():
        document[before] = document.pop(now)
    return json.dumps(document, separators=(",", ":")).encode()


async def check_what_is_found(store: Store, endpoint: Endpoint) -> None:
    assert await store.list_endpoints(WORLD) == [endpoint]
    assert [one for one in await store.list_connections() if one.id == LINK.id] == [LINK]
    assert await store.pauses() == {"post": Pause(until=NOW, failures=2, reason="503", since=NOW)}
    assert await store.list_unmapped_codes() == [("post", "code", "Z9", 3, "sample", NOW)]
    for key, body in (
        ("plain", _ANSWER_TODAY),
        ("packed", _LONG_ANSWER.replace(b"is_own", b"is_current")),
    ):
        record = await store.find_idempotency_record(WORLD, key)
        assert record is not None
        assert record.body == body

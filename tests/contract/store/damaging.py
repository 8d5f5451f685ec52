"""Stored documents that nobody can read any more, on both engines."""

from __future__ import annotations

from typing import Any, Final, Literal

from parcelwire.store.port import Store
from parcelwire.store.postgres import PostgresStore
from parcelwire.store.sqlite.ids import id_value
from parcelwire.store.sqlite.store import SqliteStore

DAMAGES: Final = {
    "cut": b'\x00{"id":"0000',
    "no zstd": b"\x01nothing of the kind",
    "unmarked": b"\x07{}",
    "empty": b"",
    "another version's": b'\x00{"id":"1","status":"beamed","changes":[]}',
}

Document = Literal[
    "tracking", "rendition", "event", "answer", "payload", "connection", "record", "endpoint"
]

_SQLITE: Final[dict[Document, str]] = {
    "tracking": "UPDATE doc SET packed = ? WHERE key = (SELECT key FROM tracking WHERE id = ?)",
    # Its renditions lie there as they are; an empty one is made from the document when it is read.
    "rendition": "UPDATE doc SET rendition = x'' WHERE ?1 <> 0"
    " AND key = (SELECT key FROM tracking WHERE id = ?2)",
    "event": "UPDATE event SET packed = ? WHERE tracking_id = ?",
    "answer": "UPDATE raw_response SET packed = ?"
    " WHERE tracking_key = (SELECT key FROM tracking WHERE id = ?)",
    "payload": "UPDATE payload SET packed = ? WHERE key = (SELECT key FROM message WHERE id = ?)",
    "record": "UPDATE record SET document = ? WHERE id = ?",
    "connection": "UPDATE connection SET document = ? WHERE id = ?",
    "endpoint": "UPDATE endpoint SET document = ? WHERE id = ?",
}
_POSTGRES: Final[dict[Document, str]] = {
    "tracking": "update doc set body = $1 where tracking_id = $2",
    "rendition": "update doc set rendition = $1 where tracking_id = $2",
    "event": (
        # It stands in the one table or the other: as soon as it was read it has a cursor.
        "with pending as (update pending_event set body = $1 where tracking_id = $2)"
        " update event set body = $1 where tracking_id = $2"
    ),
    "answer": "update raw_response set body = $1 where tracking_id = $2",
    "payload": "update message set payload = $1 where id = $2",
    "record": "update record set document = $1 where id = $2",
    "connection": "update connection set document = $1 where id = $2",
    # Its headers are the one document that it has there.
    "endpoint": "update endpoint set headers = encode($1, 'escape') || '{' where id = $2",
}


async def damage(
    store: Store, place: str, what: Document = "tracking", data: bytes = DAMAGES["cut"]
) -> None:
    """Put ``data`` where a document was; ``place`` is the id of its tracking, or its own."""
    if isinstance(store, SqliteStore):
        bindings = (data, place if what in {"connection", "record"} else id_value(place))
        await store._write(lambda link: link.execute(_SQLITE[what], bindings).fetchall())
    else:
        assert isinstance(store, PostgresStore)
        await store._database.fetch(_POSTGRES[what], data, place)


async def document(store: Store, tracking_id: str) -> Any:
    """Return what lies there of a tracking's document."""
    if isinstance(store, SqliteStore):
        sql = "SELECT packed FROM doc WHERE key = (SELECT key FROM tracking WHERE id = ?)"
        ((packed,),) = await store._reader.rows(sql, (id_value(tracking_id),))
        return packed
    assert isinstance(store, PostgresStore)
    ((body,),) = await store._database.fetch(
        "select body from doc where tracking_id = $1", tracking_id
    )
    return body

"""What belonged to a deleted tracking cannot be read out of the file any more."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.tracking import Details
from parcelwire.store.sqlite import open_store
from parcelwire.tracking.ports import RawResponse
from tests.contract.store.samples import NOW, WORLD, create, make_change, render

CANARIES: Final = (b"jo@canary.example", b"Canary Lane 7", b"reader@canary.example")


def found_in(folder: Path) -> set[bytes]:
    held = b"".join(file.read_bytes() for file in folder.iterdir())
    return {canary for canary in CANARIES if canary in held}


async def test_no_byte_of_a_deleted_parcel_is_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "parcelwire.db"
    store = await open_store(path, render=render, clock=FrozenClock())
    tracking = await create(store, details=Details(customer_email="jo@canary.example"))
    raw = RawResponse(at=NOW, connector="dhl", outcome="found", body=b"to: Canary Lane 7")
    assert await store.save(make_change(tracking, raw=raw, tells=False))
    await store.change_record(
        "notice-due",
        str(WORLD),
        "a",
        lambda _: b"reader@canary.example",
        at=NOW,
        tracking_id=tracking.id,
    )
    assert found_in(tmp_path) == set(CANARIES)
    assert await store.delete_trackings(WORLD, [tracking.id]) == [tracking.id]
    await store.drop_old_copies()
    assert found_in(tmp_path) == set()
    await store.close()
    assert found_in(tmp_path) == set()

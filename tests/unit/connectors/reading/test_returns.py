"""A delivery at the end of a return is not a delivery to the customer."""

from __future__ import annotations

from parcelwire.connectors.reading.returns import settle_returns, tells_of_return
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.status import Reason, Status, Substatus


def scan(status: Status, substatus: Substatus, *, is_withdrawn: bool = False) -> Checkpoint:
    return Checkpoint(
        local_time="2026-04-15",
        text="",
        status=status,
        substatus=substatus,
        reason=Reason.RECIPIENT_REFUSED if status is Status.DELIVERED else None,
        is_withdrawn=is_withdrawn,
    )


TRANSIT = scan(Status.TRANSIT, Substatus.TRANSIT_AT_HUB)
RETURNING = scan(Status.EXCEPTION, Substatus.EXCEPTION_RETURNING)
DELIVERED = scan(Status.DELIVERED, Substatus.DELIVERED)


def ends(*checkpoints: Checkpoint, is_returning: bool = False) -> list[Substatus | None]:
    settled = settle_returns(checkpoints, is_returning=is_returning)
    return [one.substatus for one in settled]


def test_a_delivery_after_a_return_is_the_returns_end() -> None:
    settled = settle_returns([TRANSIT, RETURNING, TRANSIT, DELIVERED])
    assert settled[:3] == [TRANSIT, RETURNING, TRANSIT]
    assert settled[3].status is Status.EXCEPTION
    assert settled[3].substatus is Substatus.EXCEPTION_RETURNED
    assert settled[3].reason is Reason.RECIPIENT_REFUSED
    assert tells_of_return(settled)


def test_a_delivery_before_a_return_stays_one() -> None:
    assert ends(TRANSIT, DELIVERED, RETURNING) == [
        Substatus.TRANSIT_AT_HUB,
        Substatus.DELIVERED,
        Substatus.EXCEPTION_RETURNING,
    ]


def test_a_flag_of_the_whole_parcel_counts_from_the_beginning() -> None:
    assert ends(TRANSIT, DELIVERED, is_returning=True)[1] is Substatus.EXCEPTION_RETURNED


def test_a_return_that_was_taken_back_is_none() -> None:
    withdrawn = scan(Status.EXCEPTION, Substatus.EXCEPTION_RETURNING, is_withdrawn=True)
    assert ends(withdrawn, DELIVERED)[1] is Substatus.DELIVERED


def test_what_went_back_is_not_delivered_after_it() -> None:
    """Some print "returned to shipper" and then, at the shipper's, "delivered"."""
    returned = scan(Status.EXCEPTION, Substatus.EXCEPTION_RETURNED)
    assert ends(returned, DELIVERED) == [Substatus.EXCEPTION_RETURNED] * 2
    withdrawn = scan(Status.EXCEPTION, Substatus.EXCEPTION_RETURNED, is_withdrawn=True)
    assert ends(withdrawn, DELIVERED)[1] is Substatus.DELIVERED


def test_without_a_return_nothing_changes() -> None:
    assert settle_returns([]) == []
    assert settle_returns([TRANSIT, DELIVERED]) == [TRANSIT, DELIVERED]
    assert not tells_of_return([TRANSIT, DELIVERED])

"""Deliveries that are the end of a return: told apart once for all carriers.

What goes back ends with the same words as what goes out: "delivered", to the sender. A shop must
hear that it has its parcel back, not that its customer has got it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from parcelwire.connectors.status_table import Meaning
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.status import Status, Substatus

RETURNING = Meaning(status=Status.EXCEPTION, substatus=Substatus.EXCEPTION_RETURNING)
RETURNED = Meaning(status=Status.EXCEPTION, substatus=Substatus.EXCEPTION_RETURNED)


def settle_returns(
    checkpoints: Iterable[Checkpoint], *, is_returning: bool = False
) -> list[Checkpoint]:
    """Return ``checkpoints`` (oldest first); a delivery after a return is the return's end.

    ``is_returning``: the carrier flags the whole parcel as going back. A flag that merely says that
    the label is a return label (a customer sends goods to a shop) is none.
    """
    settled: list[Checkpoint] = []
    for checkpoint in checkpoints:
        is_returning = is_returning or (
            tells_of_return([checkpoint]) and not checkpoint.is_withdrawn
        )
        if is_returning and checkpoint.status is Status.DELIVERED:
            settled.append(relabel(checkpoint, RETURNED))
        else:
            settled.append(checkpoint)
    return settled


def tells_of_return(checkpoints: Sequence[Checkpoint]) -> bool:
    """Tell whether one of ``checkpoints`` says that the parcel goes or went back."""
    ends = {Substatus.EXCEPTION_RETURNING, Substatus.EXCEPTION_RETURNED}
    return any(checkpoint.substatus in ends for checkpoint in checkpoints)


def relabel(checkpoint: Checkpoint, meaning: Meaning) -> Checkpoint:
    """Return ``checkpoint`` with another status; its own reason stays."""
    return replace(
        checkpoint,
        status=meaning.status,
        substatus=meaning.substatus,
        reason=checkpoint.reason or meaning.reason,
    )

"""Carry a connector's exchange over something that can send.

The transport in service, a recorder in tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from parcelwire.connectors.base import Exchange, Request, Response
from parcelwire.domain.report import CarrierReport

MAX_STEPS = 40
"""An exchange longer than this is a loop: no protocol we know needs half of it."""

LARGE_BYTES = 100_000
"""An answer larger than this is read in a thread, where there is one."""

Step = Callable[[], Request | list[CarrierReport]]


class ExchangeTooLongError(RuntimeError):
    """A connector kept asking; its exchange was broken off."""


async def run_exchange(
    exchange: Exchange,
    send: Callable[[Request], Awaitable[Response]],
    *,
    read_large: Callable[[Step], Awaitable[Request | list[CarrierReport]]] | None = None,
) -> list[CarrierReport]:
    """Run ``exchange`` to its end, sending each request with ``send``.

    ``read_large`` runs what a connector does with a large answer, in a thread for instance; without
    it, it is done at once.

    Raises:
        ExchangeTooLongError: after ``MAX_STEPS`` requests.
    """
    said = _go_on(exchange, None)
    for _ in range(MAX_STEPS):
        if not isinstance(said, Request):
            return said
        response = await send(said)
        if read_large is not None and len(response.body) > LARGE_BYTES:
            said = await read_large(partial(_go_on, exchange, response))
        else:
            said = _go_on(exchange, response)
    if not isinstance(said, Request):
        return said
    exchange.close()
    raise ExchangeTooLongError


def _go_on(exchange: Exchange, response: Response | None) -> Request | list[CarrierReport]:
    """Return the next request, or the reports at the end (which no thread could raise)."""
    try:
        return next(exchange) if response is None else exchange.send(response)
    except StopIteration as end:
        reports: list[CarrierReport] = end.value
        return reports

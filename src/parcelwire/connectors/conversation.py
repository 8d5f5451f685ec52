"""Carry a connector's conversation over something that can send.

The transport in service, a recorder in tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from parcelwire.connectors.base import Conversation, Request, Response
from parcelwire.domain.report import CarrierReport

MAX_STEPS = 40
"""A conversation longer than this is a loop: no protocol we know needs half of it."""


class ConversationTooLongError(RuntimeError):
    """A connector kept asking; its conversation was broken off."""


async def converse(
    conversation: Conversation, send: Callable[[Request], Awaitable[Response]]
) -> list[CarrierReport]:
    """Run ``conversation`` to its end, sending each request with ``send``.

    Raises:
        ConversationTooLongError: after ``MAX_STEPS`` requests.
    """
    try:
        request = next(conversation)
        for _ in range(MAX_STEPS):
            request = conversation.send(await send(request))
    except StopIteration as end:
        reports: list[CarrierReport] = end.value
        return reports
    conversation.close()
    raise ConversationTooLongError

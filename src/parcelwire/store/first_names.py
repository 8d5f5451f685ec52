"""Names that the documents of trackings and events, and recorded answers, were first stored with.

Millions of them may lie compressed in a database, so they are not rewritten: whoever reads one
gives it the names of today, and whoever writes it again stores it with these.
"""

from __future__ import annotations

from typing import Final

_NAMES: Final = (
    (b'"stopped_why":', b'"stopped_reason":'),
    (b'"why":', b'"reason":'),
    (b'"said_by":', b'"source":'),
    (b'"said_at":', b'"reported_at":'),
    (b'"asked_origin_country":', b'"tracking_origin_country":'),
    (b'"asked_destination_country":', b'"tracking_destination_country":'),
    (b'"is_auto_correct_off":', b'"is_auto_correct_disabled":'),
    (b'"type":"window_moved"', b'"type":"delivery_window_changed"'),
)

_ANSWER_NAMES: Final = (
    (b'"disabled_why":', b'"disabled_reason":'),
    (b'"is_own":', b'"is_current":'),
    (b'"waiting":', b'"pending_count":'),
    (b'"previous_secret_until":', b'"previous_secret_expires_at":'),
)
"""Of answers that are read before they are given again: about endpoints and keys."""

_ATTEMPT_NAMES: Final = (
    (b'"answer":', b'"response_body":'),
    (b'"status":', b'"status_code":'),
)
"""Of answers about an attempt, which alone have an ``answer``: a tracking has a ``status``, too."""


def with_names_of_today(document: bytes) -> bytes:
    """Return the JSON of a tracking or an event with the names that its members have now.

    A quotation mark before a colon ends the name of a member: within a text it would follow a
    backslash.
    """
    return _renamed(document, _NAMES)


def answer_with_names_of_today(body: bytes) -> bytes:
    """Return the JSON of a recorded answer about endpoints and keys with today's names.

    Those about trackings are given again as they were.
    """
    if _ATTEMPT_NAMES[0][0] in body:
        body = _renamed(body, _ATTEMPT_NAMES)
    return _renamed(body, _ANSWER_NAMES)


def _renamed(document: bytes, names: tuple[tuple[bytes, bytes], ...]) -> bytes:
    for first, now in names:
        document = document.replace(first, now)
    return document

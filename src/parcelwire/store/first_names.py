"""Names that the documents of trackings and events were first stored with.

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


def with_names_of_today(document: bytes) -> bytes:
    """Return the JSON of a tracking or an event with the names that its members have now.

    A quotation mark before a colon ends the name of a member: within a text it would follow a
    backslash.
    """
    for first, now in _NAMES:
        document = document.replace(first, now)
    return document

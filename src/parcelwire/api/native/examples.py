"""Answers as examples for the description.

Made up (synthetic), of the shapes that are described.
"""

from __future__ import annotations

from typing import Any, Final

CHECKPOINT: Final[dict[str, Any]] = {
    "occurred_at": "2026-02-28T10:57:24+01:00",
    "local_time": "2026-02-28T10:57:24",
    "offset_minutes": 60,
    "time_source": "carrier",
    "received_at": "2026-02-28T11:00:12+00:00",
    "status": "transit",
    "substatus": "transit002",
    "text": "Sorted for onward transport",
    "language": "en",
    "raw_code": "LETTER.*.88.912",
    "leg": "origin",
    "location": "Härkingen",
    "country": "CH",
}

TRACKING: Final[dict[str, Any]] = {
    "id": "019ca8d72d000000000191b72265b1f5",
    "number": "996012345678901234",
    "typed_number": "99.60.123456.78901234",
    "courier_code": "swiss-post",
    "courier_name": "Swiss Post",
    "status": "transit",
    "substatus": "transit002",
    "is_final": False,
    "is_archived": False,
    "is_stopped": False,
    "is_auto_correct_disabled": False,
    "sequence": 2,
    "created_at": "2026-02-27T16:20:00+00:00",
    "updated_at": "2026-02-28T11:00:12+00:00",
    "ordered_at": "2026-02-26T07:30:00+00:00",
    "details": {"order_number": "1001", "title": "Two books", "destination_country": "CH"},
    "shipment": {"weight_grams": 1200, "destination_country": "CH"},
    "delivery_window": {
        "earliest": "2026-03-02",
        "latest": "2026-03-03",
        "source": "carrier",
        "reported_at": "2026-02-28T11:00:12+00:00",
    },
    "milestones": {"accepted": "2026-02-27T18:02:00+01:00"},
    "checkpoints": [CHECKPOINT],
    "freshness": {
        "checked_at": "2026-03-01T09:41:30+00:00",
        "last_outcome": "found",
        "check_count": 9,
        "next_check_at": "2026-03-01T13:41:30+00:00",
        "next_check_reason": "on its way: every 4 hours",
    },
    "corrections": [],
    "page_url": "https://parcels.shop.example/t/AZyo1y0AAAAAAZG3ImWx9Q",
}

_CURSOR: Final = "WyJ0cmFja2luZ3MiLDE3NzIzNTkyMDAwMDBd"

PAGE: Final[dict[str, Any]] = {"items": [TRACKING], "next_cursor": _CURSOR, "has_more": True}

FEED: Final[dict[str, Any]] = {
    "items": [
        {
            "id": "019ca8d72d00000000046ec963ca828d",
            "type": "tracking.status_changed",
            "timestamp": "2026-02-28T11:00:12+00:00",
            "tracking_id": TRACKING["id"],
            "sequence": 2,
            "data": {
                "status": "transit",
                "substatus": "transit002",
                "changes": [
                    {
                        "type": "status_changed",
                        "from_status": "inforeceived",
                        "to_status": "transit",
                        "to_substatus": "transit002",
                    },
                    {"type": "checkpoint_added", "checkpoint": CHECKPOINT},
                ],
            },
        }
    ],
    "next_cursor": "WyJldmVudHMiLDQyLDE3NzIzNTkyMDAwMDBd",
    "has_more": False,
}

POLLS: Final[dict[str, Any]] = {
    "items": [
        {
            "attempted_at": "2026-03-01T09:41:29+00:00",
            "outcome": "found",
            "has_changes": True,
            "reason": "on its way: every 4 hours",
            "connector": "swiss-post",
            "duration_ms": 412,
            "detail": None,
        },
        {
            "attempted_at": "2026-03-01T09:40:02+00:00",
            "outcome": "deferred",
            "has_changes": False,
            "reason": "waiting for its turn in the carrier's budget",
            "connector": None,
            "duration_ms": None,
            "detail": None,
        },
    ],
    "check_count": 9,
    "next_check_at": "2026-03-01T13:41:30+00:00",
    "next_check_reason": "on its way: every 4 hours",
}

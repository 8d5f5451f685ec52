"""What v2 answers to questions that cannot be answered: the right code, nothing stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.v2 import COURIER, NUMBER, refuse_all

BAD_LISTS: list[tuple[str, int]] = [
    ("page=0x", 4012),
    ("page=-1", 4012),
    ("page=1.5", 4012),
    ("limit=ten", 4012),
    ("limit=99999999999", 4012),
    ("created_at_min=yesterday", 4012),
    ("created_at_max=-5", 4012),
    ("update_time_min=2018-05-20", 4012),
    ("order_created_time_max=1e9", 4012),
    ("created_at_min=1526788800000", 4012),
    ("status=lost", 4033),
    ("status=transit,lost", 4033),
    ("status=inforeceived", 4033),
    ("numbers=%C3%84%2C--%2C.", 4031),
    ("numbers=RS000000000CH", 4031),
    ("orders=unknown", 4031),
]

BAD_POSTED_LISTS: list[tuple[Any, int]] = [
    ({"page": {}}, 4012),
    ({"page": True}, 4012),
    ({"limit": "many"}, 4012),
    ({"created_at_min": "x"}, 4012),
    ({"created_at_max": [2]}, 4031),
    ({"numbers": {"a": 1}}, 4012),
    ({"numbers": [{}]}, 4012),
    ({"status": 4}, 4033),
]


async def test_a_list_that_cannot_be(tmp_path: Path) -> None:
    path = "/v2/trackings/get"
    await refuse_all(
        tmp_path,
        [
            *(("GET", path, f"?{query}", code) for query, code in BAD_LISTS),
            *(("POST", path, f"?{query}", code) for query, code in BAD_LISTS),
            *(("POST", path, body, code) for body, code in BAD_POSTED_LISTS),
        ],
    )


async def test_status_counts_with_a_bad_bound(tmp_path: Path) -> None:
    path = "/v2/trackings/getstatusnumber"
    for field in ("created_at_min", "created_at_max", "order_created_time_max"):
        folder = tmp_path / field
        folder.mkdir()
        await refuse_all(
            folder,
            [("GET", path, f"?{field}=soon", 4012), ("POST", path, {field: "soon"}, 4012)],
        )


BAD_QUESTIONS: list[tuple[str, Any, int]] = [
    ("remote", {"postcode": "400422"}, 4012),
    ("remote", {"country": "CN"}, 4012),
    ("remote", {"country": "Atlantis", "postcode": "1"}, 4012),
    ("remote", {"country": ["CN"], "postcode": "1"}, 4012),
    ("remote", "text", 4012),
    ("costtime", {"original": "CN", "destination": "US"}, 4015),
    ("costtime", {"carrier_code": "nobody", "original": "CN", "destination": "US"}, 4015),
    ("costtime", {"carrier_code": COURIER, "original": "CN"}, 4012),
    ("costtime", {"carrier_code": COURIER, "original": "CN", "destination": "??"}, 4012),
    ("costtime", 7, 4012),
]


async def test_a_question_that_cannot_be(tmp_path: Path) -> None:
    await refuse_all(
        tmp_path,
        [("POST", f"/v2/trackings/{path}", [item], code) for path, item, code in BAD_QUESTIONS],
    )


BAD_WAYBILLS: list[tuple[Any, int]] = [
    ({}, 4013),
    ({"track_number": ""}, 4013),
    ({"track_number": []}, 4013),
    ({"track_number": ["", None]}, 4013),
    ({"track_number": "172-1234"}, 4014),
    ({"track_number": ["172-28891936", "x"]}, 4014),
    ({"track_number": {"a": 1}}, 4014),
    ({"track_number": [["172-28891936"]]}, 4014),
    ({"track_number": 1.5}, 4014),
]


async def test_air_waybills_that_cannot_be(tmp_path: Path) -> None:
    path = "/v2/trackings/aircargo"
    await refuse_all(tmp_path, [("POST", path, body, code) for body, code in BAD_WAYBILLS])


BAD_NUMBERS: list[tuple[Any, int]] = [
    ({}, 4013),
    ({"tracking_number": ""}, 4013),
    ({"tracking_number": "1"}, 4014),
    ({"tracking_number": [NUMBER]}, 4014),
    ({"tracking_number": "QWERTYUIOPASDFG1"}, 4032),
]


async def test_a_number_that_nothing_can_be_said_about(tmp_path: Path) -> None:
    await refuse_all(
        tmp_path,
        [
            (method, "/v2/carriers/detect", body, code)
            for body, code in BAD_NUMBERS
            for method in ("GET", "POST")
        ],
    )

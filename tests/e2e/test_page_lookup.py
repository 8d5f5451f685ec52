"""Looking a parcel up on the shop's page: by its number and a word that only its people know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from parcelwire.domain.brand import LookupField
from parcelwire.domain.clock import HOUR, SECOND
from tests.support.shop_pages import MOVING, NUMBERS, Site, open_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as made:
        yield made


@asynccontextmanager
async def looking(site: Site, field: LookupField) -> AsyncIterator[str]:
    await site.brand(name="Shop", lookup=field)
    yield f"/track/{site.house.world_id // 2}"


@pytest.mark.parametrize(
    ("field", "word"),
    [
        (LookupField.POSTAL_CODE, " 80 42"),
        (LookupField.EMAIL, "CANARY@person.example"),
        (LookupField.ORDER_NUMBER, "canary 1001"),
    ],
)
async def test_who_knows_number_and_word_comes_to_the_parcel(
    site: Site, field: LookupField, word: str
) -> None:
    async with looking(site, field) as path:
        status, text, _ = await site.get(path)
        assert status == 200
        assert 'name="word"' in text
        status, _, headers = await site.post(
            path, {"number": "99.00.123456.12345678", "word": word}
        )
        assert (status, headers["location"]) == (303, f"/t/{site.tokens[0]}")
        _, alone, _ = await site.get("/track")
        assert 'name="word"' in alone, "the only account's form"


@pytest.mark.parametrize(
    ("field", "names", "word"),
    [
        (LookupField.EMAIL, ("customer_email",), "-"),
        (LookupField.EMAIL, ("customer_email",), "n/a"),
        (LookupField.POSTAL_CODE, ("recipient_postcode",), "n/a"),
        (LookupField.POSTAL_CODE, ("recipient_postcode", "tracking_postal_code"), "00000"),
        (LookupField.ORDER_NUMBER, ("order_number", "order_id"), "N/A"),
        (LookupField.ORDER_NUMBER, ("order_number", "order_id"), "0"),
    ],
)
async def test_what_shops_write_for_nothing_opens_no_parcel(
    site: Site, field: LookupField, names: tuple[str, ...], word: str
) -> None:
    tracking = await site.add(NUMBERS[1], MOVING, **dict.fromkeys(names, word))
    async with looking(site, field) as path:
        status, _, _ = await site.post(path, {"number": tracking.number, "word": word})
        assert status == 200, "the form again: nothing was found"


async def test_lookup_is_off_until_the_shop_turns_it_on(site: Site) -> None:
    for path in ("/track", "/track/1", "/track/99", "/track/99999999999999999999"):
        status, _, _ = await site.get(path)
        assert status == 404
    status, _, _ = await site.post("/track/1", {"number": NUMBERS[0], "word": "8042"})
    assert status == 404


async def test_unknown_wrong_and_locked_are_the_same_bytes(site: Site) -> None:
    async with looking(site, LookupField.POSTAL_CODE) as path:
        answers = [
            await site.post(path, form)
            for form in (
                {"number": NUMBERS[0], "word": "1111"},
                {"number": "990099999999999999", "word": "8042"},
                {"number": "<script>", "word": "8042"},
                {"number": "", "word": ""},
                {},
                *({"number": NUMBERS[0], "word": str(code)} for code in range(1112, 1117)),
                {"number": NUMBERS[0], "word": "8042"},
            )
        ]
        assert {(status, body) for status, body, _ in answers} == {answers[0][:2]}
        assert answers[0][0] == 200
        lengths = {headers.get("content-length") for _, _, headers in answers}
        assert len(lengths) == 1


async def test_five_wrong_tries_an_hour_and_twenty_in_all(site: Site) -> None:
    async with looking(site, LookupField.POSTAL_CODE) as path:

        async def tries(word: str, source: int) -> int:
            status, _, _ = await site.post(
                path, {"number": NUMBERS[0], "word": word}, f"127.0.3.{source}"
            )
            return status

        for hour in range(4):
            for code in range(5):
                assert await tries("8042", code) == 303, "not before five wrong ones"
                assert await tries(str(1000 + hour * 10 + code), code) == 200
            assert await tries("8042", 9) == 200, "locked: even the right word finds nothing"
            site.house.clock.advance(HOUR / SECOND + 1)
        # Twenty in all: nothing opens it any more, however long one waits.
        site.house.clock.advance(100 * HOUR / SECOND)
        assert await tries("8042", 9) == 200


async def test_a_single_stranger_does_not_lock_a_number_for_its_people(site: Site) -> None:
    async with looking(site, LookupField.POSTAL_CODE) as path:
        for hour in range(10):
            for code in range(8):
                form = {"number": NUMBERS[0], "word": str(1000 + hour * 10 + code)}
                assert (await site.post(path, form, "127.0.0.66"))[0] == 200
            form = {"number": NUMBERS[0], "word": "8042"}
            assert (await site.post(path, form, "127.0.0.2"))[0] == 303
            site.house.clock.advance(HOUR / SECOND + 1)
        # The stranger's ten are used up for good.
        assert (await site.post(path, form, "127.0.0.66"))[0] == 200


async def test_right_tries_do_not_count(site: Site) -> None:
    async with looking(site, LookupField.POSTAL_CODE) as path:
        for _ in range(12):
            status, _, _ = await site.post(path, {"number": NUMBERS[0], "word": "8042"})
            assert status == 303


async def test_guesses_at_one_moment_are_all_counted(site: Site) -> None:
    async with looking(site, LookupField.POSTAL_CODE) as path:
        codes = [*range(1000, 1030), 8042, *range(1030, 1050)]
        answers = await asyncio.gather(
            *(
                site.post(path, {"number": NUMBERS[0], "word": str(code)}, f"127.0.3.{code % 7}")
                for code in codes
            )
        )
        assert {status for status, _, _ in answers} <= {200, 303}
        assert sum(status == 303 for status, _, _ in answers) <= 1
        _, record = (await site.house.store.list_records("lookup", str(site.house.world_id)))[0]
        assert msgspec.json.decode(record)["total"] <= 5


async def test_guessing_numbers_fills_no_table_and_is_slowed(site: Site) -> None:
    async with looking(site, LookupField.POSTAL_CODE) as path:
        statuses = [
            (await site.post(path, {"number": f"99009999999999{n:04d}", "word": "8042"}))[0]
            for n in range(70)
        ]
        assert statuses.count(429) == 50

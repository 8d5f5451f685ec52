"""Style rules that were kept before they were forbidden: customers no longer get them."""

from __future__ import annotations

from pathlib import Path

from parcelwire.domain.brand import Brand, encode_brand
from parcelwire.pages.rendering import style_of
from tests.support.dashboard import open_dashboard

OLD = 'ol { list-style: "Pay at evil.example" }\n.card { border-radius: 0 }\np { display: none }'


def test_customers_get_only_what_is_allowed() -> None:
    assert style_of(Brand(css=OLD)).body == b".card { border-radius: 0 }"


async def test_the_editor_says_which_rules_are_left_out(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person(scope="admin")
        old = encode_brand(Brand(css=OLD))
        await desk.house.store.change_record(
            "brand", str(desk.account.number), "brand", lambda _: old, at=0
        )
        shown = await person.get("/brand")
        page = shown.text
        assert shown.status == 200
        assert "pages ignore them" in page
        assert "line 1: list-style cannot be set; line 3: display cannot be set" in page
        # What was written is still there to be mended.
        assert "Pay at evil.example" in page
        form = {"language": "en", "font": "system", "lookup": "none", "css": OLD}
        answer = await person.post("/brand", form)
        assert answer.status == 422
        assert "line 1: list-style cannot be set" in answer.text
        await person.do("/brand", {**form, "css": ".card { border-radius: 0 }"})
        assert "leave out what" not in (await person.get("/brand")).text

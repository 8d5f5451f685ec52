"""The readable page of the native API: whole, self-contained, the same as the description."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import msgspec

from parcelwire.api.native.openapi import describe
from parcelwire.api.native.table import ALL
from parcelwire.api.native.tracking_history import PollHistory
from tests.support.native_shop import SWISS, Shop, found, ok, refused
from tests.support.pages_run import blocks


class Page(HTMLParser):
    """What a page is made of: ids, links, elements, and what would be fetched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in {"src", "href", "style", "onclick", "onload"}:
                self.fetched.append(f"{tag} {name}={value}")


async def test_the_page_needs_no_key_and_nobody_else(shop: Shop) -> None:
    answer = await shop.ask("GET", "/api/docs", headers={})
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["x-content-type-options"] == "nosniff"
    text = answer.body.decode()
    page = Page(text)
    assert page.fetched == []
    assert page.tags & {"script", "link", "img", "iframe", "object", "form"} == set()
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy
    assert "prefers-color-scheme: dark" in style
    assert "url(" not in style


async def test_it_names_every_call_and_every_shape(shop: Shop) -> None:
    text = (await shop.ask("GET", "/api/docs", headers={})).body.decode()
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert set(page.ids) >= {one.name for one in ALL}
    assert set(page.ids) >= {f"shape-{name}" for name in describe()["components"]["schemas"]}
    inside = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert inside <= set(page.ids)
    assert {link for link in page.links if not link.startswith("#")} == {"openapi.json"}
    for one in ALL:
        assert f"/api{one.path}" in text
        section = text[text.index(f'<section id="{one.name}">') :].partition("</section>")[0]
        assert f"Scope: {one.scope}" in section
        assert one.summary.replace("'", "&#39;") in section
        assert str(one.success) in section
    assert "Idempotency-Key" in text


def test_every_call_tells_what_can_go_wrong() -> None:
    paths = describe()["paths"]
    for one in ALL:
        described = paths[one.path][one.method.lower()]
        assert described["x-parcelwire-scope"] == one.scope
        assert described["security"] == [{"bearer": [one.scope]}, {"key": [one.scope]}]
        assert str(one.success) in described["responses"]
        assert ("content" in described["responses"][str(one.success)]) is (one.success != 204)
        told = " ".join(answer["description"] for answer in described["responses"].values())
        for kind in ("api-key-missing", "insufficient-scope", "too-many-requests", *one.problems):
            assert f"`{kind}`" in told, (one.name, kind)
        names = {parameter["name"] for parameter in described["parameters"]}
        assert ("Idempotency-Key" in names) is one.takes_idempotency_key
        if one.request is not None:
            assert "`validation-failed`" in told


async def test_the_bodies_of_the_manual_are_those_answered(shop: Shop) -> None:
    _, events, polls, problem = map(msgspec.json.decode, blocks("docs/native.md", "json"))
    house = shop.house
    house.carriers.script("swiss-post", SWISS, found())
    created = await shop.follow(SWISS)
    await house.service.drain()

    said = ok(await shop.ask("GET", "/api/events"))
    assert list(events) == list(said)
    (shown,), (one,) = events["items"], said["items"]
    assert list(shown) == list(one)
    assert list(shown["data"]) == list(one["data"])
    assert {change["type"] for change in shown["data"]["changes"]} <= {
        change["type"] for change in one["data"]["changes"]
    }

    said = ok(await shop.ask("GET", f"/api/trackings/{created['id']}/polls"))
    assert list(polls) == list(said)
    assert {tuple(one) for one in polls["items"]} == {tuple(said["items"][0])}
    msgspec.convert(polls, PollHistory)

    answer = await shop.ask("POST", "/api/trackings/batch", json={"trackings": [{"number": 5}]})
    assert list(problem) == list(refused(answer, 422, "validation-failed"))
    answer = await shop.ask("POST", "/api/couriers/detect", json={"number": 5})
    assert problem == refused(answer, 422, "validation-failed")

"""The readable page of the native API: whole, self-contained, the same as the description."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from parcelwire.api.native.openapi import describe
from parcelwire.api.native.table import ALL
from tests.support.native_shop import Shop


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
        for kind in ("key-missing", "key-scope-too-small", "too-many-requests", *one.problems):
            assert f"`{kind}`" in told, (one.name, kind)
        names = {parameter["name"] for parameter in described["parameters"]}
        assert ("Idempotency-Key" in names) is one.takes_idempotency_key
        if one.request is not None:
            assert "`body-invalid`" in told

"""TrackingMore's live list of couriers: tamed, compared, merged, kept in a file."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.couriers.refresh import (
    CourierListError,
    Listed,
    ListFile,
    compare,
    merge_listed,
    read_file,
    read_list,
    refreshed_registry,
    write_file,
)
from parcelwire.couriers.registry import Courier, Registry, default_registry

USPS = {
    "courier_name": "USPS",
    "courier_code": "usps",
    "courier_country_iso2": "US",
    "courier_url": "https://www.usps.com/",
    "courier_phone": "+1 800 275 8777",
    "courier_type": "globalpost",
    "tracking_required_fields": None,
    "optional_fields": None,
    "default_language": "en",
    "support_language": ["en"],
    "courier_logo": "https://logo.example/usps.png",
}
"""The documented example of couriers/all."""


def answer(*entries: Any, code: int = 200, message: str = "ok") -> bytes:
    return json.dumps({"meta": {"code": code, "message": message}, "data": list(entries)}).encode()


def listed(**fields: Any) -> Listed:
    (one,) = read_list(answer({**USPS, **fields}))
    return one


def test_the_documented_entry() -> None:
    assert listed() == Listed(
        code="usps",
        name="USPS",
        country="US",
        homepage="https://www.usps.com/",
        phone="+1 800 275 8777",
        kind="globalpost",
        required_fields=None,
        languages=("en",),
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ([], ()),
        (["tracking_postal_code"], ("postal_code",)),
        ("tracking_postal_code,tracking_ship_date", ("postal_code", "ship_date")),
        ("", ()),
        (["tracking_moon_phase", 7, None], ()),
        (7, None),
    ],
)
def test_required_fields_in_every_form(value: Any, expected: Any) -> None:
    assert listed(tracking_required_fields=value).required_fields == expected


@pytest.mark.parametrize(
    ("field", "value", "name", "expected"),
    [
        ("courier_url", "javascript:alert(1)", "homepage", None),
        ("courier_url", 'https://x.example/"><script>', "homepage", None),
        ("courier_country_iso2", "Switzerland", "country", None),
        ("courier_country_iso2", 41, "country", None),
        ("courier_phone", "", "phone", None),
        ("courier_phone", "1\n2\x00\x1b[31m", "phone", "1 2 [31m"),
        ("courier_name", "x" * 1_000, "name", "x" * 200),
        ("support_language", "en", "languages", None),
        ("support_language", ["en", "zh-CN", "<b>", 3], "languages", ("en", "zh-CN")),
    ],
)
def test_fields_from_outside_are_tamed(field: str, value: Any, name: str, expected: Any) -> None:
    assert getattr(listed(**{field: value}), name) == expected


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "usps",
        {},
        {**USPS, "courier_code": ""},
        {**USPS, "courier_code": None},
        {**USPS, "courier_code": "../../etc"},
        {**USPS, "courier_code": "a b"},
        {**USPS, "courier_name": None},
    ],
)
def test_an_entry_that_is_none_is_left_out(entry: Any) -> None:
    good = {**USPS, "courier_code": "good"}
    assert [one.code for one in read_list(answer(entry, good))] == ["good"]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"<html>", "not JSON"),
        (b'{"meta": "\xff"}', "not JSON"),
        (b"[]", "no meta"),
        (b'{"meta": 1}', "no meta"),
        (answer(code=401, message="Authentication failed"), "error 401: Authentication failed"),
        (answer(), "no couriers"),
        (answer(None, {}), "no couriers"),
        (b'{"meta": {"code": 200}, "data": {"usps": {}}}', "no couriers"),
    ],
)
def test_an_answer_that_is_no_list(raw: bytes, says: str) -> None:
    with pytest.raises(CourierListError, match=says):
        read_list(raw)


REGISTRY = Registry(
    (
        Courier(
            code="swiss-post",
            name="Swiss Post",
            names={"de": "Die Post"},
            phone="old",
            tracking_url="https://post.example/{number}",
            required_fields=("postal_code",),
            aliases={"aftership": ("swiss-post",)},
        ),
        Courier(code="usps", name="USPS", status="legacy"),
    )
)


def test_a_list_adds_and_changes_and_takes_nothing_away() -> None:
    new = (
        Listed(code="new-one", name="New One", required_fields=("key",)),
        Listed(code="swiss-post", name="Swiss Post AG", phone="new"),
    )
    merged = merge_listed(REGISTRY, new)
    assert [courier.code for courier in merged.all()] == ["new-one", "swiss-post", "usps"]
    assert merged.get("new-one") == Courier(
        code="new-one", name="New One", required_fields=("key",)
    )
    swiss_post = merged.get("swiss-post")
    assert swiss_post is not None
    assert (swiss_post.name, swiss_post.phone) == ("Swiss Post AG", "new")
    # What the list does not say stays.
    assert swiss_post.required_fields == ("postal_code",)
    assert swiss_post.link("1") == "https://post.example/1"
    assert swiss_post.names == {"de": "Die Post"}
    assert merged.resolve("Swiss_Post") is swiss_post


def test_a_list_that_says_nothing_is_required_takes_the_demand_away() -> None:
    merged = merge_listed(REGISTRY, [Listed(code="swiss-post", name="x", required_fields=())])
    swiss_post = merged.get("swiss-post")
    assert swiss_post is not None
    assert swiss_post.required_fields == ()


def test_differences_are_counted_as_they_are_made() -> None:
    found = compare(REGISTRY, [Listed(code="a", name="A"), Listed(code="usps", name="USPS")])
    assert (found.new, found.changed, found.missing) == (("a",), ("usps",), ("swiss-post",))
    same = compare(REGISTRY, [Listed(code="swiss-post", name="Swiss Post", phone="old")])
    assert (same.new, same.changed, same.missing) == ((), (), ())


def test_the_file_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "couriers.json"
    content = ListFile(
        source="https://x.example", fetched_at="2026-03-01T10:00:00+00:00", couriers=(listed(),)
    )
    assert read_file(path) is None
    assert refreshed_registry(REGISTRY, path) is REGISTRY
    write_file(path, content)
    assert read_file(path) == content
    assert [one.name for one in tmp_path.iterdir()] == ["couriers.json"]
    merged = refreshed_registry(REGISTRY, path).get("usps")
    assert merged is not None
    assert merged.homepage == "https://www.usps.com/"


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"couriers": []}', b"\xff", b'{"source": "\xff"}']
)
def test_a_broken_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "couriers.json"
    path.write_bytes(content)
    with pytest.raises(CourierListError, match=r"couriers\.json is no list of couriers"):
        read_file(path)
    with pytest.raises(CourierListError, match="cannot read"):
        read_file(tmp_path)


def test_our_own_list_read_back_changes_nothing_but_what_it_leaves_out() -> None:
    """The whole registry, written as the wire writes it, merges into itself."""
    registry = default_registry()
    fields = {
        "postal_code": "tracking_postal_code",
        "ship_date": "tracking_ship_date",
        "account": "tracking_courier_account",
        "destination_country": "tracking_destination_country",
        "origin_country": "tracking_origin_country",
        "key": "tracking_key",
    }
    entries = [
        {
            "courier_code": courier.code,
            "courier_name": courier.name,
            "courier_country_iso2": courier.country,
            "courier_url": courier.homepage,
            "courier_phone": courier.phone,
            "courier_type": courier.kind,
            "tracking_required_fields": [fields[name] for name in courier.required_fields],
            "support_language": list(courier.languages),
        }
        for courier in registry.all()
        if courier.status == "listed"
    ]
    found = read_list(answer(*entries))
    assert len(found) == len(entries) > 1_000
    differences = compare(registry, found)
    assert (differences.new, differences.missing) == ((), ())
    # Blanks and invisible characters of a few phone numbers; nothing else differs.
    merged = merge_listed(registry, found)
    assert len(differences.changed) < 10
    for code in differences.changed:
        before, after = registry.get(code), merged.get(code)
        assert before is not None
        assert after is not None
        assert replace(before, phone=after.phone) == after

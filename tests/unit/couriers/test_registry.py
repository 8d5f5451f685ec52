import re

import pytest

from parcelwire.couriers.registry import Courier, Registry, default_registry

REQUIRED_FIELDS = {
    "postal_code",
    "ship_date",
    "account",
    "destination_country",
    "origin_country",
    "key",
}


def test_every_entry_is_whole() -> None:
    registry = default_registry()
    assert len(registry) >= 1127
    assert len({courier.code for courier in registry.all()}) == len(registry)
    assert [c.code for c in registry.all()] == sorted(c.code for c in registry.all())
    for courier in registry.all():
        # One legacy code of TrackingMore has capitals beside its listed twin.
        code = courier.code.lower() if courier.status == "legacy" else courier.code
        assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", code), courier.code
        assert courier.name.strip() == courier.name != ""
        assert courier.kind in ("express", "globalpost")
        assert courier.status in ("listed", "legacy", "own")
        assert courier.country is None or re.fullmatch("[A-Z]{2}", courier.country)
        assert set(courier.required_fields) <= REQUIRED_FIELDS
        for url in (courier.homepage, courier.tracking_url):
            assert url is None or re.match("https?://", url), courier.code
        assert "{" not in (courier.tracking_url or "").replace("{number}", "")
        assert courier.languages


def test_get_and_contains_take_the_exact_code() -> None:
    registry = default_registry()
    swiss_post = registry.get("swiss-post")
    assert swiss_post is not None
    assert (swiss_post.country, swiss_post.kind) == ("CH", "globalpost")
    assert swiss_post.names["zh"]
    assert registry.get("Swiss-Post") is None
    assert "swiss-post" in registry
    assert "swiss_post" not in registry


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("swiss-post", "swiss-post"),
        ("Swiss_Post", "swiss-post"),
        (" SWISS POST ", "swiss-post"),
        ("poste_italiane", "poste-italiane"),
        ("evri", "hermes-uk"),
        ("BRT", "bartolini"),
        ("bpost", "belgium-post"),
        ("dhl-express", "dhl"),
        ("box-berry", "boxberry"),
        ("190135", "139express"),
        ("CORREIOS_CABO_VERDE", "correios-cabo-verde"),
    ],
)
def test_resolve_takes_other_vendors_words(word: str, code: str) -> None:
    courier = default_registry().resolve(word)
    assert courier is not None
    assert courier.code == code


@pytest.mark.parametrize("word", ["", "no-such-courier", "swiss", "--"])
def test_resolve_answers_nothing_for_an_unknown_word(word: str) -> None:
    assert default_registry().resolve(word) is None


def test_a_code_wins_over_another_couriers_alias() -> None:
    first = Courier(code="alpha", name="Alpha", aliases={"name": ("beta", "shared")})
    second = Courier(code="beta", name="Beta", aliases={"name": ("shared",)})
    old = Courier(code="aged", name="Aged", aliases={"name": ("shared",)}, status="legacy")
    registry = Registry((old, first, second))
    assert registry.resolve("BETA") is second
    assert registry.resolve("shared") is first


@pytest.mark.parametrize(
    ("code", "aliases"),
    [
        ("dhl", ()),
        ("DHL", ()),
        ("dpd_uk", ()),
        ("aaa", ("DHL Express",)),
        ("aaa", ("new", "USPS")),
        ("first", ()),
        ("aaa", ("First",)),
    ],
)
def test_a_declared_courier_takes_no_word_of_another(code: str, aliases: tuple[str, ...]) -> None:
    registry = default_registry()
    declared = Courier(code=code, name="A", aliases={"name": aliases})
    with pytest.raises(ValueError, match=f"courier {code} "):
        registry.with_declared([Courier(code="first", name="First"), declared])


def test_a_declared_courier_is_known_by_its_words() -> None:
    registry = default_registry()
    declared = Courier(code="lantern-post", name="Lantern", aliases={"name": ("Lamp", "lamp")})
    known = registry.with_declared([declared])
    assert known.resolve("LANTERN POST") is known.resolve("lamp") is declared
    assert [one.code for one in known.all()] == sorted(one.code for one in known.all())
    assert len(known) == len(registry) + 1
    assert registry.with_declared([]) is registry


def test_search_ranks_the_code_before_the_rest() -> None:
    registry = default_registry()
    assert registry.search("dhl")[0].code == "dhl"
    assert "swiss-post" in [courier.code for courier in registry.search("Swiss Post")]
    assert registry.search("瑞士邮政")[0].code == "swiss-post"
    assert registry.search("posta romana")[0].code == "posta-romana"
    assert registry.search("   ") == []
    assert registry.search("qqqqqq") == []


def test_link_quotes_the_number() -> None:
    linked = Courier(code="a", name="A", tracking_url="https://a.example/?n={number}&l=en")
    plain = Courier(code="b", name="B", tracking_url="https://b.example/track")
    assert linked.link("1/2 &3") == "https://a.example/?n=1%2F2%20%263&l=en"
    assert plain.link("123") == "https://b.example/track"
    assert Courier(code="c", name="C").link("123") is None


def test_known_required_fields_are_kept() -> None:
    registry = default_registry()
    seur = registry.get("international-seur")
    post = registry.get("deutsche-post")
    assert seur is not None
    assert post is not None
    assert seur.required_fields == ("postal_code", "account")
    assert post.required_fields == ("ship_date",)

"""Names of languages as they come from outside, and which variety serves whom."""

import pytest

from parcelwire.domain.languages import choose_language, language_of


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("en", "en"),
        (" EN ", "en"),
        ("de-CH", "de"),
        ("pt_BR", "pt"),
        ("zh-Hant-TW", "zh"),
        ("CN", "zh"),
        ("tw", "zh"),
        ("jp", "ja"),
        ("", None),
        ("   ", None),
        ("-", None),
        (None, None),
    ],
)
def test_language_of(asked: str | None, language: str | None) -> None:
    assert language_of(asked) == language


@pytest.mark.parametrize(
    ("asked", "spoken", "chosen"),
    [
        ("de", ("en", "de"), "de"),
        ("de-CH", ("en", "de"), "de"),
        ("DE_ch", ("en", "de", "de-CH"), "de-CH"),
        ("de-CH-1996", ("en", "de", "de-CH"), "de-CH"),
        ("de-CH", ("en", "de-AT"), "de-AT"),
        ("de", ("en", "de-AT", "de-CH"), "de-AT"),
        ("pt-BR", ("pt-PT", "pt"), "pt"),
        ("zh-Hant", ("en", "zh-Hans"), "zh-Hans"),
        ("cn", ("en", "zh"), "zh"),
        ("zh", ("en", "cn"), "cn"),
        ("fr", ("en", "de"), None),
        ("deutsch", ("en", "de"), None),
        ("", ("en",), None),
        ("-", ("en",), None),
        (None, ("en",), None),
        ("en", (), None),
        ("x" * 100_000, ("en",), None),
    ],
)
def test_the_nearest_variety_serves(
    asked: str | None, spoken: tuple[str, ...], chosen: str | None
) -> None:
    assert choose_language(asked, spoken) == chosen

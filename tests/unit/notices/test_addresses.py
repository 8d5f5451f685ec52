from __future__ import annotations

import pytest

from parcelwire.notices.addresses import display_name

ADDRESS = "parcels@mail.shop.example"


@pytest.mark.parametrize(
    "name",
    [
        "Shop",
        "Läden & Söhne",
        "お店",
        "St.Gallen Store",
        "Dr. Martens",
        "No. 5",
        "1.5 l",
        "shop.example",
        "Mail.Shop.Example",
        "mail.shop.example parcels",
    ],
)
def test_a_shop_has_its_name(name: str) -> None:
    assert display_name(name, ADDRESS) == name


@pytest.mark.parametrize(
    "name",
    [
        "help@bank.example",
        "Bank <help@bank.example>",
        'Bank" <a>',
        "bank.com",
        "Your BANK.com team",
        "www.bank.ch",
        "ｂａｎｋ．ｃｏｍ",  # noqa: RUF001  # full-width letters look like the plain ones
        "help＠bank",  # noqa: RUF001  # the same
        "evilshop.online",
        "xmail.shop.info",
    ],
)
def test_a_name_is_no_address_and_no_domain_of_others(name: str) -> None:
    assert display_name(name, ADDRESS) == ""


def test_a_name_is_one_short_line() -> None:
    assert (
        display_name("A\r\nBcc: b\x00\u202ec" + "d" * 100, ADDRESS)
        == ("A Bcc: b c" + "d" * 100)[:64]
    )
    assert display_name("", ADDRESS) == ""

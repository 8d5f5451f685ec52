"""Which e-mail addresses are written to."""

from __future__ import annotations

from time import process_time

import pytest

from parcelwire.notices.addresses import mail_address


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" Ada.Lovelace@Example.COM ", "Ada.Lovelace@example.com"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@b@example.com", None),
        ("a@localhost", None),
        ("a@127.0.0.1", None),
        ("@example.com", None),
        ("a" * 65 + "@example.com", None),
        ("a@" + "b" * 64 + ".example", None),
    ],
)
def test_an_address_is_one_or_it_is_not(typed: str, address: str | None) -> None:
    assert mail_address(typed) == address


def test_an_endless_domain_is_not_encoded() -> None:
    """Python takes quadratic time for it, and a stranger may type it into a public form."""
    began = process_time()
    for domain in ("ü" * 1_000_000, "ü." * 500_000, "\u0327" * 1_000_000, "a." * 500_000):
        assert mail_address(f"a@{domain}") is None
    assert process_time() - began < 1

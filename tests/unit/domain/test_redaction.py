"""Secrets are found however they are written, and what is no secret stays as it was."""

import json
import random
import time
from base64 import b64decode, b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable
from html import escape
from urllib.parse import quote, quote_plus, unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parcelwire.domain.redaction import LONGEST_SECRET, MARK, SecretMask

SECRETS = [
    "s3cret-of-the-shop",
    'quo"te\\back/slash',
    "plus+slash/equals==",
    "with blank & <tags>",
    "Schlüssel-für-Zürich",
    "日本語のかぎ",
    "ke\N{KEY}y with a key",
    "100%25 of it",
    "tab\there, line\nthere",
]


def _lower_percent(text: str) -> bytes:
    return "".join(
        part if part[0] != "%" else part.lower() for part in _parts(quote(text, safe=""))
    ).encode()


def _parts(quoted: str) -> list[str]:
    parts, rest = [], quoted
    while rest:
        size = 3 if rest[0] == "%" else 1
        parts.append(rest[:size])
        rest = rest[size:]
    return parts


WRITTEN: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda secret: secret.encode(),
    "JSON": lambda secret: json.dumps(secret)[1:-1].encode(),
    "JSON without escapes beyond ASCII": lambda secret: json.dumps(secret, ensure_ascii=False)[
        1:-1
    ].encode(),
    "JSON with slashes escaped": lambda secret: (
        json.dumps(secret)[1:-1].replace("/", "\\/").encode()
    ),
    "JSON, every sign escaped, capitals": lambda secret: "".join(
        f"\\u{unit:04X}"
        for unit in memoryview(secret.encode("utf-16-le")).cast("H")  # native order is little here
    ).encode(),
    "JSON for HTML": lambda secret: (
        json.dumps(secret)[1:-1]
        .replace("<", "\\u003c")
        .replace(">", "\\u003E")
        .replace("&", "\\u0026")
        .replace("+", "\\u002B")
        .encode()
    ),
    "JSON in JSON": lambda secret: json.dumps(json.dumps({"it": secret})).encode(),
    "URL": lambda secret: quote(secret, safe="").encode(),
    "URL, small letters": _lower_percent,
    "form": lambda secret: quote_plus(secret).encode(),
    "URL twice": lambda secret: quote(quote(secret, safe=""), safe="").encode(),
    "URL in JSON": lambda secret: json.dumps(f"https://x.example/?k={quote(secret)}").encode(),
    "HTML": lambda secret: escape(secret).encode(),
    "HTML by numbers": lambda secret: "".join(f"&#{ord(char)};" for char in secret).encode(),
    "hexadecimal": lambda secret: secret.encode().hex().encode(),
    "Base64": lambda secret: b64encode(secret.encode()),
    "Base64, one byte before": lambda secret: b64encode(b"a" + secret.encode() + b"zz"),
    "Base64, two bytes before": lambda secret: b64encode(b"ab" + secret.encode() + b"z"),
    "Base64 for URLs": lambda secret: urlsafe_b64encode(b"\xff" + secret.encode()),
    "Basic": lambda secret: b"Basic " + b64encode(f"user:{secret}".encode()),
    "Basic as OAuth wants it": lambda secret: b64encode(
        f"{quote_plus('the user')}:{quote_plus(secret)}".encode()
    ),
    "Base64 in JSON": lambda secret: (
        json.dumps(b64encode(secret.encode()).decode()).replace("/", "\\/").encode()
    ),
    "Base64 in a URL": lambda secret: quote(b64encode(secret.encode()).decode(), safe="").encode(),
    "Base64 of JSON": lambda secret: b64encode(json.dumps({"key": secret}).encode()),
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_masked_however_it_is_written(secret: str, written: str) -> None:
    found = WRITTEN[written](secret)
    masked = SecretMask([secret]).document(b'{"said": "' + found + b'", "and": "more"}')
    assert MARK.encode() in masked
    assert masked.startswith(b'{"said": ')
    assert masked.endswith(b', "and": "more"}')
    # Nothing of it is left but what stands around it inside one piece of Base64 or JSON.
    assert len(masked) - len(MARK) - len(b'{"said": "", "and": "more"}') <= 60
    for read in (masked, unquote_to_bytes(masked)):
        assert secret.encode() not in read
        assert found not in read


@pytest.mark.parametrize("end", ["\n", "\r\n", "\\n", "\\r\\n"])
@pytest.mark.parametrize("before", range(0, 70, 7))
def test_lines_of_base64_hide_nothing(end: str, before: int) -> None:
    """76 characters in each, as MIME has them; the breaks may be escaped, as in JSON."""
    secret = "hunter2-geheim-xyz-0123456789"
    inside = b"x" * before + secret.encode() + b"y" * 90
    lines = encodebytes(inside).decode().replace("\n", end)
    masked = SecretMask([secret]).text(f"said:{end}{lines}")
    assert MARK in masked
    assert masked.startswith(f"said:{end}")
    rest = masked.replace(end, "").removeprefix("said:")
    # Whole groups of four from either end; at most those of one part of the secret are left.
    head, _, tail = rest.partition(MARK)
    shown = b64decode(head[: len(head) // 4 * 4]) + b64decode(tail[len(tail) % 4 :])
    assert b"hunter" not in shown
    assert b"56789" not in shown


def test_lines_of_text_stay_as_they_are() -> None:
    text = "word" * 15 + "\n" + "other words\r\n" * 3
    assert SecretMask(["s3cret-of-the-shop"]).text(text) is text


@pytest.mark.parametrize("secret", ["Schlüssel-für-Zürich", "naïveté déjà vu"])
def test_other_character_sets_hide_nothing(secret: str) -> None:
    mask = SecretMask([secret])
    narrow = secret.encode("latin-1")
    assert mask.document(b"key " + narrow + b".") == b"key [secret]."
    assert mask.document(b"key " + quote(narrow).encode()) == b"key [secret]"
    assert mask.text("key " + narrow.decode("utf-8", "replace")) == "key [secret]"
    assert mask.text("key " + secret.encode().decode("latin-1")) == "key [secret]"
    assert b"c2Vj" not in mask.document(b64encode(b"x:" + narrow))
    assert MARK in mask.text(b64encode(b"x:" + narrow).decode())


def test_basic_credentials_leave_nothing_of_the_password() -> None:
    mask = SecretMask(["open sesame"])
    for user in ("a", "ab", "abc"):
        masked = mask.text("Basic " + b64encode(f"{user}:open sesame".encode()).decode())
        assert masked.startswith("Basic ")
        assert masked.rstrip("=").endswith(MARK)


def test_what_is_no_secret_is_given_back_as_it_is() -> None:
    mask = SecretMask(["s3cret-of-the-shop", "short", "     "])
    document = b'{"text": "caf\\u00e9 %41 &amp; short     ", "number": "99.00.123456"}'
    assert mask.document(document) is document
    text = "Zürich, short"
    assert mask.text(text) is text
    assert SecretMask().document(document) is document
    assert mask
    assert not SecretMask(["short"])


def test_several_secrets_and_overlaps_become_marks_side_by_side() -> None:
    mask = SecretMask(["abcdef", "defghi", "secret-2"])
    assert mask.text("<abcdefghi> secret-2secret-2") == "<[secret]> [secret][secret]"


def test_a_secret_that_was_cut_off_is_masked_to_the_end() -> None:
    mask = SecretMask(["s3cret-of-the-shop-in-Zürich"])
    before = "x" * 480 + " "
    assert mask.text(before + "s3cret-of-the") == before + MARK
    assert mask.text(before + "s3cret-of-the-shop-in-Z\\u00") == before + MARK
    assert mask.text(before + "s3cret-of-the-shop-in-Z\N{REPLACEMENT CHARACTER}") == before + MARK
    assert mask.text(before + "s3cret") == before + "s3cret"
    assert mask.text("s3cret-of-the") == "s3cret-of-the", "nobody cuts so short"


def test_only_the_beginning_of_a_huge_secret_is_looked_for() -> None:
    secret = "k" * 10 + "0123456789" * 1_000
    masked = SecretMask([secret]).text(f"<{secret}>")
    assert masked == f"<{MARK}{secret[LONGEST_SECRET:]}>"


_ENCODERS: list[Callable[[str], str]] = [
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: quote(text, safe=""),
    escape,
]


@given(
    secret=st.text(
        st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=6, max_size=40
    ),
    encoders=st.lists(st.sampled_from(_ENCODERS), max_size=3),
    around=st.tuples(st.text(max_size=30), st.text(max_size=30)),
)
@settings(deadline=None)
def test_no_way_of_escaping_brings_a_secret_through(
    secret: str, encoders: list[Callable[[str], str]], around: tuple[str, str]
) -> None:
    """Up to three escapes over each other, anything before and behind."""
    found = secret
    for encode in encoders:
        found = encode(found)
    mask = SecretMask([secret])
    masked = mask.text(f"{around[0]} {found} {around[1]}")
    assert MARK in masked


@given(st.binary(max_size=300), st.lists(st.text(max_size=30), max_size=4))
@settings(deadline=None)
def test_whatever_comes_is_taken_and_once_is_enough(data: bytes, secrets: list[str]) -> None:
    mask = SecretMask(secrets)
    masked = mask.document(data)
    assert isinstance(masked, bytes)
    assert len(masked) <= len(data) + len(MARK) * (len(data) // 6 + 4)


def test_hostile_documents_cost_no_more_than_their_length() -> None:
    """A document of nothing but escapes, of nothing but secrets, of nothing but beginnings."""
    chance = random.Random(7)
    secrets = ["".join(chance.choices("abcdef%\\&u0", k=40)) for _ in range(10)]
    mask = SecretMask([*secrets, "a" * 4_000])
    began = time.perf_counter()
    for document in (
        b"\\u0061" * 33_000,
        b"%2525" * 40_000,
        "".join(secrets).encode() * 500,
        b"a" * 200_000,
        b"\\" * 200_000,
        b"&amp;" * 40_000,
    ):
        mask.document(document)
    assert time.perf_counter() - began < 20.0

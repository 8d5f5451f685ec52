from __future__ import annotations

import pytest

from parcelwire.webhooks.headers import HeadersRefusedError, check_headers

OURS = [
    *("Host", "content-length", "Content-Type", "content-encoding", "Transfer-Encoding", "TE"),
    *("Connection", "keep-alive", "Upgrade", "Trailer", "Expect", "Accept-Encoding"),
    *("Proxy-Authorization", "Webhook-Id", "webhook-signature", "WEBHOOK-TIMESTAMP", "Signature"),
    *("Timestamp", "parcelwire-event", "Parcelwire-Anything"),
]


def test_names_become_lower_case_and_outer_blanks_go() -> None:
    given = {"Authorization": " Bearer a b ", "X-Shop": "", "user-agent": "Shop/1"}
    assert check_headers(given) == {
        "authorization": "Bearer a b",
        "x-shop": "",
        "user-agent": "Shop/1",
    }


@pytest.mark.parametrize("name", OURS)
def test_what_is_https_or_ours_stays_so(name: str) -> None:
    with pytest.raises(HeadersRefusedError, match=name.lower()):
        check_headers({name: "x"})


@pytest.mark.parametrize("name", ["", " x", "x ", "x y", "x:", "x\r\n", "ä", "x\x00", "x" * 129])
def test_a_name_is_a_token(name: str) -> None:
    with pytest.raises(HeadersRefusedError, match="name"):
        check_headers({name: "x"})


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "\x00", "a\x7f", "ü", "🙂", "a\tb"])
def test_a_value_is_printable_ascii_and_is_not_repeated_in_the_error(value: str) -> None:
    with pytest.raises(HeadersRefusedError, match="x-shop") as caught:
        check_headers({"X-Shop": value})
    assert value not in str(caught.value)


def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(HeadersRefusedError, match="twice"):
        check_headers({"X-A": "1", "x-a": "2"})


def test_number_and_size_are_bounded() -> None:
    assert len(check_headers({f"x-{number}": "v" for number in range(20)})) == 20
    with pytest.raises(HeadersRefusedError, match="20"):
        check_headers({f"x-{number}": "v" for number in range(21)})
    assert check_headers({"x": "v" * 4_095})
    with pytest.raises(HeadersRefusedError, match="4,096"):
        check_headers({"x": "v" * 4_096})

"""Ways to spoil a carrier's answer, for ``prove.answers``: bytes, structure, status, headers."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from parcelwire.connectors.base import Response

_WORDS: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 1e308, 10**30, "", " ", "\u0000", "\ud800", "null", "x" * 5_000,
    "2026-02-30T25:61:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1e9",
    "<b>&amp;", "\u202eabc", [], {}, [[]], [None], {"": None}, "31.12.2026", "12/31/2026 24:00",
)  # fmt: skip
"""Values that nobody expects."""


def _in_json(change: Callable[[Any, random.Random], Any]) -> Callable[..., Response]:
    def mutate(answer: Response, dice: random.Random) -> Response:
        try:
            content = json.loads(answer.body)
        except (ValueError, RecursionError):
            return _flip_bytes(answer, dice)
        text = json.dumps(change(content, dice), ensure_ascii=dice.random() < 0.7)
        return replace(answer, body=text.encode("utf-8", "surrogatepass"))

    return mutate


def _places(content: Any) -> list[tuple[Any, Any]]:
    """Return every place in JSON, as container and key or index."""
    found: list[tuple[Any, Any]] = []
    waiting = [content]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one))
        for key in keys:
            found.append((one, key))
            if isinstance(one[key], dict | list):
                waiting.append(one[key])
    return found


def _replace_value(content: Any, dice: random.Random) -> Any:
    places = _places(content) if isinstance(content, dict | list) else []
    if not places:
        return dice.choice(_WORDS)
    container, key = dice.choice(places)
    container[key] = dice.choice(_WORDS)
    return content


def _drop(content: Any, dice: random.Random) -> Any:
    places = _places(content) if isinstance(content, dict | list) else []
    if places:
        container, key = dice.choice(places)
        del container[key]
    return content


def _repeat(content: Any, dice: random.Random) -> Any:
    lists = [c[k] for c, k in _places({"": content}) if isinstance(c[k], list) and c[k]]
    if lists:
        chosen = dice.choice(lists)
        chosen.insert(dice.randrange(len(chosen) + 1), dice.choice(chosen))
    return content


def _shuffle(content: Any, dice: random.Random) -> Any:
    for container, key in _places({"": content}):
        if isinstance(container[key], list):
            dice.shuffle(container[key])
    return content


def _swap(content: Any, dice: random.Random) -> Any:
    places = _places(content) if isinstance(content, dict | list) else []
    if len(places) > 1:
        (one, key), (other, place) = dice.sample(places, 2)
        if not isinstance(one[key], dict | list) and not isinstance(other[place], dict | list):
            one[key], other[place] = other[place], one[key]
    return content


def _change_text(content: Any, dice: random.Random) -> Any:
    texts = [(c, k) for c, k in _places({"": content}) if isinstance(c[k], str) and c[k]]
    if texts:
        container, key = dice.choice(texts)
        text = container[key]
        place = dice.randrange(len(text))
        container[key] = text[:place] + dice.choice("0195aZ-:. é\u0000") + text[place + 1 :]
    return content


def _wrap(content: Any, dice: random.Random) -> Any:
    for _ in range(dice.choice((1, 3, 400))):
        content = [content] if dice.random() < 0.5 else {"data": content}
    return content


def _flip_bytes(answer: Response, dice: random.Random) -> Response:
    body = bytearray(answer.body or b"{}")
    for _ in range(dice.choice((1, 1, 3, 20))):
        body[dice.randrange(len(body))] = dice.randrange(256)
    return replace(answer, body=bytes(body))


def _cut(answer: Response, dice: random.Random) -> Response:
    return replace(answer, body=answer.body[: dice.randrange(len(answer.body) + 1)])


def _insert(answer: Response, dice: random.Random) -> Response:
    place = dice.randrange(len(answer.body) + 1)
    pieces = (b"\xef\xbb\xbf", b"\x00", dice.randbytes(8), b"</td>", b"<!--", b"]}", b"\xe9")
    more = dice.choice(pieces)
    return replace(answer, body=answer.body[:place] + more + answer.body[place:])


def _double(answer: Response, dice: random.Random) -> Response:
    return replace(answer, body=answer.body * 2)


def _move_piece(answer: Response, dice: random.Random) -> Response:
    """Cut a piece out between two tags, brackets or commas, and put it elsewhere, or twice."""
    marks = [place for place, one in enumerate(answer.body) if one in b"<>{}[],"]
    if len(marks) < 3:
        return _insert(answer, dice)
    start, end, target = sorted(dice.sample(marks, 3))
    piece = answer.body[start:end]
    rest = answer.body[:start] + answer.body[end:] if dice.random() < 0.5 else answer.body
    place = min(target, len(rest))
    return replace(answer, body=rest[:place] + piece + rest[place:])


def _change_status(answer: Response, dice: random.Random) -> Response:
    status = dice.choice((200, 200, 201, 204, 301, 400, 401, 403, 404, 418, 429, 500, 503, 599))
    return replace(answer, status=status)


def _change_headers(answer: Response, dice: random.Random) -> Response:
    name = dice.choice(("content-type", "retry-after", "location", "set-cookie", "date"))
    value = dice.choice(
        ("", "text/html", "application/json; charset=utf-16", "-5", "99999999999999999999", "soon",
         "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 99 Foo 2015", "\x00", "é")
    )  # fmt: skip
    return replace(answer, headers={**answer.headers, name: value})


MUTATIONS: Final[dict[str, Callable[[Response, random.Random], Response]]] = {
    "another value": _in_json(_replace_value),
    "another text": _in_json(_change_text),
    "something missing": _in_json(_drop),
    "something twice": _in_json(_repeat),
    "another order": _in_json(_shuffle),
    "values swapped": _in_json(_swap),
    "wrapped": _in_json(_wrap),
    "bytes": _flip_bytes,
    "cut": _cut,
    "inserted": _insert,
    "said twice": _double,
    "a piece moved": _move_piece,
    "another status": _change_status,
    "other headers": _change_headers,
}

GENTLE: Final = list(MUTATIONS)[:6]
"""Those after which there is often still something to understand."""

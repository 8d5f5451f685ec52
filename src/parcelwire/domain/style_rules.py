"""A brand's style rules, read strictly: what is not understood and allowed is not shown.

::

    text -> tokens -> selectors and declarations -> those that are allowed, written anew

The style sheet that customers get is written from what was understood, never copied. So no escape,
comment or unusual spelling can carry anything past the allow-list of ``style_values``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import msgspec

from parcelwire.domain.style_values import PROPERTIES, Part, words, write

LONGEST: Final = 20_000
"""Characters of all rules together."""
MOST_PROBLEMS: Final = 50
_DEEPEST: Final = 3
"""Functions within functions."""

_TOKEN: Final = re.compile(
    r"(?P<space>[ \t\r\n\f]+)"
    r"|(?P<comment>/\*.*?(?:\*/|\Z))"
    r"|(?P<hash>\#[A-Za-z0-9_-]{1,60})"
    r"|(?P<quantity>[+-]?(?:[0-9]{1,6}(?:\.[0-9]{1,6})?|\.[0-9]{1,6})(?:%|[A-Za-z]{1,4})?"
    r"(?![A-Za-z0-9_%-]))"
    r"|(?P<function>[A-Za-z-][A-Za-z0-9_-]{0,60}\()"
    r"|(?P<word>[A-Za-z_-][A-Za-z0-9_-]{0,60})"
    r"|(?P<string>\"[A-Za-z0-9 .-]{1,60}\"|'[A-Za-z0-9 .-]{1,60}')"
    r"|(?P<at>@[A-Za-z-]{1,40})"
    r"|(?P<mark>[{}:;,()>.*!/<=+~])"
    r"|(?P<other>.)",
    re.DOTALL,
)
_QUANTITY: Final = re.compile(r"([+-]?[0-9.]+)(.*)")

_PSEUDO_CLASSES: Final = frozenset(
    {"root", "hover", "focus", "focus-visible", "active", "visited", "first-child", "last-child"}
)
_MEDIA_WORDS: Final = words(
    "all screen print and or not only width min-width max-width orientation portrait landscape"
    " prefers-color-scheme dark light prefers-contrast more less prefers-reduced-motion reduce"
    " no-preference"
)
_MEDIA_MARKS: Final = frozenset("():,<>=")


class Token(msgspec.Struct, frozen=True):
    """One token; comments are spaces."""

    kind: str
    text: str
    line: int


class Problem(msgspec.Struct, frozen=True):
    """What is not allowed, and in which line."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


class StyleRules(msgspec.Struct, frozen=True):
    """What a text of style rules comes to."""

    text: str
    """The rules that are allowed, written anew."""
    problems: tuple[Problem, ...]
    """What was left out, and why."""


class _RefusedError(Exception):
    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.problem = Problem(line, text)


class _Block(msgspec.Struct, frozen=True):
    """What stands before a pair of braces, and between them."""

    prelude: list[Token]
    body: list[Token]
    line: int


@lru_cache(maxsize=256)
def read_style_rules(text: str) -> StyleRules:
    """Return the rules of ``text`` that may be shown to strangers, and what is wrong with others.

    The same text is read once: a page asks for its style sheet at every visit.
    """
    if len(text) > LONGEST:
        return StyleRules("", (Problem(1, f"at most {LONGEST:,} characters can be read"),))
    problems: list[Problem] = []
    rules = _rules(_tokens(text), problems, is_nested=False)
    return StyleRules("\n".join(rules), tuple(problems[:MOST_PROBLEMS]))


def _tokens(text: str) -> list[Token]:
    tokens, line = [], 1
    for found in _TOKEN.finditer(text):
        kind, said = found.lastgroup or "other", found[0]
        if kind in ("space", "comment"):
            tokens.append(Token("space", " ", line))
            line += said.count("\n")
        else:
            tokens.append(Token(kind, said, line))
    return tokens


def _rules(tokens: list[Token], problems: list[Problem], *, is_nested: bool) -> list[str]:
    made = []
    for block in _blocks(tokens, problems):
        try:
            first = block.prelude[0] if block.prelude else Token("mark", "{", block.line)
            if first.kind == "at":
                rule = _media(block, problems, is_nested=is_nested)
            else:
                selector = _selector(block.prelude, block.line)
                declarations = _declarations(block.body, problems)
                rule = f"{selector} {{ {'; '.join(declarations)} }}" if declarations else ""
        except _RefusedError as refused:
            problems.append(refused.problem)
        else:
            made.extend([rule] if rule else [])
    return made


def _blocks(tokens: list[Token], problems: list[Problem]) -> Iterator[_Block]:
    """Yield each prelude with its braces; what has none, or no end, is a problem."""
    prelude: list[Token] = []
    body: list[Token] = []
    depth = line = 0
    for token in tokens:
        if depth:
            depth += {"{": 1, "}": -1}.get(token.text, 0)
            if depth:
                body.append(token)
            else:
                yield _Block(_trimmed(prelude), body, line)
                prelude, body = [], []
        elif token.text == "{":
            depth, line = 1, (_trimmed(prelude) or [token])[0].line
        elif token.text in {"}", ";"}:
            first = (_trimmed(prelude) or [token])[0]
            what = f"{first.text} cannot be used" if prelude else f"{token.text} stands alone"
            problems.append(Problem(first.line, what))
            prelude = []
        else:
            prelude.append(token)
    if depth:
        problems.append(Problem(line, "the } of this rule is missing"))
    elif left := _trimmed(prelude):
        problems.append(Problem(left[0].line, f"{_shown(left[0])} is followed by no rule"))


def _media(block: _Block, problems: list[Problem], *, is_nested: bool) -> str:
    name, *prelude = block.prelude
    if name.text.lower() != "@media" or is_nested:
        raise _RefusedError(name.line, f"{name.text} cannot be used")
    for token in prelude:
        is_known = (
            token.kind in {"space", "quantity"}
            or (token.kind == "word" and token.text.lower() in _MEDIA_WORDS)
            or (token.kind == "mark" and token.text in _MEDIA_MARKS)
        )
        if not is_known:
            raise _RefusedError(token.line, f"{_shown(token)} cannot be used after @media")
    condition = "".join(token.text.lower() for token in prelude).strip()
    rules = _rules(block.body, problems, is_nested=True)
    return f"@media {condition} {{ {' '.join(rules)} }}" if rules else ""


def _selector(tokens: list[Token], line: int) -> str:
    """Return a selector of elements, classes, ids and the states of links and buttons."""
    written, before = [], ""
    for token in tokens:
        text = token.text
        is_known = token.kind in {"space", "hash", "word"} or (
            token.kind == "mark" and text in {".", ",", ">", "+", "~", "*", ":"}
        )
        if before == ":":
            is_known = token.kind == "word" and text.lower() in _PSEUDO_CLASSES
        elif before == ".":
            is_known = token.kind == "word"
        if not is_known:
            raise _RefusedError(token.line, f"{before}{_shown(token)} cannot be used in a selector")
        written.append(text)
        before = text if text in {":", "."} else ""
    if not written or before:
        raise _RefusedError(line, "a rule has no selector")
    return "".join(written)


def _declarations(tokens: list[Token], problems: list[Problem]) -> list[str]:
    made = []
    end = Token("mark", ";", 0)
    said: list[Token] = []
    for token in [*tokens, end]:
        if token.text != ";":
            said.extend([token] if token.kind != "space" else [])
            continue
        try:
            made.extend([_declaration(said)] if said else [])
        except _RefusedError as refused:
            problems.append(refused.problem)
        said = []
    return made


def _declaration(tokens: list[Token]) -> str:
    name, *others = tokens
    if name.kind != "word" or not others or others[0].text != ":":
        raise _RefusedError(name.line, f"{_shown(name)} begins no property: value;")
    value = others[1:]
    if any(token.text == "{" for token in value):
        raise _RefusedError(name.line, "a rule within a rule cannot be used")
    check = PROPERTIES.get(name.text.lower())
    if check is None:
        raise _RefusedError(name.line, f"{name.text} cannot be set")
    important = [token.text.lower() for token in value[-2:]] == ["!", "important"]
    parts = _parts(value[:-2] if important else value, name)
    if not check(parts):
        shown = "".join(f" {token.text}" for token in value)[:60]
        raise _RefusedError(name.line, f"{name.text} cannot be{shown or ' empty'}")
    return f"{name.text.lower()}: {write(parts)}{' !important' if important else ''}"


def _parts(tokens: list[Token], name: Token) -> list[Part]:
    """Return the components of a value.

    Raises:
        _RefusedError: it holds what no value that is allowed holds.
    """
    parts: list[Part] = []
    opened: list[tuple[str, list[Part]]] = []
    for token in tokens:
        text = token.text.lower()
        match token.kind:
            case "word" | "hash":
                parts.append(Part(token.kind, text))
            case "string":
                parts.append(Part("string", token.text))
            case "quantity":
                number, unit = _QUANTITY.fullmatch(text).groups()  # type: ignore[union-attr]  # by its form
                parts.append(Part("quantity", text, float(number), unit))
            case "function" if len(opened) < _DEEPEST:
                opened.append((text[:-1], parts))
                parts = []
            case "mark" if text == ",":
                parts.append(Part("comma", ","))
            case "mark" if text == ")" and opened:
                function, outer = opened.pop()
                parts = [*outer, Part("function", function, arguments=tuple(parts))]
            case _:
                raise _RefusedError(
                    token.line, f"{name.text}: {_shown(token)} cannot be used in a value"
                )
    if opened:
        raise _RefusedError(name.line, f"{name.text}: a ) is missing")
    return parts


def _trimmed(tokens: list[Token]) -> list[Token]:
    start, end = 0, len(tokens)
    while start < end and tokens[start].kind == "space":
        start += 1
    while end > start and tokens[end - 1].kind == "space":
        end -= 1
    return tokens[start:end]


def _shown(token: Token) -> str:
    return token.text if token.text.isprintable() else f"U+{ord(token.text[0]):04X}"

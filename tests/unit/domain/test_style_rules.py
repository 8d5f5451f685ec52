"""A brand's style rules: what may be set, and that nothing else gets out."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.domain.brand import BrandError, check_css
from parcelwire.domain.style_rules import LONGEST, read_style_rules
from parcelwire.domain.style_values import PROPERTIES
from tests.support.hostile_inputs import STYLE_RULES_WITH_WORDS

GOOD = """
/* Ours */
:root { --calm: #0a7d5f; --on-calm: white }
body, .card > h2 + p { font-family: "Open Sans", Georgia, serif; color: rgb(10, 20, 30) }
.summary.good { border-top: 6px solid var(--good) !important; border-radius: .5rem }
#headline { font-size: 1.8rem; line-height: 1.2; letter-spacing: .02em; font-weight: 800 }
a:hover, a:focus-visible { text-decoration: none; COLOR: #ABC; }
.card { padding: 1rem 1.5rem; margin: 0 auto; max-width: 48rem; box-shadow: 0 1px 3px silver }
button { background: linear-gradient(to right, #000 0%, #333 100%); text-transform: uppercase }
@media (prefers-color-scheme: dark) and (min-width: 30em) { .card { background: #222 } }
@media print { footer { color: black } }
"""


def problem(css: str) -> str:
    """Return the one thing that is wrong."""
    found = read_style_rules(css)
    assert found.text == ""
    (one,) = found.problems
    return str(one)


def test_what_may_be_set_is_written_anew() -> None:
    found = read_style_rules(GOOD)
    assert found.problems == ()
    check_css(GOOD)
    assert "/*" not in found.text
    lines = found.text.splitlines()
    assert lines[0] == ":root { --calm: #0a7d5f; --on-calm: white }"
    assert lines[4] == "a:hover, a:focus-visible { text-decoration: none; color: #abc }"
    assert lines[-1] == "@media print { footer { color: black } }"
    # What was written is read as the same again.
    assert read_style_rules(found.text).text == found.text


@pytest.mark.parametrize(
    "declaration",
    [
        'list-style: "Delivered"',
        'list-style-type: "Your parcel is lost. Call 0900"',
        "list-style: square",
        'content: "Delivered"',
        'quotes: "Delivered" "!"',
        'text-emphasis: "x"',
        "counter-reset: pay 1",
        "counter-increment: pay",
        'hyphenate-character: "Pay now"',
        'text-overflow: "Pay now"',
        "background: url(x)",
        "background: url('https://evil.example/x')",
        "background-image: image('x.png')",
        "background-image: image-set('x.png' 1x)",
        "background: cross-fade(url(x), url(y))",
        "background: element(#headline)",
        "background: -moz-element(#headline)",
        "background: paint(x)",
        "cursor: url(x), auto",
        "border-image: url(x) 30",
        "mask: url(x)",
        "filter: url(x)",
        "src: url(x)",
        "width: expression(alert(1))",
        "behavior: url(x)",
        "-moz-binding: url(x)",
        "position: fixed",
        "inset: 0",
        "top: -100px",
        "z-index: 9999",
        "transform: scale(0)",
        "translate: -100vw",
        "display: none",
        "visibility: hidden",
        "opacity: 0",
        "clip-path: inset(100%)",
        "overflow: hidden",
        "height: 0",
        "width: 0",
        "max-height: 0",
        "max-width: 1px",
        "text-indent: -9999px",
        "font-size: 0",
        "font-size: 1px",
        "font-size: 0.01rem",
        "font: 0/0 a",
        "line-height: 0",
        "letter-spacing: -1em",
        "margin: -50px",
        "margin-top: -1rem",
        "padding: 9999px",
        "color: transparent",
        "color: #fff0",
        "color: #ffffff00",
        "color: rgb(0 0 0 / 0)",
        "color: rgba(0, 0, 0, 0)",
        "color: var(--evil)",
        "color: var(--calm, url(x))",
        "color: attr(data-x)",
        "color: env(x)",
        "-webkit-text-fill-color: transparent",
        "text-decoration: line-through",
        "text-transform: lowercase",
        "box-shadow: 0 0 0 2000px red",
        "border-top: 2000px solid red",
        "animation: x 1s",
        "--evil: 1",
        "all: unset",
        "direction: rtl",
        "unicode-bidi: bidi-override",
        "writing-mode: vertical-rl",
        "column-count: 9",
        "order: 3",
        "float: right",
        "font-family: evil",
        "color: r\\65 d",
        "co\\6cor: red",
        "color: red(",
        "color:",
        "color red",
        "{}",
    ],
)
def test_nothing_else_may_be_set(declaration: str) -> None:
    css = f"a {{\n  {declaration};\n  color: red\n}}"
    found = read_style_rules(css)
    # Nothing of it gets out; what is beside it may, where it can still be told what that is.
    assert found.text in ("", "a { color: red }")
    assert found.problems
    assert "line 2: " in str(found.problems[0])
    with pytest.raises(BrandError, match="line 2: "):
        check_css(css)


@pytest.mark.parametrize(
    ("css", "says"),
    [
        ("@import 'x.css';", "line 1: @import cannot be used"),
        ('\n@charset "x";', "line 2: @charset cannot be used"),
        ("@font-face { font-family: x }", "line 1: @font-face cannot be used"),
        ("@counter-style x { symbols: 'Delivered' }", "line 1: @counter-style cannot be used"),
        ("@keyframes x { a { color: red } }", "line 1: @keyframes cannot be used"),
        ("@property --calm { syntax: '*' }", "line 1: @property cannot be used"),
        ("@layer x { a { color: red } }", "line 1: @layer cannot be used"),
        ("@media screen { @media print { a { color: red } } }", "line 1: @media cannot be used"),
        ("@media url(x) { a { color: red } }", "line 1: url( cannot be used after @media"),
        ("h1::after { color: red }", "line 1: :: cannot be used in a selector"),
        ("h1:before { color: red }", "line 1: :before cannot be used in a selector"),
        ("li::marker { color: red }", "line 1: :: cannot be used in a selector"),
        ("a[href] { color: red }", "line 1: [ cannot be used in a selector"),
        ("a:has(b) { color: red }", "line 1: :has( cannot be used in a selector"),
        ("{ color: red }", "line 1: a rule has no selector"),
        ("a { color: red", "line 1: the } of this rule is missing"),
        ("a", "line 1: a is followed by no rule"),
        ("}", "line 1: } stands alone"),
        ("</style><script>", "line 1: < is followed by no rule"),
        ("a { /* color: red }", "line 1: the } of this rule is missing"),
    ],
)
def test_each_refusal_names_line_and_what(css: str, says: str) -> None:
    assert problem(css) == says


@pytest.mark.parametrize("css", STYLE_RULES_WITH_WORDS)
def test_no_words_are_put_on_a_page_and_none_taken_away(css: str) -> None:
    found = read_style_rules(css)
    assert found.text == ""
    assert found.problems


def test_one_bad_rule_takes_no_other_with_it() -> None:
    found = read_style_rules(
        ".a { color: red }\nli { list-style: 'x' }\nol::marker { color: red }\n.b { gap: 1px }"
    )
    assert found.text == ".a { color: red }\n.b { gap: 1px }"
    assert [one.line for one in found.problems] == [2, 3]


def test_a_message_names_the_first_problems_and_counts_the_others() -> None:
    with pytest.raises(BrandError, match=r"line 5: top cannot be set; and 4 more$"):
        check_css("a { top: 0 }\n" * 9)


WORDS = st.sampled_from(
    [
        *("a", "li", ".card", "::before", "{", "}", ";", ":", "(", ")", ",", "@media", "@import"),
        *("color", "content", "list-style", "position", "red", "fixed", "url(", "var(", "--calm"),
        *("'x'", '"x"', "/*", "*/", "\\", "<", "\n", " ", "1px", "-9px", "!", "important", "#fff"),
        *("\x00", "é", "</style>", "expression(", "0", "%", "print"),
    ]
)


@given(st.lists(WORDS, max_size=40).map("".join))
def test_whatever_is_written_only_what_is_allowed_gets_out(css: str) -> None:
    text = read_style_rules(css).text
    for bad in ("\\", "<", "@import", "url(", "::", "/*", "content", "position", "list-style"):
        assert bad not in text
    assert text.count("{") == text.count("}")
    assert read_style_rules(text).text == text
    assert read_style_rules(text).problems == ()


@pytest.mark.parametrize(
    "piece", ["/*", "a{", "}", '"', "a{b:f(", "@media(", "a,", ".", "-", "1", "a{color:red;", "(("]
)
def test_long_rules_cost_what_their_length_costs(piece: str) -> None:
    def seconds(size: int) -> float:
        text = (piece * size)[:size]
        best = 9.0
        for _ in range(3):
            read_style_rules.cache_clear()
            started = process_time()
            read_style_rules(text)
            best = min(best, process_time() - started)
        return best

    assert seconds(LONGEST) < 5 * seconds(LONGEST // 2) + 0.05


def test_every_property_has_a_value_that_it_may_have() -> None:
    tried = ["red", "1px", "1rem", "20rem", "400px", "none", "start", "normal", "serif", "solid"]
    for name in PROPERTIES:
        assert any(read_style_rules(f"a {{ {name}: {one} }}").text for one in tried), name

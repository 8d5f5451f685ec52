import random
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.couriers.detection import Candidate, Detector, Hints, default_detector
from parcelwire.couriers.evaluation import read_examples
from parcelwire.couriers.formats import default_table
from parcelwire.couriers.registry import default_registry
from parcelwire.couriers.s10 import default_postal_table

EXAMPLES = Path(__file__).parents[2] / "data" / "detection-examples.json"


def codes(number: str, hints: Hints | None = None) -> list[str]:
    return [candidate.courier_code for candidate in default_detector().detect(number, hints)]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("99.34.123456.12345678", "swiss-post"),
        ("98.11.223344.55667788", "swiss-post"),
        ("97.00.00123456", "swiss-post"),
        ("12345678.123456.123456789", "swiss-post"),
        ("RS908247336CH", "swiss-post"),
        ("RA12345678901", "poste-italiane"),
        ("1UW0AB1C2D3E4", "poste-italiane"),
        ("3UW1234567890", "poste-italiane"),
        ("5P12AB34CD567", "poste-italiane"),
        ("2IMA1234567890", "poste-italiane"),
        ("9C0000J000000", "poste-italiane"),
        ("ZA123456785IT", "poste-italiane"),
        ("1Z 999 AA1 01 2345 6784", "ups"),
        ("TBA123456789012", "amazon"),
        ("YT2229521272164446", "yunexpress"),
        ("1234/12345678", "nacex"),
    ],
)
def test_the_first_candidate(number: str, code: str) -> None:
    assert codes(number)[0] == code


@pytest.mark.parametrize("number", ["1234567", "123456789", "12A4567890123", "12A456789012345678"])
def test_poste_delivery_business_waybills_are_among_the_candidates(number: str) -> None:
    assert "poste-italiane" in codes(number)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "   ",
        "hello there",
        "RR123456784CH",
        "RR123456785TY",
        "1Z1111111111111111",
        "420000000000000000000000000000",
        "9" * 400,
        "99341234561234567",
        "ÄÖÜ123456789",
        "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668",
        "'; DROP TABLE couriers; --",
    ],
)
def test_what_fits_nothing_has_no_answer(number: str) -> None:
    assert codes(number) == []


def test_a_failed_check_digit_removes_the_candidate() -> None:
    assert codes("3318810025") == ["dhl"]
    assert "dhl" not in codes("3318810011")
    assert codes("7035114477138472")[0] == "canada-post"
    assert "canada-post" not in codes("7035114477138471")


def test_ups_documentation_numbers_break_upss_own_rule() -> None:
    (first, *_) = default_detector().detect("1Z12345E1505270452")
    assert first.courier_code == "ups"
    assert "documentation" in " ".join(first.reasons)
    assert codes("1Z12345F1505270452") == []


def test_a_placeholder_is_no_bare_number() -> None:
    assert codes("36301917596") != []
    assert codes("36300000097") == []


def test_reasons_name_check_operator_and_service() -> None:
    (first, *_) = default_detector().detect("RS908247336CH")
    assert first.reasons[0] == "S10 check digit fits, issued by Swiss Post (Switzerland)"
    assert "registered letter" in first.reasons[1]


def test_probabilities_are_a_distribution_best_first() -> None:
    for example in read_examples(EXAMPLES):
        candidates = default_detector().detect(example.number)
        shares = [candidate.probability for candidate in candidates]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) <= 1 + 1e-9
        assert all(0 < share <= 1 for share in shares)
        assert len({c.courier_code for c in candidates}) == len(candidates)
        assert all(candidate.reasons for candidate in candidates)
        assert all(candidate.courier_code in default_registry() for candidate in candidates)


def test_limit_cuts_the_list() -> None:
    every = default_detector().detect("05912345678901")
    assert len(every) > 2
    assert default_detector().detect("05912345678901", limit=2) == every[:2]
    assert default_detector().detect("05912345678901", Hints(), limit=2) == every[:2]


def test_a_caller_cannot_change_a_later_answer() -> None:
    first = default_detector().detect("99.34.123456.12345678")
    first.clear()
    assert codes("99.34.123456.12345678") == ["swiss-post"]


def test_empty_hints_change_nothing() -> None:
    for number in ("05912345678901", "RS908247336CH", "123456789012"):
        plain = default_detector().detect(number)
        assert default_detector().detect(number, Hints()) == plain


def test_the_destination_country_moves_its_couriers_up() -> None:
    number = "45912345678901"
    plain = default_detector().detect(number)
    italian = default_detector().detect(number, Hints(destination_country="it"))
    assert italian[0].courier_code == "bartolini"
    assert italian[0].probability > _of(plain, "bartolini").probability
    assert "delivers in the destination country IT" in " ".join(italian[0].reasons)
    assert codes("00123456789012"[:12], Hints(destination_country="ID"))[0] == "sicepat"


def test_the_origin_country_counts_less_than_the_destination() -> None:
    number = "45912345678901"
    plain = _of(default_detector().detect(number), "bartolini").probability
    origin = _of(default_detector().detect(number, Hints(origin_country="IT")), "bartolini")
    destination = _of(
        default_detector().detect(number, Hints(destination_country="IT")), "bartolini"
    )
    assert plain < origin.probability < destination.probability
    assert "it is at home in the origin country IT" in origin.reasons
    with_origin = default_detector().detect(number, Hints(origin_country="IT"))
    before = _of(default_detector().detect(number), "dpd").probability / plain
    after = _of(with_origin, "dpd").probability / origin.probability
    assert after < before / 10


def test_couriers_of_other_countries_move_down_and_worldwide_ones_stay() -> None:
    number = "320610804900"
    plain = default_detector().detect(number)
    thai = default_detector().detect(number, Hints(destination_country="TH"))
    assert _of(thai, "purolator").probability < _of(plain, "purolator").probability
    assert _of(thai, "fedex").probability > _of(plain, "fedex").probability


def test_a_weak_shape_is_answered_when_the_country_agrees() -> None:
    assert codes("M1123456789") == []
    assert codes("M1123456789", Hints(destination_country="IT")) == ["gls-italy"]


def test_the_accounts_history_is_learned() -> None:
    number = "45912345678901"
    (first, *_) = default_detector().detect(number, Hints(history={"dpd": 212, "bartolini": 1}))
    assert first.courier_code == "dpd"
    assert "you used this courier 212 times" in first.reasons
    second = _of(default_detector().detect(number, Hints(history={"bartolini": 1})), "bartolini")
    assert "you used this courier 1 time" in second.reasons


def test_history_of_another_courier_does_not_invent_it() -> None:
    assert codes("RS908247336CH", Hints(history={"ups": 10_000})) == ["swiss-post"]
    assert codes("RR123456784CH", Hints(history={"swiss-post": 10_000})) == []


def test_counts_below_zero_are_as_good_as_none() -> None:
    number = "45912345678901"
    plain = default_detector().detect(number)
    assert default_detector().detect(number, Hints(history={"dpd": -5, "bartolini": 0})) == plain


def test_preferred_couriers_move_up_and_say_so() -> None:
    number = "320610804900"
    candidates = default_detector().detect(number, Hints(preferred=("purolator",)))
    assert candidates[0].courier_code == "purolator"
    assert "preferred" in " ".join(candidates[0].reasons)


def test_a_postal_code_inside_the_number_is_seen() -> None:
    number = "420921559505500020714300000128"
    right = default_detector().detect(number, Hints(postal_code="92155-0001"))
    assert "the number holds the postal code" in right[0].reasons
    plain = default_detector().detect(number)
    assert "the number holds the postal code" not in plain[0].reasons


def test_another_postal_code_inside_the_number_speaks_against_it() -> None:
    number = "12345678901275001"
    assert codes(number, Hints(postal_code="75001"))[0] == "colis-prive"
    assert "colis-prive" not in codes(number, Hints(postal_code="69003"))


def test_the_form_of_a_postal_code_names_a_country() -> None:
    dutch = default_detector().detect("36301917596", Hints(postal_code="1012 AB"))
    assert "the postal code has the form of those in NL" in dutch[0].reasons
    bare = default_detector().detect("36301917596", Hints(postal_code="1012"))
    assert bare == default_detector().detect("36301917596")


def test_a_ship_date_after_the_last_such_number() -> None:
    assert codes("LX17635036")[0] == "lasership"
    assert codes("LX17635036", Hints(ship_date="2025-05-01"))[0] == "ontrac"
    assert codes("LX17635036", Hints(ship_date="20250501"))[0] == "ontrac"
    assert codes("LX17635036", Hints(ship_date="2021-05-01"))[0] == "lasership"


@given(st.text(max_size=60))
def test_any_text_is_answered(text: str) -> None:
    assert isinstance(default_detector().detect(text), list)
    hints = Hints(destination_country="CH", postal_code=text, history={"dhl": 1})
    assert isinstance(default_detector().detect(text, hints), list)


@given(st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=45))
def test_an_answer_depends_on_the_number_alone(number: str) -> None:
    """What was asked before must not matter: plans and outcomes are shared between numbers."""
    fresh = Detector(default_table(), default_postal_table())
    assert fresh.detect(number) == default_detector().detect(number)


def test_memory_stays_bounded_under_strange_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parcelwire.couriers.detection.MOST_PLANS", 20)
    monkeypatch.setattr("parcelwire.couriers.detection.MOST_OUTCOMES", 4)
    detector = Detector(default_table(), default_postal_table())
    generator = random.Random(20)
    for _ in range(3000):
        length = generator.randrange(4, 30)
        text = "".join(generator.choices(string.ascii_uppercase + string.digits * 3, k=length))
        assert detector.detect(text) == default_detector().detect(text)
    for suffix in sorted(default_postal_table().operators):
        for letters in ("RR", "CP", "EE"):
            detector.detect(f"{letters}123456785{suffix}")
    assert detector.size() <= 20 * 4 + 20 + 20


def _of(candidates: list[Candidate], code: str) -> Candidate:
    return next(candidate for candidate in candidates if candidate.courier_code == code)

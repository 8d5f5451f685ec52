import json
from pathlib import Path

import msgspec
import pytest

from parcelwire.couriers.evaluation import Evaluation, Example, evaluate, read_examples
from parcelwire.couriers.ranking import Candidate
from tools.detection_table import COMMAND, describe

DATA = Path(__file__).parents[2] / "data"
EXAMPLES = DATA / "detection-examples.json"
TABLE = DATA / "detection-table.txt"


def answer(*codes: str, probability: float = 0.5) -> list[Candidate]:
    return [Candidate(code, probability, ("because",)) for code in codes]


def test_the_labelled_examples_reach_the_targets() -> None:
    result = evaluate(EXAMPLES)
    real = result.groups["real"]
    assert (real.valid, real.invalid) == (211, 65)
    assert result.top_1 >= 0.97
    assert result.top_3 >= 0.98
    assert result.rejected_invalid >= 0.98
    assert result.calibration_error <= 0.07
    assert result.groups["generated"].top_1 >= 0.99


@pytest.mark.parametrize("code", ["swiss-post", "poste-italiane"])
def test_the_first_couriers_are_always_right(code: str) -> None:
    mine = [example for example in read_examples(EXAMPLES) if code in example.accept]
    assert len(mine) >= 2
    assert evaluate(mine).groups["generated"].top_1 == 1
    assert evaluate(mine).top_1 == 1


def test_the_table_of_answers_is_up_to_date() -> None:
    """A new collision must show as a difference in this file, seen by a person."""
    assert TABLE.read_text(encoding="utf-8") == describe(EXAMPLES), f"run: {COMMAND}"


def test_nobody_reported_in_public_is_in_the_examples() -> None:
    assert {e.evidence for e in read_examples(EXAMPLES)}.isdisjoint({"public-report"})


def test_shares_are_counted_as_defined() -> None:
    answers = {
        "1": answer("a", "b", "c", "d", probability=0.2),
        "2": answer("b", "a", probability=0.4),
        "3": answer("b", "c", "d", "a", probability=0.1),
        "4": [],
        "5": answer("a"),
        "6": [],
        "7": answer("a"),
        "8": answer("z"),
    }
    examples = [
        Example("1", "a", ("a",), "test-suite"),
        Example("2", "a", (), "documentation-example"),
        Example("3", "x", ("x", "a"), "vendor-example"),
        Example("4", "a", ("a",), "public-report"),
        Example("5", None, (), "test-suite"),
        Example("6", None, (), "synthetic-checksum"),
        Example("7", "a", ("a",), "synthetic-s10"),
        Example("8", "a", ("a",), "test-suite-placeholder"),
    ]
    result = evaluate(examples, lambda number: answers[number])
    assert result.numbers == 8
    assert (result.top_1, result.top_3, result.any, result.answered) == (0.25, 0.5, 0.75, 0.75)
    assert result.rejected_invalid == 0.5
    assert result.calibration_error == pytest.approx((0.8 + 0.4 + 0.1 + 0.5) / 4)
    assert result.groups["generated"].top_1 == 1
    assert result.groups["placeholder"].top_1 == 0
    assert result.confusion == {"a": {"-": 1, "b": 1, "z": 1}, "x": {"b": 1}}


def test_an_evaluation_is_plain_json() -> None:
    result = evaluate([Example("99.34.123456.12345678", "swiss-post")])
    decoded = json.loads(msgspec.json.encode(result))
    assert decoded["top_1"] == 1
    assert msgspec.convert(decoded, type=Evaluation) == result


def test_nothing_to_evaluate() -> None:
    result = evaluate([])
    assert (result.numbers, result.top_1, result.calibration_error) == (0, 1, 0)


@pytest.mark.parametrize("text", ["", "{}", "[{}]", '{"numbers":[{"number":1}]}', "not json"])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labelled.json"
    path.write_text(text)
    with pytest.raises(msgspec.DecodeError):
        evaluate(path)


def test_a_bare_list_is_taken_too(tmp_path: Path) -> None:
    path = tmp_path / "labelled.json"
    path.write_text('[{"number": "RS908247336CH", "courier_code": "swiss-post", "more": 1}]')
    assert evaluate(str(path)).top_1 == 1


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        evaluate(tmp_path / "none.json")

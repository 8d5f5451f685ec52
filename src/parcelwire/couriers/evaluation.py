"""How good detection is, measured on labelled numbers.

The file is a JSON object with a list ``numbers`` (or just the list). Each entry has ``number``,
``courier_code`` (null: nobody's number, no answer is the right one), ``accept`` (every code that
counts as right) and ``evidence``, which says where the number comes from. Real numbers are those
from carriers' documentation, vendors' documentation, test suites and reports; placeholders
(``...-placeholder``) and generated ones (``synthetic-...``) are counted apart from them.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from parcelwire.couriers.detection import default_detector
from parcelwire.couriers.ranking import Candidate

GROUPS = ("real", "generated", "placeholder")
NOBODY = "-"
_BINS = 10


class Example(msgspec.Struct, frozen=True):
    """One labelled number."""

    number: str
    courier_code: str | None
    accept: tuple[str, ...] = ()
    evidence: str = "test-suite"

    def group(self) -> str:
        """Answer ``real``, ``generated`` or ``placeholder``."""
        if self.evidence.endswith("placeholder"):
            return "placeholder"
        return "generated" if self.evidence.startswith("synthetic") else "real"


class GroupResult(msgspec.Struct, frozen=True):
    """Shares (0..1) over one group of examples.

    ``top_1``, ``top_3`` and ``any``: the right courier is the first, among the first three, among
    all candidates. ``answered``: there was an answer. All four are over the ``valid`` numbers with
    a courier. ``rejected_invalid``: nobody's numbers without an answer, over ``invalid``. An empty
    group has shares of 1, because nothing in it went wrong.
    """

    valid: int
    invalid: int
    top_1: float
    top_3: float
    any: float
    answered: float
    rejected_invalid: float


class Evaluation(msgspec.Struct, frozen=True):
    """The result over a labelled file.

    ``top_1`` to ``answered`` are over real valid numbers; ``rejected_invalid`` is over all invalid
    numbers, whatever their source; ``calibration_error`` is the expected calibration error of the
    first candidate's probability over all answers to real numbers, in ten bins. ``groups`` has the
    same shares for real, generated and placeholder numbers apart. ``confusion`` maps the right
    courier to what was answered first in its place, with counts over all valid numbers; ``-``
    stands for nobody.
    """

    numbers: int
    top_1: float
    top_3: float
    any: float
    answered: float
    rejected_invalid: float
    calibration_error: float
    groups: dict[str, GroupResult]
    confusion: dict[str, dict[str, int]]


class _File(msgspec.Struct):
    numbers: list[Example]


class _Judged(msgspec.Struct, frozen=True):
    """An example with what was answered and the place of the first right candidate, or None."""

    example: Example
    candidates: tuple[Candidate, ...]
    place: int | None


Detect = Callable[[str], list[Candidate]]


def read_examples(path: str | Path) -> list[Example]:
    """Read a labelled file; raises OSError or msgspec.DecodeError (ValidationError included)."""
    raw = Path(path).read_bytes()
    if raw.lstrip()[:1] == b"[":
        return msgspec.json.decode(raw, type=list[Example])
    return msgspec.json.decode(raw, type=_File).numbers


def evaluate(
    path_or_examples: str | Path | Iterable[Example], detect: Detect | None = None
) -> Evaluation:
    """Run a detector (ours by default) over labelled numbers and count."""
    if isinstance(path_or_examples, str | Path):
        examples = read_examples(path_or_examples)
    else:
        examples = list(path_or_examples)
    ask = detect if detect is not None else default_detector().detect
    judged = [_judge(example, ask(example.number)) for example in examples]
    groups = {group: _count([j for j in judged if j.example.group() == group]) for group in GROUPS}
    real = groups["real"]
    return Evaluation(
        numbers=len(judged),
        top_1=real.top_1,
        top_3=real.top_3,
        any=real.any,
        answered=real.answered,
        rejected_invalid=_count(judged).rejected_invalid,
        calibration_error=_calibration_error(judged),
        groups=groups,
        confusion=_confuse(judged),
    )


def _judge(example: Example, candidates: list[Candidate]) -> _Judged:
    right = {*example.accept, example.courier_code}
    places = (i for i, candidate in enumerate(candidates) if candidate.courier_code in right)
    return _Judged(example, tuple(candidates), next(places, None))


def _count(judged: list[_Judged]) -> GroupResult:
    valid = [j for j in judged if j.example.courier_code is not None]
    invalid = [j for j in judged if j.example.courier_code is None]
    return GroupResult(
        valid=len(valid),
        invalid=len(invalid),
        top_1=_share(valid, lambda j: j.place == 0),
        top_3=_share(valid, lambda j: j.place is not None and j.place < 3),
        any=_share(valid, lambda j: j.place is not None),
        answered=_share(valid, lambda j: bool(j.candidates)),
        rejected_invalid=_share(invalid, lambda j: not j.candidates),
    )


def _share(judged: list[_Judged], test: Callable[[_Judged], bool]) -> float:
    return sum(map(test, judged)) / len(judged) if judged else 1.0


def _calibration_error(judged: list[_Judged]) -> float:
    """Mean gap between the first candidate's probability and how often it is right, by bins."""
    answered = [
        (j.candidates[0].probability, j.place == 0)
        for j in judged
        if j.candidates and j.example.group() == "real"
    ]
    if not answered:
        return 0.0
    gaps = [0.0] * _BINS
    for probability, right in answered:
        gaps[min(int(probability * _BINS), _BINS - 1)] += probability - right
    return sum(map(abs, gaps)) / len(answered)


def _confuse(judged: list[_Judged]) -> dict[str, dict[str, int]]:
    table: dict[str, Counter[str]] = {}
    for j in judged:
        code = j.example.courier_code
        if code is not None and j.place != 0:
            answer = j.candidates[0].courier_code if j.candidates else NOBODY
            table.setdefault(code, Counter())[answer] += 1
    return {code: dict(sorted(table[code].items())) for code in sorted(table)}

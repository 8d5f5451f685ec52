"""Whose number is this: a ranked list of couriers, each with a probability and its reasons.

::

    typed number -> compact form -> plan -> tests -> outcome -> ranked candidates
                                    |       |        |
                 length, digits only?,      |        which formats fit: a bit mask
                 first two characters       regular expressions and check digits

A plan knows the few formats that numbers of one length, kind and beginning can have, and the
tests that tell them apart. The bits that come out of the tests name an outcome, and an outcome
always leads to the same candidates: they are computed when first met and kept under the outcome,
never under the number. So an answer costs a few tests and no arithmetic. Only hints (country,
the account's own history) make the ranking run each time.
"""

import re
from collections.abc import Callable
from functools import cache

import msgspec

from parcelwire.couriers.formats import FormatTable, Rule, default_table
from parcelwire.couriers.number import is_plausible, normalise
from parcelwire.couriers.ranking import Candidate, Evidence, Hints, Parcel, Situation, rank
from parcelwire.couriers.s10 import PostalTable, default_postal_table

__all__ = ["Candidate", "Detector", "Hints", "default_detector", "detect"]

# Plans and outcomes are bounded by the table, but strange input could still make many of them.
MOST_PLANS = 20_000
MOST_OUTCOMES = 512

# A shape that only digits in any order make up must not answer for an obvious placeholder.
_RUN = re.compile(r"(.)\1{5}")

Match = Callable[[str], object]


class _Outcome(msgspec.Struct, frozen=True):
    """The formats that fit, and what they are worth without hints.

    ``strict`` is what remains for a number that looks like a placeholder.
    """

    situation: Situation
    ranked: tuple[Candidate, ...]
    strict: "_Outcome | None" = None


class _Plan:
    """The tests for all numbers of one length, kind and beginning."""

    __slots__ = ("digits", "outcomes", "rules", "tests")

    def __init__(self, rules: list[tuple[Rule, Match | None]], digits: bool) -> None:
        self.digits = digits
        self.rules: list[tuple[Rule, int]] = []
        tests: dict[tuple[int, object], tuple[int, Match | None, Match | None]] = {}
        for rule, match in rules:
            check = rule.check.fits if rule.check is not None else None
            if match is None and check is None:
                self.rules.append((rule, 0))
                continue
            key = (id(check), getattr(match, "__self__", None))
            if key not in tests:
                tests[key] = (1 << len(tests), match, check)
            self.rules.append((rule, tests[key][0]))
        self.tests = tuple(tests.values())
        self.outcomes: dict[int, _Outcome] = {}

    def fitting(self, mask: int) -> list[Rule]:
        """Answer the formats that an outcome stands for."""
        return [rule for rule, bit in self.rules if not bit or mask & bit]


class Detector:
    """Ranks the couriers that a number can belong to. Safe to share between threads."""

    def __init__(self, table: FormatTable, postal: PostalTable) -> None:
        """Take the format table and the table of postal operators."""
        self._table = table
        self._postal = postal
        self._operators = postal.suffixes
        self._plans: dict[tuple[int, bool, str], _Plan] = {}
        self._postal_outcomes: dict[str, _Outcome] = {}
        self._nothing = self._judge([], digits=False)

    def detect(self, number: str, hints: Hints | None = None, limit: int = 10) -> list[Candidate]:
        """Answer the couriers this number can belong to, best first.

        The number may be typed or compact. The list is empty for what fits no courier well
        enough to be named. Probabilities are between 0 and 1; together with the chance that the
        number is nobody's they add up to at most 1.
        """
        number = number.upper() if number.isascii() and number.isalnum() else normalise(number)
        outcome = self._outcome(number)
        if hints is None:
            return list(outcome.ranked[:limit])
        return rank(outcome.situation, Parcel(number, hints))[:limit]

    def size(self) -> int:
        """Answer how many plans and outcomes are kept; bounded whatever is asked."""
        outcomes = sum(len(plan.outcomes) for plan in self._plans.values())
        return len(self._plans) + len(self._postal_outcomes) + outcomes

    def evidence_for(self, number: str) -> tuple[Evidence, ...]:
        """Answer every format that a number fits, however weak; the number may be typed."""
        return self._outcome(normalise(number)).situation.evidence

    def _outcome(self, number: str) -> _Outcome:
        length = len(number)
        digits = number.isdigit()
        if length == 13 and not digits and number[11:] in self._operators:
            postal = self._postal_outcome(number)
            if postal is not None:
                return postal
        key = (length, digits, number[:2])
        plan = self._plans.get(key)
        if plan is None:
            plan = self._make_plan(number, key)
        mask = 0
        for bit, match, check in plan.tests:
            if (match is None or match(number)) and (check is None or check(number)):
                mask |= bit
        outcome = plan.outcomes.get(mask)
        if outcome is None:
            outcome = self._make_outcome(plan, mask)
        if outcome.strict is not None and _RUN.search(number):
            return outcome.strict
        return outcome

    def _make_plan(self, number: str, key: tuple[int, bool, str]) -> _Plan:
        if not is_plausible(number):
            return _Plan([], digits=False)
        if len(self._plans) >= MOST_PLANS:
            self._plans.clear()
        length, digits, beginning = key
        plan = _Plan(self._table.rules_for(length, digits, beginning), digits)
        self._plans[key] = plan
        return plan

    def _make_outcome(self, plan: _Plan, mask: int) -> _Outcome:
        rules = plan.fitting(mask)
        outcome = self._judge([rule.evidence for rule in rules], plan.digits)
        strong = [rule.evidence for rule in rules if not rule.bare]
        if len(strong) < len(rules):
            outcome = msgspec.structs.replace(outcome, strict=self._judge(strong, plan.digits))
        if len(plan.outcomes) >= MOST_OUTCOMES:
            plan.outcomes.clear()
        plan.outcomes[mask] = outcome
        return outcome

    def _postal_outcome(self, number: str) -> _Outcome | None:
        """Answer for a number of S10 shape; None for another shape of 13 characters."""
        letters = number[:2]
        if not (letters.isalpha() and number[2:11].isdigit()):
            return None
        if not self._postal.check(number):
            return self._nothing
        key = letters + number[11:]
        outcome = self._postal_outcomes.get(key)
        if outcome is None:
            outcome = self._judge(self._postal.evidence_for(letters, number[11:]), digits=False)
            if len(self._postal_outcomes) >= MOST_PLANS:
                self._postal_outcomes.clear()
            self._postal_outcomes[key] = outcome
        return outcome

    def _judge(self, evidence: list[Evidence], digits: bool) -> _Outcome:
        situation = Situation(tuple(evidence), digits, self._table.total_volume)
        return _Outcome(situation, tuple(rank(situation, None)))


@cache
def default_detector() -> Detector:
    """Answer the detector over the package's own data, built at the first call."""
    return Detector(default_table(), default_postal_table())


def detect(number: str, hints: Hints | None = None, limit: int = 10) -> list[Candidate]:
    """Answer what the default detector says of a number; see ``Detector.detect``."""
    return default_detector().detect(number, hints, limit)

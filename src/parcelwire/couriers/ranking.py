"""From formats that fit to probabilities.

Bayes' rule: a courier is the more probable the more parcels it carries, the larger the part of
them that has such numbers, and the fewer numbers of that kind there are, because hitting one of
few by chance is unlikely. Against the couriers stands the possibility that the number is nobody's
(an order number, a typing mistake): if that wins, there is no answer.
"""

import math
import re
from collections.abc import Mapping

import msgspec

# How many of 1,000 numbers that people enter are nobody's, of one length: order numbers, phone
# numbers and typing mistakes. Digits alone are the most common; ten of them are phone numbers.
NOBODYS_DIGITS = {**dict.fromkeys(range(10), 0.8), 10: 3.2, 11: 0.4}
NOBODYS_LONG_DIGITS = 0.32
NOBODYS_MIXED = 0.1

# Below this chance a candidate is not worth naming, and below this sum there is no answer.
LEAST_PROBABILITY = 0.01
LEAST_TOTAL = 0.35

# As many parcels of our own general prior as an account's own history is weighed against.
PRIOR_PARCELS = 20.0

DESTINATION_FACTOR = 8.0
ORIGIN_FACTOR = 5.0
FOREIGN_FACTOR = 0.25
PREFERRED_FACTOR = 6.0
ENDED_FACTOR = 0.05
POSTAL_CODE_FACTOR = 300.0
OTHER_POSTAL_CODE_FACTOR = 0.1

# Postal codes whose form belongs to one country only; five bare digits belong to thirty.
_POSTAL_CODE_FORMS = (
    (re.compile(r"[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}"), "GB"),
    (re.compile(r"[A-Z][0-9][A-Z][ -]?[0-9][A-Z][0-9]"), "CA"),
    (re.compile(r"[0-9]{4} ?[A-Z]{2}"), "NL"),
    (re.compile(r"[0-9]{5}-[0-9]{4}"), "US"),
    (re.compile(r"[0-9]{2}-[0-9]{3}"), "PL"),
    (re.compile(r"[0-9]{4}-[0-9]{3}"), "PT"),
    (re.compile(r"[0-9]{3}-[0-9]{4}"), "JP"),
    (re.compile(r"[0-9]{5}-[0-9]{3}"), "BR"),
    (re.compile(r"[ACDEFHKNPRTVWXY][0-9]{2} ?[0-9ACDEFHKNPRTVWXY]{4}"), "IE"),
)


def guess_country(postal_code: str) -> str | None:
    """Answer the one country whose postal codes have this form; None where several have."""
    text = postal_code.strip().upper()
    return next((country for form, country in _POSTAL_CODE_FORMS if form.fullmatch(text)), None)


class Hints(msgspec.Struct, frozen=True):
    """What is known beside the number, all of it optional.

    Countries are ISO 3166 alpha-2. ``ship_date`` is "YYYY-MM-DD" (or YYYYMMDD). ``preferred`` are
    the account's chosen courier codes, ``history`` how many parcels it has had with each.
    """

    destination_country: str | None = None
    origin_country: str | None = None
    postal_code: str | None = None
    ship_date: str | None = None
    preferred: tuple[str, ...] = ()
    history: Mapping[str, int] = {}


class Candidate(msgspec.Struct, frozen=True):
    """A courier that a number can belong to: how probable (0..1) and why, in sentences."""

    courier_code: str
    probability: float
    reasons: tuple[str, ...]


class Evidence(msgspec.Struct, frozen=True):
    """That a number fits one format of one courier.

    ``volume``: parcels of 1,000 that go with the courier. ``density``: the natural logarithm of
    the chance that one of its parcels has exactly this number. ``disorder``: the natural logarithm
    of how many numbers of this shape there are when nobody's rules hold. ``countries``: where the
    courier is at home; none for one that is everywhere. ``postal_code_at``: the slice of the number
    that is the recipient's postal code.
    """

    courier_code: str
    volume: float
    density: float
    disorder: float
    length: int
    countries: tuple[str, ...]
    reasons: tuple[str, ...]
    until: str | None = None
    postal_code_at: tuple[int, int] | None = None


class Situation(msgspec.Struct, frozen=True):
    """What there is to rank: the formats that fit a number, and whether it is digits only."""

    evidence: tuple[Evidence, ...]
    digits: bool
    total_volume: float


class Parcel(msgspec.Struct, frozen=True):
    """A number together with what else is known of the parcel."""

    number: str
    hints: Hints

    def destination(self) -> tuple[str | None, str | None]:
        """Answer the destination country and the sentence that says how it is known."""
        if self.hints.destination_country:
            country = self.hints.destination_country.upper()
            return country, f"it delivers in the destination country {country}"
        guessed = guess_country(self.hints.postal_code or "")
        if guessed:
            return guessed, f"the postal code has the form of those in {guessed}"
        return None, None


def rank(situation: Situation, parcel: Parcel | None) -> list[Candidate]:
    """Answer the candidates, best first; none where the number is more likely nobody's."""
    evidence = situation.evidence
    if not evidence:
        return []
    scores: dict[str, float] = {}
    reasons: dict[str, dict[str, None]] = {}
    for item in sorted(evidence, key=lambda e: -e.density):
        factor, hint_reasons = _weigh(item, parcel, situation.total_volume)
        scores[item.courier_code] = scores.get(item.courier_code, 0.0) + factor * math.exp(
            item.density
        )
        told = reasons.setdefault(item.courier_code, {})
        if len(told) < 2:
            told.update(dict.fromkeys(item.reasons))
        told.update(dict.fromkeys(hint_reasons))
    nobodys = _nobodys_score(situation)
    total = sum(scores.values()) + nobodys
    if 1 - nobodys / total < LEAST_TOTAL:
        return []
    ranked = [
        Candidate(code, score / total, tuple(reasons[code]))
        for code, score in scores.items()
        if score / total >= LEAST_PROBABILITY
    ]
    ranked.sort(key=lambda candidate: (-candidate.probability, candidate.courier_code))
    return ranked


def _nobodys_score(situation: Situation) -> float:
    if not situation.digits:
        return NOBODYS_MIXED * math.exp(-min(item.disorder for item in situation.evidence))
    length = situation.evidence[0].length
    return NOBODYS_DIGITS.get(length, NOBODYS_LONG_DIGITS) * 10.0**-length


def _weigh(
    item: Evidence, parcel: Parcel | None, total_volume: float
) -> tuple[float, tuple[str, ...]]:
    """Answer the courier's volume as the hints change it, and what they have to say."""
    if parcel is None:
        return item.volume, ()
    hints = parcel.hints
    reasons: list[str] = []
    volume = _weigh_history(item, hints, total_volume, reasons)
    if item.courier_code in hints.preferred:
        volume *= PREFERRED_FACTOR
        reasons.append("it is one of your preferred couriers")
    volume *= _weigh_countries(item, parcel, reasons)
    volume *= _weigh_postal_code(item, parcel, reasons)
    if item.until and hints.ship_date and _digits(hints.ship_date) > _digits(item.until):
        volume *= ENDED_FACTOR
        reasons.append(f"but it gave such numbers out only until {item.until}")
    return volume, tuple(reasons)


def _digits(date: str) -> str:
    """Answer YYYYMMDD of a date, whatever stands between; as text it sorts like the date."""
    return "".join(c for c in date if c.isdecimal())[:8]


def _weigh_history(item: Evidence, hints: Hints, total_volume: float, reasons: list[str]) -> float:
    """Learn the account's own volumes: a Dirichlet prior of PRIOR_PARCELS parcels and counts."""
    parcels = sum(count for count in hints.history.values() if count > 0)
    if not parcels:
        return item.volume
    count = max(hints.history.get(item.courier_code, 0), 0)
    if count:
        reasons.append(f"you used this courier {count} time{'s' if count > 1 else ''}")
    prior = item.volume / total_volume * PRIOR_PARCELS
    return (prior + count) / (PRIOR_PARCELS + parcels) * total_volume


def _weigh_countries(item: Evidence, parcel: Parcel, reasons: list[str]) -> float:
    destination, sentence = parcel.destination()
    origin = (parcel.hints.origin_country or "").upper()
    if not item.countries or not (destination or origin):
        return 1.0
    if destination in item.countries and sentence:
        reasons.append(sentence)
        return DESTINATION_FACTOR
    if origin in item.countries:
        reasons.append(f"it is at home in the origin country {origin}")
        return ORIGIN_FACTOR
    return FOREIGN_FACTOR


def _weigh_postal_code(item: Evidence, parcel: Parcel, reasons: list[str]) -> float:
    """Compare the postal code with the one that some formats hold inside the number."""
    given = "".join(c for c in parcel.hints.postal_code or "" if c.isalnum()).upper()
    if item.postal_code_at is None or not given:
        return 1.0
    start, end = item.postal_code_at
    if parcel.number[start:end] == given[: end - start]:
        reasons.append("the number holds the postal code")
        return POSTAL_CODE_FACTOR
    return OTHER_POSTAL_CODE_FACTOR

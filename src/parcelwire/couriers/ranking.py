"""From formats that fit to probabilities.

Bayes' rule: a courier is the more probable the more parcels it carries, the larger the part of
them that has such numbers, and the fewer numbers of that kind there are, because hitting one of
few by chance is unlikely. Against the couriers stands the possibility that the number is nobody's
(an order number, a typing mistake): if that wins, there is no answer.
"""

import math
from collections.abc import Mapping

import msgspec

# How many of 1,000 numbers that people enter are nobody's, and the share of these that is made of
# digits only. Lengths of 6 to 30 are taken as equally likely.
NOBODYS_VOLUME = 12.0
NOBODYS_DIGITS = 0.7
NOBODYS_LENGTHS = 25.0

# Below this chance a candidate is not worth naming, and below this sum there is no answer.
LEAST_PROBABILITY = 0.01
LEAST_TOTAL = 0.2

# As many parcels of our own general prior as an account's own history is weighed against.
PRIOR_PARCELS = 20.0

DESTINATION_FACTOR = 8.0
ORIGIN_FACTOR = 5.0
FOREIGN_FACTOR = 0.25
PREFERRED_FACTOR = 6.0
ENDED_FACTOR = 0.05


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
    the chance that one of its parcels has exactly this number.
    """

    courier_code: str
    volume: float
    density: float
    length: int
    digits: bool
    country: str | None
    reasons: tuple[str, ...]
    until: str | None = None


def rank(
    evidence: tuple[Evidence, ...], hints: Hints | None, total_volume: float
) -> list[Candidate]:
    """Answer the candidates, best first; none where the number is more likely nobody's."""
    if not evidence:
        return []
    scores: dict[str, float] = {}
    reasons: dict[str, dict[str, None]] = {}
    for item in sorted(evidence, key=lambda e: -e.density):
        factor, hint_reasons = _weigh(item, hints, total_volume)
        scores[item.courier_code] = scores.get(item.courier_code, 0.0) + factor * math.exp(
            item.density
        )
        told = reasons.setdefault(item.courier_code, {})
        if len(told) < 2:
            told.update(dict.fromkeys(item.reasons))
        told.update(dict.fromkeys(hint_reasons))
    nobodys = NOBODYS_VOLUME * math.exp(_nobodys_density(evidence[0]))
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


def _nobodys_density(example: Evidence) -> float:
    kind = NOBODYS_DIGITS if example.digits else 1 - NOBODYS_DIGITS
    characters = 10 if example.digits else 36
    return math.log(kind / NOBODYS_LENGTHS) - example.length * math.log(characters)


def _weigh(
    item: Evidence, hints: Hints | None, total_volume: float
) -> tuple[float, tuple[str, ...]]:
    """Answer the courier's volume as the hints change it, and what they have to say."""
    if hints is None:
        return item.volume, ()
    volume, reasons = item.volume, []
    code, country = item.courier_code, item.country
    count = hints.history.get(code, 0)
    if hints.history:
        parcels = sum(hints.history.values())
        prior = item.volume / total_volume * PRIOR_PARCELS
        volume = (prior + count) / (PRIOR_PARCELS + parcels) * total_volume
    if count:
        reasons.append(f"you used this courier {count} time{'s' if count > 1 else ''}")
    if code in hints.preferred:
        volume *= PREFERRED_FACTOR
        reasons.append("it is one of your preferred couriers")
    given = [c.upper() for c in (hints.destination_country, hints.origin_country) if c]
    if country and given:
        if hints.destination_country and country == hints.destination_country.upper():
            volume *= DESTINATION_FACTOR
            reasons.append(f"it delivers in the destination country {country}")
        elif hints.origin_country and country == hints.origin_country.upper():
            volume *= ORIGIN_FACTOR
            reasons.append(f"it is at home in the origin country {country}")
        else:
            volume *= FOREIGN_FACTOR
    if item.until and hints.ship_date:
        shipped_on = hints.ship_date.replace("-", "")
        if shipped_on > item.until.replace("-", ""):
            volume *= ENDED_FACTOR
            reasons.append(f"but it gave such numbers out only until {item.until}")
    return volume, tuple(reasons)

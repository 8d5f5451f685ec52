"""The format table: what each courier's numbers look like, how common they are, how to check them.

The table is data (``data/formats.json``); here it is read and indexed. Every format says in words
why a number that fits it belongs to its courier.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from importlib.resources import files

import msgspec

from parcelwire.couriers.checkdigits import CHECK_RULES, CheckRule
from parcelwire.couriers.patterns import DIGITS, Template, spell_out
from parcelwire.couriers.ranking import Evidence
from parcelwire.couriers.registry import default_registry


class Format(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One shape of a courier's numbers.

    ``share``: how many of 100 of the courier's numbers have it. ``check`` names a
    rule of ``checkdigits.CHECK_RULES``. ``reason`` is what a person is told. ``valid`` and
    ``invalid`` are examples that the tests run. ``until``: a date after which the courier no
    longer gives such numbers out. ``postal_code_at``: the slice of the number that is the
    recipient's postal code.
    """

    pattern: str
    share: float
    reason: str
    check: str | None = None
    valid: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    until: str | None = None
    postal_code_at: tuple[int, int] | None = None


class CourierFormats(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A courier's formats; ``volume`` is how many of 1,000 parcels go with it worldwide.

    ``countries``: where it is at home, if that is not just the country of the registry; an empty
    list for a courier that is everywhere.
    """

    courier: str
    volume: float
    formats: tuple[Format, ...]
    countries: tuple[str, ...] | None = None


class Rule(msgspec.Struct, frozen=True):
    """One template of one format, ready to be tested.

    ``bare`` marks digits in any order with nothing to check: the weakest kind of evidence.
    """

    template: Template
    check: CheckRule | None
    evidence: Evidence
    bare: bool


class FormatTable:
    """All formats, found by length, kind (digits only or not) and first two characters."""

    def __init__(self, couriers: tuple[CourierFormats, ...]) -> None:
        """Spell out every pattern; raises ValueError for a pattern or check that is not known."""
        self.couriers = couriers
        self.total_volume = sum(courier.volume for courier in couriers)
        self._by_length: dict[int, list[Rule]] = defaultdict(list)
        for courier in couriers:
            for form in courier.formats:
                for rule in _make_rules(courier, form):
                    self._by_length[len(rule.template.places)].append(rule)

    def rules_for(
        self, length: int, digits: bool, beginning: str
    ) -> list[tuple[Rule, Callable[[str], object] | None]]:
        """Answer the rules that such numbers can fit, each with the match still to be made.

        The match is None where length, kind and beginning already settle it.
        """
        found: list[tuple[Rule, Callable[[str], object] | None]] = []
        for rule in self._by_length.get(length, ()):
            places = rule.template.places
            if not all(c in place for c, place in zip(beginning, places, strict=False)):
                continue
            if digits:
                if not all(place & DIGITS for place in places):
                    continue
                settled = all(place >= DIGITS for place in places[2:])
            else:
                if all(place <= DIGITS for place in places):
                    continue
                settled = False
            if settled:
                found.append((rule, None))
                continue
            found.append((rule, _compile(rule.template.regex())))
        return found


@cache
def _compile(regex: str) -> Callable[[str], object]:
    """Compile once for good; there are no more expressions than templates in the table."""
    return re.compile(regex).fullmatch


def _make_rules(courier: CourierFormats, form: Format) -> list[Rule]:
    check = CHECK_RULES[form.check] if form.check is not None else None
    countries = courier.countries
    if countries is None:
        registered = default_registry().get(courier.courier)
        countries = (registered.country,) if registered and registered.country else ()
    rules = []
    for template in spell_out(form.pattern):
        numbers = template.one_in() / (check.one_in if check else 1)
        digits = all(place <= DIGITS for place in template.places)
        literals = sum(len(place) <= 3 for place in template.places)
        evidence = Evidence(
            courier_code=courier.courier,
            volume=courier.volume,
            density=math.log(form.share / 100 * template.share) - math.log(numbers),
            disorder=math.log(template.disorder()),
            length=len(template.places),
            countries=countries,
            reasons=(form.reason, check.sentence) if check else (form.reason,),
            until=form.until,
            postal_code_at=form.postal_code_at,
        )
        rules.append(
            Rule(template, check, evidence, bare=check is None and digits and literals < 2)
        )
    return rules


@cache
def default_table() -> FormatTable:
    """Answer the table of the package's own data, read at the first call."""
    raw = (files("parcelwire.couriers") / "data" / "formats.json").read_bytes()
    return FormatTable(msgspec.json.decode(raw, type=tuple[CourierFormats, ...]))

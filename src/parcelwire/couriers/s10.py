"""UPU S10: the 13-character numbers of postal operators, by issuing operator and service.

``AA 99999999 9 AA``: service indicator, serial, check digit, issuing operator (UPU standard
S10-12). The last two letters name who issued the number, which is not proof of the country of
origin: operators issue numbers abroad, and some networks borrow the shape.
"""

import math
import re
from functools import cache
from importlib.resources import files

import msgspec

from parcelwire.couriers.checkdigits import fits_s10
from parcelwire.couriers.ranking import Evidence
from parcelwire.couriers.registry import default_registry

# 100 million serials for each of about 250 service indicators in use.
_NUMBERS_OF_A_SERVICE = math.log(1e8)
_SERVICES = math.log(60.0)


class Operator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An issuing operator; ``courier`` is None where the registry has no code for it."""

    suffix: str
    country: str
    name: str
    courier: str | None = None


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A family of service indicators: ``letters`` is a regular expression over both letters."""

    letters: str
    name: str


class Branch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which couriers serve the numbers of one operator or of a part of its services.

    ``couriers`` gives each code its part; ``suffix`` ``*`` stands for any suffix.
    """

    suffix: str
    letters: str
    couriers: dict[str, float]
    reason: str | None = None


class PostalData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of services, exceptions and volumes (parcels of 1,000) by suffix."""

    services: tuple[Service, ...]
    branches: tuple[Branch, ...]
    volumes: dict[str, float]


def _name(operator: Operator) -> str:
    """Answer the name people know: the registry's, or the one in the list of operators."""
    courier = default_registry().get(operator.courier) if operator.courier else None
    return f"{courier.name if courier else operator.name} ({operator.country})"


class PostalTable:
    """Answers who can serve a number of S10 shape."""

    def __init__(self, operators: tuple[Operator, ...], data: PostalData) -> None:
        """Take the operators, and the services and exceptions."""
        self.operators = {operator.suffix: operator for operator in operators}
        self._data = data
        self._names = {suffix: _name(operator) for suffix, operator in self.operators.items()}
        self._branches = [(re.compile(b.letters), b) for b in data.branches]
        self._services = [(re.compile(s.letters), s.name) for s in data.services]
        borrowed = {branch.suffix for branch in data.branches}
        self.suffixes = frozenset(self.operators) | (borrowed - {"*"})
        self.check = fits_s10

    def service_name(self, letters: str) -> str | None:
        """Answer what kind of item a service indicator stands for; None for a reserved one."""
        return next((name for known, name in self._services if known.fullmatch(letters)), None)

    def evidence_for(self, letters: str, suffix: str) -> list[Evidence]:
        """Answer who can serve numbers with these service letters and this operator."""
        operator = self.operators.get(suffix)
        service = self.service_name(letters)
        told = []
        if operator is not None:
            told.append(f"S10 check digit fits, issued by {self._names[suffix]}")
        else:
            told.append("S10 check digit fits")
        if service:
            told.append(f"{letters} stands for {service}")
        volume = self._data.volumes.get(suffix, 1.0)
        return [
            Evidence(
                courier_code=code,
                volume=volume,
                density=math.log(part) - _SERVICES - _NUMBERS_OF_A_SERVICE,
                disorder=_NUMBERS_OF_A_SERVICE + math.log(10 * 26.0**4),
                length=13,
                countries=(suffix,) if operator is not None else (),
                reasons=(*told, reason) if reason else tuple(told),
            )
            for code, part, reason in self._couriers(letters, suffix)
        ]

    def _couriers(self, letters: str, suffix: str) -> list[tuple[str, float, str | None]]:
        for known, branch in self._branches:
            if branch.suffix in (suffix, "*") and known.fullmatch(letters):
                return [(code, part, branch.reason) for code, part in branch.couriers.items()]
        operator = self.operators.get(suffix)
        if operator is None or operator.courier is None:
            return []
        return [(operator.courier, 1.0, None)]


@cache
def default_postal_table() -> PostalTable:
    """Answer the table of the package's own data, read at the first call."""
    data = files("parcelwire.couriers") / "data"
    operators = msgspec.json.decode(
        (data / "s10-operators.json").read_bytes(), type=tuple[Operator, ...]
    )
    services = msgspec.json.decode((data / "s10-services.json").read_bytes(), type=PostalData)
    return PostalTable(operators, services)

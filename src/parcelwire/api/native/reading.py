"""Queries as the operations' shapes: strictly, so that no slip of the pen is passed over."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import msgspec
from starlette.datastructures import QueryParams

from parcelwire.api.native.problems import FieldError, ProblemError, field_problem, invalid

# A time with its offset, whose "+" arrives as a blank when somebody forgot to write %2B.
_RAW_PLUS: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][^ ]+) ([0-9]{2}:[0-9]{2})\Z")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]")


class _Plan(msgspec.Struct, frozen=True):
    """Which fields of a query need something of their own."""

    lists: frozenset[str]
    times: frozenset[str]


def read_query(shape: type[msgspec.Struct], typed: QueryParams) -> Any:
    """Return a query as ``shape``. A list is its name given several times.

    Raises:
        ProblemError: a parameter that the shape does not have, one given twice that is no list, or
            a value that does not fit.
    """
    plan = _plan_of(shape)
    said: dict[str, Any] = {}
    for name in typed:
        values = typed.getlist(name)
        if any("\0" in value for value in (name, *values)):
            raise _refusal(name.replace("\0", ""), "no parameter holds a NUL")
        if name in plan.lists:
            said[name] = values
        elif len(values) > 1:
            raise _refusal(name, "given more than once")
        else:
            said[name] = values[0]
    for name in plan.times & said.keys():
        said[name] = _RAW_PLUS.sub(r"\1+\2", said[name])
        # A bare number would be taken for seconds since 1970.
        if not _TIME.match(said[name]):
            raise _refusal(name, "Expected an ISO 8601 time with its offset")
    try:
        return msgspec.convert(said, shape, strict=False)
    except msgspec.ValidationError as error:
        raise invalid("invalid-query", error) from error


@lru_cache(maxsize=256)
def _plan_of(shape: type[msgspec.Struct]) -> _Plan:
    properties = msgspec.json.schema(shape)["$defs"][shape.__name__]["properties"]
    return _Plan(
        lists=frozenset(name for name, of in properties.items() if of.get("type") == "array"),
        times=frozenset(name for name, of in properties.items() if of.get("format") == "date-time"),
    )


def _refusal(field: str, message: str) -> ProblemError:
    return field_problem("invalid-query", FieldError(field, message))

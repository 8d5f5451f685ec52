"""Models that keep what they do not know, and answers that may differ a little from their manual.

A field that the model does not have stays in ``extra`` under its name on the wire. So does a value
that does not fit its field (the field is then None or empty): one odd value must not make a whole
tracking unreadable. A number where text belongs is taken as its text; where the text names
something (``NAMING``) a whole number is its digits, and a fraction does not fit. What cannot be
left out, as an id, is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar, get_args, get_origin

import msgspec

from parcelwire.client.frozen import FrozenDict, freeze

_EXTRA = "(extra)"
"""No field is called so on any wire, so ``extra`` itself is never read from there."""
NAMING: Final = frozenset(
    {
        "id",
        "tracking_number",
        "courier_code",
        "awb_number",
        "destination_track_number",
        "exchange_number",
        "reference_number",
    }
)
"""Fields on the wire that hold a number or a code: ``12345678.0`` read as text would be another."""
_EXACT: Final = 2**53
"""Below it a number with a point still has all its digits."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One object of an answer. It cannot be changed, nor can what it holds; so it can be a key."""

    extra: Mapping[str, Any] = msgspec.field(default_factory=FrozenDict, name=_EXTRA)
    """What the answer held beside the fields known here, by its name on the wire."""

    def __hash__(self) -> int:
        # Of the fields that JSON objects and arrays have no part in: equal models agree in those.
        plain = _shape_of(type(self)).plain
        return hash((type(self), *[getattr(self, name) for name in plain]))

    def to_dict(self) -> dict[str, Any]:
        """Return the object with its names and forms on the wire, unknown fields included."""
        known = _shape_of(type(self)).names
        return {
            **{wire: _to_wire(getattr(self, name)) for wire, name in known.items()},
            **{name: _to_wire(value) for name, value in self.extra.items()},
        }


ModelT = TypeVar("ModelT", bound=Model)


class _Shape(NamedTuple):
    names: dict[str, str]
    """Name on the wire -> name here."""
    inner: tuple[tuple[str, str, type[Model]], ...]
    """Fields that hold models: name on the wire, name here, which model."""
    plain: tuple[str, ...]
    """Fields, by their name here, whose values can be hashed."""
    open: tuple[str, ...]
    """Fields, by their name here, that hold JSON as it came."""


@cache
def _shape_of(model: type[Model]) -> _Shape:
    fields = [field for field in msgspec.structs.fields(model) if field.encode_name != _EXTRA]
    return _Shape(
        {field.encode_name: field.name for field in fields},
        tuple(
            (field.encode_name, field.name, inner)
            for field in fields
            if (inner := _model_in(field.type)) is not None
        ),
        tuple(field.name for field in fields if not _has_json(field.type)),
        tuple(field.name for field in fields if _has_json(field.type)),
    )


def _has_json(hint: Any) -> bool:
    """Tell whether a value of ``hint`` can hold an object that is no model, or anything at all."""
    return hint is Any or get_origin(hint) is Mapping or any(map(_has_json, get_args(hint)))


def _model_in(hint: Any) -> type[Model] | None:
    """Return the model inside ``M``, ``M | None``, ``tuple[M, ...]`` or ``Mapping[str, M]``."""
    if isinstance(hint, type) and issubclass(hint, Model):
        return hint
    return next((found for part in get_args(hint) if (found := _model_in(part))), None)


def read(model: type[ModelT], value: Any) -> ModelT:
    """Return ``value`` (decoded JSON) as a ``model``.

    Raises:
        msgspec.ValidationError: it is no object, or lacks what the model cannot do without.
    """
    try:
        found = msgspec.convert(value, model)
    except msgspec.ValidationError:
        return _mend(model, value)
    _keep_unknown(found, value)
    return found


def read_many(model: type[ModelT], value: Any) -> list[ModelT]:
    """Return ``value`` (a decoded JSON array; None is an empty one) as a list of ``model``.

    Raises:
        msgspec.ValidationError: it is no array, or an item cannot be read.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        msg = "expected an array"
        raise msgspec.ValidationError(msg)
    return [read(model, item) for item in value]


def _keep_unknown(found: Model, value: dict[str, Any]) -> None:
    names, inner, *_ = _shape_of(type(found))
    if not value.keys() <= names.keys():
        unknown = {name: said for name, said in value.items() if name not in names}
        msgspec.structs.force_setattr(found, "extra", freeze(unknown))
    _freeze_open(found)
    for wire, name, _ in inner:
        held = getattr(found, name)
        if not held:
            continue
        if isinstance(held, tuple):
            for one, said in zip(held, value[wire], strict=True):
                _keep_unknown(one, said)
        elif isinstance(held, Mapping):
            for key, one in held.items():
                _keep_unknown(one, value[wire][key])
        else:
            _keep_unknown(held, value[wire])


def _mend(model: type[ModelT], value: Any) -> ModelT:
    if not isinstance(value, dict):
        msg = "expected an object"
        raise msgspec.ValidationError(msg)
    inner = {wire: held for wire, _, held in _shape_of(model).inner}
    given: dict[str, Any] = {}
    extra = {name: said for name, said in value.items() if name not in _shape_of(model).names}
    for field in msgspec.structs.fields(model):
        if (wire := field.encode_name) not in value:
            continue
        said = value[wire]
        try:
            fitting = _whole(said) if wire in NAMING else said
            given[field.name] = _fit(fitting, field.type, inner.get(wire))
        except msgspec.ValidationError:
            if field.required:
                raise
            extra[wire] = said
    missing = [
        field.encode_name
        for field in msgspec.structs.fields(model)
        if field.required and field.name not in given
    ]
    if missing:
        msg = f"the answer lacks {', '.join(missing)}"
        raise msgspec.ValidationError(msg)
    found = model(**given, extra=freeze(extra))
    _freeze_open(found)
    return found


def _freeze_open(found: Model) -> None:
    for name in _shape_of(type(found)).open:
        held = getattr(found, name)
        frozen = tuple(map(freeze, held)) if isinstance(held, tuple) else freeze(held)
        msgspec.structs.force_setattr(found, name, frozen)


def _whole(said: Any) -> Any:
    if not isinstance(said, float):
        return said
    if not said.is_integer() or abs(said) >= _EXACT:
        msg = "a number with a fraction names nothing"
        raise msgspec.ValidationError(msg)
    return int(said)


def _fit(said: Any, hint: Any, model: type[Model] | None) -> Any:
    if model is None:
        if isinstance(said, int | float) and not isinstance(said, bool):
            try:
                return msgspec.convert(said, hint)
            except msgspec.ValidationError:
                return msgspec.convert(str(said), hint)
        return msgspec.convert(said, hint)
    if said is None:
        return msgspec.convert(said, hint)
    if isinstance(said, list):
        # An empty array where an object belongs is PHP's way to write an empty object; then None.
        return msgspec.convert(tuple(read(model, one) for one in said), hint)
    if isinstance(said, dict) and _is_map(hint):
        return {key: read(model, one) for key, one in said.items()}
    return read(model, said)


def _is_map(hint: Any) -> bool:
    """Tell whether ``hint`` is a mapping, or a union with one in it."""
    return any(get_origin(part) is Mapping for part in (hint, *get_args(hint)))


def _to_wire(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, tuple | list):
        return [_to_wire(one) for one in value]
    if isinstance(value, Mapping):
        return {key: _to_wire(one) for key, one in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value

"""JSON that cannot be changed: what the models hold beside their fields."""

from __future__ import annotations

from typing import Any, NoReturn


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    msg = f"this {type(self).__base__.__name__} belongs to an answer and cannot be changed"  # type: ignore[union-attr]  # both have one
    raise TypeError(msg)


class FrozenDict(dict[str, Any]):
    """A ``dict`` to read, to compare and to encode. ``dict(one)`` is a copy that can be changed."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


class FrozenList(list[Any]):
    """A ``list`` to read, to compare and to encode. ``list(one)`` is a copy that can be changed."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self),)


def freeze(value: Any) -> Any:
    """Return decoded JSON with objects and arrays that cannot be changed, at any depth."""
    if isinstance(value, dict):
        return FrozenDict({name: freeze(one) for name, one in value.items()})
    if isinstance(value, list):
        return FrozenList([freeze(one) for one in value])
    return value

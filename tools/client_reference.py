"""Write docs/sdk-reference.md from the docstrings and signatures of the client."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import msgspec

from parcelwire import AsyncParcelwire, client
from parcelwire.client import errors
from parcelwire.client.aio.history import AsyncTrackingEventPager
from parcelwire.client.aio.messages import AsyncMessagePager
from parcelwire.client.aio.pager import AsyncTrackingPager
from parcelwire.client.reading import Model
from parcelwire.client.settings import Backend, Options

_HEAD = """\
# The Python client: reference

Written by `{command}` from the docstrings of the code; [sdk.md](sdk.md) tells it
in order, with examples. Below is the asynchronous side. The synchronous one has the same names
without `Async`, the same arguments, and no `await`. What is marked with \N{BULLET} only a
Parcelwire
has: clients made by `for_trackingmore` lack it.
"""
_RESOURCES = (
    *("trackings", "couriers", "air_waybills", "webhooks"),
    *("endpoints", "messages", "events", "keys", "account"),
)
_ITERABLES = {
    "Lists of trackings": AsyncTrackingPager,
    "Lists of messages": AsyncMessagePager,
    "Lists of a tracking's events": AsyncTrackingEventPager,
}
_INNER = ("create_chunk", "recover_created")
"""Of trackings: for the compatibility module and the command line."""


def describe_client(command: str) -> str:
    """Return docs/sdk-reference.md."""
    parts = [_HEAD.format(command=command)]
    parts.append("\n## AsyncParcelwire\n\n")
    parts.append(_prose(AsyncParcelwire.__init__))
    parts.append(f"\n```\nAsyncParcelwire{_signature(AsyncParcelwire.__init__)}\n```\n")
    parts += _methods(AsyncParcelwire, "client", only=("for_trackingmore",))
    parts += _methods(AsyncParcelwire, "client")
    parts.append("\n### Options\n\n| option | default | |\n| --- | --- | --- |\n")
    defaults = Options()
    told = _told_fields(Options)
    for field in msgspec.structs.fields(Options):
        about = _cell(told.get(field.name, ""))
        parts.append(f"| `{field.name}` | `{getattr(defaults, field.name)!r}` | {about} |\n")
    one = AsyncParcelwire("key")
    hosted = AsyncParcelwire.for_trackingmore("key")
    for name in _RESOURCES:
        resource = type(getattr(one, name))
        mark = "" if hasattr(hosted, name) else " \N{BULLET}"
        parts.append(f"\n## client.{name}{mark}\n\n{_prose(resource)}")
        theirs = type(getattr(hosted, name)) if not mark else resource
        parts += _methods(resource, f"client.{name}", theirs=theirs)
    for title, kind in _ITERABLES.items():
        parts.append(f"\n## {title}\n\n{_prose(kind)}")
        parts += _methods(kind, "pages")
    parts.append("\n## Functions\n")
    parts.append(_method("unwrap", client.unwrap, ""))
    parts.append(f"\n## SeenIds\n\n{_prose(client.SeenIds)}")
    parts += _methods(client.SeenIds, "seen")
    parts += ["\n## Models\n", *_models(), "\n## Errors\n", *_errors()]
    return "".join(parts)


def _methods(
    kind: type, before: str, *, only: tuple[str, ...] = (), theirs: type | None = None
) -> Iterator[str]:
    for name in only or _in_order(kind):
        if name.startswith("_") or name in _INNER or (name == "for_trackingmore" and not only):
            continue
        found = inspect.getattr_static(kind, name)
        if isinstance(found, staticmethod):
            found = found.__func__
        if inspect.isfunction(found):
            mark = "" if theirs is None or hasattr(theirs, name) else " \N{BULLET}"
            yield _method(f"{before}.{name}{mark}", found, before)


def _in_order(kind: type) -> list[str]:
    """Return the names of a class and of those it is made from, as they stand in the code."""
    return list(dict.fromkeys(name for one in reversed(kind.__mro__[:-1]) for name in vars(one)))


def _method(title: str, function: Any, _before: str) -> str:
    name = title.removesuffix(" \N{BULLET}").rpartition(".")[2]
    kind = "async " if inspect.iscoroutinefunction(function) else ""
    text = f"\n### {title}\n\n```\n{kind}{name}{_signature(function)}\n```\n\n"
    return text + _prose(function)


def _signature(function: Any) -> str:
    found = inspect.signature(function)
    parts, has_star = [], False
    for one in found.parameters.values():
        if one.name == "self":
            continue
        if one.kind is one.KEYWORD_ONLY and not has_star:
            parts.append("*")
            has_star = True
        stars = "**" if one.kind is one.VAR_KEYWORD else ""
        default = "" if one.default is one.empty else f" = {_default(one.default)}"
        parts.append(f"{stars}{one.name}: {one.annotation}{default}")
    returns = "" if found.return_annotation == "None" else f" -> {found.return_annotation}"
    line = f"({', '.join(parts)}){returns}"
    if len(line) <= 90:
        return line
    return "(\n" + "".join(f"    {part},\n" for part in parts) + f"){returns}"


def _default(value: Any) -> str:
    return value.name.upper() if isinstance(value, Backend) else repr(value)


def _prose(thing: Any) -> str:
    text = inspect.cleandoc(thing.__doc__ or "")
    text, _, raises = text.partition("\nRaises:\n")
    text = text.replace("``", "`").strip()
    # An indented example, introduced by "::".
    text = re.sub(r"^::\n\n((?:    .*\n?|\n)+)", _fenced, text, flags=re.MULTILINE)
    told = [" ".join(line.split()) for line in re.split(r"\n(?=\w)", inspect.cleandoc(raises))]
    rows = "".join(f"* raises {line.replace('``', '`')}\n" for line in told if line)
    return f"{text}\n" + (f"\n{rows}" if rows else "")


def _fenced(found: re.Match[str]) -> str:
    return f"```\n{textwrap.dedent(found[1]).strip()}\n```\n"


def _models() -> Iterator[str]:
    for name in sorted(client.__all__):
        kind = getattr(client, name)
        if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
            continue
        yield f"\n### {name}\n\n{_prose(kind)}\n"
        told = _told_fields(kind)
        yield "| field | type | |\n| --- | --- | --- |\n"
        for field in msgspec.structs.fields(kind):
            if field.name == "extra" and issubclass(kind, Model):
                continue
            wire = "" if field.encode_name == field.name else f" (`{field.encode_name}`)"
            about = _cell(told.get(field.name, ""))
            yield f"| `{field.name}`{wire} | `{_cell(_type_name(field.type))}` | {about} |\n"
        for prop, value in vars(kind).items():
            if isinstance(value, property) and value.fget is not None:
                about = _cell(" ".join(_prose(value.fget).split()))
                yield f"| `{prop}` | property | {about} |\n"


def _type_name(hint: Any) -> str:
    if isinstance(hint, type) and not hasattr(hint, "__args__"):
        return hint.__name__
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", str(hint))


def _told_fields(kind: type) -> dict[str, str]:
    """Return what stands below each field in the code, of the class and those it is made from."""
    told: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if one is msgspec.Struct or not issubclass(one, msgspec.Struct):
            continue
        source = inspect.getsource(one)
        for name, text in re.findall(
            r'^    (\w+): [^\n]*\n    """(.*?)"""', source, re.MULTILINE | re.DOTALL
        ):
            told[name] = " ".join(text.split()).replace("``", "`")
    return told


def _errors() -> Iterator[str]:
    tree = inspect.cleandoc(errors.__doc__ or "").partition("::\n\n")[2]
    yield f"\n```\n{inspect.cleandoc(tree.partition(chr(10) + 'Each has')[0])}\n```\n"
    for name in sorted(client.__all__):
        kind = getattr(client, name)
        if isinstance(kind, type) and issubclass(kind, errors.ParcelwireError):
            yield f"\n### {name}\n\n{_prose(kind)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

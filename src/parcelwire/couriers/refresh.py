"""The registry brought up to date from TrackingMore's live list of couriers (v4 couriers/all).

The list comes from outside, so it is tamed first: what has not the form it should have is left out,
entry by entry and field by field. It adds to the package's own registry and never takes away: our
aliases, tracking pages and number formats stay, and a courier that is no longer listed stays too,
because parcels may still be on their way with it.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from parcelwire.couriers.registry import Courier, Registry
from parcelwire.domain.json_limits import decode_json

LONGEST_TEXT: Final = 200
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
_COUNTRY: Final = re.compile(r"[A-Z]{2}\Z")
_LANGUAGE: Final = re.compile(r"[a-z]{2}([-_][A-Za-z]{2,4})?\Z")
_WEB: Final = re.compile(r"https?://[^\s<>\"']+\Z")
_FIELDS: Final = {
    "tracking_postal_code": "postal_code",
    "tracking_ship_date": "ship_date",
    "tracking_courier_account": "account",
    "tracking_destination_country": "destination_country",
    "tracking_origin_country": "origin_country",
    "tracking_key": "key",
}
"""The wire's names of what a courier wants beside the number -> the registry's."""


class CourierListError(Exception):
    """A list or a file of couriers is not what it should be. The text is one line for people."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What the live list says of one courier. None: it says nothing about that."""

    code: str
    name: str
    country: str | None = None
    homepage: str | None = None
    phone: str | None = None
    kind: str | None = None
    required_fields: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None


class ListFile(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a live list: where and when it was read, and its couriers."""

    source: str
    fetched_at: str
    """ISO 8601, UTC."""
    couriers: tuple[Listed, ...]


class Differences(msgspec.Struct, frozen=True):
    """What a list changes in a registry, by courier code."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    """Listed in the registry, no longer in the list."""


def read_list(raw: bytes) -> tuple[Listed, ...]:
    """Return the couriers of an answer of ``couriers/all``, sorted by code.

    Raises:
        CourierListError: it is no such answer, it reports an error, or no courier is in it.
    """
    try:
        answer = decode_json(raw)
    except msgspec.DecodeError:
        msg = "the answer is not JSON"
        raise CourierListError(msg) from None
    meta = answer.get("meta") if isinstance(answer, dict) else None
    if not isinstance(meta, dict):
        msg = "the answer is not in TrackingMore's form (it has no meta)"
        raise CourierListError(msg)
    if meta.get("code") != 200:
        msg = f"the answer is error {meta.get('code')}: {_text(meta.get('message'))}"
        raise CourierListError(msg)
    entries = answer.get("data")
    found = [_listed(one) for one in entries] if isinstance(entries, list) else []
    couriers = {one.code: one for one in found if one is not None}
    if not couriers:
        msg = "the answer holds no couriers"
        raise CourierListError(msg)
    return tuple(couriers[code] for code in sorted(couriers))


def _listed(entry: Any) -> Listed | None:
    if not isinstance(entry, dict):
        return None
    code, name = entry.get("courier_code"), _text(entry.get("courier_name"))
    if not isinstance(code, str) or not _CODE.match(code) or not name:
        return None
    return Listed(
        code=code,
        name=name,
        country=_matching(_COUNTRY, entry.get("courier_country_iso2")),
        homepage=_matching(_WEB, entry.get("courier_url")),
        phone=_text(entry.get("courier_phone")),
        kind=_text(entry.get("courier_type")),
        required_fields=_required(entry.get("tracking_required_fields")),
        languages=_languages(entry.get("support_language")),
    )


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    plain = " ".join("".join(char if char.isprintable() else " " for char in value).split())
    return plain[:LONGEST_TEXT] or None


def _matching(pattern: re.Pattern[str], value: Any) -> str | None:
    text = _text(value)
    return text if text is not None and pattern.match(text) else None


def _required(value: Any) -> tuple[str, ...] | None:
    """Names of required fields; whether they come as a list or as text is open in the sources."""
    if isinstance(value, str):
        value = [word for word in re.split(r"[,;\s]+", value) if word]
    if not isinstance(value, list):
        return None
    return tuple(_FIELDS[name] for name in value if isinstance(name, str) and name in _FIELDS)


def _languages(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    found = tuple(one for one in value if isinstance(one, str) and _LANGUAGE.match(one))
    return found or None


def merge_listed(registry: Registry, listed: Iterable[Listed]) -> Registry:
    """Return ``registry`` with what the list says; what it does not say stays."""
    couriers = {courier.code: courier for courier in registry.all()}
    for one in listed:
        couriers[one.code] = _updated(couriers.get(one.code), one)
    return Registry(tuple(couriers[code] for code in sorted(couriers)))


def _updated(before: Courier | None, listed: Listed) -> Courier:
    said = {
        name: value
        for name in ("name", "country", "homepage", "phone", "kind", "required_fields", "languages")
        if (value := getattr(listed, name)) is not None
    }
    if before is None:
        return Courier(code=listed.code, **said)
    return replace(before, status="listed", **said)


def compare(registry: Registry, listed: Iterable[Listed]) -> Differences:
    """Say what ``merge_listed`` would change, and what the list no longer has."""
    by_code = {one.code: one for one in listed}
    before = {courier.code: courier for courier in registry.all()}
    return Differences(
        new=tuple(code for code in by_code if code not in before),
        changed=tuple(
            code
            for code, one in by_code.items()
            if code in before and _updated(before[code], one) != before[code]
        ),
        missing=tuple(
            code
            for code, courier in before.items()
            if courier.status == "listed" and code not in by_code
        ),
    )


def write_file(path: Path, content: ListFile) -> None:
    """Keep a list in a file, whole or not at all.

    Raises:
        OSError: when the file cannot be written.
    """
    new = path.with_name(path.name + ".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
    new.replace(path)


def read_file(path: Path) -> ListFile | None:
    """Return the list that is kept in a file; None when there is no such file.

    Raises:
        CourierListError: the file cannot be read, or is not one that ``write_file`` wrote.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=ListFile)
    except FileNotFoundError:
        return None
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise CourierListError(msg) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        msg = f"{path} is no list of couriers; delete it, or run: parcelwire couriers refresh"
        raise CourierListError(msg) from None


def refreshed_registry(registry: Registry, path: Path) -> Registry:
    """Return ``registry`` with the list kept in ``path``, or as it is when there is no such file.

    Raises:
        CourierListError: the file is there and cannot be used.
    """
    kept = read_file(path)
    return registry if kept is None else merge_listed(registry, kept.couriers)

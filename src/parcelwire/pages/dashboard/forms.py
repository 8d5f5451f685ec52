"""Forms as browsers send them: names and values, and files.

Small and strict: what is not of the form that every browser sends is refused, not repaired.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request

MOST_FIELDS: Final = 500
LONGEST_HEAD: Final = 8_000
"""Bytes of what stands above one part of a form."""
_BOUNDARY: Final = re.compile(r'boundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?\s*(?:;|\Z)')
_PARAMETER: Final = re.compile(r';\s*(name|filename)="((?:[^"\\\r\n]|\\.)*)"')


class FormError(Exception):
    """A body is too large (``status`` 413), or no form (400)."""

    def __init__(self, message: str, status: int = 400) -> None:
        """``message`` is for people."""
        super().__init__(message)
        self.status = status


class File(msgspec.Struct, frozen=True):
    """An uploaded file."""

    name: str
    media_type: str
    data: bytes


class Form:
    """What was sent, by name."""

    def __init__(
        self, values: Iterable[tuple[str, str]] = (), files: dict[str, File] | None = None
    ) -> None:
        """Keep values in order; a name may come several times."""
        self._values: dict[str, list[str]] = {}
        for name, value in values:
            self._values.setdefault(name, []).append(value)
        self._files = files or {}

    def get(self, name: str, default: str = "") -> str:
        """Return the (last) value of a field, without outer blanks."""
        return self._values.get(name, [default])[-1].strip()

    def text(self, name: str) -> str:
        """Return the value of a field of several lines, lines ended as on Unix."""
        return self._values.get(name, [""])[-1].replace("\r\n", "\n")

    def all(self, name: str) -> list[str]:
        """Return all values of a field."""
        return [value.strip() for value in self._values.get(name, [])]

    def has(self, name: str) -> bool:
        """Tell whether a field was sent (a box that is ticked)."""
        return name in self._values

    def file(self, name: str) -> File | None:
        """Return a file, if one was chosen."""
        found = self._files.get(name)
        return found if found is not None and (found.name or found.data) else None

    def names(self) -> list[str]:
        """Return the names of all fields."""
        return list(self._values)


async def read_form(request: Request, *, most_bytes: int) -> Form:
    """Return the form in a request's body.

    Raises:
        FormError: the body is larger than ``most_bytes``, or no form.
    """
    content_type = request.headers.get("content-type", "")
    return form_of(content_type, await read_body(request, most_bytes))


def form_of(content_type: str, body: bytes) -> Form:
    """Return the form in a body of this type.

    Raises:
        FormError: it is none.
    """
    media_type, _, rest = content_type.partition(";")
    match media_type.strip().lower():
        case "application/x-www-form-urlencoded":
            return Form(_checked(_urlencoded(body)))
        case "multipart/form-data":
            found = _BOUNDARY.search(rest)
            if found is None:
                msg = "the form has no boundary"
                raise FormError(msg)
            return _multipart(body, found[1].encode())
        case "" if not body:
            return Form()
        case _:
            msg = "this is no form"
            raise FormError(msg, 415)


async def read_body(request: Request, most_bytes: int) -> bytes:
    """Return a request's body.

    Raises:
        FormError: it is larger than ``most_bytes``, or the client went away.
    """
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:15]) > most_bytes:
        raise _too_large(most_bytes)
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most_bytes:
                raise _too_large(most_bytes)
            chunks.append(chunk)
    except ClientDisconnect:
        msg = "the form did not arrive whole"
        raise FormError(msg) from None
    return b"".join(chunks)


def _too_large(most_bytes: int) -> FormError:
    return FormError(f"at most {most_bytes:,} bytes can be sent at once", 413)


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        msg = "the form cannot be read"
        raise FormError(msg) from None


def _checked(values: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Refuse NUL, which no store takes, once for all fields."""
    checked = list(values)
    if any("\0" in name or "\0" in value for name, value in checked):
        msg = "a field holds a character that no text has (NUL)"
        raise FormError(msg)
    return checked


def _multipart(body: bytes, boundary: bytes) -> Form:
    values: list[tuple[str, str]] = []
    files: dict[str, File] = {}
    body, line = b"\r\n" + body, b"\r\n--" + boundary
    # Before it is divided: eleven megabytes hold a million pieces.
    if body.count(line) >= MOST_FIELDS:
        msg = "the form has too many fields"
        raise FormError(msg)
    pieces = body.split(line)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        msg = "the form did not arrive whole"
        raise FormError(msg)
    for piece in pieces[1:-1]:
        head, separator, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if len(head) > LONGEST_HEAD:
            msg = "the header of a form part is too long"
            raise FormError(msg)
        headers = _headers(head)
        said = dict(_PARAMETER.findall(headers.get("content-disposition", "")))
        if not separator or "name" not in said:
            msg = "a part of the form has no name"
            raise FormError(msg)
        name = said["name"]
        if "filename" in said:
            # Only the last part of a path: some browsers send the whole of it.
            file_name = re.split(r"[\\/]", said["filename"])[-1]
            if "\0" in file_name:
                msg = "a file's name cannot hold NUL"
                raise FormError(msg)
            files[name] = File(file_name[:200], headers.get("content-type", ""), data)
        else:
            try:
                values.append((name, data.decode()))
            except UnicodeDecodeError:
                msg = f"the field {name} is no text"
                raise FormError(msg) from None
    return Form(_checked(values), files)


def _headers(head: bytes) -> dict[str, str]:
    headers = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers

"""Forms as browsers send them: names and values, and files.

Small and strict: what is not of the form that every browser sends is refused, not repaired.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

MOST_FIELDS: Final = 500
LONGEST_HEAD: Final = 8_000
"""Bytes of what stands above one part of a form."""
LONGEST_DISPOSITION: Final = 2_000
"""Bytes of what names a part: a file's name, or a path to it. To divide one costs its square."""
_BOUNDARY: Final = re.compile(r'boundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?\s*(?:;|\Z)')


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
    parts = _Parts()
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": parts.begin,
            "on_header_field": parts.add_to_name,
            "on_header_value": parts.add_to_value,
            "on_header_end": parts.end_header,
            "on_part_data": parts.add_data,
            "on_part_end": parts.end,
            "on_end": parts.end_all,
        },
        max_header_size=2 * LONGEST_HEAD,
    )
    try:
        parser.write(body)
        parser.finalize()
    except MultipartParseError:
        msg = "the form cannot be read"
        raise FormError(msg) from None
    if not parts.is_whole:
        msg = "the form did not arrive whole"
        raise FormError(msg)
    return Form(_checked(parts.values), parts.files)


class _Parts:
    """Gathers the parts of a form as the parser comes to them."""

    def __init__(self) -> None:
        self.values: list[tuple[str, str]] = []
        self.files: dict[str, File] = {}
        self.is_whole = False
        self._count = 0

    def begin(self) -> None:
        self._count += 1
        if self._count > MOST_FIELDS:
            msg = "the form has too many fields"
            raise FormError(msg)
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value = bytearray(), bytearray()
        self._head_bytes = 0
        self._data = bytearray()

    def add_to_name(self, data: bytes, start: int, end: int) -> None:
        self._count_head(end - start)
        self._name += data[start:end]

    def add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._count_head(end - start)
        self._value += data[start:end]

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > LONGEST_HEAD:
            msg = "the header of a form part is too long"
            raise FormError(msg)

    def end_header(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name, self._value = bytearray(), bytearray()

    def add_data(self, data: bytes, start: int, end: int) -> None:
        self._data += memoryview(data)[start:end]

    def end(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        if len(disposition) > LONGEST_DISPOSITION:
            msg = "the header of a form part is too long"
            raise FormError(msg)
        _, said = parse_options_header(disposition)
        if b"name" not in said:
            msg = "a part of the form has no name"
            raise FormError(msg)
        name = said[b"name"].decode("utf-8", "replace")
        if b"filename" not in said:
            self.values.append((name, self._text(name)))
            return
        # Only the last part of a path: some browsers send the whole of it.
        file_name = re.split(r"[\\/]", said[b"filename"].decode("utf-8", "replace"))[-1]
        if "\0" in file_name:
            msg = "a file's name cannot hold NUL"
            raise FormError(msg)
        media_type = self._headers.get(b"content-type", b"").decode("latin-1")
        self.files[name] = File(file_name[:200], media_type, bytes(self._data))

    def _text(self, name: str) -> str:
        try:
            return self._data.decode()
        except UnicodeDecodeError:
            msg = f"the field {name} is no text"
            raise FormError(msg) from None

    def end_all(self) -> None:
        self.is_whole = True

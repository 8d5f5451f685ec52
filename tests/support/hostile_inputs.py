"""What strangers send to make a server work: payloads and heads, made here and sent by tests.

Plain functions without state. Each says what it is meant to overload.
"""

from __future__ import annotations

import gzip


def csv_with_headings(columns: int, refused_rows: int) -> bytes:
    """Return a file of many columns, each of whose rows is refused: a report repeats them all."""
    headings = ",".join(f"h{number}" for number in range(columns - 1))
    rows = "\n".join(f"{'x' * 5}{number}" for number in range(refused_rows))
    return f"tracking number,{headings}\n{rows}\n".encode()


def csv_with_cells(rows: int, cell: str, heading: str = "note") -> bytes:
    """Return a file with the same cell in each row, beside a number that can be followed."""
    lines = [f"94001118992238579{number:05},{cell}" for number in range(rows)]
    return "\n".join([f"tracking number,{heading}", *lines, ""]).encode()


def cell_of_combining_marks(length: int) -> str:
    """Return a letter under so many accents: normalising it costs the square of their number."""
    return "a" + "\u0301\u0323" * (length // 2)


def deep_json(depth: int) -> bytes:
    """Return arrays within arrays: a reader that calls itself for each runs out of stack."""
    return b"[" * depth + b"]" * depth


def deep_object(depth: int, name: str = "a") -> bytes:
    """Return objects within objects."""
    return b'{"%s":' % name.encode() * depth + b"1" + b"}" * depth


def cookie_of_backslashes(length: int, name: str = "a") -> str:
    """Return a quoted cookie whose unquoting costs the square of its length (CVE-2024-7592)."""
    return f'{name}="' + "\\" * length + '"'


def form_of_boundaries(count: int, boundary: str = "x") -> bytes:
    """Return a form of nothing but boundaries: divided, it is a million objects."""
    return f"--{boundary}\r\n".encode() * count + f"--{boundary}--\r\n".encode()


def form_with_head(length: int, boundary: str = "x") -> bytes:
    """Return a form whose only part has a head of such a length."""
    head = f'content-disposition: form-data; name="{"n" * length}"'
    return f"--{boundary}\r\n{head}\r\n\r\nvalue\r\n--{boundary}--\r\n".encode()


def crowded_json(containers: int) -> bytes:
    """Return an array of so many empty arrays: three bytes each, and a second for two megabytes."""
    return b"[" + b"[]," * (containers - 2) + b"[]]"


def gzip_of_members(count: int, plain: bytes = b"x") -> bytes:
    """Return a gzip body of so many members: each makes the reader begin anew."""
    return gzip.compress(plain) * count


def interim_answers(count: int) -> bytes:
    """Return so many interim answers, which are read and thrown away before the answer."""
    return b"HTTP/1.1 100 Continue\r\n\r\n" * count


STYLE_RULES_WITH_WORDS = (
    'ol { list-style: "Pay at evil.example" }',
    "@counter-style x { system: cyclic; symbols: 'Pay' }",
    "h1::after { content: 'Delivered' }",
    "footer { display: none }",
    ".card { position: fixed; inset: 0 }",
)
"""Rules of a brand that put words on a page, or take some away."""

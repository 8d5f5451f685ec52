"""Find secrets in texts and documents, as servers usually repeat them, and mask them.

What a server answers can hold a secret as it was sent, escaped (JSON, URL, HTML, up to three of
them over each other), in Latin-1, in hexadecimal or inside something in Base64, such as ``Basic``
credentials, also in lines. Other encodings (quoted-printable, Base64 of Base64) are not undone.

Escapes are undone layer by layer, and each layer is searched; so what an escape looks like (``%2f``
or ``%2F``, ``\\u00fc`` or ``ü``) makes no difference. The cost is linear in the length of the
document and in the number of secrets.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from html import unescape
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

SHORTEST_SECRET: Final = 6
"""Characters. A shorter value would be found in places where it means something else."""
MARK: Final = "[secret]"
MOST_SECRETS: Final = 40
LONGEST_SECRET: Final = 4_096
"""Characters; of a longer value, its beginning is masked."""

_LAYERS: Final = 3
"""Escapes over each other that are undone: JSON in JSON in a URL, for instance."""
_CUT_FROM: Final = 60
"""Bytes. Only what is at least as long is thought to be cut, perhaps in the middle of a secret."""
_SHORTEST_PIECE: Final = 8
"""Bytes of a secret that count as its beginning where a document ends."""
_LONGEST_ESCAPE: Final = 12

_ESCAPE: Final = re.compile(
    rb"%[0-9A-Fa-f]{2}"
    rb"|\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}"
    rb"|\\x[0-9A-Fa-f]{2}|\\[\"'\\/bfnrt]"
    rb"|&(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8}[0-9]{0,2});"
    # A line break inside Base64: what follows is looked at only where there is a break.
    rb"|\n(?<=[A-Za-z0-9+/_-]{40}\n)(?=[A-Za-z0-9+/_-]{4})"
    rb"|\r\n(?<=[A-Za-z0-9+/_-]{40}\r\n)(?=[A-Za-z0-9+/_-]{4})"
)
_UNFINISHED: Final = re.compile(
    rb"(?:%[0-9A-Fa-f]?|\\(?:u[0-9A-Fa-f]{0,3}|x[0-9A-Fa-f]?)?|&[#A-Za-z0-9]{0,9}"
    rb"|\xef\xbf\xbd|[\xc0-\xff][\x80-\xbf]{0,2})\Z"
)
"""An escape, or a character, of which a cut left only a part."""
_CONTROLS: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_BASE64: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")


class _Needle(NamedTuple):
    """Bytes to look for. In Base64, the characters beside them hold a part of the secret, too."""

    found: bytes
    takes_before: bool = False
    takes_after: bool = False


class SecretMask:
    """Knows some secrets, and masks them in whatever it is shown."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Values shorter than ``SHORTEST_SECRET`` are passed over."""
        self._secrets: set[str] = set()
        self._needles: set[_Needle] = set()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Mask one more value from now on, unless ``MOST_SECRETS`` are known already."""
        secret = secret.strip()[:LONGEST_SECRET]
        if len(secret) < SHORTEST_SECRET or len(self._secrets) >= MOST_SECRETS:
            return
        if secret not in self._secrets:
            self._secrets.add(secret)
            self._needles |= _needles(secret)

    def __bool__(self) -> bool:
        """Tell whether there is anything to mask."""
        return bool(self._needles)

    def text(self, text: str) -> str:
        """Return ``text`` with a mark in the place of each secret."""
        data = text.encode("utf-8", "surrogatepass")
        masked = self.document(data)
        return text if masked is data else masked.decode("utf-8", "replace")

    def document(self, data: bytes) -> bytes:
        """Return ``data`` with a mark in the place of each secret; itself where there is none."""
        spans = sorted(self._spans(data))
        if not spans:
            return data
        parts: list[bytes] = []
        done = 0
        for start, end in spans:
            if start >= done:
                parts += [data[done:start], MARK.encode()]
            done = max(done, end)
        return b"".join([*parts, data[done:]])

    def _spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield where the secrets stand in ``data``, in no order; spans may overlap."""
        if not self._needles or len(data) < SHORTEST_SECRET:
            return
        layers: list[_Layer] = []
        plain = data
        while True:
            for start, end in self._found(plain, is_long=len(data) >= _CUT_FROM):
                for layer in reversed(layers):
                    start, end = layer.origin(start, end)
                yield start, end
            if len(layers) == _LAYERS or not _ESCAPE.search(plain):
                return
            layers.append(_Layer(plain))
            plain = layers[-1].plain

    def _found(self, plain: bytes, *, is_long: bool) -> Iterator[tuple[int, int]]:
        whole = len(plain)
        unfinished = _UNFINISHED.search(plain, max(0, whole - _LONGEST_ESCAPE))
        end_of_piece = whole if unfinished is None else unfinished.start()
        for needle in self._needles:
            length = len(needle.found)
            start = plain.find(needle.found)
            while start >= 0:
                end = start + length
                yield _widened(plain, start, end, needle)
                start = plain.find(needle.found, end)
            if not is_long or length <= _SHORTEST_PIECE:
                continue
            head = needle.found[:_SHORTEST_PIECE]
            start = plain.find(head, max(0, end_of_piece - length + 1), end_of_piece)
            while start >= 0:
                if needle.found.startswith(plain[start:end_of_piece]):
                    yield start, whole
                    break
                start = plain.find(head, start + 1, end_of_piece)


def secrets_in_header(value: str) -> Iterator[str]:
    """Yield what is secret of a secret header's value: all of it, or what follows the scheme.

    Of ``Basic`` credentials, also the pair inside, and the password alone.
    """
    scheme, _, rest = value.strip().partition(" ")
    rest = rest.strip()
    if not rest:
        yield scheme
        return
    yield rest
    if scheme.lower() == "basic":
        try:
            pair = b64decode(rest).decode("utf-8", "replace")
        except ValueError:
            return
        yield pair
        yield pair.partition(":")[2]


class _Layer:
    """A document with its outermost escapes undone, and where everything in it came from."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self.plain = _without_escapes(source)

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return where the part from ``start`` to ``end`` of ``plain`` stands in the source."""
        return self._origin(start)[0], self._origin(end - 1)[1]

    def _origin(self, place: int) -> tuple[int, int]:
        """Return begin and end, in the source, of what became the byte at ``place``."""
        begins, ends, sources = self._escapes
        index = bisect_right(begins, place) - 1
        if index < 0:
            return place, place + 1
        if place < ends[index]:
            return sources[index]
        begin = sources[index][1] + place - ends[index]
        return begin, begin + 1

    @cached_property
    def _escapes(self) -> tuple[list[int], list[int], list[tuple[int, int]]]:
        """Each escape: begin and end of what it became, and its span in the source.

        Made on the first find only; most documents hold no secret.
        """
        begins: list[int] = []
        ends: list[int] = []
        sources: list[tuple[int, int]] = []
        shift = 0
        for escape in _ESCAPE.finditer(self._source):
            begins.append(escape.start() - shift)
            ends.append(begins[-1] + len(_written(escape[0])))
            sources.append(escape.span())
            shift = escape.end() - ends[-1]
        return begins, ends, sources


def _widened(plain: bytes, start: int, end: int, needle: _Needle) -> tuple[int, int]:
    if needle.takes_before and start > 0 and plain[start - 1] in _BASE64:
        start -= 1
    if needle.takes_after and end < len(plain) and plain[end] in _BASE64:
        end += 1
    return start, end


def _without_escapes(data: bytes) -> bytes:
    return _ESCAPE.sub(lambda escape: _written(escape[0]), data)


@lru_cache(maxsize=4_096)
def _written(escape: bytes) -> bytes:
    """Return what one escape stands for."""
    if escape.startswith(b"&"):
        return unescape(escape.decode()).encode("utf-8", "surrogatepass")
    if escape.startswith(b"%"):
        return bytes.fromhex(escape[1:].decode())
    if escape.startswith(b"\\x"):
        return bytes.fromhex(escape[2:].decode())
    if escape.startswith(b"\\u"):
        units = bytes.fromhex(escape.replace(b"\\u", b"").decode())
        return units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")
    if escape.endswith(b"\n"):
        return b""
    return _CONTROLS.get(escape[1:], escape[1:])


def _needles(secret: str) -> set[_Needle]:
    """Return everything to look for because of one secret."""
    forms = _in_character_sets(secret)
    bare = set(forms)
    for form in forms:
        # A part of the secret that looks like an escape is undone with the real ones around it.
        for _ in range(_LAYERS):
            form = _without_escapes(form)
            bare.add(form)
    bare |= {form.replace(b" ", b"+") for form in bare}
    needles = {_Needle(form) for form in bare if len(form) >= SHORTEST_SECRET}
    escaped = (quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace"))
    inner = {*forms, *(text.encode() for text in (*escaped, json.dumps(secret)[1:-1]))}
    for form in inner:
        if len(form) < SHORTEST_SECRET:
            continue
        needles |= {_Needle(form.hex().encode()), _Needle(form.hex().upper().encode())}
        needles |= _in_base64(form)
    return needles


def _in_character_sets(secret: str) -> set[bytes]:
    """Return the bytes of a secret in UTF-8 and Latin-1, and how each looks when taken for the
    other.
    """
    whole = secret.encode("utf-8", "surrogatepass")
    if secret.isascii():
        return {whole}
    forms = {whole, whole.decode("latin-1").encode()}
    for name in ("latin-1", "cp1252"):
        try:
            narrow = secret.encode(name)
        except UnicodeEncodeError:
            continue
        forms |= {narrow, narrow.decode("utf-8", "replace").encode()}
    return forms


def _in_base64(form: bytes) -> set[_Needle]:
    """Return what is sure to stand in the Base64 of whatever holds ``form``.

    Three bytes become four characters, so it depends on how many bytes stand before; those
    characters that hold bits of the neighbours are left out.
    """
    needles = set()
    for before in range(3):
        first = -(-8 * before // 6)
        last = 8 * (before + len(form)) // 6
        text = b64encode(bytes(before) + form)[first:last]
        takes_after = 8 * (before + len(form)) % 6 != 0
        for found in (text, text.translate(_URL_SAFE)):
            needles.add(_Needle(found, before != 0, takes_after))
    return needles


_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")

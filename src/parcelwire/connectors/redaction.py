"""Keep credentials out of what is stored and shown, whatever a carrier or a connector repeats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from traceback import extract_tb
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
from msgspec.structs import replace

from parcelwire.connectors.base import Request, Response
from parcelwire.domain.json_limits import decode_json
from parcelwire.domain.redaction import SecretMask, secrets_in_header
from parcelwire.domain.report import CarrierReport, UnmappedCode

_SHORTEST_TOKEN: Final = 8
_SHORTEST_COOKIE: Final = 12
"""Shorter ones hold a language or a version, and would be masked wherever that is named."""
_LONGEST_SCANNED: Final = 100_000
"""Bytes of a token's answer that are searched for names of secrets."""
_DEEPEST: Final = 6

_SECRET_NAME: Final = re.compile(
    r"token|secret|passw|signature|assertion|session|csrf|credential|jwt|cookie"
    r"|(?:\A|[_-])(?:sign?|key|apikey)(?:\Z|[_-])|api_?key",
    re.IGNORECASE,
)
_OTHER_NAME: Final = re.compile(
    r"(?:type|expir\w*|ur[il]|endpoint|algorithm|method)\Z|expires", re.IGNORECASE
)
"""What is told beside a secret, under a name of its own: ``token_type``, ``expires_in``."""

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class Redactor:
    """Watches one exchange, and cleans its reports.

    ``secrets`` are the values that may appear nowhere. What they were exchanged for or turned into
    joins them as it is seen: tokens, cookies, the contents of secret headers, signatures. The
    answers to requests with a secret body (a token request) are secret as a whole.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._mask = SecretMask(secrets)
        self._secret_bodies: list[bytes] = []
        self.latest: Response | None = None
        """The newest answer that may be shown."""

    def see(self, request: Request, response: Response) -> None:
        """Note one exchange."""
        for secret in (*_sent(request), *_received(request, response)):
            self._mask.add(secret)
        if not request.is_secret_body:
            self.latest = response
        elif response.body:
            self._secret_bodies.append(response.body)

    def clean_all(self, reports: Iterable[CarrierReport]) -> list[CarrierReport]:
        """Return the reports without anything secret."""
        return [self.clean(report) for report in reports]

    def clean(self, report: CarrierReport) -> CarrierReport:
        """Return the report without anything secret."""
        if not self._mask and not self._secret_bodies:
            return report
        raw = report.raw
        unmapped = report.unmapped
        if raw and any(body.startswith(raw) for body in self._secret_bodies):
            raw = b""
            unmapped = tuple(UnmappedCode(kind=one.kind, value=one.value) for one in unmapped)
        texts = "\n".join(_texts((report.checkpoints, report.facts, report.window)))
        is_clean = self._mask.text(texts) is texts
        return replace(
            report,
            raw=self._mask.document(raw),
            detail=self.text(report.detail),
            unmapped=tuple(map(self._cleaned, unmapped)),
            checkpoints=report.checkpoints
            if is_clean
            else tuple(map(self._cleaned, report.checkpoints)),
            facts=report.facts if is_clean or report.facts is None else self._cleaned(report.facts),
            window=report.window
            if is_clean or report.window is None
            else self._cleaned(report.window),
        )

    def text(self, text: str) -> str:
        """Return a text with a mark in the place of each secret."""
        return self._mask.text(text)

    def _cleaned(self, struct: _Struct) -> _Struct:
        """Return ``struct`` with its texts, and those of structs in it, masked."""
        changes: dict[str, object] = {}
        for name in struct.__struct_fields__:
            value = getattr(struct, name)
            # No enumeration, whose members are texts by type; and no time, which merge must read.
            if type(value) is str and name != "local_time":
                changes[name] = self.text(value)
            elif isinstance(value, msgspec.Struct):
                changes[name] = self._cleaned(value)
        return replace(struct, **changes)


def _texts(value: object) -> Iterator[str]:
    """Yield every text in structs and sequences of them."""
    if type(value) is str:
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _texts(getattr(value, name))


def _sent(request: Request) -> Iterator[str]:
    """Yield what is secret of a request: in its headers, its address and its body."""
    secret_headers = {name.lower() for name in request.secret_headers}
    for name, value in request.headers.items():
        if name.lower() == "cookie":
            yield from _cookies(part.partition("=")[2] for part in value.split(";"))
        elif name.lower() in secret_headers:
            yield from _of_header(value)
    if "?" in request.url or "@" in request.url:
        yield from _of_url(request.url)
    if request.is_secret_body:
        yield from _of_body(request.body)


def _received(request: Request, response: Response) -> Iterator[str]:
    """Yield what is secret of an answer: its cookies, its tokens."""
    yield from _cookies(response.cookies.values())
    for name, value in response.headers.items():
        if _names_secret(name) and name.lower() != "set-cookie":
            yield from _long(value)
    if request.is_secret_body:
        yield from _of_body(response.body)


def _of_header(value: str) -> Iterator[str]:
    """Yield what is secret of a header's value, and of its named parts."""
    yield from secrets_in_header(value)
    for part in value.partition(" ")[2].split(","):
        # As OAuth 1, AWS and digests write it: several named parts, of which some are public.
        name, _, written = part.strip().partition("=")
        if written and (_names_secret(name) or name.lower() == "response"):
            written = written.strip('"')
            yield from _long(written)
            yield from _long(unquote(written))


def _of_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return
    if password:
        yield unquote(password)
    for name, value in parse_qsl(parts.query):
        if _names_secret(name):
            yield from _long(value)


def _of_body(body: bytes) -> Iterator[str]:
    """Yield the secrets of a body that is there to carry some: JSON, a form, a bare token."""
    if not body or len(body) > _LONGEST_SCANNED:
        return
    try:
        yield from _named(decode_json(body))
    except msgspec.DecodeError:
        text = body.decode("utf-8", "replace").strip()
        if "=" in text and "&" in text:
            yield from _named(dict(parse_qsl(text)))
        elif not any(char.isspace() or char in "<>{}" for char in text):
            yield from _long(text)


def _named(value: Any, name: str = "", depth: int = _DEEPEST) -> Iterator[str]:
    """Yield the texts in ``value`` whose names say that they are secret."""
    if isinstance(value, str):
        if _names_secret(name) or not name:
            yield from _long(value)
    elif depth and isinstance(value, dict):
        for inner, item in value.items():
            yield from _named(item, str(inner), depth - 1)
    elif depth and isinstance(value, list):
        for item in value:
            yield from _named(item, name or "item", depth - 1)


def _names_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None and _OTHER_NAME.search(name) is None


def _long(value: str) -> Iterator[str]:
    if len(value) >= _SHORTEST_TOKEN:
        yield value


def _cookies(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        if len(value.strip()) >= _SHORTEST_COOKIE:
            yield value
            yield unquote(value)


def describe_error(error: BaseException) -> str:
    """Return an exception's type and where it came through, without its own words.

    Those may quote an answer, and so a person or a token.
    """
    frames = extract_tb(error.__traceback__)[-6:]
    places = [
        f"{frame.filename.replace(chr(92), '/').rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}"
        for frame in frames
    ]
    return f"{type(error).__name__} at " + (" > ".join(places) or "unknown place")

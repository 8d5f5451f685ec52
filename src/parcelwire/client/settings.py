"""Which server is spoken to, and how patiently."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final, Literal, TypedDict
from urllib.parse import unquote_to_bytes, urlsplit

import msgspec

from parcelwire.client.connections import check_host

Scheme = Literal["standard", "v4", "v2"]
"""A way of signing webhooks: Standard Webhooks, or one of TrackingMore's two."""

LOCAL_URL: Final = "http://127.0.0.1:8787"
"""Where ``parcelwire serve`` listens unless it is told otherwise."""
TRACKINGMORE_URL: Final = "https://api.trackingmore.com"
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")
_NO_ADDRESS: Final = "base_url must be an address such as https://parcels.example.com"
_WITH_PASSWORD: Final = re.compile(
    r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://)(?P<who>[^/?#\\]*)@(?P<rest>.*)", re.DOTALL
)


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of server can do and how it behaves where the wire is the same."""

    name: str
    has_native_api: bool
    """It has calls that TrackingMore's v4 has no word for."""
    webhook_scheme: Scheme
    """The best signature that its webhooks always carry."""
    pages_by_time: bool
    """Its lists are known to be ordered by creation, with bounds that include their ends."""
    pause_seconds: float | None = None
    """How long to keep silent after a 429 without Retry-After; None: back off as usual."""


PARCELWIRE: Final = Backend(
    name="Parcelwire", has_native_api=True, webhook_scheme="standard", pages_by_time=True
)
TRACKINGMORE: Final = Backend(
    name="TrackingMore's hosted service",
    has_native_api=False,
    webhook_scheme="v4",
    pages_by_time=False,
    # Its manual asks for two minutes of silence and documents no Retry-After.
    pause_seconds=120.0,
)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How patient a client is. ``with_options`` changes single ones."""

    timeout_seconds: float = 30.0
    """Longest silence of the server within one try. A create waits for the carrier's answer."""
    connect_timeout_seconds: float = 5.0
    max_retries: int = 4
    """Further tries after the first one, of calls that may be repeated."""
    max_retry_delay_seconds: float = 60.0
    """Longest pause before a try. A server that asks for more gets none: the error is raised."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers of every request."""
    idempotency_key: str | None = None
    """Of creates made with these options, so of one create only; None: each draws its own.

    The calls of ``create_many`` add their number to it.
    """

    def __post_init__(self) -> None:
        for name in ("timeout_seconds", "connect_timeout_seconds", "max_retry_delay_seconds"):
            # Written so that a value that is not a number is refused too.
            if not getattr(self, name) > 0:
                msg = f"{name} must be above 0"
                raise ValueError(msg)
        if self.max_retries < 0:
            msg = "max_retries must not be negative"
            raise ValueError(msg)
        for name, value in self.headers:
            if not _HEADER_NAME.fullmatch(name):
                msg = "headers: a name holds characters that no header can carry, or none at all"
                raise ValueError(msg)
            _check_header_value(f"headers: the value of {name}", value)
        if self.idempotency_key is not None:
            _check_header_value("idempotency_key", self.idempotency_key)


def _check_header_value(what: str, value: str) -> None:
    # Not repeated: it may be a secret.
    if not _HEADER_VALUE.fullmatch(value):
        msg = f"{what} holds characters that no header can carry"
        raise ValueError(msg)


class ClientOptions(TypedDict, total=False):
    """``Options`` as keyword arguments of a client and of its ``with_options``."""

    timeout_seconds: float
    connect_timeout_seconds: float
    max_retries: int
    max_retry_delay_seconds: float
    headers: Mapping[str, str]
    idempotency_key: str | None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one client that does no I/O."""

    api_key: str
    base_url: str
    """Without user name and password, so that it may stand in messages and logs."""
    backend: Backend
    options: Options
    authorization: str = ""
    """The header for what stands before the server and wants a user name and a password."""

    def __post_init__(self) -> None:
        if not self.api_key or not self.api_key.isascii() or not self.api_key.isprintable():
            msg = "the API key is empty, or holds characters that no header can carry"
            raise ValueError(msg)
        # No message repeats the address: it may hold a password that stands where it should not.
        if "@" in self.base_url:
            msg = "base_url holds an @ too many: in a password it is written %40, and / is %2F"
            raise ValueError(msg)
        try:
            address = urlsplit(self.base_url)
            is_one = address.scheme in ("http", "https") and address.hostname
            # Reading the port is what finds out whether it is one.
            if not is_one or address.port == 0 or any(map(str.isspace, self.base_url)):
                raise ValueError
        except ValueError:
            raise ValueError(_NO_ADDRESS) from None
        if address.query or address.fragment:
            msg = "base_url must have neither query nor fragment"
            raise ValueError(msg)

    def __repr__(self) -> str:
        # The key shall not get into anybody's log by accident.
        return f"{self.backend.name} at {self.base_url}"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # Without this, whoever prints with rich would see every field.
        return [("server", repr(self))]

    def url(self, path: str) -> str:
        """Return the address of ``path``, which begins with a slash."""
        return self.base_url.rstrip("/") + path

    def changed(self, options: ClientOptions) -> Settings:
        """Return the same with other options.

        Raises:
            ValueError: an option is unusable.
        """
        changes: dict[str, Any] = {**options}
        if "headers" in changes:
            changes["headers"] = tuple(changes["headers"].items())
        return msgspec.structs.replace(
            self, options=msgspec.structs.replace(self.options, **changes)
        )


def settings_for(api_key: str, base_url: str, backend: Backend, options: ClientOptions) -> Settings:
    """Return checked settings.

    A base address that ends in ``/v4``, as TrackingMore's manual prints it, is taken without. A
    user name and a password in it (``https://me:secret@parcels.example.com``) go into a header.

    Raises:
        ValueError: the key, the address or an option is unusable.
    """
    address, authorization = _without_password(base_url.strip())
    settings = Settings(
        api_key=api_key.strip(),
        base_url=address.rstrip("/").removesuffix("/v4"),
        backend=backend,
        options=Options(),
        authorization=authorization,
    )
    try:
        check_host(settings.base_url)
    except ValueError:
        raise ValueError(_NO_ADDRESS) from None
    return settings.changed(options)


def _without_password(base_url: str) -> tuple[str, str]:
    """Return the address without user name and password, and the header that says them."""
    found = _WITH_PASSWORD.fullmatch(base_url)
    if found is None:
        return base_url, ""
    name, _, password = found["who"].partition(":")
    try:
        said = unquote_to_bytes(name) + b":" + unquote_to_bytes(password)
    except UnicodeEncodeError:
        msg = "the user name or the password in base_url holds characters that cannot be sent"
        raise ValueError(msg) from None
    return found["before"] + found["rest"], f"Basic {b64encode(said).decode()}"

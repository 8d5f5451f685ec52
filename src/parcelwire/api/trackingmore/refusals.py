"""Why a call is refused, in no version's words: a version gives each reason its code.

CallRefusedError(reason)   raised by what all versions share
TrackingError              raised by the use cases
Refused(code)              raised by a version's own handlers, which know their codes
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from parcelwire.accounts.authentication import AuthFailure


class RefusalReason(Enum):
    """What is wrong with a call before its handler sees it, or with the server behind it."""

    NO_KEY = auto()
    UNKNOWN_KEY = auto()
    REVOKED_KEY = auto()
    EXPIRED_KEY = auto()
    RATE_LIMITED = auto()
    TOO_MANY_AT_ONCE = auto()
    """The account has as many calls of this kind in progress as it may have."""
    PAYMENT_REQUIRED = auto()
    """The operator wants to be paid first."""
    SUSPENDED = auto()
    """The account is."""
    UNKNOWN_PATH = auto()
    WRONG_METHOD = auto()
    SCOPE_TOO_SMALL = auto()
    """The key may not do that."""
    DISABLED = auto()
    """The operator switched the call off."""
    BODY_TOO_LARGE = auto()
    SERVER_FAULT = auto()
    STORE_UNAVAILABLE = auto()


REASON_OF_KEY: Final = {
    AuthFailure.NO_KEY: RefusalReason.NO_KEY,
    AuthFailure.UNKNOWN_KEY: RefusalReason.UNKNOWN_KEY,
    AuthFailure.REVOKED_KEY: RefusalReason.REVOKED_KEY,
    AuthFailure.EXPIRED_KEY: RefusalReason.EXPIRED_KEY,
}


class CallRefusedError(Exception):
    """A call is refused for a reason that every version has a code for."""

    def __init__(self, reason: RefusalReason) -> None:
        """Take the reason."""
        super().__init__(reason.name)
        self.reason = reason


class Refused(Exception):  # noqa: N818  (it says what happens to the call, like the codes do)
    """A call, or one item of many, that is answered with an error code of its version."""

    def __init__(
        self,
        code: int,
        *,
        message: str = "",
        field: str = "",
        data: bytes | None = None,
        missing: tuple[str, ...] = (),
        retry_after_seconds: int | None = None,
    ) -> None:
        """Take a code of the version, and what else is to be said.

        ``message``: another than the code's own. ``field``: which one is wrong, where the code's
        message has a place for it. ``data``: JSON, instead of the empty form. ``missing``: the
        wire's names of fields that the courier wants. ``retry_after_seconds``: when to ask again,
        where the version does not know by the code.
        """
        super().__init__(code)
        self.code = code
        self.message = message
        self.field = field
        self.data = data
        self.missing = missing
        self.retry_after_seconds = retry_after_seconds

"""Why a use case of accounts refuses.

AccountsError
 +-- NotFoundError             there is none, or it is another account's: both look alike
 |    +-- AccountNotFoundError, KeyNotFoundError, ConnectionNotFoundError, BrandNotFoundError
 |    +-- ConnectorNotFoundError, TransportNotFoundError
 +-- AccountExistsError        the e-mail address is taken
 +-- AccountSuspendedError
 +-- OwnSuspensionError        an operator's own account
 +-- CurrentKeyError           the very key that asks is to be revoked
 +-- ConnectionChangedError    somebody else was faster
 +-- LoginError                nobody comes in like that

What is wrong with a command's fields is an ``InvalidInputError`` (``domain.field_problems``).
"""

from __future__ import annotations

from collections.abc import Iterable


class AccountsError(Exception):
    """A use case of accounts refuses."""


class NotFoundError(AccountsError):
    """What was named is not there, or not the account's."""


class AccountNotFoundError(NotFoundError):
    """There is no such account."""


class KeyNotFoundError(NotFoundError):
    """There is no such key, or the caller may not see it."""


class ConnectionNotFoundError(NotFoundError):
    """The account has no such connection."""


class BrandNotFoundError(NotFoundError):
    """The world has no brand of its own that could be deleted."""


class ConnectorNotFoundError(NotFoundError):
    """There is no such connector."""

    def __init__(self, connector: str, known: Iterable[str]) -> None:
        """``known``: the codes of those that there are."""
        super().__init__(f"there is no connector {connector}; there are {', '.join(known)}")


class TransportNotFoundError(NotFoundError):
    """The connector has no such transport."""

    def __init__(self, connector: str, transport: str, known: Iterable[str]) -> None:
        """``known``: the names of those that it has."""
        super().__init__(f"{connector} has no transport {transport}; it has {', '.join(known)}")


class AccountExistsError(AccountsError):
    """The e-mail address has an account already."""


class AccountSuspendedError(AccountsError):
    """The account is suspended."""


class OwnSuspensionError(AccountsError):
    """Operators cannot suspend their own account: nobody might be left to resume it."""


class CurrentKeyError(AccountsError):
    """The key that asks is to be revoked, and the caller did not say that this is meant."""


class ConnectionChangedError(AccountsError):
    """The connection was deleted, or given other credentials, in the meantime."""


class LoginError(AccountsError):
    """Nobody comes in like that."""

    def __init__(
        self, *, wait_seconds: int = 0, is_busy: bool = False, is_suspended: bool = False
    ) -> None:
        """``wait_seconds``: nothing was even looked at, and will not be before then.

        ``is_busy``: that is not this caller's doing; the server has too many passwords to check.
        ``is_suspended``: the credentials are right, but their account is suspended.
        """
        super().__init__("busy" if is_busy else "throttled" if wait_seconds else "refused")
        self.wait_seconds = wait_seconds
        self.is_busy = is_busy
        self.is_suspended = is_suspended

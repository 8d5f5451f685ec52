"""What the use cases of accounts refuse, as problems."""

from __future__ import annotations

from parcelwire.accounts.errors import (
    AccountExistsError,
    AccountNotFoundError,
    AccountsError,
    AccountSuspendedError,
    CurrentKeyError,
    InvalidInputError,
    KeyNotFoundError,
    OwnSuspensionError,
)
from parcelwire.api.native.problems import FieldError, ProblemError


def account_problem(error: AccountsError) -> ProblemError:
    """Return the problem that a refusal is answered with."""
    match error:
        case InvalidInputError():
            return _invalid(error)
        case AccountNotFoundError():
            return ProblemError("account-not-found")
        case AccountExistsError():
            return ProblemError("account-already-exists")
        case AccountSuspendedError():
            # Suspended after the key was checked. The reason is for operators only.
            return ProblemError("account-suspended")
        case OwnSuspensionError():
            return ProblemError("cannot-suspend-own-account", "ask another operator")
        case KeyNotFoundError():
            return ProblemError("key-not-found")
        case CurrentKeyError():
            return ProblemError(
                "cannot-revoke-current-key",
                "to revoke the key used for this request, send ?allow_current=true",
            )
        case _:
            raise error


def _invalid(error: InvalidInputError) -> ProblemError:
    first = error.problems[0]
    if first.code == "not-allowed":
        return ProblemError("test-key-not-allowed", "a test key makes test keys only")
    kind = "invalid-expiry" if first.field == "expires_at" else "validation-failed"
    return ProblemError(
        kind,
        f"{first.field}: {first.message}",
        errors=tuple(FieldError(one.field, one.message) for one in error.problems),
    )

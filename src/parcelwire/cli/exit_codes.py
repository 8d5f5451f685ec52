"""How a command can end: its exit code, and the error that carries one.

The table in docs/cli.md is made from ``EXITS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    # Importing the client takes half of a short command's time.
    from parcelwire.client.errors import ParcelwireError

DONE: Final = 0
FAILED: Final = 1
WRONG_CALL: Final = 2
NOT_FOUND: Final = 3
PARTLY: Final = 4
NO_ANSWER: Final = 5
KEY_REFUSED: Final = 6
INTERRUPTED: Final = 130

EXITS: Final = {
    DONE: "success",
    FAILED: "failure; the last line of standard error says why",
    WRONG_CALL: "usage error",
    NOT_FOUND: "not found: the number is not tracked, or its carrier does not know it",
    PARTLY: "partial failure: some items were rejected, the rest is done",
    NO_ANSWER: "no response, or rate-limited: the same command may work later",
    KEY_REFUSED: "access denied: the key is rejected, or its scope does not allow this",
    INTERRUPTED: "interrupted",
}
"""Exit code -> what it means."""


class CommandError(Exception):
    """A command cannot do what it was asked for; the message is one line for people."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def exit_code_of(error: ParcelwireError) -> int:
    """Return the exit code of an error of the client."""
    from parcelwire.client import errors

    if isinstance(error, errors.AuthenticationError | errors.ForbiddenError):
        return KEY_REFUSED
    if isinstance(error, errors.NetworkError | errors.ServerError | errors.RateLimitError):
        return NO_ANSWER
    return NOT_FOUND if isinstance(error, errors.NotFoundError) else FAILED

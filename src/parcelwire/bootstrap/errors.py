"""What can be wrong with an installation."""

from __future__ import annotations


class InstallationError(Exception):
    """Something about this installation is not as a command needs it.

    The message is one line that says what to do.
    """

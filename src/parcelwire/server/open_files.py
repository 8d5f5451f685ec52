"""How many files this process may have open, and how many connections that allows."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
from typing import Final

MOST_FILES: Final = 65_536
"""The limit is not raised beyond this: nobody needs more, and some libraries walk over all."""
MOST_CONNECTIONS: Final = 4_096
"""Without a setting of its own, a process takes no more connections than this."""
_OWN_FILES: Final = 64
"""Databases, logs, modules, listeners, pipes of the event loop."""


def raise_file_limit() -> int:
    """Raise the soft limit of open files towards the hard one, and return what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # macOS has a lower limit of its own, and a sandbox may forbid it.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST_FILES if soft == resource.RLIM_INFINITY else soft


def has_free_file() -> bool:
    """Tell whether this process can open one more file; tried, not computed."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno not in (errno.EMFILE, errno.ENFILE)
    return True


def connections_for(files: int, outgoing: int) -> int:
    """Return how many connections ``files`` open files allow.

    ``outgoing``: connections that the process itself may have open, to the database, carriers and
    webhook endpoints. At most half of the files is kept for these and for its own.
    """
    reserved = min(files // 2, _OWN_FILES + outgoing)
    return max(1, min(MOST_CONNECTIONS, files - reserved))

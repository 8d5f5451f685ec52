"""The key file: one key a line, the newest first; empty lines and lines with ``#`` are passed over.

It is written whole or not at all, and is on the disk before anybody can seal with what it holds:
what is sealed with a key that a power failure takes away is lost, however safe the database is.
"""

import base64
import binascii
import contextlib
import errno
import logging
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from parcelwire.connectors.credential_encryption import KEY_BYTES, KeyFileError, RandomBytes

_log: Final = logging.getLogger(__name__)

_HEADER: Final = (
    "# Opens what is sealed in the database: carriers' credentials, webhook secrets and headers.\n"
    "# Back it up apart from the database.\n"
)


def make_key(random_bytes: RandomBytes) -> str:
    """Return a new key as a line for the key file, without the line's end."""
    return base64.urlsafe_b64encode(random_bytes(KEY_BYTES)).decode("ascii")


def create_key_file(path: Path, random_bytes: RandomBytes) -> None:
    """Write a key file with one new key, readable by its owner only.

    Raises:
        FileExistsError: when there is one; an overwritten key loses everything it sealed.
    """
    text = f"{_HEADER}{make_key(random_bytes)}\n"
    if path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    draft = _draft_beside(path, random_bytes)
    try:
        _write_flushed(draft, text)
        try:
            os.link(draft, path)
        except FileExistsError:
            raise
        except OSError:
            # A file system without links: then it is written in place, and a crash in this moment
            # leaves half a file, which says so at the next start.
            _write_flushed(path, text)
    finally:
        draft.unlink(missing_ok=True)
    _flush_folder(path.parent)


def replace_key_file(path: Path, keys: Sequence[bytes], random_bytes: RandomBytes) -> None:
    """Put these keys, newest first, in place of what the key file holds; its owner and mode stay.

    Raises:
        KeyFileError: when it cannot be written; then it is as it was.
    """
    place = path.resolve()
    lines = [base64.urlsafe_b64encode(key).decode("ascii") for key in keys]
    draft = _draft_beside(place, random_bytes)
    try:
        before = place.stat()
        try:
            _write_flushed(draft, _HEADER + "".join(f"{line}\n" for line in lines))
            made = draft.stat()
            if (made.st_uid, made.st_gid) != (before.st_uid, before.st_gid):
                # Written by root for a service of its own user: the service must still read it.
                os.chown(draft, before.st_uid, before.st_gid)
            draft.chmod(stat.S_IMODE(before.st_mode))
            os.replace(draft, place)  # noqa: PTH105  # proofs stop here, at the system's own call
        finally:
            draft.unlink(missing_ok=True)
        _flush_folder(place.parent)
    except OSError as error:
        msg = f"cannot write the key file {path}: {error.strerror}"
        raise KeyFileError(msg) from error


def remove_drafts(path: Path) -> None:
    """Remove what killed writers have left beside the key file: it holds keys."""
    place = path.resolve()
    draft = re.compile(rf"\.{re.escape(place.name)}\.\d+-[0-9a-f]{{8}}")
    for one in place.parent.iterdir():
        if draft.fullmatch(one.name):
            one.unlink(missing_ok=True)


@contextlib.contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Keep others on this machine from rewriting the key file while the block runs.

    Raises:
        KeyFileError: when another one is at it, or the file's folder cannot be written to.
    """
    import fcntl  # not on every system; only a rotation needs it

    place = path.resolve()
    lock = place.with_name(f".{place.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        msg = f"cannot write beside the key file {path}: {error.strerror}"
        raise KeyFileError(msg) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            msg = f"another command is rotating the key of {path}; wait until it has finished"
            raise KeyFileError(msg) from None
        yield
    finally:
        os.close(descriptor)


def read_keys(path: Path) -> list[bytes]:
    """Return the keys of a key file, newest first.

    Raises:
        KeyFileError: when the file is missing, unreadable, writable for others, or holds no key.
    """
    try:
        mode = path.stat().st_mode
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"the key file {path} cannot be read: {type(error).__name__}"
        raise KeyFileError(msg) from error
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        msg = f"the key file {path} can be written by others; chmod 600 it"
        raise KeyFileError(msg)
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        # Containers mount their secrets like this, so it is no error.
        who = "everybody on this machine" if mode & stat.S_IROTH else "its group"
        _log.warning("the key file %s can be read by %s: chmod 600 %s", path, who, path)
    keys = [
        _decode_key(line.strip(), path, number)
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not keys:
        msg = f"the key file {path} holds no key"
        raise KeyFileError(msg)
    return keys


def _decode_key(line: str, path: Path, number: int) -> bytes:
    try:
        key = base64.b64decode(line, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        # The line itself stays out of the message: it may be a key with one letter wrong.
        msg = f"line {number} of the key file {path} is no key of {KEY_BYTES} bytes in base64"
        raise KeyFileError(msg)
    return key


def _draft_beside(path: Path, random_bytes: RandomBytes) -> Path:
    """Return where a new key file is written before it takes its place; see ``remove_drafts``."""
    return path.with_name(f".{path.name}.{os.getpid()}-{random_bytes(4).hex()}")


def _write_flushed(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  # a descriptor has no path
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # some systems open no folders, and write their entries at once
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

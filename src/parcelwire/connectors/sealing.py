"""Credentials at rest: a JSON object in, sealed bytes out, bound to the connection they belong to.

AES-256-GCM. Sealed bytes are a form mark, the id of the key, a nonce, and the ciphertext with its
tag; the form mark, the key's id and the connection's id are authenticated too, so that credentials
moved to another connection's row do not open there.

The key file holds one key a line, the newest first, as ``make_key`` writes it; empty lines and
lines that begin with ``#`` are passed over. The first key seals, every key opens: to rotate, put a
new line on top, seal everything again (``is_current`` tells what is left), and take the old line
out.
"""

import base64
import binascii
import errno
import hashlib
import logging
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_log: Final = logging.getLogger(__name__)

RandomBytes = Callable[[int], bytes]

KEY_BYTES: Final = 32
_FORM: Final = b"pw1"
_KEY_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_MARK_BYTES: Final = len(_FORM) + _KEY_ID_BYTES
_HEAD_BYTES: Final = _MARK_BYTES + _NONCE_BYTES


class SealingError(Exception):
    """Credentials cannot be sealed or opened. The text is fit for the operator's eyes."""


class KeyFileError(SealingError):
    """The key file is missing, open to others' writing, or holds something that is no key."""


class UnknownKeyError(SealingError):
    """The credentials were sealed with a key that the key file does not hold (any more)."""


class BrokenSealError(SealingError):
    """The sealed bytes were changed, cut short, or belong to another connection."""


class Sealer:
    """Seals and opens credentials with the keys of one key file."""

    def __init__(self, keys: Sequence[bytes], random_bytes: RandomBytes) -> None:
        """Take the keys, newest first, and a source of unpredictable bytes for nonces.

        Raises:
            KeyFileError: when there is no key, or one is not ``KEY_BYTES`` long.
        """
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            msg = f"at least one key of {KEY_BYTES} bytes is needed"
            raise KeyFileError(msg)
        self._random_bytes = random_bytes
        self._keys = {_key_id(key): AESGCM(key) for key in keys}
        self._current = _key_id(keys[0])

    def seal(self, credentials: Mapping[str, Any], connection_id: str) -> bytes:
        """Return ``credentials`` sealed for one connection, with the newest key."""
        nonce = self._random_bytes(_NONCE_BYTES)
        head = _FORM + self._current
        box = self._keys[self._current].encrypt(
            nonce, msgspec.json.encode(credentials), _bound_to(head, connection_id)
        )
        return head + nonce + box

    def open(self, sealed: bytes, connection_id: str) -> dict[str, Any]:
        """Return what was sealed for this connection.

        Raises:
            UnknownKeyError: when the key is not in the key file.
            BrokenSealError: when the bytes are not as they were sealed.
        """
        head, nonce = sealed[:_MARK_BYTES], sealed[_MARK_BYTES:_HEAD_BYTES]
        if len(sealed) <= _HEAD_BYTES or not head.startswith(_FORM):
            msg = f"the credentials of connection {connection_id} are not in a form known here"
            raise BrokenSealError(msg)
        key = self._keys.get(head[len(_FORM) :])
        if key is None:
            msg = (
                f"the credentials of connection {connection_id} were sealed with key "
                f"{head[len(_FORM) :].hex()}, which the key file does not hold"
            )
            raise UnknownKeyError(msg)
        try:
            plain = key.decrypt(nonce, sealed[_HEAD_BYTES:], _bound_to(head, connection_id))
        except InvalidTag:
            msg = (
                f"the credentials of connection {connection_id} were changed, "
                "or sealed for another connection"
            )
            raise BrokenSealError(msg) from None
        return msgspec.json.decode(plain, type=dict[str, Any])

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether the newest key sealed these bytes."""
        return sealed.startswith(_FORM + self._current)


def make_key(random_bytes: RandomBytes) -> str:
    """Return a new key as a line for the key file, without the line's end."""
    return base64.urlsafe_b64encode(random_bytes(KEY_BYTES)).decode("ascii")


def create_key_file(path: Path, random_bytes: RandomBytes) -> None:
    """Write a key file with one new key, readable by its owner only.

    It appears whole and is on the disk when this returns: what is sealed with a key that a power
    failure takes away is lost, however safe the database is.

    Raises:
        FileExistsError: when there is one; an overwritten key loses everything it sealed.
    """
    text = (
        "# Opens the carriers' credentials in the database. Back it up apart from the database.\n"
        f"{make_key(random_bytes)}\n"
    )
    if path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    draft = path.with_name(f".{path.name}.{os.getpid()}-{random_bytes(4).hex()}")
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


def load_sealer(path: Path, random_bytes: RandomBytes) -> Sealer:
    """Return a sealer with the keys of a key file.

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
    if mode & stat.S_IROTH:
        # Containers mount their secrets like this, so it is no error.
        _log.warning("the key file %s can be read by everybody on this machine", path)
    keys = [
        _decode_key(line.strip(), path, number)
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not keys:
        msg = f"the key file {path} holds no key"
        raise KeyFileError(msg)
    return Sealer(keys, random_bytes)


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


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"parcelwire key id" + key).digest()[:_KEY_ID_BYTES]


def _bound_to(head: bytes, connection_id: str) -> bytes:
    return head + b"connection:" + connection_id.encode("utf-8")

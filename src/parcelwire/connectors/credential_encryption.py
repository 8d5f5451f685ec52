"""Values at rest: plain bytes in, sealed bytes out, bound to the place where they are stored.

AES-256-GCM. Sealed bytes are a form mark, the id of the key, a nonce, and the ciphertext with its
tag; the form mark, the key's id and the value's place are authenticated too, so that a value moved
to another row does not open there.

A key's fingerprint is the first 8 bytes of a hash of it, in hexadecimal (``domain.sealing`` says
how sealed bytes name it).
"""

import hashlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from parcelwire.domain.sealing import (
    FORM,
    MARK_BYTES,
    DecryptionError,
    SealingError,
    UnknownKeyError,
    id_of,
    place_of_connection,
)

RandomBytes = Callable[[int], bytes]

KEY_BYTES: Final = 32
_FINGERPRINT_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = MARK_BYTES + _NONCE_BYTES


class KeyFileError(SealingError):
    """The key file is missing, open to others' writing, or holds something that is no key."""


class CredentialCipher(ABC):
    """Seals and opens the credentials of carriers' connections."""

    @abstractmethod
    def seal_value(self, plain: bytes, bound_to: str, fingerprint: str = "") -> bytes:
        """Return ``plain`` sealed for one place."""

    @abstractmethod
    def open_value(self, sealed: bytes, bound_to: str) -> bytes:
        """Return what was sealed for this place."""

    def seal(self, credentials: Mapping[str, Any], connection_id: str) -> bytes:
        """Return a connection's ``credentials`` sealed; errors as ``seal_value``."""
        return self.seal_value(msgspec.json.encode(credentials), place_of_connection(connection_id))

    def open(self, sealed: bytes, connection_id: str) -> dict[str, Any]:
        """Return what ``seal`` sealed for this connection; errors as ``open_value``."""
        plain = self.open_value(sealed, place_of_connection(connection_id))
        return msgspec.json.decode(plain, type=dict[str, Any])


class AesGcmCipher(CredentialCipher):
    """Seals and opens values with a list of keys. Safe to use from several threads."""

    def __init__(self, keys: Sequence[bytes], random_bytes: RandomBytes) -> None:
        """Take the keys, newest first, and a source of unpredictable bytes for nonces.

        Raises:
            KeyFileError: when there is no key, or one is not ``KEY_BYTES`` long.
        """
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            msg = f"at least one key of {KEY_BYTES} bytes is needed"
            raise KeyFileError(msg)
        self._random_bytes = random_bytes
        self._lock = threading.Lock()
        self.fingerprints: tuple[str, ...] = tuple(map(fingerprint_of, keys))
        """Of the keys, in their order."""
        self._keys = {
            id_of(fingerprint): AESGCM(key)
            for fingerprint, key in zip(self.fingerprints, keys, strict=True)
        }

    def seal_value(self, plain: bytes, bound_to: str, fingerprint: str = "") -> bytes:
        """Return ``plain`` sealed for one place.

        With the key of that fingerprint; without one, with the first key.

        Raises:
            UnknownKeyError: when that key is not among the keys.
        """
        wanted = fingerprint or self.fingerprints[0]
        if wanted not in self.fingerprints:
            msg = f"the key {wanted} is not at hand"
            raise UnknownKeyError(msg)
        with self._lock:  # a seeded source of a test is not safe to share
            nonce = self._random_bytes(_NONCE_BYTES)
        head = FORM + id_of(wanted)
        box = self._keys[id_of(wanted)].encrypt(nonce, plain, _bound(head, bound_to))
        return head + nonce + box

    def open_value(self, sealed: bytes, bound_to: str) -> bytes:
        """Return what was sealed for this place.

        Raises:
            UnknownKeyError: when its key is not among the keys.
            DecryptionError: when the bytes are not as they were sealed.
        """
        head, nonce = sealed[:MARK_BYTES], sealed[MARK_BYTES:_HEAD_BYTES]
        if len(sealed) <= _HEAD_BYTES or not head.startswith(FORM):
            msg = f"what is sealed for {bound_to} is not in a form known here"
            raise DecryptionError(msg)
        key = self._keys.get(head[len(FORM) :])
        if key is None:
            msg = (
                f"what is sealed for {bound_to} needs the key {head[len(FORM) :].hex()}…,"
                " which the key file does not hold"
            )
            raise UnknownKeyError(msg)
        try:
            return key.decrypt(nonce, sealed[_HEAD_BYTES:], _bound(head, bound_to))
        except InvalidTag:
            msg = f"what is sealed for {bound_to} was changed, or sealed for another place"
            raise DecryptionError(msg) from None

    def is_complete(self) -> bool:
        """Tell that no key is known to be missing: of a fixed list none is."""
        return True

    def can_open(self, sealed: bytes) -> bool:
        """Tell whether the key that sealed these bytes is among the keys."""
        return sealed[len(FORM) : MARK_BYTES] in self._keys


def fingerprint_of(key: bytes) -> str:
    """Return the fingerprint of a key: 16 hexadecimal digits that tell nothing of the key."""
    return hashlib.sha256(b"parcelwire key id" + key).digest()[:_FINGERPRINT_BYTES].hex()


def _bound(head: bytes, bound_to: str) -> bytes:
    return head + bound_to.encode("utf-8")

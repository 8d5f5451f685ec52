"""The keys of this process, kept in step with the key file while it runs.

    key file --(changed? read again)--> KeyRing <-- the database names the key that seals
                                          |
                     seal_value, open_value (store), seal, open (carriers' credentials)

A rotation puts a new key on top of the file while servers run: whoever meets a value of a key that
is not here looks whether the file has changed, and goes on when it has. A process whose file lacks
a key of the database touches nothing that is sealed, and says where the key is expected.
"""

import threading
from collections.abc import Iterable
from pathlib import Path

from parcelwire.connectors.credential_encryption import (
    AesGcmCipher,
    CredentialCipher,
    KeyFileError,
    RandomBytes,
    fingerprint_of,
)
from parcelwire.connectors.key_file import read_keys
from parcelwire.domain.sealing import SealingKey, UnknownKeyError, key_id_in, key_id_of

_Mark = tuple[int, int, int]


class KeyRing(CredentialCipher):
    """Seals and opens with the keys of one file. Safe to use from several threads."""

    def __init__(self, path: Path, random_bytes: RandomBytes) -> None:
        """Read the file; one that is missing or unfit is told when a key is needed."""
        self.path = path
        self._random_bytes = random_bytes
        self._lock = threading.RLock()
        self._mark: _Mark | None = None
        self._in_file: list[bytes] = []
        self._held: list[bytes] = []
        """Those of the file, and those it held before: what they sealed may still be on its way."""
        self._sealer: AesGcmCipher | None = None
        self._trouble = ""
        self._current = ""
        self._missed: set[str] = set()
        """Ids of keys that were asked for in vain, and may be the database's."""
        self._lost: set[str] = set()
        """Ids of keys that neither the file nor the database knows."""
        self.refresh()

    # -- what is here ----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the file again if it has changed, or gave no key before."""
        with self._lock:
            mark = _mark_of(self.path)
            if self._in_file and mark == self._mark:
                return
            self._mark = mark
            keys: list[bytes] = []
            if mark is None:
                self._trouble = f"there is no key file {_shown(self.path)}"
            else:
                try:
                    keys, self._trouble = read_keys(self.path), ""
                except KeyFileError as error:
                    self._trouble = f"{error} (secrets.key_file)"
            self._in_file = keys
            self._held = keys + [key for key in self._held if key not in keys]
            self._sealer = AesGcmCipher(self._held, self._random_bytes) if self._held else None

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Of the keys in the file, newest first."""
        return tuple(map(fingerprint_of, self._in_file))

    @property
    def trouble(self) -> str:
        """Why the file gives no key; empty when it gives one."""
        return self._trouble

    def key_bytes(self) -> list[bytes]:
        """Return the keys of the file, newest first."""
        return list(self._in_file)

    def can_open(self, key: str) -> bool:
        """Tell whether the key of this id or fingerprint is in the file."""
        return bool(key) and any(one.startswith(key) for one in self.fingerprints)

    def _missing_key(self, fingerprint: str) -> str:
        """Return, for the operator, that a key of the database is not here and what to do."""
        held = ", ".join(self.fingerprints)
        found = f"the key file {_shown(self.path)} holds {held}" if held else self._trouble
        return (
            f"the database is sealed with the key {fingerprint}, but {found}: copy the key file"
            " here from the machine where this installation was set up or its key last rotated, or"
            " name it with secrets.key_file (PARCELWIRE_SECRETS_KEY_FILE)"
        )

    def learn(self, keys: Iterable[SealingKey]) -> str:
        """Take what keys the database knows; return what is wrong, or an empty text.

        The file is read again if it has changed.
        """
        with self._lock:
            self.refresh()
            known = list(keys)
            self._current = next((one.fingerprint for one in known if one.is_current), "")
            ids = {key_id_of(one.fingerprint) for one in known}
            self._lost |= self._missed - ids
            # A file that was taken away is told, and what it held still opens here.
            self._missed = {one for one in ids if not self._holds(one)}
            absent = [one for one in known if not self.can_open(one.fingerprint)]
            return self._missing_key(absent[0].fingerprint) if absent else ""

    def is_complete(self) -> bool:
        """Tell whether no key of the database is known to be missing here."""
        if not self._missed:
            return True
        with self._lock:
            self.refresh()
            self._missed = {one for one in self._missed if not self._holds(one)}
            return not self._missed

    def _holds(self, key: str) -> bool:
        return any(fingerprint_of(one).startswith(key) for one in self._held)

    # -- sealing and opening ---------------------------------------------------------------------

    def seal_value(self, plain: bytes, bound_to: str, fingerprint: str = "") -> bytes:
        """Return ``plain`` sealed for one place, with the key of that fingerprint.

        Without one, with the key that the database was last seen to name.

        Raises:
            UnknownKeyError: the key is not in the file.
        """
        with self._lock:
            wanted = fingerprint or self._current
            if not wanted or not self.can_open(wanted):
                self.refresh()
            if wanted and not self.can_open(wanted):
                self._missed.add(key_id_of(wanted))
                raise UnknownKeyError(self._missing_key(wanted))
            if self._sealer is None:
                raise UnknownKeyError(f"nothing can be sealed: {self._trouble}")
            return self._sealer.seal_value(plain, bound_to, wanted)

    def open_value(self, sealed: bytes, bound_to: str) -> bytes:
        """Return what was sealed for this place.

        Raises:
            UnknownKeyError: its key is not in the file.
            DecryptionError: the bytes are not as they were sealed.
        """
        sealer = self._sealer
        if sealer is None or not sealer.can_open(sealed):
            with self._lock:
                self.refresh()
                sealer = self._sealer
                if sealer is None or not sealer.can_open(sealed):
                    wanted = key_id_in(sealed)
                    if wanted not in self._lost:
                        self._missed.add(wanted)
                    raise UnknownKeyError(self._missing_key(f"{wanted}…"))
        return sealer.open_value(sealed, bound_to)


def _mark_of(path: Path) -> _Mark | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _shown(path: Path) -> Path:
    """Return where a file is looked for, whatever folder the reader is in."""
    return path if path.is_absolute() else path.absolute()

"""Put a new sealing key in the place of the present one, while servers run.

    file [A]        database A                 nothing begun
    file [B, A]     database A                 B is on the disk before anybody seals with it
    file [B, A]     database B, old A          from here on only B seals; A still opens
                    ... values resealed, a few in each transaction ...
    file [B, A]     database B                 nothing is sealed with A any more
    file [B]        database B                 done

A connection whose document cannot be read does not keep a rotation from its end: nobody knows which
key sealed its credentials, so the file keeps all its keys until it is restored or removed.

A rotation that was killed goes on where these states say; it never begins a second one. In each of
them whoever has the file reads everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from parcelwire.bootstrap.errors import InstallationError
from parcelwire.bootstrap.key_identity import make_key_file
from parcelwire.connectors.credential_encryption import (
    KEY_BYTES,
    KeyFileError,
    RandomBytes,
    fingerprint_of,
)
from parcelwire.connectors.key_file import remove_drafts, replace_key_file, sole_writer
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.domain.clock import Clock
from parcelwire.domain.sealing import DecryptionError, SealingKey, key_id_of
from parcelwire.store.port import KeyUnavailableError, SealingStore
from parcelwire.store.sealing import (
    RESEALED_AT_ONCE,
    UNREADABLE_CONNECTION,
    UNREADABLE_ENDPOINT,
)

Progress = Callable[[int], object]

_REMEDY: Final = (
    ". Nobody can open it any more: give that endpoint a new secret (parcelwire webhook"
    " rotate-secret), remove that connection (parcelwire carrier disconnect), or let that answer"
    " expire (api.idempotency_hours); then run this command again"
)


class RotationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a rotation came to."""

    fingerprint: str
    """Of the key that seals, or will."""
    resealed: int = 0
    """Values resealed by this run."""
    was_under_way: bool = False
    """An earlier run had begun it."""
    is_prepared: bool = False
    """The new key is in the file and not yet in use."""
    unreadable_connections: int = 0
    """Connections that could not be resealed; for them the older keys stay in the file."""
    unreadable_endpoints: int = 0
    """Endpoints that could not be sealed; they never were."""
    older: tuple[str, ...] = ()
    """Fingerprints of the keys that stay in the file beside the one that seals."""


class Rotation:
    """Rotates the key of one installation; may be run again after it was killed anywhere."""

    def __init__(
        self, store: SealingStore, ring: KeyRing, *, clock: Clock, random_bytes: RandomBytes
    ) -> None:
        """Work on the key file of ``ring``; new keys and nonces come from ``random_bytes``."""
        self._store = store
        self._ring = ring
        self._clock = clock
        self._random_bytes = random_bytes

    async def run(
        self, *, only_prepare: bool = False, on_progress: Progress = lambda resealed: None
    ) -> RotationResult:
        """Rotate to the end, or up to the new key in the file (``only_prepare``).

        ``on_progress`` is called with the number of values resealed so far, after each few.

        Raises:
            InstallationError: it cannot be done or finished here; the message says why.
        """
        try:
            with sole_writer(self._ring.path):
                return await self._run(only_prepare=only_prepare, on_progress=on_progress)
        except KeyFileError as error:
            msg = f"{error} (secrets.key_file)"
            raise InstallationError(msg) from error
        except KeyUnavailableError as error:
            msg = f"the rotation cannot be finished, and nothing is lost: {error}"
            if isinstance(error.__cause__, DecryptionError):
                msg += _REMEDY
            raise InstallationError(msg) from error

    async def _run(self, *, only_prepare: bool, on_progress: Progress) -> RotationResult:
        remove_drafts(self._ring.path)
        keys = await self._store.sealing_keys()
        if wrong := self._ring.learn(keys):
            raise InstallationError(wrong)
        current = keys[0].fingerprint
        place = self._ring.fingerprints.index(current)
        newer, older = self._ring.fingerprints[:place], self._ring.fingerprints[place + 1 :]
        has_begun = len(keys) > 1
        # Older keys in the file alone: all is resealed, only the file was not written any more. Or
        # they are kept for what cannot be read, and the next rotation may begin.
        is_kept = (await self._store.sealed_counts()).get((UNREADABLE_CONNECTION, ""), 0) > 0
        was_under_way = has_begun or bool(older and not newer and not is_kept)
        fingerprint = current
        if not was_under_way:
            fingerprint = newer[0] if newer else await self._write_new_key()
            if only_prepare:
                return RotationResult(fingerprint=fingerprint, is_prepared=True)
            await self._begin(current, fingerprint)
        resealed = await self._reseal(on_progress)
        counts = await self._write_last_key(fingerprint)
        return RotationResult(
            fingerprint=fingerprint,
            resealed=resealed,
            was_under_way=was_under_way,
            unreadable_connections=counts.get((UNREADABLE_CONNECTION, ""), 0),
            unreadable_endpoints=counts.get((UNREADABLE_ENDPOINT, ""), 0),
            older=tuple(one for one in self._ring.fingerprints if one != fingerprint),
        )

    async def _write_new_key(self) -> str:
        """Put a new key on top of the file; return its fingerprint."""
        held = self._ring.key_bytes()
        while True:
            new = self._random_bytes(KEY_BYTES)
            ids = {key_id_of(fingerprint_of(key)) for key in held}
            if key_id_of(fingerprint_of(new)) not in ids:
                break
        await asyncio.to_thread(replace_key_file, self._ring.path, [new, *held], self._random_bytes)
        self._ring.refresh()
        fingerprint = fingerprint_of(new)
        if self._ring.fingerprints[:1] != (fingerprint,):
            msg = f"the key file {self._ring.path} was changed by somebody else meanwhile"
            raise InstallationError(msg)
        return fingerprint

    async def _begin(self, before: str, after: str) -> None:
        known = await self._store.begin_rotation(before, after, self._clock.now())
        wrong = self._ring.learn(known)
        if wrong or known[0].fingerprint != after:
            msg = f"another rotation began meanwhile. {wrong}".strip()
            raise InstallationError(msg)

    async def _reseal(self, on_progress: Progress) -> int:
        resealed = 0
        while True:
            while count := await self._store.reseal(limit=RESEALED_AT_ONCE):
                resealed += count
                on_progress(resealed)
            # Others may have stored something with the old key until a moment ago.
            if not await self._store.end_rotation():
                return resealed

    async def _write_last_key(self, fingerprint: str) -> dict[tuple[str, str], int]:
        """Take all keys but the one that seals out of the file, if nothing may need them.

        Return what is stored, see ``SealingStore.sealed_counts``.
        """
        counts = await self._store.sealed_counts()
        used = {key for _, key in counts if key}
        if used - {key_id_of(fingerprint)}:
            msg = f"something is still sealed with other keys: {', '.join(sorted(used))}"
            raise InstallationError(msg)
        if counts.get((UNREADABLE_CONNECTION, ""), 0):
            return counts
        kept = [key for key in self._ring.key_bytes() if fingerprint_of(key) == fingerprint]
        await asyncio.to_thread(replace_key_file, self._ring.path, kept, self._random_bytes)
        self._ring.refresh()
        return counts


class KeyStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the database and the key file know of keys."""

    file: str
    in_file: tuple[str, ...]
    keys: tuple[SealingKey, ...]
    counts: dict[tuple[str, str], int]
    """Values by kind and id of their key; the id is empty for what lies open."""
    wrong: str
    """Why nothing may be sealed or opened with this file; empty when all is well."""


async def key_status(store: SealingStore, ring: KeyRing) -> KeyStatus:
    """Return how the key file stands to the database."""
    keys, counts = await store.sealing_keys(), await store.sealed_counts()
    # Where nothing was sealed yet, the first server makes the file.
    is_new = not keys and not any(key for _, key in counts) and not ring.path.exists()
    wrong = ring.learn(keys) if keys or is_new else ring.trouble
    return KeyStatus(
        file=str(ring.path.absolute()),
        in_file=ring.fingerprints,
        keys=tuple(keys),
        counts=counts,
        wrong=wrong,
    )


async def reset_keys(
    store: SealingStore,
    ring: KeyRing,
    *,
    clock: Clock,
    random_bytes: RandomBytes,
    is_default_path: bool = False,
) -> dict[str, int]:
    """Give up what was sealed with keys that are lost, and begin anew with the key file here.

    Where there is none, one is made (``is_default_path``: see ``make_key_file``). Returns what was
    given up, by kind.

    Raises:
        InstallationError: nothing is lost, or the key file cannot be made or used.
    """
    keys = await store.sealing_keys()
    used = {key for _, key in await store.sealed_counts() if key}
    if (not keys or not ring.learn(keys)) and all(map(ring.can_open, used)):
        msg = f"nothing is lost: the key file {ring.path.absolute()} opens all that is sealed"
        raise InstallationError(msg)
    await asyncio.to_thread(make_key_file, ring.path, random_bytes, is_default_path=is_default_path)
    ring.refresh()
    if ring.trouble:
        raise InstallationError(ring.trouble)
    held = [one for one in ring.fingerprints if key_id_of(one) in used]
    lost = await store.reset_keys(ring.fingerprints[0], clock.now(), held=held)
    ring.learn(await store.sealing_keys())
    return lost

"""Which key file an installation has, and whether it is the right one for the database.

    database knows no key, nothing is sealed   --> make a key file, register its key
    database knows no key, something is sealed --> the key file opens it? register its key : refuse
    database knows keys                        --> they are all in the key file? good : refuse

The database decides: of several processes or machines that begin at once on an empty one, the first
to register its key wins, and the others are told whose key file they need.
"""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from parcelwire.bootstrap.errors import InstallationError
from parcelwire.config import Config
from parcelwire.connectors.credential_encryption import RandomBytes
from parcelwire.connectors.key_file import create_key_file
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.domain.clock import Clock
from parcelwire.domain.sealing import SealingError, key_id_of
from parcelwire.store.port import Store

_log: Final = logging.getLogger(__name__)

KEY_FILE: Final = "parcelwire.key"


def key_file_of(config: Config, environment: Mapping[str, str]) -> Path:
    """Return where the key file of an installation is; the folder of the caller plays no part.

    ``secrets.key_file`` when it is set. Else beside the database's file (SQLite), or in the user's
    folder for settings (PostgreSQL).

    Raises:
        InstallationError: it is not set, and the user has no such folder.
    """
    if config.secrets.key_file:
        return Path(config.secrets.key_file)
    if (database := config.store.sqlite_file) is not None:
        return database.resolve().parent / KEY_FILE
    if root := environment.get("XDG_CONFIG_HOME"):
        return Path(root) / "parcelwire" / KEY_FILE
    if home := environment.get("HOME"):
        return Path(home) / ".config" / "parcelwire" / KEY_FILE
    msg = "say where the key file is (secrets.key_file): this user has no home folder"
    raise InstallationError(msg)


class KeyIdentity:
    """Holds a key ring against what the database knows."""

    def __init__(self, store: Store, ring: KeyRing, *, clock: Clock, is_default_path: bool) -> None:
        """``is_default_path``: no other path was set, so the folder is made too."""
        self._store = store
        self._ring = ring
        self._clock = clock
        self._is_default_path = is_default_path
        self.refusal = ""
        """Why nothing may be sealed or opened here; empty when it may."""

    async def settle(self, random_bytes: RandomBytes, *, may_make: bool) -> str:
        """Find out whether this key file is the database's; return ``refusal``.

        ``may_make``: where there is no key at all yet, one is made.
        """
        keys = await self._store.sealing_keys()
        if keys:
            self.refusal = self._ring.learn(keys)
        elif used := await self._used_keys():
            self.refusal = await self._adopt(used)
        elif may_make:
            self.refusal = await self._begin(random_bytes)
        else:
            self.refusal = "the installation has no key to seal with yet: start the server once"
        return self.refusal

    async def check(self, random_bytes: RandomBytes) -> None:
        """Check that the key file is the database's and opens all that is sealed in it.

        A new installation gets its key file now, if it has none.

        Raises:
            InstallationError: it is not, or something would not open.
        """
        if self.refusal and await self.settle(random_bytes, may_make=True):
            raise InstallationError(self.refusal)
        lost = {
            key: count
            for key, count in (await self._store.sealed_counts()).items()
            if key[1] and not self._ring.can_open(key[1])
        }
        if lost:
            what = ", ".join(
                f"{count} {kind}(s), key {key}…" for (kind, key), count in lost.items()
            )
            msg = (
                f"the key file {self._ring.path.absolute()} does not open all that is sealed"
                f" ({what}): put back the key they were sealed with, or remove them"
            )
            raise InstallationError(msg)

    async def _used_keys(self) -> set[str]:
        return {key_id for _, key_id in await self._store.sealed_counts() if key_id}

    async def _adopt(self, used: set[str]) -> str:
        """Register the keys of a database from before keys were registered."""
        self._ring.refresh()
        lost = 0
        for connection in await self._store.list_connections():
            try:
                self._ring.open(connection.sealed_credentials, connection.id)
            except SealingError:
                lost += 1
        if lost:
            trouble, path = self._ring.trouble, self._ring.path.absolute()
            what = (
                f"{trouble}, and the credentials of {lost} connection(s) are sealed"
                if trouble
                else f"the key file {path} does not open the credentials of {lost} connection(s)"
            )
            return (
                f"{what}: put back the key file that they were sealed with"
                f" ({', '.join(sorted(used))}…){self._hint()}; or remove them with:"
                " parcelwire carrier disconnect"
            )
        first, *others = self._ring.fingerprints
        older = [one for one in others if key_id_of(one) in used]
        return self._ring.learn(
            await self._store.register_first_key(first, self._clock.now(), older=older)
        )

    async def _begin(self, random_bytes: RandomBytes) -> str:
        made = await asyncio.to_thread(
            make_key_file, self._ring.path, random_bytes, is_default_path=self._is_default_path
        )
        self._ring.refresh()
        if self._ring.trouble:
            return self._ring.trouble
        first = self._ring.fingerprints[0]
        known = await self._store.register_first_key(first, self._clock.now())
        refusal = self._ring.learn(known)
        if refusal and made and self._ring.fingerprints == (first,):
            # Somebody else was faster. Nothing was sealed with this one; it would only stand in the
            # way of theirs.
            await asyncio.to_thread(self._ring.path.unlink, missing_ok=True)
            refusal = self._ring.learn(known)
        elif made and not refusal:
            _log.info("made a new key file %s: back it up apart from the database", self._ring.path)
        return refusal

    def _hint(self) -> str:
        """Name a key file where versions before looked for it: in the folder of the caller."""
        here = Path(KEY_FILE).absolute()
        if self._ring.path.exists() or here == self._ring.path.absolute() or not here.exists():
            return ""
        return (
            f"; there is one at {here}: if it is this installation's, move it"
            f" to {self._ring.path.absolute()}, or name it with secrets.key_file"
        )


def make_key_file(path: Path, random_bytes: RandomBytes, *, is_default_path: bool) -> bool:
    """Make the key file if there is none; tell whether it was made here.

    ``is_default_path``: no other path was set, so the folder is made too.

    Raises:
        InstallationError: it cannot be made.
    """
    try:
        if path.exists():
            return False
        if is_default_path and not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_key_file(path, random_bytes)
    except FileExistsError:  # another process made it a moment ago
        return False
    except OSError as error:
        msg = f"cannot make the key file {path}: {error.strerror} (secrets.key_file)"
        raise InstallationError(msg) from error
    return True


def loose_modes(paths: Mapping[Path, int]) -> list[str]:
    """Return a line for each file or folder that others may do more with than is good.

    ``paths`` says for each which bits of its mode nobody else should have.
    """
    found = []
    for path, forbidden in paths.items():
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue  # not there, or not ours to look at
        if mode & forbidden:
            what = "changed" if mode & forbidden & 0o022 else "read"
            tight = mode & ~forbidden
            found.append(f"{path} can be {what} by others on this machine: chmod {tight:o} {path}")
    return found


def private_paths(config: Config, config_file: Path | None) -> dict[Path, int]:
    """Return what of an installation nobody else should read or write, with the bits of a mode."""
    paths: dict[Path, int] = {}
    if (database := config.store.sqlite_file) is not None:
        file = database.absolute()
        # A folder may be seen into: the files in it are closed by themselves. Whoever may write
        # into it could put others in their place.
        paths[file.parent] = 0o022
        for end in ("", "-wal", "-shm"):
            paths[file.with_name(file.name + end)] = 0o077
    has_password = bool(config.notifications.password or config.notifications.operator_urls) or (
        "@" in config.store.url
    )
    if config_file is not None and has_password:
        paths[config_file.absolute()] = 0o077
    return paths

"""Where ``parcelwire login`` keeps servers and keys: one file that only its owner may read."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from parcelwire.cli.exit_codes import CommandError

DEFAULT: Final = "default"
"""The profile of a login without ``--profile``."""

Kind = Literal["parcelwire", "trackingmore"]


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """One server and the key to it."""

    host: str
    key: str
    kind: Kind = "parcelwire"


class _File(msgspec.Struct, kw_only=True):
    profiles: dict[str, Login] = {}


class Logins:
    """The logins of one person, by profile."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def load(self) -> dict[str, Login]:
        """Return the logins by profile; none where there is no file.

        Raises:
            CommandError: the file is not readable, damaged, or open to others.
        """
        try:
            with self.file.open("rb") as opened:
                mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
                text = opened.read()
        except FileNotFoundError:
            return {}
        except OSError as error:
            msg = f"cannot read {self.file}: {error.strerror}"
            raise CommandError(msg) from None
        if mode & 0o077:
            msg = f"{self.file} holds keys and can be read by others; chmod 600 it"
            raise CommandError(msg)
        try:
            return msgspec.json.decode(text, type=_File).profiles
        except (msgspec.DecodeError, UnicodeDecodeError):
            msg = f"{self.file} is damaged; remove it and log in again: parcelwire login"
            raise CommandError(msg) from None

    def save(self, logins: Mapping[str, Login]) -> None:
        """Replace the file in one go, so that it is never half written nor open to others.

        Raises:
            CommandError: it cannot be written.
        """
        draft = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        content = msgspec.json.format(msgspec.json.encode(_File(profiles=dict(logins))))
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(content + b"\n")
                opened.flush()
                os.fsync(opened.fileno())
            draft.replace(self.file)
        except OSError as error:
            msg = f"cannot write {self.file}: {error.strerror}"
            raise CommandError(msg) from None


def login_file(environment: Mapping[str, str]) -> Path:
    """Return where logins are kept: ``$XDG_CONFIG_HOME`` or ``~/.config``."""
    return _home(environment, "XDG_CONFIG_HOME", ".config") / "login.json"


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return where commands note how far they came: ``$XDG_STATE_HOME`` or ``~/.local/state``."""
    return _home(environment, "XDG_STATE_HOME", ".local/state")


def _home(environment: Mapping[str, str], variable: str, otherwise: str) -> Path:
    # The specification of these folders wants a relative path to be passed over.
    named = Path(environment.get(variable) or ".")
    base = named if named.is_absolute() else Path(environment.get("HOME") or "~") / otherwise
    return base.expanduser() / "parcelwire"

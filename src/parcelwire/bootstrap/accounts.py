"""The use cases of accounts, with what stands behind their ports: hasher and key ring."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Sequence

import msgspec

from parcelwire.accounts.brands import BrandService
from parcelwire.accounts.connections import ConnectionService
from parcelwire.accounts.keys import KeyService
from parcelwire.accounts.login_throttle import LoginLimits
from parcelwire.accounts.logins import LoginService
from parcelwire.accounts.passwords import PasswordService
from parcelwire.accounts.service import AccountService
from parcelwire.accounts.sessions import SessionService
from parcelwire.connectors.account_carriers import AccountCarriers
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.domain.clock import Clock
from parcelwire.domain.sealing import SealingError
from parcelwire.store.port import KeyUnavailableError, Store
from parcelwire.tracking.background import BackgroundWork
from parcelwire.tracking.ports import Identifiers


class AccountUseCases(msgspec.Struct, frozen=True, kw_only=True):
    """What an installation can do with what an account owns."""

    accounts: AccountService
    keys: KeyService
    passwords: PasswordService
    logins: LoginService
    sessions: SessionService
    connections: ConnectionService
    brands: BrandService


def account_use_cases(
    store: Store,
    *,
    clock: Clock,
    identifiers: Identifiers,
    carriers: AccountCarriers,
    ring: KeyRing,
    limits: LoginLimits,
    operators: Sequence[str],
    background: BackgroundWork,
) -> AccountUseCases:
    """Put the use cases together."""
    passwords = PasswordService(store, ScryptHasher(), clock=clock, random_bytes=os.urandom)
    logins = LoginService(store, passwords, clock=clock, random_bytes=os.urandom, limits=limits)
    return AccountUseCases(
        accounts=AccountService(store, clock=clock),
        keys=KeyService(store, clock=clock, random_bytes=os.urandom),
        passwords=passwords,
        logins=logins,
        sessions=SessionService(
            store,
            logins,
            passwords,
            clock=clock,
            random_bytes=os.urandom,
            operators=operators,
        ),
        connections=ConnectionService(
            store,
            catalogue=carriers,
            carriers=carriers,
            cipher=RingCipher(ring),
            clock=clock,
            identifiers=identifiers,
        ),
        brands=BrandService(store, clock=clock, background=background),
    )


class ScryptHasher:
    """Implements ``accounts.ports.PasswordHasher``, in threads."""

    async def hash(self, text: str, salt: bytes, cost: int) -> bytes:
        """Return the scrypt hash of a password, 32 bytes."""
        return await asyncio.to_thread(hash_password, text, salt, cost)


def hash_password(text: str, salt: bytes, cost: int) -> bytes:
    """Return the scrypt hash of a password, 32 bytes; takes some 100 ms at the usual cost."""
    return hashlib.scrypt(
        text.encode(), salt=salt, n=cost, r=8, p=1, maxmem=256 * 8 * cost, dklen=32
    )


class RingCipher:
    """Implements ``accounts.ports.CredentialCipher``."""

    def __init__(self, ring: KeyRing) -> None:
        """Encrypt with the database's key, if the ring has it."""
        self._ring = ring

    def encrypt(self, credentials: dict[str, str], connection_id: str) -> bytes:
        """Return the credentials, encrypted and bound to their connection.

        Raises:
            KeyUnavailableError: the database's key is not here.
        """
        try:
            return self._ring.seal(credentials, connection_id)
        except SealingError as error:
            raise KeyUnavailableError(str(error)) from error

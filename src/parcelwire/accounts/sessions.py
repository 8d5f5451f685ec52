"""Staying logged in to the dashboard: sessions, named by a token that only the browser has.

A session is a record of kind ``session`` under the SHA-256 of its token. It ends after twelve hours
without a request, after seven days, by logging out, and with the key or password that opened it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.accounts.logins import LoginService, make_token
from parcelwire.accounts.passwords import PasswordService
from parcelwire.accounts.ports import LoginStore, RandomBytes
from parcelwire.domain.access import can_operate
from parcelwire.domain.account import Account, is_operator, world_of
from parcelwire.domain.clock import DAY, HOUR, MINUTE, Clock, Instant

KIND: Final = "session"
SCOPE: Final = "dashboard"

IDLE: Final = 12 * HOUR
LONGEST: Final = 7 * DAY
_SEEN_STEP: Final = 5 * MINUTE
"""``seen_at`` is written this often at most."""

Flash = tuple[str, str]
"""Tone (``good`` or ``trouble``) and a sentence, shown once on the next page."""


class StoredSession(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is stored of a session."""

    account_number: int
    key_digest: str = ""
    """Hex; of the key it was opened with. Empty: with a password."""
    password_mark: str = ""
    """Tells whether the password is still the one it was opened with."""
    is_test: bool = False
    """The world that is looked at."""
    created_at: Instant
    seen_at: Instant
    flashes: tuple[Flash, ...] = ()


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is logged in."""

    token: str
    stored: StoredSession
    account: Account
    scope: str
    has_both_worlds: bool
    """A test key sees the test world only."""
    key_prefix: str = ""
    is_operator: bool = False

    @property
    def is_test(self) -> bool:
        """Whether the test world is looked at."""
        return self.stored.is_test

    @property
    def world_id(self) -> int:
        """The world that is looked at."""
        return world_of(self.account.number, self.is_test)

    @property
    def csrf(self) -> str:
        """What every form of this session carries."""
        return hashlib.sha256(f"csrf {self.token}".encode()).hexdigest()

    def is_csrf(self, said: str) -> bool:
        """Tell whether a form carries it, in constant time."""
        return hmac.compare_digest(said.encode(), self.csrf.encode())


class OpenedSession(msgspec.Struct, frozen=True):
    """A new session, and the token by which its browser is known at the next login."""

    token: str
    device: str


_stored: Final = msgspec.json.Decoder(StoredSession)
_encode: Final = msgspec.json.Encoder().encode


class SessionService:
    """Opens, finds and ends sessions."""

    def __init__(
        self,
        store: LoginStore,
        logins: LoginService,
        passwords: PasswordService,
        *,
        clock: Clock,
        random_bytes: RandomBytes,
        operators: Sequence[str],
    ) -> None:
        """``random_bytes`` gives tokens; ``operators`` are e-mail addresses of accounts."""
        self._store = store
        self._logins = logins
        self._passwords = passwords
        self._clock = clock
        self._random_bytes = random_bytes
        self._operators = operators

    # -- coming in ------------------------------------------------------------------------------

    async def open_with_key(self, text: str, *, source: str = "") -> str:
        """Return the token of a new session of whoever has this key.

        Raises:
            LoginError: see ``LoginService.with_key``.
        """
        key, account = await self._logins.with_key(text, source=source)
        return await self._open(
            StoredSession(
                account_number=account.number,
                key_digest=key.digest.hex(),
                is_test=key.is_test,
                created_at=0,
                seen_at=0,
            )
        )

    async def open_with_password(
        self, email: str, password: str, *, source: str = "", device: str = ""
    ) -> OpenedSession:
        """Return a new session of the account with this address and password.

        ``device``: the token of a browser that logged in before, empty in others.

        Raises:
            LoginError: see ``LoginService.with_password``.
        """
        login = await self._logins.with_password(email, password, source=source, device=device)
        token = await self._open(
            StoredSession(
                account_number=login.account.number,
                password_mark=_mark(login.password.digest),
                created_at=0,
                seen_at=0,
            )
        )
        return OpenedSession(token, login.device)

    async def _open(self, kept: StoredSession) -> str:
        now = self._clock.now()
        token = make_token(self._random_bytes)
        document = _encode(replace(kept, created_at=now, seen_at=now))
        await self._store.change_record(KIND, SCOPE, _name(token), lambda _: document, at=now)
        # Whoever comes in sweeps up after those who left without a word.
        await self._store.prune_records(KIND, now - IDLE)
        return token

    # -- staying --------------------------------------------------------------------------------

    async def find(self, token: str) -> Session | None:
        """Return the session of a token; None when there is none (any more)."""
        now = self._clock.now()
        if not 20 <= len(token) <= 100 or not token.isascii():
            return None
        document = await self._store.load_record(KIND, SCOPE, _name(token))
        if document is None:
            return None
        kept = _stored.decode(document)
        is_alive = now - kept.seen_at < IDLE and now - kept.created_at < LONGEST
        session = await self._session(token, kept) if is_alive else None
        if session is None or session.account.is_suspended:
            await self.end(token)
            return None
        if not 0 <= now - kept.seen_at < _SEEN_STEP:
            await self._change(token, lambda before: replace(before, seen_at=now))
        return session

    async def _session(self, token: str, kept: StoredSession) -> Session | None:
        scope, has_both, prefix = "admin", True, ""
        if kept.key_digest:
            found = await self._store.find_key(bytes.fromhex(kept.key_digest))
            # The session ends with its key, whether that was revoked or has expired.
            if found is None or found[0].state_at(self._clock.now()) != "active":
                return None
            key, account = found
            scope, has_both, prefix = key.scope, not key.is_test, key.prefix
        else:
            loaded = await self._store.load_account(kept.account_number)
            password = await self._passwords.load(kept.account_number)
            if loaded is None or password is None:
                return None
            if _mark(password.digest) != kept.password_mark:
                return None
            account = loaded
        if kept.is_test is False and not has_both:
            return None
        return Session(
            token=token,
            stored=kept,
            account=account,
            scope=scope,
            has_both_worlds=has_both,
            key_prefix=prefix,
            is_operator=can_operate(scope, is_test=not has_both)
            and await self._is_operator(account),
        )

    async def _is_operator(self, account: Account) -> bool:
        """Tell whether an account may see what is everybody's: named as such, or the only one."""
        if is_operator(account, self._operators):
            return True
        if self._operators or account.number != 1:
            return False
        return await self._store.load_account(2) is None

    async def choose_world(self, session: Session, *, is_test: bool) -> None:
        """Look at the other world from now on."""
        if session.has_both_worlds:
            await self._change(session.token, lambda kept: replace(kept, is_test=is_test))

    async def tell(self, session: Session, tone: str, text: str) -> None:
        """Have a sentence shown on the next page."""
        await self._change(
            session.token,
            lambda kept: replace(kept, flashes=(*kept.flashes, (tone, text))[-5:]),
        )

    async def take_flashes(self, session: Session) -> tuple[Flash, ...]:
        """Return the sentences to be shown now; they are not shown again."""
        if session.stored.flashes:
            await self._change(session.token, lambda kept: replace(kept, flashes=()))
        return session.stored.flashes

    async def end(self, token: str) -> None:
        """End a session."""
        await self._store.change_record(
            KIND, SCOPE, _name(token), lambda _: None, at=self._clock.now()
        )

    async def _change(self, token: str, change: Callable[[StoredSession], StoredSession]) -> None:
        def rewrite(document: bytes | None) -> bytes | None:
            # One that was ended meanwhile is not brought back.
            return None if document is None else _encode(change(_stored.decode(document)))

        await self._store.change_record(KIND, SCOPE, _name(token), rewrite, at=self._clock.now())


def _name(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _mark(digest: bytes) -> str:
    return hashlib.sha256(b"mark" + digest).hexdigest()[:32]

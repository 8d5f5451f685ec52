"""Logging in and staying so: sessions in the store, named by a token that only the browser has.

A session is a record of kind ``session`` under the SHA-256 of its token. It ends after twelve hours
without a request, after seven days, by logging out, and with the key or password that opened it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.domain.account import Account, world_of
from parcelwire.domain.clock import DAY, HOUR, MINUTE, Instant
from parcelwire.pages.dashboard.house import Dashboard
from parcelwire.pages.dashboard.passwords import check_password, load_password

KIND: Final = "session"
SCOPE: Final = "dashboard"
TRY_KIND: Final = "login-try"

IDLE: Final = 12 * HOUR
LONGEST: Final = 7 * DAY
_SEEN_STEP: Final = 5 * MINUTE
"""``seen_at`` is written this often at most."""

TRY_WINDOW: Final = 15 * MINUTE
MOST_TRIES: Final = 5
"""Failures of one e-mail address within the window; the next try is refused unread."""
OVERALL_WINDOW: Final = MINUTE
MOST_TRIES_OVERALL: Final = 60
"""Failures of all together. A right key comes in all the same: it cannot be guessed."""
_HASHES_AT_A_TIME: Final = 2

Flash = tuple[str, str]
"""Tone (``good`` or ``trouble``) and a sentence, shown once on the next page."""


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
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
    kept: Kept
    account: Account
    scope: str
    has_both_worlds: bool
    """A test key sees the test world only."""
    key_prefix: str = ""
    is_operator: bool = False

    @property
    def world_id(self) -> int:
        """The world that is looked at."""
        return world_of(self.account.number, self.kept.is_test)

    @property
    def csrf(self) -> str:
        """What every form of this session carries."""
        return hashlib.sha256(f"csrf {self.token}".encode()).hexdigest()

    def is_csrf(self, said: str) -> bool:
        """Tell whether a form carries it, in constant time."""
        return hmac.compare_digest(said.encode(), self.csrf.encode())


class LoginError(Exception):
    """Nobody comes in like that. ``is_locked``: nothing was even looked at."""

    def __init__(self, *, is_locked: bool = False, is_suspended: bool = False) -> None:
        """``is_suspended``: the credentials are right, but their account is suspended."""
        super().__init__("locked" if is_locked else "refused")
        self.is_locked = is_locked
        self.is_suspended = is_suspended


class _Tries(msgspec.Struct, frozen=True):
    """Failures since a window began."""

    since: Instant
    count: int


_kept: Final = msgspec.json.Decoder(Kept)
_tries: Final = msgspec.json.Decoder(_Tries)
_encode: Final = msgspec.json.Encoder().encode


class Sessions:
    """Opens, finds and ends sessions."""

    def __init__(self, house: Dashboard) -> None:
        """Keep sessions in the house's store."""
        self._house = house
        self._hashing = asyncio.Semaphore(_HASHES_AT_A_TIME)
        self._operators = {email.casefold() for email in house.settings.operators}

    # -- coming in ------------------------------------------------------------------------------

    async def open_with_key(self, text: str) -> str:
        """Return the token of a new session of whoever has this key.

        Raises:
            LoginError: it is no key that is alive.
        """
        house = self._house
        found = None
        if house.keys.is_well_formed(text):
            found = await house.store.find_key(house.keys.digest(text))
        if found is None or not found[0].is_usable(house.clock.now()):
            await self._note_failure("")
            raise LoginError
        key, account = found
        if account.is_suspended:
            raise LoginError(is_suspended=True)
        return await self._open(
            Kept(
                account_number=account.number,
                key_digest=key.digest.hex(),
                is_test=key.is_test,
                created_at=0,
                seen_at=0,
            )
        )

    async def open_with_password(self, email: str, password: str) -> str:
        """Return the token of a new session of the account with this address and password.

        Takes as long, and says the same, whether or not there is such an account.

        Raises:
            LoginError: there is none, its password is another one, or it was tried too often.
        """
        store = self._house.store
        name = hashlib.sha256(email.casefold().encode()).hexdigest()
        if await self._is_locked(name, MOST_TRIES, TRY_WINDOW) or await self._is_locked(
            "all", MOST_TRIES_OVERALL, OVERALL_WINDOW
        ):
            raise LoginError(is_locked=True)
        # Counted before it is checked: many at once are as many as one after the other.
        if await self._count(name, TRY_WINDOW) > MOST_TRIES:
            raise LoginError(is_locked=True)
        account = await store.find_account(email)
        kept = await load_password(store, account.number if account is not None else 0)
        async with self._hashing:
            is_right = await check_password(kept, password)
        if not is_right or account is None or kept is None:
            await self._count("all", OVERALL_WINDOW)
            raise LoginError
        await store.change_record(TRY_KIND, SCOPE, name, lambda _: None, at=self._house.clock.now())
        if account.is_suspended:
            raise LoginError(is_suspended=True)
        return await self._open(
            Kept(
                account_number=account.number,
                password_mark=_mark(kept.digest),
                created_at=0,
                seen_at=0,
            )
        )

    async def _open(self, kept: Kept) -> str:
        now = self._house.clock.now()
        token = base64.urlsafe_b64encode(self._house.random_bytes(32)).decode().rstrip("=")
        document = _encode(replace(kept, created_at=now, seen_at=now))
        store = self._house.store
        await store.change_record(KIND, SCOPE, _name(token), lambda _: document, at=now)
        # Whoever comes in sweeps up after those who left without a word.
        await store.prune_records(KIND, now - IDLE)
        await store.prune_records(TRY_KIND, now - TRY_WINDOW)
        return token

    async def _note_failure(self, name: str) -> None:
        if name:
            await self._count(name, TRY_WINDOW)
        if await self._count("all", OVERALL_WINDOW) > MOST_TRIES_OVERALL:
            raise LoginError(is_locked=True)

    async def _is_locked(self, name: str, most: int, window: int) -> bool:
        document = await self._house.store.load_record(TRY_KIND, SCOPE, name)
        if document is None:
            return False
        tries = _tries.decode(document)
        return tries.count >= most and 0 <= self._house.clock.now() - tries.since < window

    async def _count(self, name: str, window: int) -> int:
        now = self._house.clock.now()

        def count(document: bytes | None) -> bytes:
            tries = _tries.decode(document) if document is not None else _Tries(now, 0)
            if not 0 <= now - tries.since < window:
                tries = _Tries(now, 0)
            return _encode(replace(tries, count=tries.count + 1))

        document = await self._house.store.change_record(TRY_KIND, SCOPE, name, count, at=now)
        return _tries.decode(document or _encode(_Tries(now, 0))).count

    # -- staying --------------------------------------------------------------------------------

    async def find(self, token: str) -> Session | None:
        """Return the session of a token; None when there is none (any more)."""
        store, now = self._house.store, self._house.clock.now()
        if not 20 <= len(token) <= 100 or not token.isascii():
            return None
        document = await store.load_record(KIND, SCOPE, _name(token))
        if document is None:
            return None
        kept = _kept.decode(document)
        is_alive = now - kept.seen_at < IDLE and now - kept.created_at < LONGEST
        session = await self._session(token, kept) if is_alive else None
        if session is None or session.account.is_suspended:
            await self.end(token)
            return None
        if not 0 <= now - kept.seen_at < _SEEN_STEP:
            await self._change(token, lambda before: replace(before, seen_at=now))
        return session

    async def _session(self, token: str, kept: Kept) -> Session | None:
        store = self._house.store
        scope, has_both, prefix = "admin", True, ""
        if kept.key_digest:
            found = await store.find_key(bytes.fromhex(kept.key_digest))
            # The session ends with its key, whether that was revoked or has expired.
            if found is None or not found[0].is_usable(self._house.clock.now()):
                return None
            key, account = found
            scope, has_both, prefix = key.scope, not key.is_test, key.prefix
        else:
            loaded = await store.load_account(kept.account_number)
            password = await load_password(store, kept.account_number)
            if loaded is None or password is None:
                return None
            if _mark(password.digest) != kept.password_mark:
                return None
            account = loaded
        if kept.is_test is False and not has_both:
            return None
        return Session(
            token=token,
            kept=kept,
            account=account,
            scope=scope,
            has_both_worlds=has_both,
            key_prefix=prefix,
            # As over the API: with the scope admin and a key of the live world, or not at all.
            is_operator=has_both and scope == "admin" and await self._is_operator(account),
        )

    async def _is_operator(self, account: Account) -> bool:
        """Tell whether an account may see what is everybody's: named as such, or the only one."""
        if account.email.casefold() in self._operators:
            return True
        if self._operators or account.number != 1:
            return False
        return await self._house.store.load_account(2) is None

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
        if session.kept.flashes:
            await self._change(session.token, lambda kept: replace(kept, flashes=()))
        return session.kept.flashes

    async def end(self, token: str) -> None:
        """End a session."""
        await self._house.store.change_record(
            KIND, SCOPE, _name(token), lambda _: None, at=self._house.clock.now()
        )

    async def _change(self, token: str, change: Callable[[Kept], Kept]) -> None:
        def rewrite(document: bytes | None) -> bytes | None:
            # One that was ended meanwhile is not brought back.
            return None if document is None else _encode(change(_kept.decode(document)))

        await self._house.store.change_record(
            KIND, SCOPE, _name(token), rewrite, at=self._house.clock.now()
        )


def _name(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _mark(digest: bytes) -> str:
    return hashlib.sha256(b"mark" + digest).hexdigest()[:32]

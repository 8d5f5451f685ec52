"""Who may log in: with an API key, or with e-mail address and password."""

from __future__ import annotations

import base64
import logging

import msgspec

from parcelwire.accounts.authentication import find_key
from parcelwire.accounts.errors import LoginError
from parcelwire.accounts.hashing import RETRY_SECONDS, HashingBusyError, HashingQueue
from parcelwire.accounts.login_throttle import LoginLimits, LoginThrottle
from parcelwire.accounts.passwords import Password, PasswordService
from parcelwire.accounts.ports import LoginStore, RandomBytes
from parcelwire.domain.account import Account, ApiKey
from parcelwire.domain.clock import Clock
from parcelwire.domain.refusal_log import RefusalLog

log = logging.getLogger(__name__)


class PasswordLogin(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who gave an account's password."""

    account: Account
    password: Password
    """The login is valid as long as the account has this very one."""
    device: str
    """The token by which the browser is known at its next login."""


class LoginService:
    """Checks who comes in, and how often somebody may try."""

    def __init__(
        self,
        store: LoginStore,
        passwords: PasswordService,
        *,
        clock: Clock,
        random_bytes: RandomBytes,
        limits: LoginLimits,
    ) -> None:
        """``random_bytes`` gives the tokens of browsers."""
        self._store = store
        self._passwords = passwords
        self._clock = clock
        self._random_bytes = random_bytes
        self._hashing = HashingQueue(limits.most_waiting)
        self._throttle = LoginThrottle(store, clock, limits)
        self._refusals = RefusalLog(log.warning, clock.now)

    async def with_key(self, text: str, *, source: str = "") -> tuple[ApiKey, Account]:
        """Return the key that was given, and its account.

        A key that is alive comes in whatever ``source`` or anybody else has tried before: its 190
        random bits cannot be guessed.

        Raises:
            LoginError: it is no key that is alive.
        """
        found = await find_key(self._store, text)
        if found is None or found[0].state_at(self._clock.now()) != "active":
            wait = await self._throttle.note_wrong_key(source)
            if wait > 0:
                self._refusals.note("login with a key after too many failures", source)
            raise LoginError(wait_seconds=wait)
        if found[1].is_suspended:
            raise LoginError(is_suspended=True)
        return found

    async def with_password(
        self, email: str, password: str, *, source: str = "", device: str = ""
    ) -> PasswordLogin:
        """Return the account with this address and password.

        ``device``: the token of a browser that logged in before, empty in others. Takes as long,
        and says the same, whether or not there is such an account.

        Raises:
            LoginError: there is none, its password is another one, it was tried too often, or too
                many passwords are being checked.
        """
        throttle = self._throttle
        account = await self._store.find_account(email)
        number = account.number if account is not None else 0
        kept = await self._passwords.load(number)
        is_known = await throttle.is_known(number, device)
        if self._hashing.is_full(is_known=is_known):
            raise self._busy(source)
        # Counted before it is checked: many at once are as many as one after the other.
        if is_known:
            wait = await throttle.take_of_device(number, device)
        else:
            wait = await throttle.take(email, source)
        if wait > 0:
            self._refusals.note("login with a password after too many failures", source)
            raise LoginError(wait_seconds=wait)
        try:
            is_right = await self._hashing.run(
                lambda: self._passwords.verify(kept, password), is_known=is_known
            )
        except HashingBusyError:
            if is_known:
                await throttle.take_back_of_device(number, device)
            else:
                await throttle.take_back(email, source, was_right=False)
            raise self._busy(source) from None
        if not is_right or account is None or kept is None:
            raise LoginError
        if not is_known:
            await throttle.take_back(email, source, was_right=True)
        if account.is_suspended:
            raise LoginError(is_suspended=True)
        if not is_known:
            device = make_token(self._random_bytes)
        await throttle.remember(number, device)
        await throttle.prune()
        return PasswordLogin(account=account, password=kept, device=device)

    def _busy(self, source: str) -> LoginError:
        self._refusals.note("login while too many passwords wait to be checked", source)
        return LoginError(wait_seconds=RETRY_SECONDS, is_busy=True)


def make_token(random_bytes: RandomBytes) -> str:
    """Return 256 random bits as a cookie can hold them."""
    return base64.urlsafe_b64encode(random_bytes(32)).decode().rstrip("=")

"""How mails are sent and how many."""

from __future__ import annotations

from typing import Literal

import msgspec

Security = Literal["starttls", "tls", "none"]


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """The server that takes our mails. ``repr`` shows no password."""

    host: str
    port: int = 587
    security: Security = "starttls"
    username: str = ""
    password: str = ""
    timeout_seconds: float = 20
    """For each step of the conversation."""
    ca_file: str = ""
    """Certificate authorities to trust instead of the system's."""

    def __repr__(self) -> str:
        return f"MailServer({self.host}:{self.port}, {self.security})"


class MailLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many mails at most, in all processes together. 0: no limit."""

    account_per_minute: int = 30
    """Of one account, in a minute of the clock. What is more waits."""
    account_per_day: int = 2_000
    """Of one account, in a UTC day. What is more waits for the next, a day at most."""
    address_per_day: int = 20
    """News to one address, from all accounts, in a UTC day. What is more is not sent."""
    confirmations_per_day: int = 3
    """Mails that ask one address to confirm something, from all accounts, in 24 hours."""


class NoticeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How customers are told."""

    sender: str
    """Address in ``From``, and to which bounces go."""
    public_url: str
    per_minute: int = 60
    """Mails of the whole installation, in all processes together."""
    min_interval_minutes: float = 30
    """Least time between two mails to one address, but for what cannot wait."""
    limits: MailLimits = MailLimits()
    auto_notify_accounts: tuple[str, ...] = ()
    """Accounts (by e-mail) that may have their parcels' customers told unasked; ``*`` = all.

    Whether they are is the brand's to say.
    """
    attempts: int = 8
    retry_base_seconds: float = 60
    """Doubles with each failed attempt."""
    in_flight: int = 4
    """Mails under way at one time in this process."""

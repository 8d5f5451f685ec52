"""The settings that the dashboard is handed."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from parcelwire.config import Config
from parcelwire.pages.dashboard.house import DashboardSettings

_PASSWORD: Final = re.compile(r"(://[^:/@\s]*):[^@/\s]*@")
"""Of a URL with credentials in it."""

_SECRET: Final = {("notifications", "password"), ("notifications", "operator_urls")}
"""Settings that nobody is shown."""


def dashboard_settings(config: Config) -> DashboardSettings:
    """Return the dashboard's own settings, all others among them to be looked at."""
    effective = []
    for section, fields in msgspec.to_builtins(config).items():
        for name, value in fields.items():
            shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            if (section, name) in _SECRET and value:
                shown = "…"
            effective.append((section, name, _PASSWORD.sub(r"\1:…@", shown)))
    return DashboardSettings(
        public_url=config.public_url,
        auto_notify_accounts=config.notifications.auto_notify_accounts,
        has_mail_server=bool(config.notifications.smtp_host),
        mails_per_minute=config.limits.mails_per_account_per_minute,
        mails_per_day=config.limits.mails_per_account_per_day,
        effective=tuple(effective),
    )

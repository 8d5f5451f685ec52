"""From the configuration to mails and operators' channels."""

from __future__ import annotations

from pathlib import Path

from parcelwire.bootstrap.errors import InstallationError
from parcelwire.config import Config, NotificationsSection
from parcelwire.domain.brand import Brand
from parcelwire.domain.clock import Instant, iso_utc
from parcelwire.domain.status import DEFAULT_SUBSTATUS, Status
from parcelwire.domain.tracking import Tracking
from parcelwire.notices.addresses import mail_address
from parcelwire.notices.letters import Links, news_letter
from parcelwire.notices.operators import AppriseChannels, ChannelError, Channels
from parcelwire.notices.posting import Mail, make_mail
from parcelwire.notices.settings import MailLimits, MailServer, NoticeSettings, Security
from parcelwire.notices.smtp import SmtpMailer
from parcelwire.tracking.words import words
from parcelwire.webhooks.notices import Notice, NoticeType

_SECURITIES: dict[str, Security] = {"starttls": "starttls", "tls": "tls", "none": "none"}


def make_mailer(config: Config) -> SmtpMailer | None:
    """Return who sends mails; None: no mail server is set up.

    Raises:
        InstallationError: a file that is named cannot be read.
    """
    section = config.notifications
    if not section.smtp_host:
        return None
    server = MailServer(
        host=section.smtp_host,
        port=section.smtp_port,
        security=_SECURITIES[section.security],
        username=section.username,
        password=_password(section),
        timeout_seconds=section.timeout_seconds,
        ca_file=section.ca_file,
    )
    try:
        return SmtpMailer(server)
    except OSError as error:
        msg = f"cannot read {section.ca_file}: {error.strerror or error} (notifications.ca_file)"
        raise InstallationError(msg) from None


def notice_settings(config: Config) -> NoticeSettings:
    """Return the notices room's own settings.

    Raises:
        InstallationError: the sender is no address.
    """
    section = config.notifications
    sender = mail_address(section.sender)
    if section.smtp_host and sender is None:
        msg = "notifications.sender must be an e-mail address"
        raise InstallationError(msg)
    return NoticeSettings(
        sender=sender or "",
        public_url=config.public_url,
        per_minute=section.per_minute,
        min_interval_minutes=section.min_interval_minutes,
        limits=mail_limits(config),
        auto_notify_accounts=section.auto_notify_accounts,
    )


def mail_limits(config: Config) -> MailLimits:
    """Return how many mails may be sent."""
    limits = config.limits
    return MailLimits(
        account_per_minute=limits.mails_per_account_per_minute,
        account_per_day=limits.mails_per_account_per_day,
        address_per_day=limits.mails_per_address_per_day,
        confirmations_per_day=limits.mail_confirmations_per_address_per_day,
    )


def make_channels(config: Config) -> Channels | None:
    """Return the ways to reach the operators; None: there are none.

    Raises:
        InstallationError: one cannot be used.
    """
    if not config.notifications.operator_urls:
        return None
    try:
        return AppriseChannels(config.notifications.operator_urls)
    except ChannelError as error:
        msg = f"{error} (notifications.operator_urls)"
        raise InstallationError(msg) from None


class EndpointAlerts:
    """Implements ``webhooks.notices.Notifier`` for the operators. It names no URL."""

    def __init__(self, channels: Channels) -> None:
        """Tell ``channels``."""
        self._channels = channels

    async def tell(self, notice: Notice) -> None:
        """See ``Notifier``."""
        name = notice.endpoint.id
        since = iso_utc(notice.failing_since or notice.at)
        title, text = {
            NoticeType.FAILING: (
                "Parcelwire: a webhook endpoint fails",
                f"Endpoint {name} has failed since {since}: {notice.reason}",
            ),
            NoticeType.DISABLED: (
                "Parcelwire: a webhook endpoint was switched off",
                f"Endpoint {name} was switched off: {notice.reason}. Its messages wait.",
            ),
            NoticeType.RECOVERED: (
                "Parcelwire: a webhook endpoint is well again",
                f"Endpoint {name} takes messages again.",
            ),
        }[notice.type]
        await self._channels.tell(title, text)


def _password(section: NotificationsSection) -> str:
    if not section.password_file:
        return section.password
    try:
        return Path(section.password_file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        msg = f"cannot read {section.password_file}: {why} (notifications.password_file)"
        raise InstallationError(msg) from None


def sample_mail(
    config: Config, address: str, *, status: Status, language: str, mail_id: str, at: Instant
) -> Mail:
    """Return a mail about a made-up parcel.

    Raises:
        ValueError: ``address`` is none.
    """
    base = config.public_url
    parcel = Tracking(
        id="0" * 32,
        world_id=0,
        number="TEST123456789",
        typed_number="TEST123456789",
        courier_code="simulated",
        created_at=at,
        updated_at=at,
        page_token="test",  # noqa: S106  (leads nowhere)
        status=status,
        substatus=DEFAULT_SUBSTATUS[status],
    )
    links = Links(page=f"{base}/track", subscription=f"{base}/n/test")
    brand = Brand(name="Parcelwire")
    letter = news_letter(parcel, words(language), links, brand=brand, carrier="Test")
    settings = notice_settings(config)
    recipient = mail_address(address) or ""
    return make_mail(
        letter, recipient, sender=settings.sender, name=brand.name, mail_id=mail_id, at=at
    )

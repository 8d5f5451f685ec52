"""What an operator may set about webhooks. Durations in seconds, as in the configuration file."""

from __future__ import annotations

import msgspec


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The room's settings, checked once when made.

    Raises:
        ValueError: when a figure makes no sense by itself or beside the others.
    """

    max_attempts: int = 15
    """Tries in all before a message is given up: 4.3 days with the waits below."""
    retry_base_seconds: float = 30
    """Wait before the first retry; every further wait is twice as long."""
    longest_delay_seconds: float = 122_880
    """No wait is longer, whether the schedule or a receiver's ``Retry-After`` asks for it."""
    jitter: float = 0.1
    """A wait is lengthened by a random share of up to this, and never shortened."""

    connect_seconds: float = 5
    """For name, connection and TLS together."""
    request_timeout_seconds: float = 15
    """For one whole attempt, to the last byte that is read."""
    slow_seconds: float = 2
    """A receiver that takes longer is kept among those that may not hold up the others."""
    body_seconds: float = 3
    """How long a receiver may take over its answer's body once the status has come."""
    answer_bytes: int = 16_384
    """How much of an answer's body is read; then the connection is cut."""
    kept_answer_characters: int = 1_024
    """How much of that is kept in the attempt log."""

    max_concurrent_deliveries: int = 256
    """Requests at one time, in this process."""
    max_concurrent_per_endpoint: int = 16
    """Of these, for one endpoint that answers well. One that does not gets one at a time."""
    claim_batch: int = 128
    """Messages taken from the store at once."""
    lease_margin_seconds: float = 10
    """What a lease is longer than an attempt: the time to claim before and to write down after."""
    gather_seconds: float = 0.005
    """While requests are under way, results wait this long for others to be written down with."""
    suspect_seconds: float = 0.1
    """How often those that did not just answer well are looked after, so that their messages and
    failures, however many, seldom stand before a healthy one's message."""
    failing_after_seconds: float = 600
    """An endpoint with nothing but failures for this long is told of as failing."""
    disable_after_seconds: float = 432_000
    """An endpoint with nothing but failures for this long is switched off; 0 = never."""
    poll_seconds: float = 1
    """How often the store is asked for messages of which no notice came (other processes')."""
    grace_seconds: float = 20
    """How long stopping waits for requests in flight."""

    allowed_networks: tuple[str, ...] = ()
    """Internal networks that endpoints may be in (``192.168.7.0/24``). None by default."""
    extra_ports: tuple[int, ...] = ()
    """Ports below 1024 (or kept for other protocols) that endpoints may use beside 80 and 443."""
    ca_file: str | None = None
    """A file of certificate authorities to trust instead of the system's."""
    dns_threads: int = 16
    """Name lookups at one time; apart from other work, so that slow name servers hold up nobody."""

    def __post_init__(self) -> None:
        for name in (
            "max_attempts",
            "retry_base_seconds",
            "connect_seconds",
            "request_timeout_seconds",
            "body_seconds",
            "answer_bytes",
            "max_concurrent_deliveries",
            "max_concurrent_per_endpoint",
            "claim_batch",
            "lease_margin_seconds",
            "poll_seconds",
            "dns_threads",
        ):
            if getattr(self, name) <= 0:
                msg = f"webhooks: {name} must be more than 0"
                raise ValueError(msg)
        if not 0 <= self.jitter <= 1:
            msg = "webhooks: jitter must be between 0 and 1"
            raise ValueError(msg)
        for name in (
            "grace_seconds",
            "kept_answer_characters",
            "gather_seconds",
            "suspect_seconds",
            "failing_after_seconds",
            "disable_after_seconds",
        ):
            if getattr(self, name) < 0:
                msg = f"webhooks: {name} cannot be negative"
                raise ValueError(msg)

    @property
    def lease_seconds(self) -> float:
        """How long a claimed message is out of the reach of other processes.

        So long does it take until the work of a killed process is taken up, too.
        """
        return self.request_timeout_seconds + self.lease_margin_seconds

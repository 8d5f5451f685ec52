"""``parcelwire webhook forward``: live messages to a program on this machine.

    events feed (long poll) --> tracking, in the dialect --> envelope and signature --> the one URL

Nothing has to reach this machine from outside, and no endpoint is made: the command reads, words
each event as a delivery would, signs it with a secret of its own, and posts it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import click
import msgspec

from parcelwire.cli.common import run_async
from parcelwire.cli.filters import MomentType
from parcelwire.cli.target import TargetOptions, target_options
from parcelwire.cli.timeline import plain
from parcelwire.cli.webhook_format import (
    dialect_option,
    event_type_options,
    status_option,
    webhook,
)
from parcelwire.cli.webhook_log import instant_of
from parcelwire.cli.worlds import World, open_worlds
from parcelwire.client.errors import NetworkError, NotFoundError, RateLimitError, ServerError
from parcelwire.domain.account import Account, Endpoint
from parcelwire.domain.clock import MINUTE, Clock, Instant, from_datetime, to_datetime
from parcelwire.signatures.signing import key_of
from parcelwire.webhooks.message import TRACKING_EVENT_TYPES, wants
from parcelwire.webhooks.secrets import new_secret

if TYPE_CHECKING:
    from parcelwire.webhooks.sender import HttpSender, Sender

T = TypeVar("T")

WAIT_SECONDS: Final = 25
"""How long the server may hold back an answer while nothing happens."""
PAGE: Final = 100
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 10.0
EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
"""The person at this machine names the URL, so it may be on it."""

_V2_NOT_FOUND: Final = 4017

_NOT_IN_MESSAGES: Final = (
    "freshness",
    "courier_name",
    "is_auto_correct_disabled",
    "corrections",
    "page_url",
    "status_override",
    "ordered_at",
)
"""What the API shows of a tracking beyond what messages say."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be forwarded, and how."""

    url: str
    dialect: str
    secret: str
    statuses: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    after: str = ""
    """Cursor of the events feed to go on from; wins over ``since``."""
    since: str = ""
    """Time to begin at, ISO 8601; empty: now."""


class Tally:
    """What came of it all."""

    def __init__(self) -> None:
        self.delivered = 0
        self.skipped = 0
        self.failed: Counter[str] = Counter()

    def __str__(self) -> str:
        parts = [f"{self.delivered} delivered"]
        if self.failed:
            reasons = ", ".join(f"{count} times {what}" for what, count in self.failed.items())
            parts.append(f"{self.failed.total()} failed ({reasons})")
        if self.skipped:
            parts.append(f"{self.skipped} skipped")
        return ", ".join(parts)


class Forwarder:
    """Follows one world's events and posts them to one URL, one after the other."""

    def __init__(self, world: World, sender: Sender, clock: Clock, wish: Wish) -> None:
        """``sender`` posts; what it may reach is its own matter."""
        self._client = world.client
        self._sender = sender
        self._clock = clock
        self._wish = wish
        self._account: Account | None = None
        self._troubled_at: Instant | None = None
        self.tally = Tally()
        self.cursor = wish.after
        """Where to go on next time: all before it was forwarded."""
        self._endpoint = Endpoint(
            id="0" * 32,
            world_id=0,
            url=wish.url,
            dialect=wish.dialect,
            secret=wish.secret,
            statuses=wish.statuses,
            event_types=wish.event_types,
        )

    async def run(self) -> None:
        """Forward until cancelled.

        Raises:
            ParcelwireError: the server refuses a call.
        """
        if self._wish.dialect == "v2":
            account = await self._patiently(self._client.account.get)
            self._account = Account(number=account.number, email=account.email)
        since = self._wish.since or to_datetime(self._clock.now()).isoformat()
        first = {} if self.cursor else {"since": since}
        wait = 0  # the first answer says where we are
        while True:
            start = {"after": self.cursor} if self.cursor else first
            feed = await self._get("/api/events", {**start, "limit": PAGE, "wait_seconds": wait})
            for event in feed["items"]:
                await self._take(event)
            self.cursor = feed["next_cursor"]
            wait = WAIT_SECONDS

    async def _take(self, event: dict[str, Any]) -> None:
        """Forward one event, if it is wanted, until something has answered."""
        if not wants(self._endpoint, status=event["data"]["status"], event_type=event["type"]):
            self.tally.skipped += 1
            return
        before: tuple[str, str] | None = None
        while (tracking := await self._find(f"/api/trackings/{event['tracking_id']}")) is not None:
            payload = await self._payload(event, tracking)
            if payload is not None:
                await self._post(event, tracking, payload)
                return
            # Deleted just now, or its courier was corrected between the two answers: look again.
            name = (tracking["courier_code"], tracking["number"])
            if name == before:
                dialect = self._wish.dialect
                self._skip(event, f"the server does not find {plain(name[1])} in {dialect}")
                return
            before = name
        self._skip(event, "the tracking was deleted meanwhile")

    def _skip(self, event: dict[str, Any], why: str) -> None:
        self.tally.skipped += 1
        _say(f"{_head(event)}  skipped: {why}")

    async def _payload(self, event: dict[str, Any], tracking: dict[str, Any]) -> bytes | None:
        """Return ``data`` of the message, in the dialect; None where the dialect finds none."""
        number, courier = tracking["number"], tracking["courier_code"]
        if self._wish.dialect == "v2":
            path = f"/v2/trackings/{quote(courier, safe='')}/{quote(number, safe='')}"
            item = await self._find(path, code=_V2_NOT_FOUND)
            return None if item is None else msgspec.json.encode(item)
        if self._wish.dialect == "v4":
            query = {"tracking_numbers": number, "courier_code": courier}
            found = await self._get("/v4/trackings/get", query)
            if not found:
                return None
            told = {
                "sequence": event["sequence"],
                "event_id": event["id"],
                "event_type": event["type"],
            }
            return msgspec.json.encode({**found[0], **told})
        said = {name: value for name, value in tracking.items() if name not in _NOT_IN_MESSAGES}
        return msgspec.json.encode({**event["data"], "tracking": said})

    async def _post(self, event: dict[str, Any], tracking: dict[str, Any], payload: bytes) -> None:
        from parcelwire.webhooks.ports import ClaimedMessage, Message, MessageState
        from parcelwire.webhooks.request_builder import make_request

        message = Message(
            id=secrets.token_hex(16),
            endpoint_id=self._endpoint.id,
            world_id=0,
            tracking_id=event["tracking_id"],
            sequence=event["sequence"],
            event_id=event["id"],
            event_type=event["type"],
            payload=payload,
            created_at=from_datetime(datetime.fromisoformat(event["timestamp"])),
            state=MessageState.PENDING,
            attempts=0,
            due_at=0,
        )
        head = f"{_head(event)}  {plain(tracking['number'])}  {plain(event['data']['status']):12}"
        pause = FIRST_PAUSE_SECONDS
        while True:
            now = self._clock.now()
            request = make_request(ClaimedMessage(message, self._endpoint), self._account, now)
            answer = await self._sender.send(request)
            if not answer.error.startswith("no connection: "):
                break
            if pause == FIRST_PAUSE_SECONDS:
                _say(f"{head}  {answer.error}; trying again until something listens there")
            await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        if answer.is_success:
            self.tally.delivered += 1
        else:
            self.tally.failed[answer.error] += 1
        result = f"HTTP {answer.status}" if answer.status else answer.error
        _say(f"{head}  {result} after {answer.duration_ms} ms", is_good=answer.is_success)

    async def _find(self, path: str, *, code: int | None = None) -> Any:
        """Read what may be gone; None where the server says so (with ``code``, if it is given)."""
        try:
            return await self._get(path)
        except NotFoundError as error:
            if code is not None and error.code != code:
                raise
            return None

    async def _get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """Read as it comes: what is posted must have the fields of a delivery and no others."""
        asked = f"{path}?{urlencode(query)}" if query else path
        return await self._patiently(lambda: self._client.request("GET", asked))

    async def _patiently(self, read: Callable[[], Awaitable[T]]) -> T:
        """Read from the server, waiting as long as it does not answer or limits calls."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await read()
            except (NetworkError, ServerError, RateLimitError) as error:
                self._tell_trouble(f"{error.message}; trying again")
            await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _tell_trouble(self, line: str) -> None:
        """Say it once a minute: a server that limits calls refuses some of every second."""
        now = self._clock.now()
        if self._troubled_at is None or not 0 <= now - self._troubled_at < MINUTE:
            self._troubled_at = now
            click.echo(line, err=True)


def _head(event: dict[str, Any]) -> str:
    at = f"{datetime.now().astimezone():%H:%M:%S}"
    return f"{at}  {plain(event['type']):23}  no. {event['sequence']:<3}"


def _say(line: str, *, is_good: bool | None = None) -> None:
    click.secho(
        line, fg={True: "green", False: "red"}.get(is_good) if is_good is not None else None
    )


@webhook.command("forward")
@click.option("--to", "url", required=True, help="Local URL to post to.")
@dialect_option
@status_option
@event_type_options(TRACKING_EVENT_TYPES)
@click.option("--secret", help="Signing secret; default: generated for this run and printed.")
@click.option(
    "--since",
    help="Start with older events: a date, a time, 2h (ago), or the cursor of an earlier run.",
)
@target_options
@click.pass_context
@run_async
async def forward(
    ctx: click.Context,
    /,
    url: str,
    dialect: str,
    secret: str | None,
    options: TargetOptions,
    **where: Any,
) -> None:
    """Forward live events to a local URL, until Ctrl-C.

    No public address is needed: events are fetched from the server, and posted from here as a
    delivery would post them, with the parcel's current state. Nothing is sent anywhere else.

    \b
    parcelwire webhook forward --to http://localhost:3000/hook
    parcelwire webhook forward --to http://localhost:3000/hook --dialect v4 --since 2h
    """
    after, since = _start(where["since"])
    wish = Wish(
        url=url,
        dialect=dialect,
        secret=_secret(secret),
        statuses=where["statuses"],
        event_types=where["event_types"],
        after=after,
        since=since,
    )
    async with _make_sender(url) as sender, open_worlds(ctx, options, retries=0) as worlds:
        from parcelwire.bootstrap import SystemClock

        forwarder = Forwarder(worlds.default, sender, SystemClock(), wish)
        click.echo(f"Forwarding events of {worlds.default.where} to {plain(url)} ({dialect}).")
        if secret is None:
            click.echo(f"secret   {wish.secret}   (valid for this run)")
        click.echo("Press Ctrl-C to stop.\n")
        await _until_interrupted(forwarder)
    click.echo(f"\nForwarded: {forwarder.tally}.")
    if forwarder.cursor:
        click.echo(f"To resume: --since {forwarder.cursor}")


def _start(typed: str | None) -> tuple[str, str]:
    """Return cursor and time to begin with; one of them is empty."""
    if typed is None:
        return "", ""
    # What cursors look like: base64 of a JSON list that begins with its kind.
    if typed.startswith("WyJ"):
        return typed, ""
    begin = instant_of(MomentType().convert(typed, None, None))
    return "", begin.isoformat() if begin is not None else ""


def _secret(typed: str | None) -> str:
    if typed is None:
        return new_secret(secrets.token_bytes)
    try:
        key_of(typed)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return typed


def _make_sender(url: str) -> HttpSender:
    """Return the sender of real deliveries, for one URL that may be anywhere.

    Raises:
        click.UsageError: nothing can be posted there.
    """
    from parcelwire.webhooks.address import AddressGuard, AddressRefusedError
    from parcelwire.webhooks.sender import HttpSender
    from parcelwire.webhooks.settings import WebhookSettings

    try:
        port = urlsplit(url).port
    except ValueError:
        port = None
    guard = AddressGuard(EVERYWHERE, extra_ports=() if port is None else (port,))
    try:
        guard.check_url(url)
    except AddressRefusedError as error:
        msg = f"--to: {error}"
        raise click.UsageError(msg) from None
    return HttpSender(WebhookSettings(), guard=guard)


async def _until_interrupted(forwarder: Forwarder) -> None:
    """Forward until Ctrl-C or SIGTERM; whoever asks twice does not want to wait.

    Raises:
        ParcelwireError: the server refuses a call.
    """
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(forwarder.run())

    def interrupt(signum: signal.Signals) -> None:
        loop.remove_signal_handler(signum)
        running.cancel()

    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, interrupt, signum)
    with contextlib.suppress(asyncio.CancelledError):
        await running

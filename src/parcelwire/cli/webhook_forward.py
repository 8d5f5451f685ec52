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
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import click
import msgspec

from parcelwire.cli.exits import NO_ANSWER, CommandError
from parcelwire.cli.filters import MomentType
from parcelwire.cli.native_calls import ProblemError, RefusalError, World, open_native
from parcelwire.cli.support import run_async
from parcelwire.cli.target import Choice, target_options
from parcelwire.cli.timeline import plain
from parcelwire.cli.webhook_log import on_the_wire
from parcelwire.cli.webhook_words import DIALECTS, EVENT_TYPES, status_option, webhook
from parcelwire.domain.account import Account, Endpoint
from parcelwire.domain.clock import MINUTE, Clock, Instant, from_datetime, to_datetime
from parcelwire.signatures.signing import key_of
from parcelwire.webhooks.secrets import new_secret

if TYPE_CHECKING:
    from parcelwire.webhooks.sender import HttpSender, Sender

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
    "is_auto_correct_off",
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
        self.taken = 0
        self.passed_over = 0
        self.refused: Counter[str] = Counter()

    def __str__(self) -> str:
        parts = [f"{self.taken} taken"]
        if self.refused:
            why = ", ".join(f"{count} times {what}" for what, count in self.refused.items())
            parts.append(f"{self.refused.total()} not ({why})")
        if self.passed_over:
            parts.append(f"{self.passed_over} passed over")
        return ", ".join(parts)


class Forwarder:
    """Follows one world's events and posts them to one URL, one after the other."""

    def __init__(self, world: World, sender: Sender, clock: Clock, wish: Wish) -> None:
        """``sender`` posts; what it may reach is its own matter."""
        self._world = world
        self._sender = sender
        self._clock = clock
        self._wish = wish
        self._account: Account | None = None
        self._troubled_at: Instant | None = None
        self.tally = Tally()
        self.cursor = wish.after
        """Where to go on next time: all before it was forwarded."""
        self._endpoint = Endpoint(
            id="0" * 32, world_id=0, url=wish.url, dialect=wish.dialect, secret=wish.secret
        )

    async def run(self) -> None:
        """Forward until cancelled.

        Raises:
            CommandError: the server refuses what is asked of it.
        """
        if self._wish.dialect == "v2":
            said = await self._patiently("/account")
            self._account = Account(number=said["number"], email=said["email"])
        since = self._wish.since or to_datetime(self._clock.now()).isoformat()
        first = {} if self.cursor else {"since": since}
        wait = 0  # the first answer says where we are
        while True:
            query = {"after": self.cursor, "limit": PAGE, "wait": wait}
            feed = await self._patiently("/events", first if not self.cursor else {}, query)
            for event in feed["items"]:
                await self._take(event)
            self.cursor = feed["next_cursor"]
            wait = WAIT_SECONDS

    async def _take(self, event: dict[str, Any]) -> None:
        """Forward one event, if it is wanted, until something has answered."""
        wish = self._wish
        if (wish.statuses and event["data"]["status"] not in wish.statuses) or (
            wish.event_types and event["type"] not in wish.event_types
        ):
            self.tally.passed_over += 1
            return
        path = f"/trackings/{event['tracking_id']}"
        before: tuple[str, str] | None = None
        while (tracking := await self._patiently(path, unknown="tracking-unknown")) is not None:
            payload = await self._payload(event, tracking)
            if payload is not None:
                await self._post(event, tracking, payload)
                return
            # Deleted just now, or its courier was corrected between the two answers: look again.
            name = (tracking["courier_code"], tracking["number"])
            if name == before:
                dialect = self._wish.dialect
                self._pass_over(event, f"the server does not find {plain(name[1])} in {dialect}")
                return
            before = name
        self._pass_over(event, "the tracking was deleted meanwhile")

    def _pass_over(self, event: dict[str, Any], why: str) -> None:
        self.tally.passed_over += 1
        _say(f"{_head(event)}  passed over: {why}")

    async def _payload(self, event: dict[str, Any], tracking: dict[str, Any]) -> bytes | None:
        """Return ``data`` of the message, in the dialect; None where the dialect finds none."""
        number, courier = tracking["number"], tracking["courier_code"]
        if self._wish.dialect == "v2":
            path = f"/v2/trackings/{quote(courier, safe='')}/{quote(number, safe='')}"
            try:
                item = await self._read(path, "trackingmore-api-key", {})
            except RefusalError as error:
                if error.kind != _V2_NOT_FOUND:
                    raise
                return None
            return msgspec.json.encode(item)
        if self._wish.dialect == "v4":
            query = {"tracking_numbers": number, "courier_code": courier}
            found = await self._read("/v4/trackings/get", "tracking-api-key", query)
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
            self.tally.taken += 1
        else:
            self.tally.refused[answer.error] += 1
        result = f"HTTP {answer.status}" if answer.status else answer.error
        _say(f"{head}  {result} after {answer.duration_ms} ms", is_good=answer.is_success)

    async def _patiently(self, path: str, *queries: dict[str, Any], unknown: str = "") -> Any:
        """Read from the server, waiting as long as it does not answer or asks for patience.

        None where it refuses with the problem ``unknown``.
        """
        query = {name: value for one in queries for name, value in one.items()}
        try:
            return await self._until_answered(lambda: self._world.ask("GET", path, query=query))
        except ProblemError as error:
            if error.kind != unknown:
                raise
            return None

    async def _read(self, path: str, header: str, query: dict[str, Any]) -> Any:
        """Read from another dialect, as patiently."""
        return await self._until_answered(lambda: self._world.read(path, header, query))

    async def _until_answered(self, read: Callable[[], Awaitable[Any]]) -> Any:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await read()
            except CommandError as error:
                if error.code != NO_ANSWER:
                    raise
                self._tell_trouble(f"{error}; trying again")
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
@click.option("--to", "url", required=True, help="Where to post: a URL of this machine.")
@click.option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default="native",
    show_default=True,
    help="Form of the body: Parcelwire's own, or one of TrackingMore's.",
)
@status_option
@click.option(
    "--event-type",
    "event_types",
    multiple=True,
    type=click.Choice(EVENT_TYPES[:2]),
    help="Only events of this type; repeat for more. Default: all.",
)
@click.option("--secret", help="Sign with this secret; default: one made for this run, printed.")
@click.option(
    "--since",
    help="Begin with older events: a date, a time, 2h (ago), or the cursor of an earlier run.",
)
@target_options
@click.pass_context
@run_async
async def forward(
    ctx: click.Context, /, url: str, dialect: str, secret: str | None, choice: Choice, **where: Any
) -> None:
    """Send live messages to a program on this machine, until Ctrl-C.

    This machine needs no public address: the events are fetched from the server, and posted from
    here as a delivery would post them, with the parcel as it is now. Nothing is sent to anywhere
    but the URL given.

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
    async with _make_sender(url) as sender, open_native(ctx, choice) as native:
        from parcelwire.bootstrap import SystemClock

        forwarder = Forwarder(native.world, sender, SystemClock(), wish)
        click.echo(f"Forwarding events of {native.world.where} to {plain(url)} ({dialect}).")
        if secret is None:
            click.echo(f"secret   {wish.secret}   (good for this run)")
        click.echo("Ctrl-C ends it.\n")
        await _until_interrupted(forwarder)
    click.echo(f"\nForwarded: {forwarder.tally}.")
    if forwarder.cursor:
        click.echo(f"Go on from here: --since {forwarder.cursor}")


def _start(typed: str | None) -> tuple[str, str]:
    """Return cursor and time to begin with; one of them is empty."""
    if typed is None:
        return "", ""
    # What cursors look like: base64 of a JSON list that begins with its kind.
    if typed.startswith("WyJ"):
        return typed, ""
    return "", on_the_wire(MomentType().convert(typed, None, None)) or ""


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
        CommandError: the server refuses what is asked of it.
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

"""Whether every receiver got what it asked for.

All of it, in order, under one id, one at a time.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from parcelwire.domain.account import Endpoint
from parcelwire.domain.changes import Event
from parcelwire.store.sqlite.store import SqliteStore
from parcelwire.webhooks.ports import Message, MessageState
from prove.worlds.judging_standing import judge_standing
from prove.worlds.keepers import Keeper
from prove.worlds.ledger import Receipt, Setting, Span
from prove.worlds.process import Ground

_TEST = "endpoint.test"


async def judge_messages(
    ground: Ground,
    store: SqliteStore,
    keeper: Keeper,
    messages: list[Message],
    events: list[Event],
) -> list[str]:
    """Judge one account's endpoints."""
    ledger = ground.ledger
    found: list[str] = []
    endpoints = {one.id: one for one in await store.list_endpoints(keeper.world_id)}
    if list(endpoints) != keeper.endpoint_ids:
        found.append(f"endpoints are {list(endpoints)}, made were {keeper.endpoint_ids}")
    tests = Counter(one.endpoint_id for one in messages if one.event_type == _TEST)
    if tests != Counter(keeper.tests):
        found.append(f"{dict(tests)} test events are there, sent were {Counter(keeper.tests)}")
    own = [one for one in messages if not one.event_type.startswith("endpoint.")]
    found += _judge_outbox(ground, keeper, own, events)
    receipts: dict[str, list[Receipt]] = defaultdict(list)
    ours = {one.id: one for one in messages}
    for receipt in ledger.receipts:
        if receipt.message_id in ours:
            receipts[receipt.message_id].append(receipt)
    for message in messages:
        found += _judge_message(ground, message, receipts[message.id], endpoints)
    lines: dict[tuple[str, str], list[Receipt]] = defaultdict(list)
    for receipt in ledger.receipts:
        if receipt.event_type.startswith("tracking.") and receipt.endpoint_id in keeper.all_ids:
            lines[receipt.endpoint_id, receipt.tracking_id].append(receipt)
    for (endpoint_id, tracking_id), line in lines.items():
        found += _judge_line(ground, endpoint_id, tracking_id, line)
    for endpoint_id in keeper.all_ids:
        found += judge_standing(ground, endpoint_id)
    return found


def _judge_outbox(
    ground: Ground, keeper: Keeper, messages: list[Message], events: list[Event]
) -> list[str]:
    """Every event has one message for each endpoint that wanted it then, and no other."""
    ledger = ground.ledger
    found = []
    counts = Counter((one.endpoint_id, one.event_id) for one in messages)
    found += [
        f"{count} messages for endpoint {endpoint_id} and event {event_id}"
        for (endpoint_id, event_id), count in counts.items()
        if count > 1
    ]
    known = {event.id: event for event in events}
    for message in messages:
        event = known.get(message.event_id)
        if event is None:
            found.append(f"message {message.id} tells of an event that is not there")
        elif (event.sequence, event.tracking_id) != (message.sequence, message.tracking_id):
            found.append(f"message {message.id} is numbered {message.sequence}, not as its event")
    for endpoint_id in keeper.all_ids:
        settings = ledger.settings[endpoint_id]
        for event in events:
            wanted = _wants(settings, event, ledger.made_at[event.id])
            has = (endpoint_id, event.id) in counts
            if wanted is True and not has:
                found.append(
                    f"event {event.sequence} of tracking {event.tracking_id} has no message for"
                    f" endpoint {endpoint_id}"
                )
            elif wanted is False and has:
                found.append(f"endpoint {endpoint_id} did not want event {event.id}")
    return found


def _wants(settings: list[Setting], event: Event, at: int) -> bool | None:
    """Tell whether an endpoint wanted an event; None while its wish was just being changed."""
    current: Setting | None = None
    for setting in settings:
        if _is_within(setting.span, at):
            return None
        if setting.span.start > at:
            break
        current = setting
    if current is None or not current.exists:
        return False
    return not current.statuses or event.status.value in current.statuses


def _judge_message(
    ground: Ground, message: Message, receipts: list[Receipt], endpoints: dict[str, Endpoint]
) -> list[str]:
    name = f"message {message.id} (event {message.sequence} of {message.tracking_id})"
    found = []
    if len({(one.endpoint_id, one.sequence, one.digest) for one in receipts}) > 1:
        found.append(f"{name}: its id was used for two facts")
    was_taken = any(one.is_taken for one in receipts)
    has_endpoint = message.endpoint_id in endpoints
    if message.state is MessageState.DELIVERED and not was_taken:
        found.append(f"{name}: stands as delivered, and nobody got it")
    elif message.state is MessageState.PENDING:
        endpoint = endpoints.get(message.endpoint_id)
        if endpoint is None:
            found.append(f"{name}: waits for an endpoint that is gone")
        elif endpoint.is_enabled:
            found.append(f"{name}: still waits, after 40 hours in which all was well")
        elif not endpoint.disabled_reason:
            found.append(f"{name}: its endpoint is switched off, and nobody says why")
    elif message.state is MessageState.DEAD and has_endpoint:
        tries = sum(not (one.is_taken and 200 <= one.status < 300) for one in receipts)
        if tries < ground.plan.attempts:
            found.append(f"{name}: given up after {tries} tries of {ground.plan.attempts}")
    return found


def _judge_line(
    ground: Ground, endpoint_id: str, tracking_id: str, line: list[Receipt]
) -> list[str]:
    """One (endpoint, tracking): in order, and one at a time."""
    found = []
    name = f"tracking {tracking_id} to endpoint {endpoint_id}"
    replays = [span for span, one in ground.ledger.replays if one == endpoint_id]
    floor = 0
    previous: Receipt | None = None
    for receipt in line:
        if receipt.sequence < floor and not _was_replayed(replays, previous, receipt):
            found.append(f"{name}: {receipt.sequence} came after {floor}, at {receipt.at}")
        if (
            previous is not None
            and (previous.ended_at is None or receipt.at < previous.ended_at)
            and not ground.ledger.may_have_lost_leases(previous.at, receipt.at)
        ):
            found.append(
                f"{name}: {receipt.sequence} was sent at {receipt.at} while {previous.sequence}"
                " was under way"
            )
        floor = receipt.sequence
        previous = receipt
    return found


def _was_replayed(replays: list[Span], previous: Receipt | None, receipt: Receipt) -> bool:
    since = previous.at if previous is not None else 0
    return any(
        span.start <= receipt.at and (span.end is None or span.end >= since) for span in replays
    )


def _is_within(span: Span, at: int) -> bool:
    return span.start <= at and (span.end is None or at <= span.end)

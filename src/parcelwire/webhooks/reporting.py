"""Finds out how endpoints stand, and tells others: what the worker does beside sending.

judge (with every attempt) -> notices stored with it -> note_stored -> notifiers
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import Instant
from parcelwire.tracking.ports import Identifiers, NewMessage
from parcelwire.webhooks.notices import (
    LogNotifier,
    Notice,
    NoticeType,
    Notifier,
    compose_notices,
)
from parcelwire.webhooks.ports import AttemptResult, ClaimedMessage, MessageStore
from parcelwire.webhooks.schedule import Answer
from parcelwire.webhooks.settings import WebhookSettings
from parcelwire.webhooks.standing import WELL, Verdict, Watch

_log = logging.getLogger(__name__)


class Reporter:
    """One per worker."""

    def __init__(
        self,
        store: MessageStore,
        *,
        identifiers: Identifiers,
        settings: WebhookSettings,
        notifiers: Sequence[Notifier] = (),
    ) -> None:
        """``notifiers`` are told beside the log."""
        self._store = store
        self._identifiers = identifiers
        self._watch = Watch(settings)
        self._notifiers = (LogNotifier(), *notifiers)
        self._notices: dict[str, Notice] = {}
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def is_telling(self) -> bool:
        """Somebody is being told."""
        return bool(self._telling)

    def distrust_time_before(self, now: Instant) -> None:
        """See ``Watch``."""
        self._watch.distrust_time_before(now)

    async def judge(
        self, claimed: ClaimedMessage, answer: Answer, outcome: AttemptResult, now: Instant
    ) -> AttemptResult:
        """Return an outcome with what it says about the endpoint, and whom that is told."""
        endpoint = claimed.endpoint
        if answer.is_success:
            verdict = self._watch.judge_success(endpoint, now)
        else:
            tries = claimed.message.attempts + 1
            verdict = self._watch.judge_failure(endpoint, answer, tries=tries, now=now)
        if verdict is WELL:
            return outcome
        told_at = verdict.told_at
        # What the row says already need not be written again with every failure.
        is_known = verdict.has_recovered or verdict.failing_since == endpoint.failing_since
        messages: tuple[NewMessage, ...] = ()
        if verdict.notice is not None:
            others = await self._others(endpoint)
            if others is None and verdict.notice is NoticeType.FAILING:
                # Nobody can be told now; the next failure brings it up again.
                self._watch.forget_telling(endpoint.id)
                told_at = None
            else:
                notice = _notice(verdict, verdict.notice, endpoint, answer, now)
                self._notices[outcome.attempt.id] = notice
                messages = compose_notices(notice, others or (), self._identifiers)
        return replace(
            outcome,
            failing_since=None if is_known else verdict.failing_since,
            failing_told_at=told_at,
            has_recovered=verdict.has_recovered,
            disable_endpoint_why=verdict.disable_why,
            notices=messages,
        )

    def note_stored(self, outcomes: Sequence[AttemptResult]) -> None:
        """Tell the notifiers of what has become durable."""
        for outcome in outcomes if self._notices else ():
            notice = self._notices.pop(outcome.attempt.id, None)
            if notice is None:
                continue
            for notifier in self._notifiers:
                # Beside the work: mail servers are slow.
                task = asyncio.create_task(_tell(notifier, notice))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)

    async def drain(self) -> None:
        """Wait until everybody has been told."""
        await asyncio.gather(*self._telling)

    async def _others(self, endpoint: Endpoint) -> list[Endpoint] | None:
        try:
            return await self._store.list_endpoints(endpoint.world_id)
        except Exception as error:  # noqa: BLE001 - each engine has its own errors, all mean "later"
            _log.warning("webhooks: nobody could be told (%s)", type(error).__name__)
            return None


def _notice(
    verdict: Verdict, kind: NoticeType, endpoint: Endpoint, answer: Answer, now: Instant
) -> Notice:
    return Notice(
        type=kind,
        endpoint=endpoint,
        at=now,
        failing_since=verdict.failing_since,
        why=verdict.disable_why or answer.error,
        status=answer.status,
    )


async def _tell(notifier: Notifier, notice: Notice) -> None:
    try:
        await notifier.tell(notice)
    except Exception:  # noqa: BLE001 - a notifier's trouble is logged, and is not delivery's
        _log.exception("webhooks: %s could not be told of", notice.type)

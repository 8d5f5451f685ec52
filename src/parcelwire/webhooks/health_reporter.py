"""Finds out how endpoints stand, and tells others: what the worker does beside sending.

judge (with every attempt) -> notices stored with it -> note_stored -> notifiers
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import SECOND, Instant
from parcelwire.tracking.ports import Identifiers, NewMessage
from parcelwire.webhooks.failing import LATE_MS, is_worth_noting, note_result
from parcelwire.webhooks.notices import (
    LogNotifier,
    Notice,
    NoticeType,
    Notifier,
    compose_notices,
)
from parcelwire.webhooks.ports import AttemptResult, ClaimedMessage, Failure, MessageStore
from parcelwire.webhooks.schedule import Answer, rest_seconds
from parcelwire.webhooks.settings import WebhookSettings
from parcelwire.webhooks.standing import WELL, Verdict, judge_failure, judge_success

_log = logging.getLogger(__name__)

_REMEMBERED = 10_000


class HealthReporter:
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
        self._settings = settings
        self._notifiers = (LogNotifier(), *notifiers)
        self._notices: dict[str, Notice] = {}
        self._unstored: dict[str, dict[str, AttemptResult]] = {}
        """What was said of endpoints and is not in their rows yet: by endpoint, by attempt."""
        self._endpoint_of: dict[str, str] = {}
        """By attempt, of what is unstored."""
        self._failing: set[str] = set()
        """Endpoints of which this process noted a failure: a success looks at their rows."""
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def is_telling(self) -> bool:
        """Somebody is being told."""
        return bool(self._telling)

    async def judge(
        self, claimed: ClaimedMessage, answer: Answer, outcome: AttemptResult, now: Instant
    ) -> AttemptResult:
        """Return an outcome with what it says about the endpoint, and whom that is told.

        The copy of the endpoint that came with the message may be as old as the attempt took. So
        the row is read again before anybody is told anything, and when the endpoint recovers.
        """
        endpoint = self._as_known(claimed.endpoint)
        failure = None if answer.is_success else self._failure(claimed, answer, now)
        verdict = self._verdict(endpoint, answer, failure)
        others: list[Endpoint] = []
        if verdict.notice is not None or (answer.is_success and endpoint.id in self._failing):
            read = await self._read(endpoint.world_id)
            if read is not None:
                others = read
                rows = [one for one in others if one.id == endpoint.id]
                if not rows:
                    return outcome  # it was deleted
                endpoint = self._as_known(rows[0])
                verdict = self._verdict(endpoint, answer, failure)
                if answer.is_success:
                    self._failing.discard(endpoint.id)
            elif verdict.notice is NoticeType.FAILING or verdict.disable_after_ms:
                # Nobody can be told, nor the row be asked; the next failure brings it up again.
                verdict = Verdict(failing_since=verdict.failing_since)
        if failure is None:
            if verdict is WELL:
                return outcome
        elif verdict.notice is not None or is_worth_noting(endpoint, failure):
            self._note_failing(endpoint.id)
        else:
            return outcome
        messages: tuple[NewMessage, ...] = ()
        if verdict.notice is not None:
            notice = _notice(verdict, verdict.notice, endpoint, answer, now)
            self._notices[outcome.attempt.id] = notice
            messages = compose_notices(notice, others, self._identifiers)
        outcome = replace(
            outcome,
            failure=failure,
            failing_reported_at=verdict.told_at,
            has_recovered=verdict.has_recovered,
            disable_endpoint_reason=verdict.disable_reason,
            disable_after_ms=verdict.disable_after_ms,
            notices=messages,
        )
        self._unstored.setdefault(endpoint.id, {})[outcome.attempt.id] = outcome
        self._endpoint_of[outcome.attempt.id] = endpoint.id
        return outcome

    def _verdict(self, endpoint: Endpoint, answer: Answer, failure: Failure | None) -> Verdict:
        if failure is None:
            return judge_success(endpoint)
        return judge_failure(endpoint, answer, failure, self._settings)

    def _failure(self, claimed: ClaimedMessage, answer: Answer, now: Instant) -> Failure:
        settings = self._settings
        rest = round(rest_seconds(answer, now, settings) * SECOND)
        longest = settings.longest_delay_seconds * (1 + settings.jitter)
        return Failure(
            at=now,
            due_at=claimed.message.due_at,
            rests_until=now + rest if rest else 0,
            longest_wait_ms=round(longest * SECOND) + LATE_MS,
        )

    def _as_known(self, endpoint: Endpoint) -> Endpoint:
        """Return a row as it will be when all that came back here is stored."""
        for result in self._unstored.get(endpoint.id, {}).values():
            endpoint = note_result(endpoint, result)
        return endpoint

    def _note_failing(self, endpoint_id: str) -> None:
        if len(self._failing) > _REMEMBERED:
            self._failing.clear()  # the endpoints' rows still know
        self._failing.add(endpoint_id)

    def note_stored(self, outcomes: Sequence[AttemptResult]) -> None:
        """Tell the notifiers of what has become durable."""
        for outcome in outcomes if self._endpoint_of else ():
            endpoint_id = self._endpoint_of.pop(outcome.attempt.id, None)
            if endpoint_id is None:
                continue
            unstored = self._unstored[endpoint_id]
            del unstored[outcome.attempt.id]
            if not unstored:
                del self._unstored[endpoint_id]
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

    async def _read(self, world_id: int) -> list[Endpoint] | None:
        try:
            return await self._store.list_endpoints(world_id)
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
        reason=verdict.disable_reason or answer.error,
        status=answer.status,
    )


async def _tell(notifier: Notifier, notice: Notice) -> None:
    try:
        await notifier.tell(notice)
    except Exception:  # noqa: BLE001 - a notifier's trouble is logged, and is not delivery's
        _log.exception("webhooks: %s could not be told of", notice.type)

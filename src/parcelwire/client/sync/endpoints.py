# Generated from ../aio by tools/generate_sync.py: change that, and generate again.
"""Endpoints: URLs that are told what happens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Unpack

from parcelwire.client import native_calls
from parcelwire.client.details import instant_text, is_none_of
from parcelwire.client.errors import NotFoundError
from parcelwire.client.native_calls import EndpointCreateParams, EndpointUpdateParams
from parcelwire.client.native_models import Endpoint, EndpointWithSecret, ReplayResult, TestResult
from parcelwire.client.sync.engine import Engine

Found = list[Endpoint]


class Endpoints:
    """Make, read, change, test. An endpoint is named by its id or given itself."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, url: str, **details: Unpack[EndpointCreateParams]) -> EndpointWithSecret:
        """Have ``url`` told what happens. The answer holds the secret, this once.

        Raises:
            InvalidRequestError: the URL is not allowed (``url-not-allowed``), or a detail is wrong.
            ParcelwireError: it came to nothing.
        """
        return self._engine.send(native_calls.create_endpoint({"url": url, **details}))

    def list(self) -> Found:
        """Return all endpoints, oldest first.

        Raises:
            ParcelwireError: it came to nothing.
        """
        return self._engine.send(native_calls.list_endpoints())

    def get(self, endpoint_id: str) -> Endpoint:
        """Return one endpoint, and how it does.

        Raises:
            NotFoundError: there is no such endpoint.
            ParcelwireError: it came to nothing.
        """
        return self._engine.send(native_calls.read_endpoint(endpoint_id))

    def update(self, endpoint: Endpoint | str, **changes: Unpack[EndpointUpdateParams]) -> Endpoint:
        """Change what is given.

        Raises:
            NotFoundError: there is no such endpoint.
            InvalidRequestError: the URL may not be sent to, or a change is wrong.
            ParcelwireError: it came to nothing.
        """
        return self._engine.send(native_calls.update_endpoint(_id(endpoint), changes))

    def delete(self, endpoint: Endpoint | str) -> None:
        """Delete an endpoint; what waits for it is given up.

        Raises:
            NotFoundError: there is no such endpoint.
            ParcelwireError: it came to nothing.
        """
        attempts = self._engine.open(native_calls.delete_endpoint(_id(endpoint)))
        try:
            self._engine.run(attempts)
        except NotFoundError:
            # Gone it is; most likely by the try whose answer was lost.
            if not attempts.maybe_applied:
                raise

    def pause(self, endpoint: Endpoint | str) -> Endpoint:
        """Send nothing for a while; messages are kept.

        Raises:
            NotFoundError: there is no such endpoint.
            ParcelwireError: it came to nothing.
        """
        return self._engine.send(native_calls.switch_endpoint(_id(endpoint), "pause"))

    def enable(self, endpoint: Endpoint | str) -> Endpoint:
        """Send again, beginning with what waited.

        Raises:
            NotFoundError: there is no such endpoint.
            ParcelwireError: it came to nothing.
        """
        return self._engine.send(native_calls.switch_endpoint(_id(endpoint), "enable"))

    def rotate_secret(
        self, endpoint: Endpoint | str, *, overlap_seconds: int | None = None
    ) -> EndpointWithSecret:
        """Replace the secret; for ``overlap_seconds`` messages carry signatures of both.

        None: for a day, as the server has it.

        Raises:
            NotFoundError: there is no such endpoint.
            ParcelwireError: it came to nothing.
        """
        return self._engine.send(native_calls.rotate_secret(_id(endpoint), overlap_seconds))

    def test(self, endpoint: Endpoint | str) -> TestResult:
        """Send a made-up event now, and return what came back.

        Raises:
            NotFoundError: there is no such endpoint.
            InvalidRequestError: it is switched off (``endpoint-disabled``).
            ParcelwireError: it came to nothing.
        """
        return self._engine.send(native_calls.test_endpoint(_id(endpoint)))

    def replay(
        self,
        endpoint: Endpoint | str,
        *,
        created_min: datetime | None = None,
        created_max: datetime | None = None,
        states: Sequence[str] | None = None,
        event_types: Sequence[str] | None = None,
        tracking_id: str | None = None,
        limit: int | None = None,
    ) -> ReplayResult:
        """Send messages again that were delivered or given up; at least one condition is needed.

        None means no condition; an empty sequence matches nothing. ``limit``: at most so many, the
        oldest first; None: as many as the server sends again at once.

        Raises:
            NotFoundError: there is no such endpoint.
            InvalidRequestError: no condition, or a wrong one.
            ParcelwireError: it came to nothing.
        """
        if is_none_of(states, event_types):
            return ReplayResult(replayed_count=0, is_complete=True)
        which = {
            "created_min": instant_text("created_min", created_min) or None,
            "created_max": instant_text("created_max", created_max) or None,
            "states": states,
            "event_types": event_types,
            "tracking_id": tracking_id,
            "limit": limit,
        }
        given = {name: value for name, value in which.items() if value is not None}
        return self._engine.send(native_calls.replay(_id(endpoint), given))


def _id(endpoint: Endpoint | str) -> str:
    return endpoint if isinstance(endpoint, str) else endpoint.id

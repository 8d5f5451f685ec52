# Generated from ../aio by tools/generate_sync.py: change that, and generate again.
"""Where requests really go out: the connections, and the loop over the tries of a call."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random, SystemRandom
from time import monotonic as system_monotonic
from time import time as system_time
from typing import TypeVar

from parcelwire.client.call_attempts import Call, CallAttempts, HttpResponse, Wait
from parcelwire.client.connections import CLOSED, Connections, url_of
from parcelwire.client.errors import ClientClosedError
from parcelwire.client.settings import ClientOptions, Settings

T = TypeVar("T")

Sleep = Callable[[float], None]


class Engine:
    """Sends calls. Engines made by ``with_options`` share the connections."""

    def __init__(
        self,
        settings: Settings,
        connections: Connections,
        *,
        randomness: Random | None = None,
        monotonic: Callable[[], float] | None = None,
        sleep: Sleep | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.settings = settings
        self._connections = connections
        self._random = randomness or SystemRandom()
        self.monotonic = monotonic or system_monotonic
        self.sleep: Sleep = sleep or time.sleep
        self._clock = clock or system_time

    def with_options(self, options: ClientOptions) -> Engine:
        """Return an engine with other options over the same connections."""
        return Engine(
            self.settings.changed(options),
            self._connections,
            randomness=self._random,
            monotonic=self.monotonic,
            sleep=self.sleep,
            clock=self._clock,
        )

    def send(self, call: Call[T]) -> T:
        """Make a call and return its result.

        Raises:
            ParcelwireError: it came to nothing.
        """
        return self.run(self.open(call))

    def open(self, call: Call[T]) -> CallAttempts[T]:
        """Begin a call. Whoever wants to know afterwards what happened keeps the attempts."""
        return CallAttempts(call, self.settings, self._random, self.monotonic, clock=self._clock)

    def run(self, attempts: CallAttempts[T]) -> T:
        """Send until there is a result.

        Raises:
            ParcelwireError: it came to nothing.
            ValueError: there is no such path as the call's.
        """
        import httpx2

        call, options = attempts.call, self.settings.options
        url = url_of(self.settings.url(call.path))
        headers = attempts.headers()
        timeout = httpx2.Timeout(
            options.timeout_seconds + call.wait_seconds, connect=options.connect_timeout_seconds
        )
        while True:
            http = self._connections.http()
            try:
                response = http.request(
                    call.method,
                    url,
                    content=call.body,
                    headers=headers,
                    timeout=timeout,
                )
            except (httpx2.RequestError, OSError) as fault:
                # TLS that breaks in the middle of an answer is a bare OSError.
                pause = attempts.on_network_error(
                    fault,
                    was_sent=not isinstance(
                        fault, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout
                    ),
                    is_timeout=isinstance(fault, httpx2.TimeoutException),
                )
            except RuntimeError as fault:
                # Closed by another thread or task between the look and the request.
                if self._connections.is_closed:
                    raise ClientClosedError(CLOSED, request_id=attempts.request_id) from fault
                raise
            else:
                outcome = attempts.on_response(
                    HttpResponse(response.status_code, response.headers, response.content)
                )
                if not isinstance(outcome, Wait):
                    return outcome.value
                pause = outcome
            self.sleep(pause.seconds)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

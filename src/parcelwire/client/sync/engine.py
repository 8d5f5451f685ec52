# Generated from ../aio by tools/generate_sync.py: change that, and generate again.
"""Where requests really go out: one HTTP client, and the loop over the tries of a call."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random, SystemRandom
from time import monotonic as system_monotonic
from typing import TYPE_CHECKING, TypeVar

from parcelwire import __version__
from parcelwire.client.exchange import Answer, Call, Exchange, Wait
from parcelwire.client.settings import ClientOptions, Settings

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")

Sleep = Callable[[float], None]


class Engine:
    """Sends calls. Engines made by ``with_options`` share the connections."""

    def __init__(
        self,
        settings: Settings,
        http: httpx2.Client,
        *,
        randomness: Random | None = None,
        monotonic: Callable[[], float] | None = None,
        sleep: Sleep | None = None,
    ) -> None:
        self.settings = settings
        self._http = http
        self._random = randomness or SystemRandom()
        self.monotonic = monotonic or system_monotonic
        self.sleep: Sleep = sleep or time.sleep

    def with_options(self, options: ClientOptions) -> Engine:
        """Return an engine with other options over the same connections."""
        return Engine(
            self.settings.changed(options),
            self._http,
            randomness=self._random,
            monotonic=self.monotonic,
            sleep=self.sleep,
        )

    def send(self, call: Call[T]) -> T:
        """Make a call and return its result.

        Raises:
            ParcelwireError: it came to nothing.
        """
        return self.run(self.open(call))

    def open(self, call: Call[T]) -> Exchange[T]:
        """Begin a call. Whoever wants to know afterwards what happened keeps the exchange."""
        return Exchange(call, self.settings, self._random, self.monotonic)

    def run(self, exchange: Exchange[T]) -> T:
        """Send until there is a result.

        Raises:
            ParcelwireError: it came to nothing.
        """
        import httpx2

        call, options = exchange.call, self.settings.options
        headers = exchange.headers()
        timeout = httpx2.Timeout(
            options.timeout_seconds + call.wait_seconds, connect=options.connect_timeout_seconds
        )
        while True:
            try:
                response = self._http.request(
                    call.method,
                    self.settings.url(call.path),
                    content=call.body,
                    headers=headers,
                    timeout=timeout,
                )
            except httpx2.RequestError as fault:
                pause = exchange.broke(
                    fault,
                    was_sent=not isinstance(
                        fault, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout
                    ),
                    is_timeout=isinstance(fault, httpx2.TimeoutException),
                )
            else:
                outcome = exchange.answered(
                    Answer(response.status_code, response.headers, response.content)
                )
                if not isinstance(outcome, Wait):
                    return outcome.value
                pause = outcome
            self.sleep(pause.seconds)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def open_http(transport: httpx2.BaseTransport | None) -> httpx2.Client:
    """Return the HTTP client. The library is imported here, when there is something to send."""
    import httpx2

    return httpx2.Client(
        transport=transport,
        headers={"user-agent": f"parcelwire-python/{__version__}"},
        # Shorter than the five seconds after which uvicorn closes: not to meet in the doorway.
        limits=httpx2.Limits(
            max_connections=100, max_keepalive_connections=20, keepalive_expiry=3.0
        ),
        follow_redirects=False,
    )

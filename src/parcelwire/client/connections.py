"""The connections of the synchronous client; ``loop_connections`` has the asynchronous one's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from parcelwire import __version__
from parcelwire.client.errors import ClientClosedError, ParcelwireError

if TYPE_CHECKING:
    import httpx2

CLOSED: Final = "this client is closed"
_NOWHERE: Final = (
    "nothing can be sent to this address: it holds characters or parts that none can have"
)


class Connections:
    """One HTTP client, which all threads share."""

    def __init__(self, transport: httpx2.BaseTransport | None) -> None:
        """``transport`` None: the network.

        Raises:
            ParcelwireError: the environment names a proxy or certificates that cannot be used.
        """
        import httpx2

        with environment_faults():
            self._http = httpx2.Client(transport=transport, **http_options())
        self.is_closed = False

    def http(self) -> httpx2.Client:
        """Return the HTTP client.

        Raises:
            ClientClosedError: it was closed.
        """
        if self.is_closed:
            raise ClientClosedError(CLOSED)
        return self._http

    def close(self) -> None:
        """Close the connections for good."""
        self.is_closed = True
        self._http.close()


def url_of(text: str) -> httpx2.URL:
    """Return an address as the HTTP library has it.

    Raises:
        ValueError: nothing can be sent there. The message does not repeat the address.
    """
    import httpx2

    try:
        return httpx2.URL(text)
    except (httpx2.InvalidURL, UnicodeError):
        raise ValueError(_NOWHERE) from None


def check_host(text: str) -> None:
    """Raise what a call to this address would raise for its host, before there is one.

    Raises:
        ValueError: nothing can be sent there. The message does not repeat the address.
    """
    try:
        # What resolves names wants parts of 1 to 63 characters.
        url_of(text).raw_host.decode("ascii").encode("idna")
    except UnicodeError:
        raise ValueError(_NOWHERE) from None


def http_options() -> dict[str, Any]:
    """Return how either HTTP client behaves."""
    import httpx2

    return {
        "headers": {"user-agent": f"parcelwire-python/{__version__}"},
        # Shorter than the five seconds after which uvicorn closes: not to meet in the doorway.
        "limits": httpx2.Limits(
            max_connections=100, max_keepalive_connections=20, keepalive_expiry=3.0
        ),
        "follow_redirects": False,
    }


@contextmanager
def environment_faults() -> Iterator[None]:
    """Say what it is about when the environment's proxies or certificates cannot be used.

    Raises:
        ParcelwireError: they cannot.
    """
    import httpx2

    try:
        yield
    except httpx2.InvalidURL:
        # Not repeated: what cannot be taken apart may be a password.
        msg = "the environment names a proxy whose address is none"
        raise ParcelwireError(msg) from None
    except (ValueError, OSError, ImportError) as error:
        said = str(error) or type(error).__name__
        msg = f"a proxy or a certificate file that the environment names cannot be used: {said}"
        raise ParcelwireError(msg) from error

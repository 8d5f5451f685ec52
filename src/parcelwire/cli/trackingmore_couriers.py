"""Asks a TrackingMore account for its live list of couriers."""

from __future__ import annotations

from urllib.parse import urlsplit

import aiohttp

from parcelwire import __version__
from parcelwire.cli.common import plain_reason
from parcelwire.connectors.answer_limits import bounded_connector
from parcelwire.couriers.refresh import CourierListError

TIMEOUT_SECONDS = 60.0
LONGEST_BYTES = 20_000_000
"""The list of 2026 has about half a million bytes."""


async def fetch_list(url: str, api_key: str) -> bytes:
    """Return the body of the answer to one GET, an answer that refuses included.

    Raises:
        CourierListError: there is no answer, it is too large, or it leads elsewhere: the key must
            not follow a redirect to another host.
    """
    if urlsplit(url).scheme not in ("https", "http"):
        msg = "the address must begin with https:// or http://"
        raise CourierListError(msg)
    if not api_key.isascii() or not api_key.isprintable():
        msg = "the API key holds characters that no key has"
        raise CourierListError(msg)
    headers = {"Tracking-Api-Key": api_key, "User-Agent": f"parcelwire/{__version__}"}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(
                connector=bounded_connector(), headers=headers, timeout=timeout
            ) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            body = await answer.content.read(LONGEST_BYTES + 1)
            while len(body) <= LONGEST_BYTES and (more := await answer.content.readany()):
                body += more
    except TimeoutError:
        msg = f"no answer within {TIMEOUT_SECONDS:.0f} seconds"
        raise CourierListError(msg) from None
    except aiohttp.ClientConnectorError as error:
        msg = f"cannot be reached: {plain_reason(error.os_error)}"
        raise CourierListError(msg) from None
    except (aiohttp.ClientError, ValueError) as error:
        msg = f"cannot be reached: {error}"
        raise CourierListError(msg) from None
    if len(body) > LONGEST_BYTES:
        msg = "the answer is too large"
        raise CourierListError(msg)
    if 300 <= answer.status < 400:
        msg = f"the answer leads elsewhere (HTTP {answer.status})"
        raise CourierListError(msg)
    if answer.status >= 500 and not body.lstrip().startswith(b"{"):
        msg = f"HTTP {answer.status}"
        raise CourierListError(msg)
    return body

"""What of the stored is secret, and how both engines seal it.

    add, save --> seal, with the key that the same transaction reads from ``sealing_key``
    load      --> open, or an endpoint that says why it could not be

Because the database itself names the key inside the transaction, no process can seal with a key
that the installation does not know, nor with one that a rotation has just retired.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from parcelwire.domain.account import Connection, Endpoint
from parcelwire.domain.sealing import (
    SealingError,
    UnknownKeyError,
    key_id_in,
    key_id_of,
    place_of_connection,
)
from parcelwire.store.codec import decode_endpoint
from parcelwire.store.port import KeyUnavailableError

RESEALED_AT_ONCE: Final = 50
"""Values sealed anew in one transaction: others wait for the writer meanwhile."""

UNREADABLE_CONNECTION: Final = "unreadable connection"
UNREADABLE_ENDPOINT: Final = "unreadable endpoint"
UNREADABLE_KINDS: Final = (UNREADABLE_CONNECTION, UNREADABLE_ENDPOINT)
"""Kinds of ``sealed_counts`` that no rotation can reach: their documents cannot be read.

Which key sealed the credentials of such a connection is not known. Such an endpoint was never
sealed: one that was has its seal beside its document.
"""

_CACHE_LIMIT: Final = 4_096
_ENDPOINT_LIMIT: Final = 1_024


class ValueSealer(Protocol):
    """Encrypts for a place and opens again; handed in by bootstrap."""

    def seal_value(self, plain: bytes, bound_to: str, fingerprint: str, /) -> bytes:
        """Return ``plain`` sealed for one place with the key of that fingerprint.

        Raises:
            UnknownKeyError: the key is not at hand.
        """
        ...

    def open_value(self, sealed: bytes, bound_to: str, /) -> bytes:
        """Return what was sealed for that place.

        Raises:
            UnknownKeyError: its key is not at hand.
            DecryptionError: it is not as it was sealed.
        """
        ...

    def is_complete(self) -> bool:
        """Tell whether no key of the database is known to be missing here."""
        ...


class EndpointSecrets(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of an endpoint is secret."""

    secret: str = ""
    previous_secret: str = ""
    headers: dict[str, str] = {}


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(EndpointSecrets).decode


class Sealing:
    """Seals and opens what a store keeps. Without a sealer values stay as they come.

    That is for stores of tests and proofs; an installation always has one.
    """

    def __init__(self, sealer: ValueSealer | None) -> None:
        self._sealer = sealer
        self._opened: dict[tuple[str, bytes], EndpointSecrets] = {}
        self._endpoints: dict[tuple[bytes, bytes], Endpoint] = {}

    @property
    def is_on(self) -> bool:
        """Whether values are sealed."""
        return self._sealer is not None

    def is_complete(self) -> bool:
        """Tell whether this process has all keys of the database, as far as is known."""
        return self._sealer is None or self._sealer.is_complete()

    def seal(self, plain: bytes, bound_to: str, fingerprint: str) -> bytes:
        """Return ``plain`` sealed, or as it is when nothing is sealed here.

        Raises:
            KeyUnavailableError: the key is not at hand.
        """
        if self._sealer is None:
            return plain
        try:
            return self._sealer.seal_value(plain, bound_to, fingerprint)
        except SealingError as error:
            raise KeyUnavailableError(str(error)) from error

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """Return what ``seal`` was given.

        Raises:
            KeyUnavailableError: it cannot be opened here.
        """
        if self._sealer is None:
            return sealed
        try:
            return self._sealer.open_value(sealed, bound_to)
        except SealingError as error:
            raise KeyUnavailableError(str(error)) from error

    def under(self, sealed: bytes, bound_to: str, fingerprint: str) -> bytes:
        """Return a value sealed with that key: the very bytes when they are already.

        What was sealed anew is opened once more before the old bytes go.

        Raises:
            KeyUnavailableError: it cannot be opened; it is to stay as it is.
        """
        if self._sealer is None or is_under(sealed, fingerprint):
            return sealed
        plain = self.open(sealed, bound_to)
        again = self.seal(plain, bound_to, fingerprint)
        if self.open(again, bound_to) != plain:
            msg = f"what was sealed anew for {bound_to} does not open"
            raise KeyUnavailableError(msg)
        return again

    # -- endpoints ------------------------------------------------------------------------------

    def seal_endpoint(self, endpoint: Endpoint, fingerprint: str) -> bytes:
        """Return an endpoint's secrets, sealed for it; empty when nothing is sealed here."""
        if self._sealer is None:
            return b""
        return self.seal(_encode(secrets_of(endpoint)), place_of_endpoint(endpoint.id), fingerprint)

    def open_endpoint(self, endpoint: Endpoint, sealed: bytes) -> Endpoint:
        """Return an endpoint with its secrets.

        One that is not sealed (yet) is returned as it is. One that cannot be opened says why, and
        has none.
        """
        if not sealed:
            return endpoint
        place = (endpoint.id, sealed)
        secrets = self._opened.get(place)
        if secrets is None:
            try:
                secrets = self._open_secrets(endpoint.id, sealed)
            except UnknownKeyError as error:
                return replace(endpoint, unopened_reason=str(error))
            except SealingError:
                # It will not get better by waiting: as an endpoint whose secret is none, which its
                # owner can give a new one.
                return endpoint
            if len(self._opened) >= _CACHE_LIMIT:
                self._opened.clear()
            self._opened[place] = secrets
        return replace(
            endpoint,
            secret=secrets.secret,
            previous_secret=secrets.previous_secret,
            headers=secrets.headers,
        )

    def endpoint_of(self, document: bytes, sealed: bytes) -> Endpoint:
        """Return the endpoint of a document and what is sealed beside it; see ``open_endpoint``.

        Every change of a parcel reads the endpoints of its world, which seldom change: they are
        remembered by what is stored of them.
        """
        place = (document, sealed)
        endpoint = self._endpoints.get(place)
        if endpoint is None:
            endpoint = self.open_endpoint(decode_endpoint(document), sealed)
            if endpoint.unopened_reason:
                return endpoint
            if len(self._endpoints) >= _ENDPOINT_LIMIT:
                self._endpoints.clear()
            self._endpoints[place] = endpoint
        return endpoint

    def are_kept(self, stored: Endpoint, merged: Endpoint) -> bool:
        """Tell whether what is stored of an endpoint's secrets stays as it is.

        Raises:
            KeyUnavailableError: secrets that could not be opened would be overwritten.
        """
        if secrets_of(stored) == secrets_of(merged):
            return True
        if stored.unopened_reason:
            raise KeyUnavailableError(stored.unopened_reason)
        return False

    def _open_secrets(self, endpoint_id: str, sealed: bytes) -> EndpointSecrets:
        if self._sealer is None:
            msg = "it is sealed, and this command was given no key"
            raise UnknownKeyError(msg)
        return _decode(self._sealer.open_value(sealed, place_of_endpoint(endpoint_id)))

    # -- connections ----------------------------------------------------------------------------

    def connection_under(self, connection: Connection, fingerprint: str) -> Connection:
        """Return a connection whose credentials are sealed with that key; errors as ``under``."""
        sealed = self.under(
            connection.sealed_credentials, place_of_connection(connection.id), fingerprint
        )
        if sealed is connection.sealed_credentials:
            return connection
        return replace(connection, sealed_credentials=sealed)


LOST_WHY: Final = "its secret was lost with the installation's key: rotate it, then enable it"
"""Why an endpoint is switched off whose secrets were given up."""


def without_lost(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint whose secrets nobody can open any more, switched off."""
    return replace(
        without_secrets(endpoint), is_enabled=False, is_paused=False, disabled_reason=LOST_WHY
    )


def secrets_of(endpoint: Endpoint) -> EndpointSecrets:
    """Return what of an endpoint is secret."""
    return EndpointSecrets(endpoint.secret, endpoint.previous_secret, endpoint.headers)


def without_secrets(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint as it may lie open in the database."""
    return replace(endpoint, secret="", previous_secret="", headers={}, unopened_reason="")


def is_under(sealed: bytes, fingerprint: str) -> bool:
    """Tell whether bytes are sealed with the key of that fingerprint."""
    return key_id_in(sealed) == key_id_of(fingerprint)


def place_of_endpoint(endpoint_id: str) -> str:
    """Return what an endpoint's secrets are bound to."""
    return f"endpoint:{endpoint_id}"


def place_of_answer(world_id: int, key: str) -> str:
    """Return what the secret of an answer under an idempotency key is bound to."""
    return f"answer:{world_id}:{key}"

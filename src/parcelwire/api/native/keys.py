"""API keys: made, listed, revoked by keys with the scope admin."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.structs import asdict, replace

from parcelwire.accounts.keys import LONGEST_LABEL, Caller, CreateKey, NewKey, RevokeKey
from parcelwire.api.house import House
from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.native.sealed import LEFT_OUT, reveal
from parcelwire.api.native.tracking_requests import When, instant_of
from parcelwire.domain.access import Scope, WorldRule
from parcelwire.domain.account import ApiKey
from parcelwire.domain.clock import iso_utc
from parcelwire.domain.field_problems import NO_NUL_PATTERN
from parcelwire.tracking.ports import Once


class KeyCreateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new key."""

    label: Annotated[
        str,
        Meta(max_length=LONGEST_LABEL, pattern=NO_NUL_PATTERN, description="What the key is for"),
    ] = ""
    scope: Annotated[
        Scope, Meta(description="`read`; `write`: also changes; `admin`: also keys and the account")
    ] = "write"
    is_test: Annotated[bool, Meta(description="Opens the test world: simulated parcels")] = False
    expires_at: (
        Annotated[
            When,
            Meta(description="From then on the key opens nothing; null: it does not expire"),
        ]
        | None
    ) = None


class KeyQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to revoke a key."""

    allow_current: Annotated[
        bool,
        Meta(description="`true`: the key used for this request may be revoked"),
    ] = False


class KeyObject(msgspec.Struct, frozen=True, kw_only=True):
    """A key, of which only its beginning is known."""

    prefix: Annotated[str, Meta(description="The first 16 characters, by which it is told apart")]
    label: str
    scope: str
    is_test: bool
    is_current: Annotated[bool, Meta(description="It is the key used for this request")]
    created_at: str
    revoked_at: str | None
    expires_at: Annotated[
        str | None,
        Meta(description="From then on the key opens nothing; null: it does not expire"),
    ]


class KeyWithSecret(KeyObject, frozen=True, kw_only=True):
    """A key that was made just now. It is shown this once; only its hash is kept."""

    key: str


class KeyList(msgspec.Struct, frozen=True, kw_only=True):
    """All keys that this one may see, oldest first."""

    items: list[KeyObject]


async def list_keys(house: House, asked: Asked) -> KeyList:
    """Answer the account's keys; to a test key, those of the test world."""
    keys = await house.keys.list_keys(asked.account.number, _caller(asked))
    return KeyList(items=[key_object(one, asked.key) for one in keys])


async def create_key(house: House, asked: Asked) -> KeyWithSecret:
    """Make a key of the caller's account."""
    return await make_key_of(house, asked, asked.account.number)


async def make_key_of(house: House, asked: Asked, account_number: int) -> KeyWithSecret:
    """Make the key that the body describes, for an account."""
    draft: KeyCreateRequest = asked.body
    expires_at = draft.expires_at
    command = CreateKey(
        account_number=account_number,
        label=draft.label,
        scope=draft.scope,
        is_test=draft.is_test,
        expires_at=None if expires_at is None else instant_of(expires_at, "expires_at"),
    )

    def shown(made: NewKey, secret: str) -> KeyWithSecret:
        return KeyWithSecret(**asdict(key_object(made.key, asked.key)), key=secret)

    def guard(made: NewKey) -> Once | None:
        return asked.once(201, lambda _: shown(made, LEFT_OUT), secret=made.text)

    made = await house.keys.create(command, _caller(asked), guard=guard)
    return shown(made, made.text)


async def show_key(house: House, asked: Asked, said: KeyWithSecret) -> KeyWithSecret:
    """Return what was recorded with its key opened."""
    return replace(said, key=reveal(house, asked, said.key, said.prefix))


async def revoke_key(house: House, asked: Asked) -> None:
    """Revoke a key for good. One that is revoked already stays so: the wish is fulfilled."""
    query: KeyQuery = asked.query
    command = RevokeKey(
        account_number=asked.account.number,
        prefix=asked.path["prefix"],
        allows_current=query.allow_current,
    )
    await house.keys.revoke(command, _caller(asked))


def key_object(key: ApiKey, asking: ApiKey) -> KeyObject:
    """Return a key as it is shown to the key that asks."""
    return KeyObject(
        prefix=key.prefix,
        label=key.label,
        scope=key.scope,
        is_test=key.is_test,
        is_current=key.digest == asking.digest,
        created_at=iso_utc(key.created_at),
        revoked_at=None if key.revoked_at is None else iso_utc(key.revoked_at),
        expires_at=None if key.expires_at is None else iso_utc(key.expires_at),
    )


def _caller(asked: Asked) -> Caller:
    return Caller(is_test=asked.key.is_test, key_prefix=asked.key.prefix)


_DRAFT: Final = {"label": "warehouse", "scope": "read"}

OPERATIONS: Final = (
    Operation(
        name="list_keys",
        method="GET",
        path="/keys",
        summary="The account's keys",
        handler=list_keys,
        answer=KeyList,
        scope="admin",
        world=WorldRule.ACCOUNT,
    ),
    Operation(
        name="create_key",
        method="POST",
        path="/keys",
        summary="Make a key",
        text="The answer holds the key. It is not shown again.",
        handler=create_key,
        finish=show_key,
        answer=KeyWithSecret,
        success=201,
        scope="admin",
        world=WorldRule.ACCOUNT,
        request=KeyCreateRequest,
        problems=("test-key-not-allowed", "invalid-expiry"),
        takes_idempotency_key=True,
        example=_DRAFT,
    ),
    Operation(
        name="revoke_key",
        method="DELETE",
        path="/keys/{prefix}",
        summary="Revoke a key for good",
        handler=revoke_key,
        success=204,
        scope="admin",
        world=WorldRule.ACCOUNT,
        query=KeyQuery,
        path_texts={"prefix": "The first 16 characters of the key"},
        path_examples={"prefix": "pw_live_0aB1cD2e"},
        problems=("key-not-found", "cannot-revoke-current-key"),
    ),
)

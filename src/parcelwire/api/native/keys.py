"""API keys: made, listed, revoked by keys with the scope admin."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.structs import asdict, replace

from parcelwire.api.gate import digest_of, make_key, prefix_of
from parcelwire.api.house import House
from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.native.problems import FieldError, ProblemError
from parcelwire.api.native.sealed import LEFT_OUT, reveal
from parcelwire.api.native.tracking_shapes import When, instant_of
from parcelwire.domain.access import Scope, WorldRule
from parcelwire.domain.account import ApiKey
from parcelwire.domain.clock import Instant, iso_utc

_KEY_BYTES: Final = 24


class KeyDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new key."""

    label: Annotated[
        str, Meta(max_length=200, pattern=r"^[^\x00]*$", description="What the key is for")
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

    own: Annotated[
        bool,
        Meta(description="`true`: the very key that asks may be revoked, and is then locked out"),
    ] = False


class KeyObject(msgspec.Struct, frozen=True, kw_only=True):
    """A key, of which only its beginning is known."""

    prefix: Annotated[str, Meta(description="The first 16 characters, by which it is told apart")]
    label: str
    scope: str
    is_test: bool
    is_own: Annotated[bool, Meta(description="It is the key that asks")]
    created_at: str
    revoked_at: str | None
    expires_at: Annotated[
        str | None,
        Meta(description="From then on the key opens nothing; null: it does not expire"),
    ]


class KeyWithText(KeyObject, frozen=True, kw_only=True):
    """A key that was made just now. It is shown this once; only its hash is kept."""

    key: str


class KeyList(msgspec.Struct, frozen=True, kw_only=True):
    """All keys that this one may see, oldest first."""

    keys: list[KeyObject]


async def list_keys(house: House, asked: Asked) -> KeyList:
    """Answer the account's keys; to a test key, those of the test world."""
    return KeyList(keys=[key_object(one, asked.key) for one in await _visible(house, asked)])


async def create_key(house: House, asked: Asked) -> KeyWithText:
    """Make a key of the caller's account."""
    return await make_key_of(house, asked, asked.account.number)


async def make_key_of(house: House, asked: Asked, account_number: int) -> KeyWithText:
    """Make the key that the body describes, for an account."""
    draft: KeyDraft = asked.body
    if asked.key.is_test and not draft.is_test:
        raise ProblemError("key-is-test", "a test key makes test keys only")
    now = house.clock.now()
    expires_at = _expiry_of(draft, now)
    text = make_key(house.random_bytes(_KEY_BYTES), is_test=draft.is_test)
    key = ApiKey(
        digest=digest_of(text),
        prefix=prefix_of(text),
        account_number=account_number,
        is_test=draft.is_test,
        label=draft.label,
        scope=draft.scope,
        created_at=now,
        expires_at=expires_at,
    )

    def shown(secret: str) -> KeyWithText:
        return KeyWithText(**asdict(key_object(key, asked.key)), key=secret)

    def record(_: None) -> KeyWithText:
        return shown(LEFT_OUT)

    await house.store.add_key(key, once=asked.once(201, record, secret=text))
    return shown(text)


async def show_key(house: House, asked: Asked, said: KeyWithText) -> KeyWithText:
    """Return what was recorded with its key opened."""
    return replace(said, key=reveal(house, asked, said.key, said.prefix))


async def revoke_key(house: House, asked: Asked) -> None:
    """Revoke a key for good."""
    query: KeyQuery = asked.query
    prefix = asked.path["prefix"]
    found = next((one for one in await _visible(house, asked) if one.prefix == prefix), None)
    if found is None:
        raise ProblemError("prefix-unknown")
    if found.digest == asked.key.digest and not query.own:
        raise ProblemError("key-is-own", "to revoke the key that asks, send ?own=true")
    # One that is revoked already stays so: the wish is fulfilled.
    await house.store.revoke_key(prefix, house.clock.now())


def key_object(key: ApiKey, asking: ApiKey) -> KeyObject:
    """Return a key as it is shown to the key that asks."""
    return KeyObject(
        prefix=key.prefix,
        label=key.label,
        scope=key.scope,
        is_test=key.is_test,
        is_own=key.digest == asking.digest,
        created_at=iso_utc(key.created_at),
        revoked_at=None if key.revoked_at is None else iso_utc(key.revoked_at),
        expires_at=None if key.expires_at is None else iso_utc(key.expires_at),
    )


def _expiry_of(draft: KeyDraft, now: Instant) -> Instant | None:
    if draft.expires_at is None:
        return None
    expires_at = instant_of(draft.expires_at, "expires_at")
    if expires_at <= now:
        message = "must be in the future"
        raise ProblemError(
            "expiry-invalid", f"expires_at: {message}", errors=(FieldError("expires_at", message),)
        )
    return expires_at


async def _visible(house: House, asked: Asked) -> list[ApiKey]:
    keys = await house.store.list_keys(asked.account.number)
    return [one for one in keys if one.is_test or not asked.key.is_test]


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
        answer=KeyWithText,
        success=201,
        scope="admin",
        world=WorldRule.ACCOUNT,
        request=KeyDraft,
        problems=("key-is-test", "expiry-invalid"),
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
        problems=("prefix-unknown", "key-is-own"),
    ),
)

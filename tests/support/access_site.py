"""An installation with somebody's things in it, and everybody who might want to get at them.

The owner's live things bear ``LIVE``; what an account may see from its test world as well bears
``ACCOUNT``; what only operators may see bears ``OPERATORS``. Everything is asked of the real
application in this process, without sockets, on either engine.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import msgspec

from parcelwire.accounts.brands import BRAND_ID, BRAND_KIND
from parcelwire.accounts.key_format import make_key, prefix_of
from parcelwire.accounts.sessions import KIND as SESSION_KIND
from parcelwire.accounts.sessions import SCOPE as SESSION_SCOPE
from parcelwire.accounts.sessions import StoredSession
from parcelwire.api.asgi import ASGIApp
from parcelwire.bootstrap import Installation, open_installation
from parcelwire.config import ApiSection, CarriersSection, StoreSection, WebhooksSection
from parcelwire.domain.account import Account, Connection, Endpoint
from parcelwire.domain.brand import Brand, LookupField, encode_brand
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.report import UnmappedCode
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details
from parcelwire.notices.journal import Entry, Journal
from parcelwire.pages.dashboard import importing
from parcelwire.pages.dashboard.screens.trackings import VIEW_KIND, View
from parcelwire.tracking.ports import NewMessage, RawResponse
from tests.contract.store.postgres_fixture import shared_cluster
from tests.contract.store.samples import create, make_change
from tests.support.access_callers import (
    CALLERS,
    OPERATOR,
    OWNER,
    STRANGER,
    SUSPENDED,
    Caller,
)
from tests.support.access_rows import Sample, filled
from tests.support.connections import connect
from tests.support.dashboard import dashboard_config
from tests.support.database_watch import Watch, watching
from tests.support.house import Answer, call, key_record

LIVE: Final = "canary-live-7f3a"
ACCOUNT: Final = "canary-account-7f3a"
OPERATORS: Final = "canary-operators-7f3a"

_NOWHERE: Final = "http://127.0.0.1:1025"
"""Nobody answers there: no call of a carrier leaves this machine."""

_encode: Final = msgspec.json.Encoder().encode


class Site:
    """The installation, its accounts, and the owner's things."""

    def __init__(self, house: Installation, watch: Watch) -> None:
        self.house = house
        self.store = house.store
        self.app: ASGIApp = house.asgi(is_served=False)
        self.watch = watch
        self.accounts: dict[str, Account] = {}
        self._random = random.Random(20261129)
        self._numbers = itertools.count(1)
        self._keys: dict[str, str] = {}

    @property
    def now(self) -> int:
        return self.house.clock.now()

    @property
    def world_id(self) -> int:
        """The owner's live world."""
        return self.accounts[OWNER].number * 2

    async def settle(self) -> None:
        """Make the accounts and everybody's keys, and one of each of the owner's things."""
        for email in (OWNER, STRANGER, OPERATOR, SUSPENDED):
            account = await self.store.add_account(email, now=self.now)
            self.accounts[email] = account
        await self.store.suspend_account(self.accounts[SUSPENDED].number, now=self.now)
        owner = msgspec.structs.replace(self.accounts[OWNER], name=ACCOUNT, phone=ACCOUNT)
        await self.store.save_account(owner)
        self.accounts[OWNER] = owner
        for caller in CALLERS:
            await self._give_key(caller)
        brand = encode_brand(Brand(name=ACCOUNT, lookup=LookupField.ORDER_NUMBER))
        await self._put(BRAND_KIND, str(owner.number), BRAND_ID, brand)
        gap = UnmappedCode(kind="code", value=OPERATORS, sample=OPERATORS)
        await self.store.add_unmapped_codes("swiss-post", [gap], self.now)
        for kind in ("tracking", "endpoint", "message", "key", "view", "upload", "connection"):
            await self.make(kind)
        await self._tell_trouble()

    async def _tell_trouble(self) -> None:
        (stored, *_) = await self.store.find(self.world_id, "RA000000001CH")
        entry = Entry(tracking_id=stored.tracking.id, occasion="delivered", digest="d" * 64)
        journal = Journal(self.store, self.house.clock)
        tracking = stored.tracking
        await journal.tell_trouble(entry, tracking.world_id, tracking.number, "refused", LIVE)

    # -- who asks -------------------------------------------------------------------------------

    async def _give_key(self, caller: Caller) -> None:
        text = make_key(self._random.randbytes(24), is_test=caller.is_test)
        self._keys[caller.name] = text
        if caller.state in {"none", "malformed", "unknown"}:
            return
        record = key_record(
            text,
            self.accounts[caller.email].number,
            is_test=caller.is_test,
            scope=caller.scope,
            revoked_at=self.now if caller.state == "revoked" else None,
            expires_at=self.now if caller.state == "expired" else None,
        )
        await self.store.add_key(record)

    def key(self, caller: Caller) -> str | None:
        """Return the key that a caller shows; None: it shows none."""
        text = self._keys[caller.name]
        if caller.state == "none":
            return None
        return f"{text[:-1]}~" if caller.state == "malformed" else text

    async def session(self, caller: Caller) -> str:
        """Return the token of a session that was opened while all was well."""
        if caller.state == "none":
            return ""
        if caller.state == "malformed":
            return "~"
        token = self._random.randbytes(32).hex()
        if caller.state != "unknown":
            kept = StoredSession(
                account_number=self.accounts[caller.email].number,
                key_digest=hashlib.sha256(self._keys[caller.name].encode()).hexdigest(),
                is_test=caller.is_in_test,
                created_at=self.now,
                seen_at=self.now,
            )
            name = hashlib.sha256(token.encode()).hexdigest()
            await self._put(SESSION_KIND, SESSION_SCOPE, name, _encode(kept))
        return token

    async def ask(
        self, caller: Caller, method: str, surface: str, sample: Sample, values: dict[str, str]
    ) -> Answer:
        """Make one call."""
        path, headers = filled(sample.path, values), {"host": "127.0.0.1"}
        body, query = b"", filled(sample.query, values)
        if surface == "dashboard":
            token = await self.session(caller)
            headers |= {"cookie": f"parcelwire_session={token}", "origin": "http://127.0.0.1"}
            if method == "POST":
                csrf = hashlib.sha256(f"csrf {token}".encode()).hexdigest()
                form = {"csrf": csrf, **filled(sample.form, values)}
                headers["content-type"], body = encoded(form, sample.files)
        elif (key := self.key(caller)) is not None:
            headers |= {"authorization": f"Bearer {key}", "tracking-api-key": key}
        if surface != "dashboard" and sample.body is not None:
            headers["content-type"], body = "application/json", _encode(filled(sample.body, values))
        elif surface == "public" and method == "POST":
            headers["content-type"], body = encoded(filled(sample.form, values), {})
        return await call(self.app, method, path, query=query, headers=headers, body=body)

    # -- what there is --------------------------------------------------------------------------

    async def make(self, kind: str) -> dict[str, str]:
        """Make one of the owner's live things, and return what names it."""
        number = next(self._numbers)
        made = getattr(self, f"_make_{kind}")
        values: dict[str, str] = await made(number)
        return values

    def stranger_to(self, values: dict[str, str]) -> dict[str, str]:
        """Return names of the same form that name nothing."""
        return {
            name: _unlike(text) if name in {"id", "number", "prefix", "token"} else text
            for name, text in values.items()
        }

    async def _put(self, kind: str, scope: str, name: str, document: bytes) -> None:
        await self.store.change_record(kind, scope, name, lambda _: document, at=self.now)

    async def _make_none(self, number: int) -> dict[str, str]:
        return {
            "fresh": f"9900{number:014d}",
            "email": f"new-{number}@example.com",
            "account": str(self.accounts[OWNER].number),
        }

    async def _make_tracking(self, number: int, status: Status = Status.TRANSIT) -> dict[str, str]:
        typed = f"RA{number:09d}CH"
        tracking = await create(
            self.store,
            typed,
            world_id=self.world_id,
            details=Details(title=LIVE, customer_name=LIVE, order_number=f"{LIVE}-{number}"),
        )
        raw = RawResponse(at=self.now, connector="swiss-post", outcome="found", body=LIVE.encode())
        expired_at = self.now if status is Status.EXPIRED else None
        change = make_change(tracking, status=status, expired_at=expired_at, raw=raw)
        assert await self.store.save(change)
        return {
            "id": tracking.id,
            "number": typed,
            "courier": tracking.courier_code,
            "token": tracking.page_token,
            "order": f"{LIVE}-{number}",
            "account": str(self.accounts[OWNER].number),
        }

    async def _make_expired(self, number: int) -> dict[str, str]:
        return await self._make_tracking(number, Status.EXPIRED)

    async def _make_endpoint(self, number: int) -> dict[str, str]:
        endpoint = Endpoint(
            id=f"{number:032x}",
            world_id=self.world_id,
            url=f"{_NOWHERE}/{LIVE}",
            dialect="native",
            secret="whsec_" + "A" * 32,
            description=LIVE,
            headers={"x-canary": LIVE},
            created_at=self.now,
        )
        await self.store.add_endpoint(endpoint)
        return {"id": endpoint.id}

    async def _make_message(self, number: int) -> dict[str, str]:
        endpoint = await self._make_endpoint(number)
        name = f"{number:032x}"
        message = NewMessage(
            id=name,
            endpoint_id=endpoint["id"],
            world_id=self.world_id,
            tracking_id=name,
            sequence=1,
            event_id=name,
            event_type="tracking.updated",
            payload=f'{{"canary":"{LIVE}"}}'.encode(),
            created_at=self.now,
        )
        await self.store.add_messages([message])
        return {"id": name}

    async def _make_key(self, number: int) -> dict[str, str]:
        del number
        text = make_key(self._random.randbytes(24), is_test=False)
        record = key_record(text, self.accounts[OWNER].number, scope="read", label=LIVE)
        await self.store.add_key(record)
        return {"prefix": prefix_of(text)}

    async def _make_view(self, number: int) -> dict[str, str]:
        name = f"{number:032x}"
        await self._put(VIEW_KIND, str(self.world_id), name, _encode(View(LIVE, "status=transit")))
        return {"id": name}

    async def _make_upload(self, number: int) -> dict[str, str]:
        name = f"{number:032x}"
        job = importing.Job(
            id=name, world_id=self.world_id, name=LIVE, rows=1, refused=1, state="done"
        )
        await self._put(importing.JOB, str(self.world_id), name, _encode(job))
        rows = [importing.Refused(2, [LIVE], LIVE)]
        await self._put(importing.REFUSED, name, "000000", _encode(rows))
        return {"id": name}

    async def _make_connection(self, number: int) -> dict[str, str]:
        del number
        made = await connect(
            self.house,
            self.accounts[OWNER],
            "swiss-post",
            {"client_id": LIVE, "client_secret": LIVE},
        )
        connection: Connection = msgspec.structs.replace(
            made,
            base_urls={"api": _NOWHERE, "token": _NOWHERE},
            broken_since=self.now,
            broken_reason=LIVE,
        )
        await self.store.save_connection(connection)
        return {"id": connection.id, "number": "RA123456785CH"}


def _unlike(text: str) -> str:
    """Return a text of the same form: its digits are others."""
    return text.translate(str.maketrans("0123456789", "9876543219"))


def encoded(form: dict[str, str], files: dict[str, bytes]) -> tuple[str, bytes]:
    """Return content type and body of a form."""
    if not files:
        return "application/x-www-form-urlencoded", urlencode(form).encode()
    parts = [
        f'--b\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in form.items()
    ]
    parts += [
        f'--b\r\ncontent-disposition: form-data; name="{name}"; filename="a.csv"\r\n'
        f"content-type: text/csv\r\n\r\n".encode()
        + data
        + b"\r\n"
        for name, data in files.items()
    ]
    return "multipart/form-data; boundary=b", b"".join([*parts, b"--b--\r\n"])


@asynccontextmanager
async def open_site(folder: Path, engine: str) -> AsyncIterator[Site]:
    """Open an installation on ``engine`` (``sqlite`` or ``postgres``) with everything in it."""
    url = f"sqlite:{folder / 'parcelwire.db'}"
    if engine == "postgres":
        url = shared_cluster().create_database()
    config = dashboard_config(
        folder,
        store=StoreSection(url=url),
        api=ApiSection(fetch_on_create=False, operators=(OPERATOR,)),
        webhooks=WebhooksSection(allowed_networks=("127.0.0.0/8",), request_timeout_seconds=1),
        carriers=CarriersSection(
            registry_file=str(folder / "couriers.json"),
            base_urls={"swiss-post": {"api": _NOWHERE, "token": _NOWHERE}},
        ),
    )
    house = await open_installation(config, clock=FrozenClock())
    try:
        async with watching(url) as watch:
            site = Site(house, watch)
            await site.settle()
            yield site
    finally:
        await house.close()

"""Two tenants of one installation: the innocent shop with a parcel, and the attacker."""

from __future__ import annotations

import http.client
import re
from urllib.parse import urlencode, urlsplit

import msgspec

from parcelwire.bootstrap import Installation, open_installation
from parcelwire.config import Config
from parcelwire.domain.account import Account, world_of
from parcelwire.domain.brand import Brand, LookupField, encode_brand
from parcelwire.tracking.drafts import Draft
from prove.accounts import add_account
from prove.attacks.wire import ATTACKER


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """What the two of them hold."""

    key: str
    page: str
    """The path of the innocent's tracking page."""
    attackers_key: str

    async def login(self, port: int) -> dict[str, str]:
        """Log the attacker in at the dashboard; return ``cookie`` and ``csrf``."""
        link = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=20, source_address=(ATTACKER, 0)
        )
        try:
            link.request(
                "POST",
                "/dashboard/login",
                urlencode({"key": self.attackers_key}),
                {
                    "content-type": "application/x-www-form-urlencoded",
                    "origin": f"http://127.0.0.1:{port}",
                },
            )
            answer = link.getresponse()
            answer.read()
            cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
            link.request("GET", "/dashboard/add", headers={"cookie": cookie})
            page = link.getresponse().read().decode()
        finally:
            link.close()
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
        if found is None:
            msg = "the attacker could not log in"
            raise RuntimeError(msg)
        return {"cookie": cookie, "csrf": found[1]}


async def furnish_shop(config: Config) -> Shop:
    """Make the two accounts, their live keys, and the innocent's parcel."""
    installation = await open_installation(config)
    try:
        key, account = await add_account(installation, "shop@example.com", scope="admin")
        attackers_key, _ = await add_account(installation, "attacker@example.com", scope="admin")
        await _offer_lookup(installation, account)
        stored = await installation.service.create(
            world_of(account.number, is_test=False),
            Draft(number="INNOCENT000000", courier_code="dhl"),
            is_waiting=False,
        )
        path = urlsplit(f"/t/{stored.tracking.page_token}").path
        return Shop(key=key, page=path, attackers_key=attackers_key)
    finally:
        await installation.close()


async def _offer_lookup(installation: Installation, account: Account) -> None:
    document = encode_brand(Brand(lookup=LookupField.POSTAL_CODE))
    await installation.store.change_record(
        "brand", str(account.number), "brand", lambda _: document, at=installation.clock.now()
    )

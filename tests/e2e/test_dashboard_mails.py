"""What the dashboard tells of mails to customers that a real mail server took or refused."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from parcelwire.domain.brand import Brand, encode_brand
from parcelwire.domain.status import Status
from parcelwire.notices.settings import MailServer, NoticeSettings
from parcelwire.notices.smtp import SmtpMailer
from parcelwire.notices.worker import NoticeWorker
from parcelwire.tracking.ports import Save
from tests.contract.store.samples import make_event
from tests.support.dashboard import open_dashboard
from tests.support.dashboard_parcels import put_parcels
from tests.support.mail_server import MailBox, mail_server

JO = "jo@customer.example"


async def test_a_parcels_page_lists_the_mails_about_it(tmp_path: Path) -> None:
    box = MailBox()
    with mail_server(box) as port:
        async with open_dashboard(tmp_path) as desk:
            store, clock = desk.house.store, desk.clock
            parcels = await put_parcels(desk)
            parcel, other = parcels["transit"], parcels["waiting"]
            brand = encode_brand(Brand(mails_unasked=True))
            await store.change_record(
                "brand", str(desk.account.number), "brand", lambda _: brand, at=clock.now()
            )
            worker = NoticeWorker(
                store,
                SmtpMailer(MailServer(host="127.0.0.1", port=port, security="none")),
                clock=clock,
                identifiers=desk.house.identifiers,
                registry=desk.house.registry,
                settings=NoticeSettings(
                    sender="parcels@shop.example",
                    public_url="https://x.example",
                    auto_notify_accounts=("*",),
                ),
            )
            while await worker.step():
                pass
            person = await desk.person(scope="read")
            page = (await person.get(f"/trackings/{parcel.id}")).text
            assert "No mail about this parcel." in page
            stored = await store.load(desk.world_id, parcel.id)
            assert stored is not None
            assert await worker.subscriptions.subscribe(stored, JO, "en")
            clock.advance(60)
            after = replace(
                parcel,
                version=parcel.version + 1,
                sequence=parcel.sequence + 1,
                status=Status.DELIVERED,
                substatus=None,
                updated_at=clock.now(),
            )
            box.answers["erika@example.org"] = "550 no such <b>user</b>"
            save = Save(
                tracking=after,
                expected_version=parcel.version,
                event=make_event(after, parcel.status),
            )
            assert await store.save(save)
            while await worker.step():
                pass
            assert box.recipients == [JO]
            page = (await person.get(f"/trackings/{parcel.id}")).text
            rows = page.partition('id="mails"')[2].partition("</section>")[0]
            assert rows.count("<tr>") == 3
            for word in (
                "Please confirm",
                "somebody who asked",
                "Sent",
                "Delivered",
                "the parcel&#39;s customer",
                "Refused",
                "550 no such &lt;b&gt;user&lt;/b&gt;",
            ):
                assert word in rows, word
            # What the reader is told names no address that a mail went to.
            assert JO not in page
            page = (await person.get(f"/trackings/{other.id}")).text
            assert "No mail about this parcel." in page
            page = (await person.get("/mails")).text
            assert ">Delivered<" in page

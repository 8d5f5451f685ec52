"""Secrets of endpoints: replaced with an overlap, and never shown again."""

from __future__ import annotations

from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.contract.webhook_receivers import Receiver, answer, receiver
from tests.support.native import ENDPOINT_FIELDS, ENDPOINTS, Caller, fields_of, ok, refused

URL = "https://shop.example.com/hook"


# --- secrets ----------------------------------------------------------------------------------


def verifies(shop: Receiver, secret: str) -> bool:
    """Tell whether the last message passes the published package's check."""
    last = shop.received[-1]
    try:
        Webhook(secret).verify(last.body, last.headers)
    except WebhookVerificationError:
        return False
    return True


@pytest.mark.parametrize("dialect", ["native", "v2", "v4"])
async def test_the_old_secret_signs_too_until_the_overlap_ends(
    both: Caller, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiver(answer(200)) as shop:
        made = await both.add_endpoint(shop.url, dialect=dialect)
        path = f"{ENDPOINTS}/{made['id']}"
        old = made["secret"]
        clock = both.house.clock
        # The package asks the machine what time it is; here it is the house's.
        monkeypatch.setattr("standardwebhooks.webhooks.datetime", TimeOf(clock))

        async def send(sequence: int) -> None:
            await both.post_events(first=sequence)
            await both.deliver()
            assert len(shop.received) == sequence

        await send(1)
        assert verifies(shop, old)
        rotated = ok(
            await both.ask("POST", f"{path}/rotate-secret", json={"overlap_seconds": 3_600})
        )
        new = rotated["secret"]
        assert new != old
        assert list(rotated) == [*ENDPOINT_FIELDS, "secret"]
        assert rotated["previous_secret_expires_at"] == "2026-03-01T11:00:00+00:00"
        clock.advance(3_599)
        await send(2)
        assert verifies(shop, old)
        assert verifies(shop, new)
        clock.advance(1)
        await send(3)
        assert not verifies(shop, old)
        assert verifies(shop, new)
        # Without an overlap the one before ends at once.
        newest = ok(await both.ask("POST", f"{path}/rotate-secret", json={"overlap_seconds": 0}))
        assert newest["previous_secret_expires_at"] is None
        await send(4)
        assert not verifies(shop, new)
        assert verifies(shop, newest["secret"])


async def test_rotating_again_ends_the_oldest_secret(
    shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("standardwebhooks.webhooks.datetime", TimeOf(shop.house.clock))
    async with receiver(answer(200)) as there:
        made = await shop.add_endpoint(there.url)
        path = f"{ENDPOINTS}/{made['id']}/rotate-secret"
        second = ok(await shop.ask("POST", path, json={"overlap_seconds": 3_600}))["secret"]
        third = ok(await shop.ask("POST", path, json={"overlap_seconds": 3_600}))["secret"]
        await shop.post_events()
        await shop.deliver()
        assert [verifies(there, one) for one in (made["secret"], second, third)] == [
            False,
            True,
            True,
        ]


class TimeOf:
    """Stands for the class ``datetime`` where only ``now`` is asked."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock

    def now(self, tz: Any = None) -> Any:
        from parcelwire.domain.clock import to_datetime

        return to_datetime(self._clock.now()).astimezone(tz)

    def fromtimestamp(self, timestamp: float, tz: Any = None) -> Any:
        from parcelwire.domain.clock import to_datetime

        return to_datetime(round(timestamp * 1_000)).astimezone(tz)


async def test_an_overlap_is_a_day_unless_it_is_given(shop: Caller) -> None:
    made = await shop.add_endpoint(URL)
    path = f"{ENDPOINTS}/{made['id']}/rotate-secret"
    rotated = ok(await shop.ask("POST", path, json={}))
    assert rotated["previous_secret_expires_at"] == "2026-03-02T10:00:00+00:00"
    for seconds in (-1, 7 * 86_400 + 1, "3600", 1.5, None):
        answered = await shop.ask("POST", path, json={"overlap_seconds": seconds})
        assert fields_of(refused(answered, 422, "validation-failed")) == ["overlap_seconds"]
    assert (await shop.stored(made["id"])).secret == rotated["secret"]


async def test_secrets_are_in_no_other_answer_and_in_no_log(
    shop: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with receiver(answer(500)) as broken:
        made = await shop.add_endpoint(broken.url, headers={"authorization": "Bearer canary-0815"})
        path = f"{ENDPOINTS}/{made['id']}"
        await shop.post_events()
        await shop.deliver()
        rotated = ok(await shop.ask("POST", f"{path}/rotate-secret", json={}))
        answers = [
            await shop.ask("GET", path),
            await shop.ask("GET", ENDPOINTS),
            await shop.ask("PATCH", path, json={"description": "x"}),
            await shop.ask("POST", f"{path}/pause"),
            await shop.ask("POST", f"{path}/enable"),
            await shop.ask("POST", f"{path}/test"),
            await shop.ask("POST", f"{path}/replay", json={"states": ["dead"]}),
            await shop.ask("GET", "/api/messages"),
        ]
        paths = [f"/api/messages/{one.id}" for one in await shop.messages()]
        answers += [await shop.ask("GET", path) for path in paths]
    said = b"".join(one.body for one in answers).decode() + caplog.text
    assert all(one.status == 200 for one in answers)
    for secret in (made["secret"], rotated["secret"], "canary-0815", shop.house.key):
        assert secret not in said
        assert secret.removeprefix("whsec_") not in said

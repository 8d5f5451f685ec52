"""Every attempt has a message id of its own, so that a receiver cannot tell what it has had."""

from __future__ import annotations

import secrets
from typing import Any

from msgspec.structs import replace

from parcelwire.webhooks.request_builder import WebhookRequest
from prove.planted import Method, spoil_sender


@spoil_sender("send")
def _(send: Method) -> Method:
    async def send_as_new(sender: Any, request: WebhookRequest) -> Any:
        headers = {**request.headers, "webhook-id": f"msg_{secrets.token_hex(8)}"}
        return await send(sender, replace(request, headers=headers))

    return send_as_new

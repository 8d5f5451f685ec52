"""A webhook receiver with FastAPI: ``uvicorn fastapi_receiver:app``."""

import logging
import os

from fastapi import FastAPI, Request, Response

from parcelwire.client import WebhookEvent, WebhookVerificationError, unwrap

SECRET = os.environ["PARCELWIRE_WEBHOOK_SECRET"]
app = FastAPI()
log = logging.getLogger("shop")
seen: set[str | None] = set()


async def handle(event: WebhookEvent) -> None:
    if event.tracking is not None:
        log.warning("%s is %s", event.tracking.tracking_number, event.tracking.status)


@app.post("/hooks/parcelwire")
async def receive(request: Request) -> Response:
    try:
        # body(): the bytes as they came. A parameter with a model would have parsed them already.
        event = unwrap(await request.body(), request.headers, SECRET)
    except WebhookVerificationError as error:
        log.warning("refused: %s", error)
        return Response(status_code=400)
    if event.message_id not in seen:
        await handle(event)
        seen.add(event.message_id)
    return Response(status_code=204)

"""A webhook receiver with Flask: ``flask --app flask_receiver run``."""

import os

from flask import Flask, request

from parcelwire.client import WebhookEvent, WebhookVerificationError, unwrap

SECRET = os.environ["PARCELWIRE_WEBHOOK_SECRET"]
app = Flask(__name__)
seen: set[str | None] = set()


def handle(event: WebhookEvent) -> None:
    if event.tracking is not None:
        app.logger.warning("%s is %s", event.tracking.tracking_number, event.tracking.status)


@app.post("/hooks/parcelwire")
def receive() -> tuple[str, int]:
    try:
        # get_data(): the bytes as they came. A body that was parsed and written again is another.
        event = unwrap(request.get_data(), request.headers, SECRET)
    except WebhookVerificationError as error:
        app.logger.warning("refused: %s", error)
        return "", 400
    if event.message_id not in seen:
        handle(event)
        seen.add(event.message_id)
    return "", 204

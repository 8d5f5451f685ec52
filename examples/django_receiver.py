"""A webhook receiver with Django, in one file: ``python django_receiver.py runserver``.

In a project of your own you need only ``receive`` and its line in ``urlpatterns``.
"""

import logging
import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from parcelwire.client import WebhookEvent, WebhookVerificationError, unwrap

SECRET = os.environ["PARCELWIRE_WEBHOOK_SECRET"]
log = logging.getLogger("shop")
seen: set[str | None] = set()

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        SECRET_KEY=os.urandom(32).hex(),
        ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    )


def handle(event: WebhookEvent) -> None:
    if event.tracking is not None:
        log.warning("%s is %s", event.tracking.tracking_number, event.tracking.status)


# The signature says who sends this; there is no browser whose cookies could be misused.
@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    try:
        event = unwrap(request.body, request.headers, SECRET)
    except WebhookVerificationError as error:
        log.warning("refused: %s", error)
        return HttpResponse(status=400)
    if event.message_id not in seen:
        handle(event)
        seen.add(event.message_id)
    return HttpResponse(status=204)


urlpatterns = [path("hooks/parcelwire", receive)]
application = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)

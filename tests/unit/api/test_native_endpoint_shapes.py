"""What the native API says of endpoints is what the webhooks room can do."""

from typing import get_args

from parcelwire.api.native import endpoint_shapes
from parcelwire.api.native.messages import SentType
from parcelwire.cli import webhook_words
from parcelwire.webhooks.message import TEST_EVENT_TYPE
from parcelwire.webhooks.notices import EVENT_TYPES
from parcelwire.webhooks.request_builder import DIALECTS


def test_dialects() -> None:
    assert set(get_args(endpoint_shapes.Dialect)) == set(DIALECTS)
    assert set(webhook_words.DIALECTS) == set(DIALECTS)


def test_types_of_events() -> None:
    assert set(get_args(endpoint_shapes.EventType)) == set(EVENT_TYPES)
    assert set(webhook_words.EVENT_TYPES) == set(EVENT_TYPES)
    (wanted, test) = get_args(SentType)
    assert {*get_args(wanted), *get_args(test)} == {*EVENT_TYPES, TEST_EVENT_TYPE}

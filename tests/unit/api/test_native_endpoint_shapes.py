"""What the native API says of endpoints is what the webhooks room can do."""

from typing import get_args

from parcelwire.api.native import endpoint_shapes
from parcelwire.client import native_calls
from parcelwire.webhooks.commands import CreateEndpoint, UpdateEndpoint
from parcelwire.webhooks.message import TEST_EVENT_TYPE
from parcelwire.webhooks.notices import EVENT_TYPES
from parcelwire.webhooks.request_builder import DIALECTS


def test_dialects() -> None:
    assert get_args(endpoint_shapes.Dialect) == DIALECTS
    assert set(get_args(native_calls.Dialect)) == set(DIALECTS)


def test_types_of_events() -> None:
    assert get_args(endpoint_shapes.EventType) == EVENT_TYPES
    (wanted, test) = get_args(endpoint_shapes.SentType)
    assert {*get_args(wanted), *get_args(test)} == {*EVENT_TYPES, TEST_EVENT_TYPE}


def test_a_body_has_the_fields_of_its_command() -> None:
    draft, patch = endpoint_shapes.EndpointCreateRequest, endpoint_shapes.EndpointUpdateRequest
    assert set(draft.__struct_fields__) == set(CreateEndpoint.__struct_fields__)
    assert set(patch.__struct_fields__) == set(UpdateEndpoint.__struct_fields__)
    assert draft(url="https://a.example").command() == CreateEndpoint(url="https://a.example")


def test_null_empties_a_field_and_what_is_left_out_stays() -> None:
    patch = endpoint_shapes.EndpointUpdateRequest(statuses=None, headers=None, rate_per_second=None)
    assert patch.command() == UpdateEndpoint(statuses=(), headers={}, rate_per_second=None)

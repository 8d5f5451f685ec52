"""Each refusal of a use case is a problem of the native API, or one that no call of it can meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from parcelwire.accounts import errors as accounts
from parcelwire.api.native.use_case_errors import USE_CASE_ERRORS, problem_of
from parcelwire.domain.field_problems import FieldProblem, InvalidInputError
from parcelwire.tracking import errors as tracking

ELSEWHERE: set[type[Exception]] = {
    # Carriers are connected, brands edited and people logged in on the dashboard.
    accounts.BrandNotFoundError,
    accounts.ConnectionChangedError,
    accounts.ConnectionNotFoundError,
    accounts.ConnectorNotFoundError,
    accounts.LoginError,
    accounts.NotFoundError,
    accounts.TransportNotFoundError,
    # Bodies are read into typed shapes before any use case sees them.
    tracking.FieldInvalidError,
}


def leaves(of: type[Exception]) -> Iterator[type[Exception]]:
    yield of
    for one in of.__subclasses__():
        yield from leaves(one)


REFUSALS = sorted(
    {one for root in USE_CASE_ERRORS for one in leaves(root)}
    - {*USE_CASE_ERRORS, InvalidInputError}
    - ELSEWHERE,
    key=lambda one: one.__name__,
)


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refusal_is_a_problem(kind: type[Exception]) -> None:
    made: Any = kind.__new__(kind, "x")
    # Whatever else the error tells, it is made of these.
    for name, value in (("limit", 1), ("number", "1"), ("courier_code", "dhl"), ("fields", ("a",))):
        setattr(made, name, value)
    made.existing_id = "0" * 32
    made.tracking = type("Tracking", (), {"status": "transit"})()
    problem = problem_of(made).problem
    assert 400 <= problem.status < 600
    assert problem.code not in {"internal-error", "validation-failed"}


@pytest.mark.parametrize("kind", sorted(ELSEWHERE, key=str))
def test_what_no_call_can_meet_is_a_fault_of_ours(kind: type[Exception]) -> None:
    made: Any = kind.__new__(kind)
    with pytest.raises(kind):
        problem_of(made)


def field(name: str, message: str) -> FieldProblem:
    return FieldProblem(field=name, code="invalid", message=message)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("url", "url-not-allowed"),
        ("headers", "headers-not-allowed"),
        ("expires_at", "invalid-expiry"),
        ("is_test", "test-key-not-allowed"),
        ("concurrency", "validation-failed"),
    ],
)
def test_the_first_field_names_the_problem(name: str, code: str) -> None:
    assert problem_of(InvalidInputError([field(name, "is odd")])).problem.code == code


def test_all_fields_are_named() -> None:
    found = InvalidInputError([field("headers", "are odd"), field("url", "is inside")])
    problem = problem_of(found).problem
    assert problem.detail == "headers: are odd"
    assert [(one.field, one.message) for one in problem.errors] == [
        ("headers", "are odd"),
        ("url", "is inside"),
    ]


def test_several_fields_together() -> None:
    problem = problem_of(InvalidInputError([field("", "name one of a and b")])).problem
    assert (problem.detail, problem.errors[0].field) == ("name one of a and b", "")

"""Every fault that was proven in the code keeps a test that would find it again."""

from __future__ import annotations

import tomllib

import msgspec
import pytest

from tests.support.named_tests import ROOT, why_missing

COUNT = 44


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the table."""

    number: int
    what: str
    tests: list[str]


def faults() -> list[Fault]:
    table = tomllib.loads((ROOT / "tests/data/proven_faults.toml").read_text())
    return msgspec.convert(table["fault"], list[Fault])


def test_none_is_left_out() -> None:
    assert [one.number for one in faults()] == list(range(1, COUNT + 1))


@pytest.mark.parametrize("fault", faults(), ids=lambda one: str(one.number))
def test_its_tests_are_there(fault: Fault) -> None:
    assert fault.tests
    for test in fault.tests:
        assert why_missing(test) is None

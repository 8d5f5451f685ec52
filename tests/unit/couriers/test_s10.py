import pytest

from parcelwire.couriers.detection import default_detector
from parcelwire.couriers.registry import default_registry
from parcelwire.couriers.s10 import default_postal_table


def first(number: str) -> str:
    return default_detector().detect(number)[0].courier_code


def test_every_operator_with_a_code_is_named_for_its_numbers() -> None:
    table = default_postal_table()
    assert len(table.operators) == 191
    coded = [operator for operator in table.operators.values() if operator.courier]
    assert len(coded) == 142
    for operator in coded:
        assert operator.courier in default_registry()
        candidates = default_detector().detect(f"RR123456785{operator.suffix}")
        assert candidates[0].courier_code == operator.courier, operator.suffix
        assert f"({operator.country})" in candidates[0].reasons[0]
        assert default_detector().detect(f"RR123456784{operator.suffix}") == []


def test_operators_without_a_code_have_no_answer() -> None:
    for operator in default_postal_table().operators.values():
        if operator.courier is None:
            assert default_detector().detect(f"RR123456785{operator.suffix}") == []


@pytest.mark.parametrize("suffix", ["TY", "MI", "YW", "CS", "XX"])
def test_suffixes_that_were_never_issued(suffix: str) -> None:
    assert default_detector().detect(f"RR123456785{suffix}") == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("EE123456785CN", "china-ems"),
        ("RR123456785CN", "china-post"),
        ("XR123456785FR", "chronopost"),
        ("PZ123456785JF", "chronopost"),
        ("XW123456785TS", "chronopost"),
        ("XY123456785CH", "chronopost"),
        ("CP123456785GB", "parcel-force"),
        ("RB123456785GB", "royal-mail"),
        ("CY730190157DE", "dhl-germany"),
        ("RR123456785DE", "deutsche-post"),
        ("UF123456785YP", "yanwen"),
        ("EE123456785UA", "ukraine-ems"),
    ],
)
def test_the_service_letters_tell_the_courier(number: str, code: str) -> None:
    assert first(number) == code


def test_service_names() -> None:
    table = default_postal_table()
    assert table.service_name("EA") == "an express item (EMS)"
    assert table.service_name("QB") == "a business reply item"
    assert table.service_name("GD") == "a domestic or bilateral item"
    assert table.service_name("KK") is None

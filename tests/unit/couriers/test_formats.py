import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.couriers.checkdigits import CHECK_RULES
from parcelwire.couriers.detection import default_detector
from parcelwire.couriers.formats import CourierFormats, Format, FormatTable, default_table
from parcelwire.couriers.number import is_plausible, normalise
from parcelwire.couriers.patterns import ALNUM, spell_out
from parcelwire.couriers.registry import default_registry

FORMATS = [
    pytest.param(courier, form, id=f"{courier.courier} {form.pattern}")
    for courier in default_table().couriers
    for form in courier.formats
]


@pytest.mark.parametrize(("courier", "form"), FORMATS)
def test_a_formats_own_examples(courier: CourierFormats, form: Format) -> None:
    assert form.valid, "a format without an example says nothing"
    assert bool(form.invalid) >= bool(form.check), "a check rule needs an example that breaks it"
    table = FormatTable((CourierFormats(courier.courier, courier.volume, (form,)),))
    for number in (*form.valid, *form.invalid):
        assert normalise(number) == number
        assert is_plausible(number)
        fitting = [
            rule
            for rule, match in table.rules_for(len(number), number.isdigit(), number[:2])
            if (match is None or match(number)) and (not rule.check or rule.check.fits(number))
        ]
        assert bool(fitting) is (number in form.valid), number


@pytest.mark.parametrize(("courier", "form"), FORMATS)
def test_an_account_that_uses_the_courier_gets_it(courier: CourierFormats, form: Format) -> None:
    """Every format leads to its courier in the whole table, at least for who uses the courier."""
    for number in form.valid:
        fitting = default_detector().evidence_for(number)
        assert courier.courier in [item.courier_code for item in fitting]


def test_every_format_belongs_to_a_registered_courier() -> None:
    codes = [courier.courier for courier in default_table().couriers]
    assert len(set(codes)) == len(codes)
    assert [code for code in codes if code not in default_registry()] == []


def test_shares_and_volumes_are_possible() -> None:
    for courier in default_table().couriers:
        assert courier.volume > 0
        assert all(form.share > 0 for form in courier.formats)
        assert sum(form.share for form in courier.formats) <= 101, courier.courier


def test_reasons_speak_to_people() -> None:
    for courier in default_table().couriers:
        for form in courier.formats:
            assert form.reason.strip() == form.reason
            assert not set("#@*{}[]") & set(form.reason), form.reason


def test_every_check_rule_is_used() -> None:
    used = {form.check for courier in default_table().couriers for form in courier.formats}
    assert set(CHECK_RULES) - used == {"s10"}, "S10 has its own table"


def test_a_mistake_in_the_table_is_found_at_once() -> None:
    with pytest.raises(ValueError, match="cannot read"):
        spell_out("12!")
    with pytest.raises(ValueError, match="templates"):
        spell_out("#{1,20}@{1,20}")
    with pytest.raises(KeyError):
        FormatTable((CourierFormats("dhl", 1, (Format("##", 1, "x", check="no-such-rule"),)),))


def test_patterns_spell_out() -> None:
    assert [t.regex() for t in spell_out("9[89]#")] == ["9[89][0-9]"]
    assert {t.regex() for t in spell_out("(AB|C)#{1,2}")} == {
        "AB[0-9]",
        "AB[0-9][0-9]",
        "C[0-9]",
        "C[0-9][0-9]",
    }
    assert spell_out("####/#")[0].regex() == "[0-9][0-9][0-9][0-9]/[0-9]"
    assert spell_out("[0-9A-F]")[0].places == (frozenset("0123456789ABCDEF"),)
    assert sum(t.share for t in spell_out("(A|B|C)#{3}")) == pytest.approx(1)
    assert spell_out("A#@")[0].one_in() == 260


@given(st.sampled_from([form.values[1] for form in FORMATS]), st.data())
def test_what_a_pattern_spells_is_found(form: Format, data: st.DataObject) -> None:
    """The index by length, kind and beginning never hides a number from its own pattern."""
    template = data.draw(st.sampled_from(spell_out(form.pattern)))
    number = "".join(data.draw(st.sampled_from(sorted(place))) for place in template.places)
    table = FormatTable((CourierFormats("x", 1, (form,)),))
    found = table.rules_for(len(number), number.isdigit(), number[:2])
    assert any(match is None or match(number) for _, match in found)
    assert set(number) <= ALNUM | {"/", ":"}

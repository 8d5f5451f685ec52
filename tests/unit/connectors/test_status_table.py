"""The order in which a status table is looked up, and what a broad row may not do."""

from __future__ import annotations

import msgspec
import pytest

from parcelwire.connectors.status_table import Meaning, StatusTable, read_status_table
from parcelwire.domain.status import Status, Substatus

ROWS = """
[[code]]
code = "FS"
status = "transit"
[[code]]
code = "FS"
type = "D"
status = "delivered"
[[code]]
code = "XB"
is_unknown = true
[[code]]
code = "NOTE"
[[code]]
code = "2*"
status = "transit"
substatus = "transit001"
[[code]]
code = "24*"
status = "exception"

[[text]]
contains = "non consegnata"
status = "undelivered"
[[text]]
text = "Consegnata al Destinatario"
status = "delivered"
[[text]]
contains = "consegnata"
unless = ["presso", "sarà "]
status = "delivered"

[[broad]]
kind = "category"
value = "DELIVERED"
status = "delivered"
[[broad]]
kind = "category"
value = "MOVING"
status = "transit"
[[broad]]
kind = "stage"
value = "9"
status = "exception"
substatus = "exception010"
"""


@pytest.fixture(scope="module")
def table() -> StatusTable:
    return read_status_table(ROWS)


def status(meaning: Meaning | None) -> Status | None:
    assert meaning is not None
    return meaning.status


def test_a_code_with_its_type_goes_first(table: StatusTable) -> None:
    assert status(table.look_up(code="FS", type="D")) is Status.DELIVERED
    assert status(table.look_up(code="FS", type="I")) is Status.TRANSIT
    assert status(table.look_up(code="FS")) is Status.TRANSIT


def test_the_longest_prefix_counts(table: StatusTable) -> None:
    assert status(table.look_up(code="2011")) is Status.TRANSIT
    assert status(table.look_up(code="2411")) is Status.EXCEPTION


def test_a_code_goes_before_any_text(table: StatusTable) -> None:
    assert status(table.look_up(code="FS", text="consegnata")) is Status.TRANSIT


def test_a_note_keeps_the_stage_and_asks_nothing_broader(table: StatusTable) -> None:
    found = table.look_up(code="NOTE", text="consegnata", broad={"category": "DELIVERED"})
    assert found == Meaning()


def test_a_code_that_nobody_understands_stays_a_gap(table: StatusTable) -> None:
    assert table.look_up(code="XB", text="consegnata", broad={"category": "MOVING"}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CONSEGNATA", Status.DELIVERED),
        ("non  consegnata", Status.UNDELIVERED),
        ("consegnata al destinatario", Status.DELIVERED),
        ("consegnata al destinatario presso", None),
        ("Sarà consegnata", None),
        ("Sara\u0300 consegnata", None),
        ("Sar\u00adà con\u00adse\u00adgna\u00adta", None),
        ("con\u00adse\u00adgna\u00adta", Status.DELIVERED),
        ("sconosciuto", None),
        ("", None),
    ],
)
def test_texts_whole_then_in_part_and_with_their_guards(
    table: StatusTable, text: str, expected: Status | None
) -> None:
    found = table.look_up(code="ZZ", text=text)
    assert (found and found.status) is expected


def test_broad_rows_serve_when_nothing_finer_does(table: StatusTable) -> None:
    assert status(table.look_up(code="ZZ", broad={"category": "MOVING"})) is Status.TRANSIT
    found = table.look_up(text="?", broad={"category": "NEW", "stage": "9"})
    assert found is not None
    assert found.substatus is Substatus.EXCEPTION_RETURNED
    assert table.look_up(broad={"category": "NEW"}) is None
    assert table.look_up() is None


@pytest.mark.parametrize(
    "text",
    [
        *("Delivered to Access Point", "Handed to customs broker", "Delivered to parcel shop"),
        *("In der PACKSTATION hinterlegt", "Zurück an Absender", "Déposé au point relais"),
        *("Consegnato al mittente", "Entregado en oficina", "Bezorgd bij ServicePunt"),
        *("Utlämnad till ombud", "Paczka w paczkomacie"),
    ],
)
@pytest.mark.parametrize("broad", [{"category": "DELIVERED"}, {"stage": "9"}])
def test_a_broad_row_does_not_end_a_parcel_that_somebody_else_has(
    table: StatusTable, text: str, broad: dict[str, str]
) -> None:
    assert table.look_up(text=text, broad=broad) is None
    assert table.look_up(code="DELIVERED_LOCKER", broad=broad) is None
    # It may still say where the parcel is.
    assert status(table.look_up(text=text, broad={"category": "MOVING"})) is Status.TRANSIT


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("DELIVERED_TO_ACCESS_POINT", None),
        ("deliveredToAccessPoint", None),
        ("DELIVERED-POST-OFFICE", "Delivered"),
        ("HANDED.TO.THIRD.PARTY", None),
        (None, "Delivered to access_point"),
        (None, "Delivered to pick\u00adup point"),
        (None, "Delivered at access\u200b point"),
        (None, "Zurueck an den Versender"),
    ],
)
def test_nor_one_whose_words_are_written_otherwise(
    table: StatusTable, code: str | None, text: str | None
) -> None:
    assert table.look_up(code=code, text=text, broad={"category": "DELIVERED"}) is None


@pytest.mark.parametrize("sign", ["'", "\u2019", "\u02bc", "\u2032", "`", "\uff07"])
def test_no_apostrophe_gets_round_a_guard(sign: str) -> None:
    row = '[[text]]\ncontains = "livre"\nunless = ["n\'est pas"]\nstatus = "delivered"'
    table = read_status_table(row)
    assert table.look_up(text=f"Le colis n{sign}est  pas livré") is None
    assert status(table.look_up(text="Le colis est livré")) is Status.DELIVERED


@pytest.mark.parametrize("sign", ["-", "\u2010", "\u2011", "\u2013"])
def test_nor_does_a_hyphen(sign: str) -> None:
    row = '[[text]]\ncontains = "delivered"\nunless = ["drop-off"]\nstatus = "delivered"'
    assert read_status_table(row).look_up(text=f"Delivered to drop{sign}off") is None


def test_no_text_is_not_a_text() -> None:
    table = read_status_table('[[text]]\ntext = " "\nstatus = "delivered"')
    assert table.look_up(code="X") is None
    assert table.look_up(text=" ") is None


def test_a_broad_row_ends_a_parcel_that_its_recipient_has(table: StatusTable) -> None:
    found = table.look_up(text="Delivered, left at front door", broad={"category": "DELIVERED"})
    assert status(found) is Status.DELIVERED


@pytest.mark.parametrize(
    "rows",
    [
        '[[text]]\nstatus = "transit"',
        '[[text]]\ntext = "a"\ncontains = "a"',
        '[[text]]\ntext = "a"\nunless = ["b"]',
        '[[code]]\ncode = "a*"\ntype = "D"',
        '[[code]]\ncode = "a"\nstatus = "gone"',
        '[[code]]\ncode = "a"\nmeans = "transit"',
        '[[code]]\ncode = "a"\nstatus = "transit"\nsubstatus = "pickup001"',
        '[[code]]\ncode = "a"\nstatus = "transit"\nis_unknown = true',
        '[[broad]]\nvalue = "a"',
    ],
)
def test_rows_that_say_nothing_clear_are_refused(rows: str) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError)):
        read_status_table(rows)

"""CSV files as people have them: encodings, delimiters, headings, cells, and what is no table."""

from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.cli.exit_codes import CommandError
from parcelwire.cli.exporting import COLUMNS, Writer
from parcelwire.cli.spreadsheet import (
    FIELDS,
    RISKY,
    Sheet,
    SheetError,
    examine,
    guarded,
    parse_columns,
)
from parcelwire.client.details import TrackingCreateParams
from parcelwire.client.models import Tracking
from parcelwire.tracking.spreadsheet_cells import cell_text, copied

TABLE = "Tracking number;Courier;Customer\n9400111899223857925380;usps;Jürg Müßig\n"


def sheet(folder: Path, content: bytes, **more: Any) -> Sheet:
    file = folder / "file.csv"
    file.write_bytes(content)
    columns = more.pop("columns", {})
    options = {name: more.pop(name) for name in ("encoding", "delimiter") if name in more}
    return Sheet(file, examine(file, **options), columns, **more)


def fields(folder: Path, content: bytes, **more: Any) -> list[dict[str, str]]:
    return [row.fields for row in sheet(folder, content, **more).rows()]


@pytest.mark.parametrize(
    ("content", "encoding", "delimiter"),
    [
        (TABLE.encode(), "utf-8", ";"),
        (TABLE.encode("utf-8-sig"), "utf-8-sig", ";"),
        (TABLE.encode("cp1252"), "cp1252", ";"),
        (TABLE.replace(";", "\t").encode("utf-16"), "utf-16", "\t"),
        (TABLE.replace(";", "\t").encode("utf-16-be").join([b"\xfe\xff", b""]), "utf-16", "\t"),
        (TABLE.replace(";", ",").encode(), "utf-8", ","),
        (TABLE.replace(";", "|").encode(), "utf-8", "|"),
        (TABLE.replace("\n", "\r\n").encode(), "utf-8", ";"),
        (b"sep=;\r\n" + TABLE.encode("cp1252"), "cp1252", ";"),
        (b"\xef\xbb\xbfsep=;\n" + TABLE.encode(), "utf-8-sig", ";"),
        (b"\n\n" + TABLE.encode(), "utf-8", ";"),
    ],
)
def test_however_it_is_written_it_says_the_same(
    tmp_path: Path, content: bytes, encoding: str, delimiter: str
) -> None:
    found = sheet(tmp_path, content)
    if not content.startswith(b"\n"):
        assert (found.form.encoding, found.form.delimiter) == (encoding, delimiter)
    assert [row.fields for row in found.rows()] == [
        {
            "tracking_number": "9400111899223857925380",
            "courier_code": "usps",
            "customer_name": "Jürg Müßig",
        }
    ]


def test_what_is_said_goes_before_what_is_found(tmp_path: Path) -> None:
    content = "Tracking number,Note\n1;2,Zürich\n".encode("cp850")
    (found,) = fields(tmp_path, content, encoding="cp850", delimiter=",")
    assert found == {"tracking_number": "1;2", "note": "Zürich"}


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("tracking_number", "tracking_number"),
        ("TRACKING NUMBER", "tracking_number"),
        ("Tracking No.", "tracking_number"),
        ("Tracking #", "tracking_number"),
        ("Sendungsnummer", "tracking_number"),
        ("Numéro de suivi", "tracking_number"),
        ("运单号", "tracking_number"),
        ("trackNumber", "tracking_number"),
        ("Courier Code", "courier_code"),
        ("carrier_code", "courier_code"),
        ("tracking_provider", "courier_code"),
        ("Bestell-Nr.", "order_number"),
        ("order_id", "order_id"),
        ("Customer Phone", "customer_sms"),
        ("E-Mail", "customer_email"),
        ("Empfänger", "customer_name"),
        ("PLZ", "tracking_postal_code"),
        ("destination_country", "destination_country_iso2"),
        ("date_shipped", "tracking_ship_date"),
        ("Remarks", "note"),
    ],
)
def test_headings_in_their_usual_spellings(tmp_path: Path, heading: str, field: str) -> None:
    content = f"{heading},Delivery status,Weight\nX1,transit,N1\n".encode()
    columns = {"Weight": "tracking_number"} if field != "tracking_number" else {}
    (row,) = sheet(tmp_path, content, columns=columns).rows()
    assert row.fields[field] == "X1"


def test_the_best_spelling_wins(tmp_path: Path) -> None:
    content = b"Number,Tracking number,Name,Recipient\n17,9400,Cup,Ada\n"
    assert fields(tmp_path, content) == [{"tracking_number": "9400", "customer_name": "Ada"}]


def test_columns_may_be_named(tmp_path: Path) -> None:
    content = b"Ref,Paket,Name\n17,9400,Cup\n"
    columns = parse_columns(["Paket=tracking_number", "ref=order_number", "NAME="])
    assert fields(tmp_path, content, columns=columns) == [
        {"tracking_number": "9400", "order_number": "17"}
    ]
    with pytest.raises(SheetError, match="no column 'Nr'"):
        sheet(tmp_path, content, columns={"Nr": "tracking_number"})
    for wrong in ("Paket", "Paket=weight"):
        with pytest.raises(CommandError, match="HEADING=FIELD"):
            parse_columns([wrong])


def test_every_field_of_a_create_is_known() -> None:
    assert set(FIELDS) == set(TrackingCreateParams.__annotations__) - {"auto_correct"}


def test_a_bare_list_of_numbers(tmp_path: Path) -> None:
    content = b"9400111899223857925380\n\n  99.60.123456.78901234\n"
    assert [one["tracking_number"] for one in fields(tmp_path, content, courier="usps")] == [
        "9400111899223857925380",
        "99.60.123456.78901234",
    ]


def test_cells_as_spreadsheets_write_them(tmp_path: Path) -> None:
    content = (
        b"Tracking number,Courier,Note,Ship date,Order number\n"
        b'"=""9400111899223857925380""",, \'0012 ,2026-03-01,"two\nlines"\n'
        b'\'9400,DHL,"a ""b""",01.03.2026,\'=1+1\n'
        b",,,,\n"
        b"9.40011E+21,dhl\n"
        b"9,4E5\n"
        b",dhl,x\n"
    )
    rows = list(sheet(tmp_path, content, courier="usps", resolve=str.lower).rows())
    assert rows[0].fields == {
        "tracking_number": "9400111899223857925380",
        "courier_code": "usps",
        "note": "0012",
        "tracking_ship_date": "20260301",
        "order_number": "two\nlines",
    }
    assert rows[1].fields["courier_code"] == "dhl"
    assert rows[1].fields["tracking_number"] == "9400"
    assert rows[1].fields["note"] == 'a "b"'
    # What cannot be told apart is left to the server, which says what it does not take.
    assert rows[1].fields["tracking_ship_date"] == "01.03.2026"
    assert rows[1].fields["order_number"] == "=1+1"
    assert "format Text" in rows[2].problem
    assert rows[3].problem == ""
    assert "no tracking number" in rows[4].problem
    assert [row.line for row in rows] == [2, 4, 6, 7, 8]
    assert [row.index for row in rows] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"a,b\n1,2\n", "known to hold tracking numbers; there are 'a', 'b'"),
        (b"PK\x03\x04\0\0workbook", "is it a workbook"),
        (b"\xff\xfea", "is not text in utf-16"),
        (b"Tracking number\n" + b'"' + b"9" * 1_000_001, "field larger than field limit"),
    ],
)
def test_what_is_no_table(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(SheetError, match=says):
        fields(tmp_path, content)


def test_damage_further_down_is_told_with_its_place(tmp_path: Path) -> None:
    content = b"Tracking number\n" + b"9400\n" * 20_000 + b"\xff\n"
    assert sheet(tmp_path, content).form.encoding == "cp1252"
    with pytest.raises(SheetError, match="not text in utf-8"):
        fields(tmp_path, content, encoding="utf-8")
    with pytest.raises(SheetError, match="there is no encoding klingon"):
        fields(tmp_path, content, encoding="klingon")


CELLS = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "Zs", "S"]), min_size=1, max_size=30
).map(lambda text: f"x{text}".strip())


@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_what_is_exported_is_imported_again(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = io.StringIO()
    writer = Writer(out, "csv")
    for index, (note, title) in enumerate(rows):
        writer.add(
            Tracking(
                id=str(index),
                tracking_number=f"N{index}",
                courier_code="dhl",
                status="transit",
                note=note,
                title=f"={title}",
            )
        )
    writer.end()
    found = fields(tmp_path_factory.mktemp("round"), out.getvalue().encode())
    assert found == [
        {"tracking_number": f"N{i}", "courier_code": "dhl", "note": note, "title": f"={title}"}
        for i, (note, title) in enumerate(rows)
    ]


@pytest.mark.parametrize(
    "name", ["'t Hart", "'s-Hertogenbosch", "'n Beer", "'", "''", "'a'", "d'Arc", "'Ōlelo"]
)
def test_a_name_keeps_its_apostrophe(tmp_path: Path, name: str) -> None:
    """From anybody's file, and through our own export and back."""
    (row,) = fields(tmp_path, f'Tracking number;Courier;Customer\n9400;dhl;"{name}"\n'.encode())
    assert row["customer_name"] == name
    assert guarded(name) == name


@pytest.mark.parametrize("marks", ["", "'", "''"])
@pytest.mark.parametrize("sign", RISKY)
def test_a_guarded_cell_comes_back_as_it_was(tmp_path: Path, sign: str, marks: str) -> None:
    text = f"{marks}{sign}1+1"
    assert guarded(text) == f"'{text}"
    (row,) = fields(tmp_path, f'Tracking number,Note\n9400,"{guarded(text)}"\n'.encode())
    assert row["note"] == text


def test_an_apostrophe_marks_a_tracking_number_as_text(tmp_path: Path) -> None:
    (row,) = fields(tmp_path, b"Tracking number,Courier\n'0012345678,dhl\n")
    assert row["tracking_number"] == "0012345678"


MARKED = {
    "Courier": ("'swiss-post", "courier_code", "swiss-post"),
    "Postal code": ("'01067", "tracking_postal_code", "01067"),
    "Recipient postcode": ("'AB1 2CD", "recipient_postcode", "AB1 2CD"),
    "Account number": ("'K-17", "tracking_courier_account", "K-17"),
    "Tracking key": ("'x7", "tracking_key", "x7"),
    "Country": ("'CH", "destination_country_iso2", "CH"),
    "Tracking origin country": ("'IT", "tracking_origin_country", "IT"),
    "Ship date": ("'2026-01-01", "tracking_ship_date", "20260101"),
    "Order date": ("'2026-01-01", "order_date", "2026-01-01"),
    "Order number": ("'00123", "order_number", "00123"),
    "Phone": ("'0791234567", "customer_sms", "0791234567"),
    "Order id": ("'A-17", "order_id", "'A-17"),
    "Note": ("'12 boxes", "note", "'12 boxes"),
    "Title": ("''00", "title", "'00"),
}


def test_an_apostrophe_marks_codes_and_digits_as_text(tmp_path: Path) -> None:
    """A text of other kinds keeps it."""
    cells = ",".join(cell for cell, _, _ in MARKED.values())
    content = f"Tracking number,{','.join(MARKED)}\n'9400,{cells}\n"
    (row,) = fields(tmp_path, content.encode())
    assert row == {"tracking_number": "9400", **{name: text for _, name, text in MARKED.values()}}


@pytest.mark.parametrize("text", ["'01067", "''7", "'K-17", "'", "''", "'=1", "K'17", "017"])
def test_codes_and_digits_come_back_with_the_apostrophes_they_had(
    tmp_path: Path, text: str
) -> None:
    out = io.StringIO()
    writer = Writer(out, "csv")
    texts: dict[str, Any] = {"tracking_key": text, "order_number": text, "customer_name": text}
    writer.add(
        Tracking(id="1", tracking_number="N1", courier_code="dhl", status="transit", **texts)
    )
    writer.end()
    (row,) = fields(tmp_path, out.getvalue().encode())
    assert row == {"tracking_number": "N1", "courier_code": "dhl", **texts}


@pytest.mark.parametrize("cell", ["'01067", "'t Hart", "'=1", "=1+1", "plain"])
def test_a_cell_that_is_copied_says_what_it_said(cell: str) -> None:
    assert cell_text(copied(cell)) == cell_text(cell)
    assert not copied(cell).startswith(RISKY)


def test_a_number_written_as_a_fraction_refuses_its_row(tmp_path: Path) -> None:
    """What pandas makes of a column of numbers with a gap; without its point it is another."""
    content = b"Tracking number,Courier\n12345678.0,dhl\n'123456.00,dhl\n99.34.123456.0,dhl\n"
    problems = [row.problem for row in sheet(tmp_path, content).rows()]
    assert [problem[-16:] for problem in problems] == ["t without the .0", " without the .00", ""]


def test_no_cell_of_an_export_is_a_formula() -> None:
    out = io.StringIO()
    writer = Writer(out, "csv")
    wicked = [f"{sign}cmd|' /C calc'!A0" for sign in RISKY]
    for text in wicked:
        writer.add(Tracking(id="1", tracking_number="N", courier_code="d", status="s", note=text))
    out.seek(0)
    for row in csv.DictReader(out, fieldnames=None):
        assert set(row) == set(COLUMNS)
        assert row["note"].startswith("'")
    assert guarded("plain") == "plain"


def test_more_columns_than_anybody_needs_are_refused_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match=r"line 1: 501 columns; at most 500 can be read"):
        sheet(tmp_path, b"tracking number" + b",x" * 500 + b"\n1\n")
    found = sheet(tmp_path, b"tracking number" + b",x" * 499 + b"\n1Z\n2Z" + b"," * 700 + b"\n")
    with pytest.raises(SheetError, match=r"line 3: 701 columns"):
        list(found.rows())


def test_a_line_that_is_far_too_wide_is_not_made_a_list_of(tmp_path: Path) -> None:
    content = b"tracking number" + b"".join(b",h%d" % n for n in range(300_000)) + b"\n1\n"
    tracemalloc.start()
    try:
        with pytest.raises(SheetError, match=r"line 1: 300,001 columns; at most 500"):
            sheet(tmp_path, content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The line itself takes 2 MB, some times over; a list of its cells 17 MB more.
    assert peak < 14_000_000


def test_a_heading_that_is_too_long_is_refused_with_its_column(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match=r"the heading of column 2 has 201 characters"):
        sheet(tmp_path, b"tracking number," + b"x" * 201 + b"\n1\n")


def test_a_cell_that_is_too_long_refuses_its_row_and_no_other(tmp_path: Path) -> None:
    content = f"tracking number,note,other\n1Z,{'x' * 5_001},\n2Z,{'x' * 5_000},{'x' * 9_000}\n"
    long, whole = sheet(tmp_path, content.encode()).rows()
    assert long.problem == (
        "note: the cell in column 'note' has 5,001 characters; at most 5,000 can be read"
    )
    assert long.fields == {}
    # Nobody looks into a column that is not used.
    assert (whole.problem, len(whole.fields["note"])) == ("", 5_000)


def test_unknown_headings_are_named_as_far_as_it_helps(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match=r"'x19' and 480 more$"):
        sheet(tmp_path, ",".join(f"x{n}" for n in range(500)).encode() + b"\n1\n")

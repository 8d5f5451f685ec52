"""A CSV file as people have it: which encoding, which delimiter, which column means what.

Excel writes semicolons where the comma is the decimal sign, UTF-16 with tabs as "Unicode text", a
byte-order mark before UTF-8, ``sep=;`` as a first line, and Windows' own encoding otherwise. All of
it is found out here. What cannot be is refused with the place and the reason, never guessed.

TrackingMore documents neither the headings of its export nor those of its template, so headings are
known by their usual spellings: words of its API and of its pages, of other services', in several
languages; capitals, blanks and punctuation do not matter.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from parcelwire.couriers.number import is_fraction
from parcelwire.domain.text import without_marks
from parcelwire.tracking.spreadsheet_cells import cell_text

MOST_COLUMNS: Final = 500
LONGEST_HEADING: Final = 200
LONGEST_CELL: Final = 5_000
"""Characters of a cell that is sent; no call takes a longer text."""
DELIMITERS: Final = (",", ";", "\t", "|")
_BLOCK: Final = 1 << 20
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_SPELLINGS: Final[dict[str, str]] = {
    "tracking_number": (
        "tracking number|tracking no|tracking nr|tracking num|tracking code|tracking id"
        "|track number|tracking|trackingno|number|parcel number|parcel no|package number"
        "|shipment number"
        "|shipment no|shipment id|consignment number|consignment no|consignment|waybill"
        "|waybill number|airway bill|awb|awb number|barcode|sendungsnummer|paketnummer"
        "|sendungs nr|tracking nummer|numero di spedizione|numero spedizione|codice spedizione"
        "|lettera di vettura|numero de suivi|numero de colis|numero de seguimiento"
        "|codigo de seguimiento|numero de envio|codigo de rastreio"
        "|trackingnummer|单号|运单号|快递单号"
        "|物流单号"
    ),
    "courier_code": (
        "courier code|courier|carrier code|carrier|carrier name|courier name|courier slug|slug"
        "|shipping carrier|shipping provider|tracking provider|tracking company|provider"
        "|delivery company|shipper code|corriere|vettore|transporteur|transportista|spediteur"
        "|zusteller|versanddienstleister|paketdienst|transportadora|运输商|快递公司|物流商"
    ),
    "order_number": (
        "order number|order no|order nr|order num|order|order name|bestellnummer|bestell nr"
        "|auftragsnummer|numero ordine|ordine|numero de commande|commande|numero de pedido|pedido"
        "|订单号"
    ),
    "order_id": "order id",
    "order_date": (
        "order date|order create time|order created|ordered at|bestelldatum|data ordine"
        "|date de commande|fecha de pedido"
    ),
    "title": (
        "title|product|product name|product title|item|item name|description|goods|inhalt|titel"
        "|artikel|titolo|prodotto|titre|produit|titulo|producto|商品标题|标题"
    ),
    "customer_name": (
        "customer name|customer|recipient|recipient name|receiver|receiver name|name|consignee"
        "|kunde|kundenname|empfanger|nome cliente|cliente|destinatario|client|nom du client"
        "|destinataire|nombre del cliente|客户姓名|收件人"
    ),
    "customer_email": (
        "customer email|customer e mail|email|e mail|mail|recipient email|emails|客户邮箱"
    ),
    "customer_sms": (
        "customer sms|customer phone|customer phone number|phone|phone number|mobile|sms|smses"
        "|recipient phone|telefon|telefono|telephone|客户电话"
    ),
    "recipient_postcode": "recipient postcode|recipient postal code|recipient zip",
    "tracking_postal_code": (
        "tracking postal code|postal code|post code|postcode|zip|zip code|plz|cap|code postal"
        "|codigo postal|destination postal code"
    ),
    "tracking_ship_date": (
        "tracking ship date|ship date|shipping date|shipped date|date shipped|shipped at"
        "|versanddatum|data spedizione|date d expedition|fecha de envio"
    ),
    "tracking_courier_account": "tracking courier account|courier account|account number",
    "tracking_key": "tracking key",
    "tracking_origin_country": "tracking origin country",
    "tracking_destination_country": "tracking destination country",
    "origin_country_iso2": "origin country iso2|origin country|origin country code",
    "destination_country_iso2": (
        "destination country iso2|destination country|destination country code|destination|country"
        "|country code|ship to country|zielland|paese di destinazione|pays de destination"
    ),
    "logistics_channel": "logistics channel|channel|物流渠道",
    "note": "note|notes|comment|comments|remark|remarks|notiz|bemerkung|nota|note interne|备注",
    "label": "label|labels|tag|tags",
    "language": "language|lang|sprache|lingua|langue|idioma",
}
"""Field of a create -> spellings of its heading, best first."""

_FIELD_OF: Final = {
    re.sub(r"[\W_]+", "", spelling): (field, rank)
    for field, spellings in _SPELLINGS.items()
    for rank, spelling in enumerate([field.replace("_", " "), *spellings.split("|")])
}
FIELDS: Final = tuple(_SPELLINGS)

SHOWN_HEADINGS: Final = 20
"""In the message that none of them is known."""

_POWER: Final = re.compile(r"\d([.,]\d+)?[eE]\+?\d+\Z")
_ISO_DAY: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)\Z")


class SheetError(Exception):
    """The file cannot be read as a table; the message says where and why.

    ``remedy`` is what a person at the command line may add.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        """``message`` is one line for people."""
        super().__init__(message)
        self.remedy = remedy


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is written, and what it holds."""

    encoding: str
    delimiter: str
    rows: int
    """Lines of text, an upper limit of its rows."""
    digest: str
    """SHA-256 of its bytes: another content is another import."""
    skipped_lines: int = 0
    """``sep=;``."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row: what of it goes to the server, or why nothing does."""

    index: int
    """From 0, without the heading."""
    line: int
    """In the file, from 1."""
    cells: list[str]
    fields: dict[str, str]
    problem: str = ""


def examine(file: Path, *, encoding: str | None = None, delimiter: str | None = None) -> Form:
    """Read the file once and find out how it is written.

    Raises:
        SheetError: it is empty, no text, or not in the encoding that was named.
    """
    digest, lines, head = hashlib.sha256(), 0, b""
    is_utf8 = True
    check = codecs.getincrementaldecoder("utf-8")()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
            head = head or block
            lines += block.count(b"\n")
            if is_utf8:
                try:
                    check.decode(block)
                except UnicodeDecodeError:
                    is_utf8 = False
        if is_utf8:
            try:
                check.decode(b"", final=True)
            except UnicodeDecodeError:
                is_utf8 = False
    if not head.strip():
        msg = f"{file} is empty"
        raise SheetError(msg)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    found = encoding or marked or ("utf-8" if is_utf8 else "cp1252")
    text = _head_text(file, found)
    skipped = 0
    if said := re.match(r"sep=(.)\r?\n", text):
        delimiter, skipped, text = delimiter or said[1], 1, text[said.end() :]
    return Form(
        encoding=found,
        delimiter=delimiter or _delimiter_of(text),
        rows=lines,
        digest=digest.hexdigest(),
        skipped_lines=skipped,
    )


def _head_text(file: Path, encoding: str) -> str:
    try:
        with file.open(encoding=encoding, newline="") as opened:
            text = opened.read(65_536)
    except LookupError:
        msg = f"there is no encoding {encoding}"
        raise SheetError(msg) from None
    except UnicodeError:
        msg = f"{file} is not text in {encoding}"
        raise SheetError(msg, "; say which with --encoding") from None
    if "\0" in text:
        msg = f"{file} is no text: is it a workbook? Save it as CSV"
        raise SheetError(msg)
    return text


def _delimiter_of(text: str) -> str:
    """Return what the first line is divided by most often, quoted parts left out."""
    first = re.sub(r'"[^"]*"', "", text).lstrip("\r\n ").partition("\n")[0]
    return max(DELIMITERS, key=first.count)


class Sheet:
    """The rows of a file, under the fields that its columns hold."""

    def __init__(
        self,
        file: Path,
        form: Form,
        columns: Mapping[str, str],
        *,
        courier: str | None = None,
        resolve: Callable[[str], str] = str,
    ) -> None:
        """``columns``: heading -> field (or empty: none), before what the spelling says.

        ``courier`` is that of rows that name none; ``resolve`` makes codes of couriers' names.

        Raises:
            SheetError: no column holds the tracking numbers, or there are more columns or longer
                headings than anybody needs.
        """
        self.file = file
        self.form = form
        self._courier = courier
        self._resolve = lru_cache(maxsize=10_000)(resolve)
        self.headings, self.has_heading = self._read_heading()
        self.fields = self._map(columns)
        if "tracking_number" not in self.fields:
            there = ", ".join(repr(heading) for heading in self.headings[:SHOWN_HEADINGS])
            if len(self.headings) > SHOWN_HEADINGS:
                there += f" and {len(self.headings) - SHOWN_HEADINGS} more"
            msg = f"no column of {file} is known to hold tracking numbers; there are {there}"
            raise SheetError(msg, ". Say which: --column HEADING=tracking_number")

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(1_000_000)
        try:
            with self.file.open(encoding=self.form.encoding, newline="") as opened:
                for _ in range(self.form.skipped_lines):
                    opened.readline()
                reader = csv.reader(self._narrow(opened), delimiter=self.form.delimiter)
                at = self.form.skipped_lines
                for cells in reader:
                    if len(cells) > MOST_COLUMNS:
                        raise self._too_wide(at + 1, len(cells))
                    yield at + 1, cells
                    at = self.form.skipped_lines + reader.line_num
        except UnicodeError:
            msg = f"{self.file} is not text in {self.form.encoding}"
            raise SheetError(msg, "; say which with --encoding") from None
        except csv.Error as error:
            msg = f"{self.file}, after line {at}: {error}"
            raise SheetError(msg) from None

    def _narrow(self, lines: Iterable[str]) -> Iterator[str]:
        """Refuse a line that is far too wide before a list is made of its cells."""
        for number, line in enumerate(lines, self.form.skipped_lines + 1):
            # A quoted cell may hold delimiters, but none that is read holds so many.
            columns = line.count(self.form.delimiter) + 1
            if columns > LONGEST_CELL and '"' not in line:
                raise self._too_wide(number, columns)
            yield line

    def _too_wide(self, line: int, columns: int) -> SheetError:
        msg = f"{self.file}, line {line}: {columns:,} columns; at most {MOST_COLUMNS} can be read"
        return SheetError(msg)

    def _read_heading(self) -> tuple[list[str], bool]:
        for _, cells in self._lines():
            if any(cell.strip() for cell in cells):
                headings = [cell.strip() for cell in cells]
                for column, heading in enumerate(headings, 1):
                    if len(heading) > LONGEST_HEADING:
                        msg = (
                            f"{self.file}: the heading of column {column} has"
                            f" {len(heading):,} characters; at most {LONGEST_HEADING} can be read"
                        )
                        raise SheetError(msg)
                # A list of numbers alone has none.
                is_number = len(headings) == 1 and any(c.isdigit() for c in headings[0])
                return (["tracking_number"], False) if is_number else (headings, True)
        msg = f"{self.file} has no rows"
        raise SheetError(msg)

    def _map(self, columns: Mapping[str, str]) -> dict[str, int]:
        """Return in which column each field is."""
        named = {_folded(heading): field for heading, field in columns.items()}
        known = {_folded(heading) for heading in self.headings}
        for heading in columns:
            if _folded(heading) not in known:
                msg = f"{self.file} has no column {heading!r}"
                raise SheetError(msg)
        best: dict[str, tuple[int, int]] = {}
        for index, heading in enumerate(self.headings):
            folded = _folded(heading)
            if folded in named:
                found = (named[folded], -1) if named[folded] else None
            else:
                found = _FIELD_OF.get(folded)
            if found is None:
                continue
            field, rank = found
            if field not in best or rank < best[field][0]:
                best[field] = (rank, index)
        return {field: best[field][1] for field in FIELDS if field in best}

    def rows(self) -> Iterator[Row]:
        """Yield the rows that hold anything.

        Raises:
            SheetError: the file is damaged from some line on.
        """
        index, is_heading = 0, self.has_heading
        for line, cells in self._lines():
            if not any(cell.strip() for cell in cells):
                continue
            if is_heading:
                is_heading = False
                continue
            yield self._row(index, line, cells)
            index += 1

    def _row(self, index: int, line: int, cells: list[str]) -> Row:
        # Before anything looks into a cell: some looks cost more than the cell's length.
        for field, column in self.fields.items():
            if column < len(cells) and len(cells[column]) > LONGEST_CELL:
                size = len(cells[column].strip())
                if size > LONGEST_CELL:
                    problem = (
                        f"{field}: the cell in column {self.headings[column]!r} has {size:,}"
                        f" characters; at most {LONGEST_CELL:,} can be read"
                    )
                    return Row(index=index, line=line, cells=cells, fields={}, problem=problem)
        fields = {
            field: value
            for field, column in self.fields.items()
            if column < len(cells) and (value := cell_text(cells[column], field))
        }
        if "courier_code" in fields:
            fields["courier_code"] = self._resolve(fields["courier_code"])
        elif self._courier is not None:
            fields["courier_code"] = self._courier
        if "tracking_number" in fields:
            # Other programs mark a number as text so; none begins with it.
            fields["tracking_number"] = fields["tracking_number"].lstrip("'")
        if day := _ISO_DAY.match(fields.get("tracking_ship_date", "")):
            fields["tracking_ship_date"] = "".join(day.groups())
        number = fields.get("tracking_number", "")
        problem = ""
        if not number:
            problem = "there is no tracking number in this row"
        elif is_fraction(number.strip()):
            problem = (
                f"{number} is what a program makes of a number in a column with gaps; write it"
                f" without the {number[number.index('.') :]}"
            )
        elif _POWER.match(number):
            problem = (
                f"{number} is what a spreadsheet makes of a long number; give the column the format"
                " Text and put the number in again"
            )
        return Row(index=index, line=line, cells=cells, fields=fields, problem=problem)


def _folded(heading: str) -> str:
    return re.sub(r"[\W_]+", "", without_marks(heading.lower()))

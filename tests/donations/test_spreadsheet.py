"""Whatever a donor's file was saved as, its rows come out; what is no table is said to be none. No database."""

import contextlib
import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

from bank.donations import spreadsheet
from bank.donations.columns import Field
from bank.donations.spreadsheet import Fault
from bank.errors import Code, Refusal

SHEETS = Path(__file__).parent / "sheets"
TITLES = ["Type", "Marque", "Modèle", "N° de série"]
DEVICES = [["Portable", "HP", "EliteBook 840 G5", "5CG8231XYZ"], ["Écran", "Dell", "P2419H", "CN0D4T9K1"]]
ROWS = [(2, DEVICES[0]), (3, DEVICES[1])]


def csv_text(separator: str = ";", line: str = "\r\n") -> str:
    return line.join(separator.join(row) for row in [TITLES, *DEVICES]) + line


def xlsx(*sheets: tuple[str, list[list[Any]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets:
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    stored = io.BytesIO()
    book.save(stored)
    return stored.getvalue()


def ods(name: str, rows: list[list[str]]) -> bytes:
    document = OpenDocumentSpreadsheet()
    table = Table(name=name)
    for row in rows:
        line = TableRow()
        for text in row:
            cell = TableCell(valuetype="string") if text else TableCell()
            if text:
                cell.addElement(P(text=text))
            line.addElement(cell)
        table.addElement(line)
    document.spreadsheet.addElement(table)
    stored = io.BytesIO()
    document.write(stored)
    return stored.getvalue()


def fault(data: bytes) -> object:
    with pytest.raises(Refusal) as refusal:
        spreadsheet.read(data)
    assert refusal.value.code is Code.INVALID
    return refusal.value.facts["errors"]["file"]  # type: ignore[index,call-overload]


# --- what is read ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", list(spreadsheet.SEPARATORS))
@pytest.mark.parametrize("line", ["\r\n", "\n", "\r"])
def test_a_csv_is_read_as_it_was_saved(encoding: str, separator: str, line: str) -> None:
    sheet = spreadsheet.read(csv_text(separator, line).encode(encoding))
    assert [column.title for column in sheet.columns] == TITLES
    assert list(sheet.rows()) == ROWS
    assert (sheet.name, sheet.titles_row) == ("", 1)


@pytest.mark.parametrize("file", ["parc-utf8-bom.csv", "parc-cp1252.csv"])
def test_the_same_list_is_the_same_in_both_encodings(file: str) -> None:
    sheet = spreadsheet.read((SHEETS / file).read_bytes())
    assert [row[3] for _number, row in sheet.rows()] == [
        "5CG8231ABC",
        "7XJ2K13",
        "CN0D4T9K1",
        "6,37E+15",
        "None",
    ]
    assert [column.field for column in sheet.columns] == [
        Field.CATEGORY,
        Field.MAKER,
        Field.MODEL,
        Field.SERIAL,
        Field.ASSET_TAG,
        None,
    ]


def test_a_separator_in_a_quoted_cell_and_a_line_named_by_excel() -> None:
    text = 'sep=;\r\nType;Modèle;N° de série\r\nPortable;"840; le ""grand"" G5";ABC123\r\n'
    assert list(spreadsheet.read(text.encode()).rows()) == [(3, ["Portable", '840; le "grand" G5', "ABC123"])]


def test_a_quote_that_nobody_closed_swallows_no_row() -> None:
    text = 'Type;Modèle;N° de série\r\nÉcran;"24 pouces;S1\r\nÉcran;22 pouces;S2\r\nÉcran;19 pouces;S3\r\n'
    assert [row[2] for _number, row in spreadsheet.read(text.encode()).rows()] == ["S1", "S2", "S3"]


def test_blank_rows_and_columns_are_passed_over_and_rows_keep_their_numbers() -> None:
    lines = [
        ";;",
        "Sortie de parc, mars 2026;;",
        ";;",
        "Type;Modèle;N° de série;;",
        ";;",
        "Portable;840;ABC;;",
    ]
    text = "\r\n".join(lines) + "\r\n"
    sheet = spreadsheet.read((text + ";;;;\r\n" * 400).encode())
    assert sheet.titles_row == 4
    assert list(sheet.rows()) == [(6, ["Portable", "840", "ABC"])]


def test_a_workbook_is_read_at_its_first_sheet_with_known_titles() -> None:
    data = xlsx(("Notice", [["Comment remplir"], ["Écrivez"]]), ("Parc", [[], ["Mars"], TITLES, *DEVICES]))
    sheet = spreadsheet.read(data)
    assert (sheet.name, sheet.titles_row) == ("Parc", 3)
    assert list(sheet.rows()) == [(4, DEVICES[0]), (5, DEVICES[1])]


def test_a_hidden_sheet_is_not_looked_at() -> None:
    book = openpyxl.load_workbook(
        io.BytesIO(xlsx(("Listes", [["Type", "Marque"], ["UC", "HP"]]), ("Parc", [TITLES, *DEVICES])))
    )
    book["Listes"].sheet_state = "hidden"
    stored = io.BytesIO()
    book.save(stored)
    assert spreadsheet.read(stored.getvalue()).name == "Parc"


def test_an_ods_is_read() -> None:
    sheet = spreadsheet.read(ods("Parc", [["Sortie"], [], TITLES, *DEVICES]))
    assert (sheet.name, sheet.titles_row) == ("Parc", 3)
    assert [row for _number, row in sheet.rows()] == DEVICES


def test_an_xls_is_read() -> None:
    sheet = spreadsheet.read((SHEETS / "parc.xls").read_bytes())
    assert (sheet.name, sheet.titles_row) == ("Sortie de parc", 5)
    assert [row[3:] for _number, row in sheet.rows()] == [
        ["5CG8231XYZ", "1042"],
        ["CN0D4T9K1", "1043"],
        ["6.37E+15", "1044"],
    ]


def test_numbers_are_read_as_a_person_sees_them() -> None:
    data = xlsx(
        (
            "Parc",
            [TITLES, ["UC", True, 7060, 353879234252633], ["UC", 1.5, date(2024, 3, 1), 6370000000000001]],
        )
    )
    assert [row for _number, row in spreadsheet.read(data).rows()] == [
        ["UC", "VRAI", "7060", "353879234252633"],
        ["UC", "1.5", "2024-03-01", "6.37E+15"],
    ]


def test_a_number_kept_as_text_is_freed_of_its_wrapping() -> None:
    text = 'Type;N° de série\r\nUC;="00123"\r\nUC;\'+33\r\nUC; \u200bA\u00a0B \r\n'
    assert [row[1] for _number, row in spreadsheet.read(text.encode()).rows()] == ["00123", "+33", "A B"]


def test_the_caller_may_say_what_the_columns_tell() -> None:
    data = csv_text().encode()
    told = spreadsheet.read(data, {3: Field.ASSET_TAG, 1: None}).columns
    assert [column.field for column in told] == [Field.CATEGORY, None, Field.MODEL, Field.ASSET_TAG]
    moved = spreadsheet.read(data, {1: Field.CATEGORY}).columns
    assert [column.field for column in moved] == [None, Field.CATEGORY, Field.MODEL, Field.SERIAL]


def test_titles_that_nobody_knows_can_be_told() -> None:
    data = b"name,email\nPC,a@b.fr\n"
    assert fault(data) == [Fault.NO_TITLES]
    sheet = spreadsheet.read(data, {0: Field.CATEGORY})
    assert list(sheet.rows()) == [(2, ["PC", "a@b.fr"])]


# --- what is not ---

OTHERS = {
    "a pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)),
    "a page": b"<!DOCTYPE html><html><table><tr><td>Type</td></tr></table>",
    "json": b'{"type": "laptop", "serial": "ABC"}',
    "noise": bytes(range(256)) * 40,
    "half an archive": b"PK\x03\x04" + b"\x00" * 60,
    "an ole file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600,
    "odd utf-16": b"\xff\xfea",
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_table_is_said_to_be_none(name: str) -> None:
    assert fault(OTHERS[name]) == [Fault.NOT_A_SPREADSHEET]


def archive(**parts: bytes) -> bytes:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in parts.items():
            packed.writestr(name.replace("__", "/").replace("_xml", ".xml"), data)
    return stored.getvalue()


def test_a_text_document_is_no_table() -> None:
    assert fault(archive(word__document_xml=b"<w:document/>")) == [Fault.NOT_A_SPREADSHEET]
    assert fault(archive(content_xml=b"<office:text/>")) == [Fault.NOT_A_SPREADSHEET]


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", b";;;\r\n;;\r\n", xlsx(("Vide", []))])
def test_an_empty_file_is_said_to_be_empty(data: bytes) -> None:
    assert fault(data) == [Fault.EMPTY]


@pytest.mark.parametrize(
    "data", [csv_text().splitlines()[0].encode(), xlsx(("Parc", [TITLES, [None, "  "]]))]
)
def test_titles_alone_are_not_enough(data: bytes) -> None:
    assert fault(data) == [Fault.ONLY_TITLES]


def test_other_titles_are_said_to_be_unknown() -> None:
    assert fault(b"name,email,,\nPartner 1,partner1@example.com\n") == [Fault.NO_TITLES]


def test_an_encrypted_workbook_is_said_to_be_encrypted() -> None:
    packed = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 512 + "EncryptedPackage".encode("utf-16-le")
    assert fault(packed) == [Fault.ENCRYPTED]
    manifest = b"<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>"
    document = repacked(ods("Parc", [TITLES, *DEVICES]), "META-INF/manifest.xml", manifest)
    assert fault(document) == [Fault.ENCRYPTED]


# --- what is too much: a few kilobytes that would fill the memory ---


def far(place: str) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(xlsx(("Parc", [TITLES, *DEVICES]))))
    book.worksheets[0][place] = "x"
    stored = io.BytesIO()
    book.save(stored)
    return stored.getvalue()


@pytest.mark.parametrize("place", ["XFD1048576", "ALL20000"])
def test_a_sheet_that_spans_a_billion_cells_is_refused_before_it_is_opened(place: str) -> None:
    assert fault(far(place)) == [Fault.TOO_LARGE]


def test_a_far_cell_with_a_style_alone_does_no_harm() -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx(("Parc", [TITLES, *DEVICES]))))
    book.worksheets[0]["XFD1048576"].number_format = "0.00"
    stored = io.BytesIO()
    book.save(stored)
    assert list(spreadsheet.read(stored.getvalue()).rows()) == ROWS


SHEET = (
    '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
    '<table:table table:name="Parc">{rows}</table:table></office:spreadsheet></office:body>'
    "</office:document-content>"
)
CELL = '<table:table-cell office:value-type="string"{more}><text:p>{text}</text:p></table:table-cell>'


def packed_ods(rows: str) -> bytes:
    return repacked(ods("Parc", []), "content.xml", SHEET.format(rows=rows).encode())


def repacked(document: bytes, name: str, part: bytes) -> bytes:
    """The archive with one part in place of another."""
    stored = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(document)) as old, zipfile.ZipFile(stored, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, part if entry == name else old.read(entry))
    return stored.getvalue()


def test_an_ods_that_repeats_itself_a_billion_times_is_refused() -> None:
    many = CELL.format(more=' table:number-columns-repeated="16384"', text="x")
    rows = f'<table:table-row table:number-rows-repeated="1048576">{many}</table:table-row>'
    assert fault(packed_ods(rows)) == [Fault.TOO_LARGE]


def test_an_ods_whose_blank_rows_are_repeated_is_read() -> None:
    titles, device = (
        "".join(CELL.format(more="", text=text) for text in row) for row in [TITLES, DEVICES[0]]
    )
    cell = '<table:table-cell table:number-columns-repeated="16384"/>'
    blank = f'<table:table-row table:number-rows-repeated="1048570">{cell}</table:table-row>'
    rows = f"<table:table-row>{titles}</table:table-row><table:table-row>{device}</table:table-row>{blank}"
    assert list(spreadsheet.read(packed_ods(rows)).rows()) == ROWS[:1]


def test_an_archive_that_unpacks_to_gigabytes_is_refused() -> None:
    data = archive(
        xl__workbook_xml=b"<workbook/>", xl__sharedStrings_xml=b" " * (spreadsheet.UNPACKED_MAX + 1)
    )
    assert len(data) < 400_000
    assert fault(data) == [Fault.TOO_LARGE]


def test_an_archive_that_lies_about_its_size_is_refused() -> None:
    body = b"<worksheet>" + b" " * 100_000 + b"</worksheet>"
    data = archive(xl__workbook_xml=b"<workbook/>", xl__sheet_xml=body)
    lie = data.replace(len(body).to_bytes(4, "little"), (11).to_bytes(4, "little"))
    assert lie != data
    assert fault(lie) == [Fault.NOT_A_SPREADSHEET]


def test_too_many_rows_or_columns_are_refused() -> None:
    text = "N° de série\n" + "".join(f"SN{number}\n" for number in range(spreadsheet.ROWS_MAX + 1))
    assert fault(text.encode()) == [Fault.TOO_LARGE]
    sheet = spreadsheet.read(text.removesuffix(f"SN{spreadsheet.ROWS_MAX}\n").encode())
    assert sum(1 for _row in sheet.rows()) == spreadsheet.ROWS_MAX
    wide = ";".join(["N° de série", *(f"c{place}" for place in range(spreadsheet.COLUMNS_MAX))])
    assert fault(f"{wide}\nSN1\n".encode()) == [Fault.TOO_LARGE]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", "Type;N° de série\n".encode()):
        with contextlib.suppress(Refusal):
            list(spreadsheet.read(start + data).rows())


# --- what we write ---


def test_a_list_of_ours_is_read_back_and_makes_no_formula() -> None:
    rows = [["Type", "Modèle", "N° de série"], ["Portable", '=HYPERLINK("x");"', "+33"], ["UC", "a;b", "-1"]]
    text = "".join(spreadsheet.csv_of(rows))
    assert "\n=" not in text
    assert ";=" not in text
    assert [row for _number, row in spreadsheet.read(text.encode()).rows()] == rows[1:]

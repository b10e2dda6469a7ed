"""Bytes in, rows of text out: whatever a donor's spreadsheet was saved as. Pure.

csv in any usual encoding and with any usual separator; xlsx, ods and xls through python-calamine. What the file is
is read in its bytes, never in its name. A file is measured before it is unpacked: a few kilobytes may hold a sheet
of a billion cells.
"""

import csv
import io
import itertools
import math
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from bank.donations import columns
from bank.donations.columns import Column, Field
from bank.errors import Code, Refusal

ROWS_MAX = 100_000
COLUMNS_MAX = 256
# Rows by columns, blank ones too: what it takes to hold the sheet.
CELLS_MAX = 4_000_000
SHEETS_MAX = 50
UNPACKED_MAX = 200 * 1024 * 1024
# How far down a row of titles may stand, below a logo, a date and a few blank rows.
TITLES_WITHIN = 30
SEPARATORS = ";,\t|"
CHUNK = 1 << 20
# A spreadsheet keeps fifteen digits of a number.
LOST_FROM = 1e15

Cell: TypeAlias = str | int | float | bool | date | datetime | time | timedelta
Grid: TypeAlias = Callable[[], Iterator[Sequence[Cell]]]


class Fault(StrEnum):
    """Why a whole file cannot be read; its words are in `words.py`."""

    NOT_A_SPREADSHEET = "not-a-spreadsheet"
    ENCRYPTED = "file-encrypted"
    TOO_LARGE = "sheet-too-large"
    EMPTY = "sheet-empty"
    NO_TITLES = "no-known-title"
    ONLY_TITLES = "only-titles"


@dataclass(frozen=True)
class Sheet:
    """The sheet that was found in a file: what its columns say, and its rows, read as often as asked.

    `titles_row` is the row of the titles as a spreadsheet program numbers it, from 1; `name` is empty for a csv.
    """

    name: str
    titles_row: int
    columns: tuple[Column, ...]
    grid: Grid

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows below the titles that are not blank: their number, and a text per column."""
        width = len(self.columns)
        blank = [""] * width
        for number, cells in enumerate(self.grid(), start=1):
            if number <= self.titles_row:
                continue
            texts = [as_text(cell) for cell in cells[:width]]
            if any(texts):
                yield number, (texts + blank)[:width]


def refused(fault: Fault) -> Refusal:
    """A file that cannot be read."""
    return Refusal(Code.INVALID, errors={"file": [fault]})


def read(data: bytes, mapping: Mapping[int, Field | None] | None = None) -> Sheet:
    """The first sheet of a file that has titles we know.

    `mapping` says of some columns, by place from 0, what they tell: it overrides what was recognised, and lets a
    sheet through whose titles nobody knows. Raises Refusal(invalid) with a fault of the file.
    """
    if not data.strip(b"\0 \t\r\n"):
        raise refused(Fault.EMPTY)
    found: Sheet | None = None
    for name, grid in _grids(data):
        head = [[as_text(cell) for cell in row] for row in itertools.islice(grid(), TITLES_WITHIN)]
        candidate = _titled(name, head, grid)
        if candidate and (found is None or not columns.sure(found.columns)):
            found = candidate
        if found and columns.sure(found.columns):
            break
    if found is None:
        raise refused(Fault.EMPTY)
    return _held(found, mapping or {})


def _titled(name: str, head: list[list[str]], grid: Grid) -> Sheet | None:
    """The sheet with its row of titles: the one that is best recognised, else the first that holds something."""
    best: tuple[int, int] | None = None
    for index, texts in enumerate(head):
        if any(texts):
            score = columns.sure(columns.recognise(texts))
            if best is None or score > best[0]:
                best = score, index
    if best is None:
        return None
    titles = head[best[1]]
    while titles and not titles[-1]:
        titles.pop()
    return Sheet(name, best[1] + 1, columns.recognise(titles), grid)


def _held(sheet: Sheet, mapping: Mapping[int, Field | None]) -> Sheet:
    given = {field for field in mapping.values() if field}
    told = tuple(
        Column(column.index, column.title, _told(column, mapping, given)) for column in sheet.columns
    )
    sheet = Sheet(sheet.name, sheet.titles_row, told, sheet.grid)
    if len(told) > COLUMNS_MAX:
        raise refused(Fault.TOO_LARGE)
    if not given and not columns.sure(told):
        raise refused(Fault.NO_TITLES)
    below = itertools.islice(sheet.grid(), sheet.titles_row, None)
    count = sum(1 for _row in itertools.islice(filter(any, below), ROWS_MAX + 1))
    if not count or next(sheet.rows(), None) is None:
        raise refused(Fault.ONLY_TITLES)
    if count > ROWS_MAX:
        raise refused(Fault.TOO_LARGE)
    return sheet


def _told(column: Column, mapping: Mapping[int, Field | None], given: set[Field]) -> Field | None:
    """What the caller says of the column; what was recognised, where no other column was given that."""
    if column.index in mapping:
        return mapping[column.index]
    return None if column.field in given else column.field


def as_text(cell: Cell) -> str:
    """A cell as a person reads it, without the spaces around it.

    A number above fifteen digits is written as a power of ten, as the spreadsheet program shows it: the digits that
    it lost are not made up.
    """
    if isinstance(cell, str):
        return _tidy(cell)
    if isinstance(cell, bool):
        return "VRAI" if cell else "FAUX"
    if isinstance(cell, float):
        return _number(cell)
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return str(cell)


def _number(number: float) -> str:
    if not math.isfinite(number):
        return ""
    if abs(number) >= LOST_FROM:
        return f"{number:.2E}"
    return str(int(number)) if number.is_integer() else str(number)


# Signs that show nothing and that copying from a web page leaves behind.
UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
SPACES = re.compile(r"\s+")


def _tidy(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(UNSEEN))
    text = SPACES.sub(" ", text).strip()
    if text.startswith('="') and text.endswith('"'):
        # How people keep a spreadsheet program from making a number of it.
        return text[2:-1].strip()
    if text[:1] == "'" and text[1:2] in "=+-@":
        # How our own lists keep it from making a formula of it.
        return text[1:]
    return text


def _grids(data: bytes) -> Iterable[tuple[str, Grid]]:
    """The sheets of a file, by what its first bytes say it is."""
    if data.startswith(b"PK"):
        _measure(data)
        return _workbook(data)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise refused(Fault.ENCRYPTED)
        return _workbook(data)
    return [("", _csv(_decoded(data)))]


# --- workbooks ---


def _workbook(data: bytes) -> Iterator[tuple[str, Grid]]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError:
        raise refused(Fault.ENCRYPTED) from None
    except (CalamineError, ValueError, OSError):
        raise refused(Fault.NOT_A_SPREADSHEET) from None
    shown = [
        meta.name
        for meta in book.sheets_metadata
        if meta.typ is SheetTypeEnum.WorkSheet and meta.visible is SheetVisibleEnum.Visible
    ]
    for name in shown[:SHEETS_MAX]:
        # Its rows come from the first, blank ones too, so that they bear the numbers that a person sees.
        yield name, _opened(book, name).iter_rows


def _opened(book: CalamineWorkbook, name: str) -> CalamineSheet:
    try:
        return book.get_sheet_by_name(name)
    except (CalamineError, ValueError, OSError):
        raise refused(Fault.NOT_A_SPREADSHEET) from None


def _measure(data: bytes) -> None:
    """Hold a packed workbook to its size before anything is unpacked into memory. Raises Refusal(invalid)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts, names = archive.infolist(), archive.namelist()
            if any(entry.flag_bits & 1 for entry in parts):
                raise refused(Fault.ENCRYPTED)
            if sum(entry.file_size for entry in parts) > UNPACKED_MAX:
                raise refused(Fault.TOO_LARGE)
            if "content.xml" in names:
                _measure_ods(archive)
            elif "xl/workbook.xml" in names:
                for entry in parts:
                    _measure_xlsx(_chunks(archive, entry))
            else:
                raise refused(Fault.NOT_A_SPREADSHEET)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        ValueError,
        RuntimeError,
        OSError,
        zlib.error,
    ):
        raise refused(Fault.NOT_A_SPREADSHEET) from None


def _chunks(archive: zipfile.ZipFile, name: str | zipfile.ZipInfo) -> Iterator[bytes]:
    """A part of the archive, cut before a tag. Reading it whole checks that it is as long as it says."""
    with archive.open(name) as stream:
        rest = b""
        while chunk := stream.read(CHUNK):
            whole, mark, tail = (rest + chunk).rpartition(b"<")
            rest = mark + tail
            if len(rest) > CHUNK:
                raise refused(Fault.NOT_A_SPREADSHEET)
            yield whole
        yield rest


# A cell that holds something; a cell with a style alone does not count.
HELD = re.compile(rb"<(?:\w+:)?c(\s[^>]*[^/>])?>")
PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,3})([0-9]{1,10})""")
ROW = re.compile(rb"<(?:\w+:)?row[\s>]")


def _measure_xlsx(chunks: Iterable[bytes]) -> None:
    """The area that the cells of a sheet span, by the places that they give or by their count."""
    letters: set[bytes] = set()
    lowest = rows = widest = 0
    for chunk in chunks:
        held = HELD.findall(chunk)
        places = [match.groups() for match in map(PLACE.search, held) if match]
        letters.update(letter for letter, _row in places)
        lowest = max(lowest, max((int(row) for _letter, row in places), default=0))
        rows += len(ROW.findall(chunk))
        if len(places) < len(held):
            # A row may go on in the next chunk, not in the one after.
            widest = max(widest, 2 * max(len(HELD.findall(row)) for row in ROW.split(chunk)))
    width = max([widest, *(_place(each) for each in letters)])
    if max(lowest, rows) * width > CELLS_MAX:
        raise refused(Fault.TOO_LARGE)


def _place(letters: bytes) -> int:
    place = 0
    for letter in letters.upper():
        place = place * 26 + letter - 64
    return place


ODS_TAG = re.compile(
    rb"""<(/?)table:(table-row|table-cell|covered-table-cell)((?:[^>"']|"[^"]*"|'[^']*')*+)>"""
)
ODS_REPEATED = re.compile(rb"""table:number-(?:rows|columns)-repeated\s*=\s*["']([0-9]{1,10})""")


def _measure_ods(archive: zipfile.ZipFile) -> None:
    """The cells that a sheet spans once its repeated rows and cells are written out."""
    rows = width = repeated = 1
    at = held = 0
    if "META-INF/manifest.xml" in archive.namelist() and b"encryption-data" in archive.read(
        "META-INF/manifest.xml"
    ):
        raise refused(Fault.ENCRYPTED)
    for chunk in _chunks(archive, "content.xml"):
        for closing, kind, attributes in ODS_TAG.findall(chunk):
            if kind == b"table-row":
                rows, width = (rows + repeated, max(width, held)) if held else (rows, width)
                repeated, at, held = _times(attributes), 0, 0
            elif not closing:
                at += _times(attributes)
                held = at if _is_held(attributes) else held
        if rows * width > CELLS_MAX:
            raise refused(Fault.TOO_LARGE)


def _is_held(attributes: bytes) -> bool:
    """Whether a cell has something inside; its value may stand in its attributes alone."""
    return not attributes.endswith(b"/") or b"-value" in attributes


def _times(attributes: bytes) -> int:
    found = ODS_REPEATED.search(attributes)
    return int(found[1]) if found else 1


# --- csv ---

# What begins like one of these is something else than a table.
OTHER = (
    "%PDF",
    "{",
    "[",
    "<",
    "\x89PNG",
    "GIF8",
    "ÿØÿ",
    "Rar!",
    "7z¼",
    "\x1f‹",
    "BM",
    "RIFF",
    "ID3",
    "{\\rtf",
)
# Of the control signs a table needs these.
LINE_SIGNS = "\t\n\r"


def _decoded(data: bytes) -> str:
    """The text of a csv: UTF-8, UTF-16 by its mark or by its zeros, else what French spreadsheets write."""
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        text = text.removeprefix("\ufeff")
        head = text[:4096]
        strange = sum(unicodedata.category(sign) == "Cc" and sign not in LINE_SIGNS for sign in head)
        if text.lstrip().startswith(OTHER) or strange * 50 > len(head):
            break
        return text
    raise refused(Fault.NOT_A_SPREADSHEET)


def _encodings(data: bytes) -> Sequence[str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    head = data[:2048]
    if head[1::2].count(0) * 3 > len(head):
        return ("utf-16-le",)
    if head[::2].count(0) * 3 > len(head):
        return ("utf-16-be",)
    return ("utf-8", "cp1252")


def _csv(text: str) -> Grid:
    """A reader of the text, by the separator under which the titles are best recognised."""
    named = re.match(r"sep=(.)\r?\n", text, flags=re.IGNORECASE)
    separator = named[1] if named else max(SEPARATORS, key=lambda each: _fits(text, each))
    quoted = not _unpaired(text, separator)

    def rows() -> Iterator[Sequence[Cell]]:
        try:
            yield from _records(text, separator, quoted=quoted)
        except csv.Error:
            raise refused(Fault.NOT_A_SPREADSHEET) from None

    return rows


def _records(text: str, separator: str, *, quoted: bool = True) -> Iterator[list[str]]:
    lines = io.StringIO(text, newline="")
    if quoted:
        return csv.reader(lines, delimiter=separator)
    return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)


def _unpaired(text: str, separator: str) -> bool:
    """Whether a quote that nobody closed would swallow the rows below it."""
    if text.count('"') % 2 == 0:
        return False
    try:
        return any("\n" in cell or "\r" in cell for row in _records(text, separator) for cell in row)
    except csv.Error:
        return True


def _fits(text: str, separator: str) -> tuple[int, int]:
    """How well a separator fits: titles recognised below it, then how many cells it makes."""
    try:
        head = list(itertools.islice(_records(text, separator), TITLES_WITHIN))
    except csv.Error:
        return 0, 0
    scores = (columns.sure(columns.recognise([cell.strip() for cell in row])) for row in head)
    return max(scores, default=0), sum(len(row) for row in head)


def csv_of(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a csv that French spreadsheet programs open as a table, and of which they make no formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    yield "\ufeff"
    for row in rows:
        writer.writerow([_harmless(text) for text in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

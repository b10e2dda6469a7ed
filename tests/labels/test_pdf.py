"""The file that goes to the printer: measured, read back, and scanned from its picture."""

import re
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pypdfium2
import pypdfium2.raw
import pytest
import zxingcpp

from labels.label import Label, LabelRefused
from labels.pdf import sheet_pdf
from labels.sheets import SHEETS, Sheet

MM = 72 / 25.4
EVERY_SHEET = pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS.keys())

Box = tuple[float, float, float, float]
MakeLabels = Callable[[int], Iterator[Label]]


@contextmanager
def opened(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        yield document
    finally:
        document.close()


def images(page: pypdfium2.PdfPage) -> list[Box]:
    """Left, bottom, right and top of each image on the page, in millimetres."""
    found = page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])
    return [tuple(edge / MM for edge in image.get_bounds()) for image in found]


def squares_and_bars(page: pypdfium2.PdfPage) -> tuple[list[Box], list[Box]]:
    """The QR symbols and the bar codes, each in the order of the labels."""
    boxes = images(page)
    return boxes[0::2], boxes[1::2]


def text_boxes(page: pypdfium2.PdfPage) -> list[Box]:
    text = page.get_textpage()
    return [tuple(edge / MM for edge in text.get_rect(place)) for place in range(text.count_rects())]


def scanned(page: pypdfium2.PdfPage, dpi: int) -> set[tuple[str, str]]:
    picture = page.render(scale=dpi / 72, grayscale=True).to_pil()
    return {(found.format.name, found.text) for found in zxingcpp.read_barcodes(picture)}


def place_of(box: Box, sheet: Sheet) -> int:
    """The place, from 1, of the label that holds the box with nothing over its edge."""
    for place, (x, y) in enumerate(sheet.corners(), start=1):
        if x <= box[0] and y <= box[1] and box[2] <= x + sheet.width and box[3] <= y + sheet.height:
            return place
    raise AssertionError(box)


@pytest.mark.parametrize(
    ("reference", "columns", "rows", "pitch_x", "pitch_y"),
    [("L7160", 3, 7, 66.0, 38.1), ("70x37", 3, 8, 70.0, 37.0)],
)
def test_labels_are_a_pitch_apart_on_true_a4(
    reference: str, columns: int, rows: int, pitch_x: float, pitch_y: float, labels: MakeLabels
) -> None:
    with opened(sheet_pdf(labels(columns * rows), SHEETS[reference])) as document:
        assert len(document) == 1
        width, height = document[0].get_size()
        assert (width / MM, height / MM) == pytest.approx((210, 297), abs=0.001)
        for marks in squares_and_bars(document[0]):
            assert len(marks) == columns * rows
            for place, (left, bottom, *_) in enumerate(marks):
                row, column = divmod(place, columns)
                assert left - marks[0][0] == pytest.approx(column * pitch_x, abs=0.01)
                assert marks[0][1] - bottom == pytest.approx(row * pitch_y, abs=0.01)


@EVERY_SHEET
def test_all_ink_stands_in_its_label_clear_of_the_edge(sheet: Sheet, labels: MakeLabels) -> None:
    with opened(sheet_pdf(labels(sheet.places), sheet)) as document:
        boxes = [*images(document[0]), *text_boxes(document[0])]
    # round letters overshoot the height of capitals by a hair
    inset_x, inset_y = sheet.inset_x - 0.15, sheet.inset_y - 0.15
    for left, bottom, right, top in boxes:
        assert place_of((left - inset_x, bottom - inset_y, right + inset_x, top + inset_y), sheet)


@EVERY_SHEET
def test_quiet_zones_are_white_in_the_picture(sheet: Sheet, labels: MakeLabels) -> None:
    """Read from the pixels: no ink within four modules of a QR, nor within ten on either side of bars."""
    dpi = 300
    with opened(sheet_pdf(labels(sheet.places), sheet)) as document:
        picture = document[0].render(scale=dpi / 72, grayscale=True).to_pil()
        squares, bars = squares_and_bars(document[0])
    qr_quiet = 4 * (squares[0][2] - squares[0][0]) / 29
    zones = [(box, qr_quiet, qr_quiet) for box in squares]
    # of all codes here, those with no run of digits are the longest: start, ten signs, check sign and stop
    bars_quiet = 10 * max(box[2] - box[0] for box in bars) / (12 * 11 + 13)
    zones += [(box, bars_quiet, 0) for box in bars]
    picture = picture.point(lambda grey: 255 - grey)
    for (left, bottom, right, top), quiet_x, quiet_y in zones:
        zone = (left - quiet_x, 297 - top - quiet_y, right + quiet_x, 297 - bottom + quiet_y)
        crop = picture.crop(tuple(round(edge / 25.4 * dpi) for edge in zone))
        ink = crop.getbbox()
        assert ink is not None
        assert ink[0] >= round(quiet_x / 25.4 * dpi) - 2
        assert crop.width - ink[2] >= round(quiet_x / 25.4 * dpi) - 2
        assert ink[1] >= round(quiet_y / 25.4 * dpi) - 2
        assert crop.height - ink[3] >= round(quiet_y / 25.4 * dpi) - 2


@EVERY_SHEET
@pytest.mark.parametrize("dpi", [203, 300])
def test_every_code_scans(sheet: Sheet, dpi: int, labels: MakeLabels) -> None:
    run = list(labels(2 * sheet.places + 5))
    with opened(sheet_pdf(run, sheet)) as document:
        found = [scanned(page, dpi) for page in document]
    expected = [
        {("QRCode", label.url) for label in part} | {("Code128", label.code) for label in part}
        for part in (run[: sheet.places], run[sheet.places : 2 * sheet.places], run[2 * sheet.places :])
    ]
    assert found == expected


@EVERY_SHEET
def test_the_finest_modules_still_scan(sheet: Sheet) -> None:
    """The longest address and the longest code that the sheet accepts, as a 203 dpi printer shows them."""
    code = longest((n * "Y" for n in range(10, 30)), lambda code: Label(code, "https://bn.example/"), sheet)
    hosts = ("a" * n for n in range(20, 260, 4))
    host = longest(hosts, lambda host: Label(code, f"https://{host}.example/d/"), sheet)
    url = f"https://{host}.example/d/"
    with opened(sheet_pdf([Label(code, url)], sheet)) as document:
        assert scanned(document[0], 203) == {("QRCode", url), ("Code128", code)}


def longest(texts: Iterable[str], label: Callable[[str], Label], sheet: Sheet) -> str:
    """The last text whose label the sheet accepts."""
    accepted = ""
    for text in texts:
        try:
            sheet_pdf([label(text)], sheet)
        except LabelRefused:
            break
        accepted = text
    return accepted


def test_text_comes_out_with_its_accents() -> None:
    lines = ("Écran reçu à l’œil nu : 20 €", "ÀÂÇÉÈÊËÎÏÔŒÙÛÜŸ", "àâçéèêëîïôœùûüÿ", r"« (a) \ b » …")
    label = Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H", lines)
    with opened(sheet_pdf([label], SHEETS["70x37"])) as document:
        text = document[0].get_textpage().get_text_range()
    assert text.splitlines() == ["7K3F 9RTC 2H", *lines]


def test_title_language_and_true_size() -> None:
    label = Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H")
    pdf = sheet_pdf([label], SHEETS["L7160"], title="Étiquettes du lot 42", lang="en-GB")
    with opened(pdf) as document:
        assert document.get_metadata_value("Title") == "Étiquettes du lot 42"
        assert not pypdfium2.raw.FPDF_VIEWERREF_GetPrintScaling(document)
    assert b"/Lang <" + b"\xfe\xff".hex().encode() + "en-GB".encode("utf-16-be").hex().encode() + b">" in pdf


def test_part_used_sheet_starts_where_it_is_told(labels: MakeLabels) -> None:
    sheet = SHEETS["L7160"]
    with opened(sheet_pdf(labels(25), sheet, start=18)) as document:
        places = [[place_of(box, sheet) for box in squares_and_bars(page)[0]] for page in document]
    assert places == [[18, 19, 20, 21], list(range(1, 22))]


@EVERY_SHEET
def test_last_place_can_be_the_first(sheet: Sheet, labels: MakeLabels) -> None:
    with opened(sheet_pdf(labels(1), sheet, start=sheet.places)) as document:
        assert len(document) == 1
        assert [place_of(box, sheet) for box in images(document[0])] == [sheet.places] * 2


@EVERY_SHEET
def test_start_outside_the_sheet_is_refused(sheet: Sheet, labels: MakeLabels) -> None:
    for start in (-1, 0, sheet.places + 1):
        with pytest.raises(LabelRefused) as caught:
            sheet_pdf(labels(1), sheet, start)
        assert caught.value.code == "start-outside-sheet"
        assert caught.value.facts == {"start": start, "places": sheet.places, "sheet": sheet.reference}


def test_no_label_is_refused() -> None:
    with pytest.raises(LabelRefused) as caught:
        sheet_pdf([], SHEETS["L7160"])
    assert caught.value.code == "no-label"


def test_same_labels_give_the_same_bytes(labels: MakeLabels) -> None:
    assert sheet_pdf(labels(30), SHEETS["L7160"]) == sheet_pdf(labels(30), SHEETS["L7160"])


def test_offsets_point_at_their_objects(labels: MakeLabels) -> None:
    """Readers repair a wrong table in silence; printers may not."""
    pdf = sheet_pdf(labels(50), SHEETS["L7160"])
    table = int(pdf.split(b"startxref\n")[1].split()[0])
    entries = re.findall(rb"(\d{10}) 00000 n \n", pdf[table:])
    assert pdf[table:].startswith(b"xref\n0 %d\n0000000000 65535 f \n" % (len(entries) + 1))
    for number, offset in enumerate(map(int, entries), start=1):
        assert pdf[offset:].startswith(b"%d 0 obj\n" % number)
    assert all(before != after for before, after in pairwise(sorted(map(int, entries))))


def test_ten_thousand_labels_in_little_time_and_memory(labels: MakeLabels) -> None:
    sheet = SHEETS["70x37"]
    began = time.perf_counter()
    pdf = sheet_pdf(labels(10_000), sheet)
    took = time.perf_counter() - began
    assert took < 20
    assert len(pdf) < 4_000_000
    with opened(pdf) as document:
        assert len(document) == 417
        assert len(images(document[416])) == 2 * (10_000 - 416 * 24)


def test_memory_grows_with_the_file_alone(labels: MakeLabels) -> None:
    tracemalloc.start()
    try:
        pdf = sheet_pdf(labels(3_000), SHEETS["70x37"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * len(pdf) + 4_000_000

"""The file that goes to the printer: measured, read back, and scanned from its picture."""

import io
import re
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise

import pypdfium2
import pypdfium2.raw
import pytest
import zxingcpp
from PIL import Image

from labels.correction import TRUE, Correction
from labels.label import Label, LabelRefused
from labels.layout import arrange
from labels.pdf import MOST_COPIES, sheet_pdf, write_sheet_pdf
from labels.sheets import SHEETS, Sheet

MM = 72 / 25.4
EVERY_SHEET = pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS.keys())
EVERY_ROLL = pytest.mark.parametrize(
    "sheet", [sheet for sheet in SHEETS.values() if sheet.is_roll], ids=lambda sheet: sheet.reference
)
ON_ROLL = 6

Box = tuple[float, float, float, float]
MakeLabels = Callable[[int], Iterator[Label]]


@contextmanager
def opened(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        yield document
    finally:
        document.close()


def full(sheet: Sheet, labels: MakeLabels) -> list[Label]:
    """As many labels as fill a sheet; a few of a roll."""
    return list(labels(ON_ROLL if sheet.is_roll else sheet.places))


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


@lru_cache(maxsize=4)
def pictures(pdf: bytes, dpi: int) -> list[Image.Image]:
    with opened(pdf) as document:
        return [page.render(scale=dpi / 72, grayscale=True).to_pil() for page in document]


def scanned(picture: Image.Image) -> set[tuple[str, str]]:
    return {(found.format.name, found.text) for found in zxingcpp.read_barcodes(picture)}


def place_of(box: Box, sheet: Sheet) -> int:
    """The place, from 1, of the label that holds the box with nothing over its edge."""
    for place, (x, y) in enumerate(sheet.corners(), start=1):
        if x <= box[0] and y <= box[1] and box[2] <= x + sheet.width and box[3] <= y + sheet.height:
            return place
    raise AssertionError(box)


@EVERY_SHEET
def test_labels_stand_where_the_sheet_has_them(sheet: Sheet, labels: MakeLabels) -> None:
    """Measured in the file: the paper's size, each label's place, and that all ink stands clear of its edge."""
    with opened(sheet_pdf(full(sheet, labels), sheet)) as document:
        assert len(document) == (ON_ROLL if sheet.is_roll else 1)
        width, height = document[0].get_size()
        assert (width / MM, height / MM) == pytest.approx((sheet.page_width, sheet.page_height), abs=0.001)
        boxes = [*images(document[0]), *text_boxes(document[0])]
        squares, _ = squares_and_bars(document[0])
    assert len(squares) == sheet.places
    for place, (left, bottom, *_) in enumerate(squares):
        row, column = divmod(place, sheet.columns)
        assert left - squares[0][0] == pytest.approx(column * sheet.pitch_x, abs=0.01)
        assert squares[0][1] - bottom == pytest.approx(row * sheet.pitch_y, abs=0.01)
    # round letters overshoot the height of capitals by a hair
    inset_x, inset_y = sheet.inset_x - 0.15, sheet.inset_y - 0.15
    for left, bottom, right, top in boxes:
        assert place_of((left - inset_x, bottom - inset_y, right + inset_x, top + inset_y), sheet)


@EVERY_SHEET
def test_quiet_zones_are_white_in_the_picture(sheet: Sheet, labels: MakeLabels) -> None:
    """Read from the pixels: no ink within four modules of a QR, nor within ten on either side of bars."""
    dpi = 300
    pdf = sheet_pdf(full(sheet, labels), sheet)
    picture = pictures(pdf, dpi)[0].point(lambda grey: 255 - grey)
    with opened(pdf) as document:
        squares, bars = squares_and_bars(document[0])
    qr_quiet = 4 * (squares[0][2] - squares[0][0]) / 29
    zones = [(box, qr_quiet, qr_quiet) for box in squares]
    # the modules of all bars are those of the longest: start, ten signs, check sign and stop
    bars_quiet = 10 * max(box[2] - box[0] for box in bars) / (12 * 11 + 13)
    zones += [(box, bars_quiet, 0) for box in bars]
    for (left, bottom, right, top), quiet_x, quiet_y in zones:
        zone = (left - quiet_x, sheet.page_height - top - quiet_y, right + quiet_x)
        crop = picture.crop(
            tuple(round(edge / 25.4 * dpi) for edge in (*zone, sheet.page_height - bottom + quiet_y))
        )
        ink = crop.getbbox()
        assert ink is not None
        assert ink[0] >= round(quiet_x / 25.4 * dpi) - 2
        assert crop.width - ink[2] >= round(quiet_x / 25.4 * dpi) - 2
        assert ink[1] >= round(quiet_y / 25.4 * dpi) - 2
        assert crop.height - ink[3] >= round(quiet_y / 25.4 * dpi) - 2


@EVERY_SHEET
@pytest.mark.parametrize("dpi", [203, 300])
def test_every_code_scans(sheet: Sheet, dpi: int, labels: MakeLabels) -> None:
    run = full(sheet, labels)
    pdf = sheet_pdf(run, sheet)
    found = set().union(*map(scanned, pictures(pdf, dpi)))
    squares = {("QRCode", label.url) for label in run}
    bars = {("Code128", label.code) for label in run}
    if bars_are_finer_than(2 * 25.4 / dpi, pdf):
        # 145 modules and their quiet zones in 38.1 mm are 1.7 dots of 203 dpi each: no reader can tell them apart
        assert sheet.reference == "L7651"
        assert {mark for mark in found if mark[0] == "QRCode"} == squares
        assert found <= squares | bars
    else:
        assert found == squares | bars


def bars_are_finer_than(module: float, pdf: bytes) -> bool:
    with opened(pdf) as document:
        _, bars = squares_and_bars(document[0])
    return max(box[2] - box[0] for box in bars) / 145 < module - 0.001


@EVERY_SHEET
def test_the_finest_modules_still_scan(sheet: Sheet) -> None:
    """The longest address and the longest code that the sheet accepts."""
    code = longest((n * "Y" for n in range(10, 60)), lambda code: Label(code, "https://bn.example/"), sheet)
    hosts = ("a" * n for n in range(0, 320, 6))
    url = f"https://{longest(hosts, lambda host: Label(code, f'https://{host}.example'), sheet)}.example"
    pdf = sheet_pdf([Label(code, url)], sheet)
    assert scanned(pictures(pdf, 300)[0]) == {("QRCode", url), ("Code128", code)}


def longest(texts: Iterable[str], label: Callable[[str], Label], sheet: Sheet) -> str:
    """The last text whose label the sheet accepts."""
    accepted = ""
    for text in texts:
        try:
            arrange(label(text), sheet)
        except LabelRefused:
            break
        accepted = text
    return accepted


@pytest.mark.parametrize("sheet", [SHEETS["70x37"], SHEETS["L7651"]], ids=lambda sheet: sheet.reference)
def test_text_comes_out_with_its_accents(sheet: Sheet) -> None:
    lines = ("Écran reçu à 20 €", "ÀÂÇÉÈÊËÎÏÔŒÙÛÜŸ", "àâçéèêëîïôœùûüÿ", r"« (a) \ b » …")
    label = Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H", lines)
    with opened(sheet_pdf([label], sheet)) as document:
        text = document[0].get_textpage().get_text_range()
    assert text.splitlines() == ["7K3F 9RTC 2H", *lines]


def test_letters_are_drawn_by_the_fonts_in_the_file() -> None:
    label = Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H", ("Écran",))
    with opened(sheet_pdf([label], SHEETS["L7160"])) as document:
        found = document[0].get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_TEXT])
        fonts = [pypdfium2.raw.FPDFTextObj_GetFont(each.raw) for each in found]
        assert [pypdfium2.raw.FPDFFont_GetIsEmbedded(font) for font in fonts] == [1, 1]


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


@EVERY_ROLL
def test_roll_has_one_label_a_page(sheet: Sheet, labels: MakeLabels) -> None:
    with opened(sheet_pdf(labels(3), sheet)) as document:
        assert [len(images(page)) for page in document] == [2, 2, 2]


def test_copies_stand_side_by_side(labels: MakeLabels) -> None:
    sheet = SHEETS["L7160"]
    run = list(labels(8))
    with opened(sheet_pdf(run, sheet, start=20, copies=3)) as document:
        assert [len(images(page)) // 2 for page in document] == [2, 21, 1]
        texts = "".join(page.get_textpage().get_text_range() for page in document)
    assert [texts.count(label.spoken) for label in run] == [3] * 8


@pytest.mark.parametrize("copies", [-1, 0, MOST_COPIES + 1])
def test_copies_that_are_none_or_too_many_are_refused(copies: int, labels: MakeLabels) -> None:
    with pytest.raises(LabelRefused) as caught:
        sheet_pdf(labels(1), SHEETS["L7160"], copies=copies)
    assert caught.value.code == "copies-out-of-range"


def test_correction_moves_labels_and_leaves_their_size(labels: MakeLabels) -> None:
    sheet = SHEETS["L7160"]
    correction = Correction(offset_x_mm=1.5, offset_y_mm=-0.75, scale_x=1.01, scale_y=0.98)
    run = full(sheet, labels)
    found = []
    for each in (TRUE, correction):
        with opened(sheet_pdf(run, sheet, correction=each)) as document:
            found.append(images(document[0]))
    middles = [(x + sheet.width / 2, y + sheet.height / 2) for x, y in sheet.corners() for _ in range(2)]
    for true, moved, middle in zip(*found, middles, strict=True):
        landed = correction.moved(*middle, sheet.page_height)
        assert moved[0] - true[0] == pytest.approx(landed[0] - middle[0], abs=0.002)
        assert moved[1] - true[1] == pytest.approx(landed[1] - middle[1], abs=0.002)
        assert moved[2] - moved[0] == pytest.approx(true[2] - true[0], abs=0.002)


def test_no_label_is_refused() -> None:
    with pytest.raises(LabelRefused) as caught:
        sheet_pdf([], SHEETS["L7160"])
    assert caught.value.code == "no-label"


def test_same_labels_give_the_same_bytes(labels: MakeLabels) -> None:
    assert sheet_pdf(labels(30), SHEETS["L7160"]) == sheet_pdf(labels(30), SHEETS["L7160"])


def test_offsets_point_at_their_objects(labels: MakeLabels) -> None:
    """Readers repair a wrong table in silence; printers may not."""
    pdf = sheet_pdf(labels(50), SHEETS["L7160"])
    table = int(pdf.rsplit(b"startxref\n", 1)[1].split()[0])
    entries = re.findall(rb"(\d{10}) 00000 n \n", pdf[table:])
    assert pdf[table:].startswith(b"xref\n0 %d\n0000000000 65535 f \n" % (len(entries) + 1))
    for number, offset in enumerate(map(int, entries), start=1):
        assert pdf[offset:].startswith(b"%d 0 obj\n" % number)
    assert all(before != after for before, after in pairwise(sorted(map(int, entries))))


class Pipe(io.RawIOBase):
    """Where a file can only be written to, once, from its beginning to its end."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        return len(data)


def test_a_long_run_is_written_as_it_comes(labels: MakeLabels) -> None:
    """Memory holds a sheet of labels, not the run nor the file."""
    pipe = Pipe()
    run = labels(480)
    sheet_pdf(labels(24), SHEETS["70x37"])
    tracemalloc.start()
    try:
        assert write_sheet_pdf(pipe, run, SHEETS["70x37"]) == 480
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert pipe.size > 100_000
    assert peak < 1_000_000


@pytest.mark.soak
def test_ten_thousand_labels_in_little_time_and_memory(labels: MakeLabels) -> None:
    sheet = SHEETS["70x37"]
    run = list(labels(10_000))
    began = time.perf_counter()
    pdf = sheet_pdf(run, sheet)
    took = time.perf_counter() - began
    assert took < 3
    assert len(pdf) < 4_000_000
    with opened(pdf) as document:
        assert len(document) == 417
        assert len(images(document[416])) == 2 * (10_000 - 416 * 24)


@pytest.mark.soak
def test_a_thousand_labels_of_each_sheet_scan(labels: MakeLabels) -> None:
    for sheet in SHEETS.values():
        run = list(labels(1_000 if not sheet.is_roll else 100))
        with opened(sheet_pdf(run, sheet)) as document:
            drawn = (page.render(scale=300 / 72, grayscale=True).to_pil() for page in document)
            found = set().union(*map(scanned, drawn))
        assert found == {mark for each in run for mark in (("QRCode", each.url), ("Code128", each.code))}

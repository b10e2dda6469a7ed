"""Where things stand on one label."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from labels.codes import BARS_QUIET, QR_QUIET, Bitmap
from labels.label import Label, LabelRefused
from labels.layout import BAR_SMALLEST, INCH, QR_SMALLEST, Face, Mark, Words, arrange
from labels.lettering import CAP_HEIGHT, DESCENT
from labels.sheets import SHEETS, Sheet

EVERY_SHEET = pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS.keys())
PREFIX = "https://banque.example.fr/d/"
LONG_PREFIX = "https://banque-du-numerique.departement-val-d-oise.example/d/"
HAIR = 1e-6

Box = tuple[float, float, float, float]
MakeLabels = Callable[[int], Iterator[Label]]


def box(mark: Mark, quiet_x: float = 0, quiet_y: float = 0) -> Box:
    return mark.x - quiet_x, mark.y - quiet_y, mark.x + mark.width + quiet_x, mark.y + mark.height + quiet_y


def box_of_words(words: Words) -> Box:
    right = words.x + words.font.width(words.text, words.size)
    return words.x, words.y - DESCENT * words.size, right, words.y + CAP_HEIGHT * words.size


def apart(one: Box, other: Box) -> bool:
    return (
        one[2] <= other[0] + HAIR
        or other[2] <= one[0] + HAIR
        or one[3] <= other[1] + HAIR
        or other[3] <= one[1] + HAIR
    )


def within(inner: Box, sheet: Sheet, margin_x: float, margin_y: float) -> bool:
    return (
        inner[0] >= margin_x - HAIR
        and inner[1] >= margin_y - HAIR
        and inner[2] <= sheet.width - margin_x + HAIR
        and inner[3] <= sheet.height - margin_y + HAIR
    )


def modules(face: Face) -> tuple[float, float]:
    square, bars = face.marks
    return square.width / square.bitmap.width, bars.width / bars.bitmap.width


@EVERY_SHEET
@pytest.mark.parametrize("prefix", ["https://bn.example/d/", "https://banque.example/d/", LONG_PREFIX])
def test_quiet_zones_are_kept_and_ink_stays_off_the_edge(
    sheet: Sheet, prefix: str, labels: MakeLabels
) -> None:
    for label in labels(40):
        face = arrange(replace(label, url=prefix + label.code), sheet)
        square, bars = face.marks
        qr_module, bar_module = modules(face)
        words = [box_of_words(line) for line in face.words]
        quiet_square = box(square, QR_QUIET * qr_module, QR_QUIET * qr_module)
        quiet_bars = box(bars, BARS_QUIET * bar_module)
        assert all(
            within(ink, sheet, sheet.inset_x, sheet.inset_y) for ink in (box(square), box(bars), *words)
        )
        assert within(quiet_square, sheet, sheet.drift, sheet.drift)
        assert within(quiet_bars, sheet, sheet.drift, 0)
        assert apart(quiet_square, box(bars))
        assert apart(quiet_bars, box(square))
        assert all(apart(line, quiet_square) and apart(line, quiet_bars) for line in words)
        assert all(apart(upper, lower) for upper, lower in pairwise(words))


@EVERY_SHEET
def test_modules_are_whole_dots_that_a_scanner_can_tell_apart(sheet: Sheet, labels: MakeLabels) -> None:
    for label in labels(8):
        qr_module, bar_module = modules(arrange(label, sheet))
        assert qr_module >= QR_SMALLEST
        assert bar_module >= BAR_SMALLEST
        for module in (qr_module, bar_module):
            dots = module / (INCH / sheet.dpi)
            assert dots == pytest.approx(round(dots))


def test_lines_of_a_label_have_one_size_and_stand_at_even_steps() -> None:
    lines = ("court", "une ligne bien trop longue pour tenir sur une étiquette", "", "fin")
    face = arrange(Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H", lines), SHEETS["L7160"])
    code, *rest = face.words
    assert code.text == "7K3F 9RTC 2H"
    assert len({line.size for line in rest}) == 1
    steps = {round(upper.y - lower.y, 6) for upper, lower in pairwise(rest)}
    assert len(steps) == 1
    assert rest[1].text.endswith("…")


def test_a_line_too_long_shrinks_its_neighbours_by_a_quarter_at_most() -> None:
    sheet = SHEETS["100x50"]
    short = arrange(Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H", ("court",)), sheet)
    long = arrange(Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H", ("long " * 30, "court")), sheet)
    assert long.words[2].size == pytest.approx(0.75 * short.words[1].size)
    assert long.words[1].text.endswith("…")


@EVERY_SHEET
def test_labels_of_a_sheet_look_alike_whatever_their_codes(sheet: Sheet) -> None:
    """A code of digits alone has fewer bars, not wider ones, and moves nothing."""
    lines = ("Unité centrale", "Lot LOT-2026-0042")
    faces = [
        arrange(Label(code, PREFIX + code, lines), sheet)
        for code in ("7K3F9RTC2H", "1234567890", "NNNNNNNNNN")
    ]
    assert len({modules(face) for face in faces}) == 1
    assert len({(mark.x, mark.y) for face in faces for mark in face.marks[:1]}) == 1
    places = {
        tuple(round(at, 6) for at in (line.x, line.y, line.size)) for face in faces for line in face.words
    }
    assert len(places) == len(faces[0].words)


def test_lines_without_room_are_left_out_the_last_first() -> None:
    lines = ("un", "deux", "trois", "quatre")
    label = Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H", lines)
    shown = {
        reference: [line.text for line in arrange(label, sheet).words] for reference, sheet in SHEETS.items()
    }
    assert shown["12mm"] == ["7K3F 9RTC 2H", "un"]
    assert all(texts == ["7K3F 9RTC 2H", *lines] for ref, texts in shown.items() if ref != "12mm")


@EVERY_SHEET
@pytest.mark.parametrize("dpi", [203.2, 300.0, 600.0])
def test_modules_are_whole_dots_of_the_printer_that_is_asked_for(sheet: Sheet, dpi: float) -> None:
    label = Label("7K3F9RTC2H", PREFIX + "7K3F9RTC2H", ("Portable",))
    for module in modules(arrange(label, sheet, dpi)):
        assert module * dpi / INCH == pytest.approx(round(module * dpi / INCH))


def test_an_address_too_long_for_the_label_is_drawn_with_less_error_correction() -> None:
    """Fewer modules, larger ones: what a scanner on a small label needs more."""
    code = "7K3F9RTC2H"
    url = "https://banque-du-numerique.example.fr/departement/d/" + code
    large, small = (arrange(Label(code, url), SHEETS[ref]).marks[0].bitmap for ref in ("L7160", "12mm"))
    assert level_of(large) == "M"
    assert level_of(small) == "L"
    assert small.width < large.width


def level_of(symbol: Bitmap) -> str:
    """The error correction that a symbol says it has, in the first two bits of its format under their mask."""
    first, second = symbol.is_black(0, 8), symbol.is_black(1, 8)
    return {(0, 0): "M", (0, 1): "L"}[(first ^ 1, second ^ 0)]


@EVERY_SHEET
def test_what_would_be_too_fine_to_scan_is_refused(sheet: Sheet) -> None:
    with pytest.raises(LabelRefused) as long_url:
        arrange(Label("7K3F9RTC2H", "https://banque.example/" + "x" * 700), sheet)
    with pytest.raises(LabelRefused) as long_code:
        arrange(Label("7K3F9RTC2H" * 6, "https://banque.example/d/"), sheet)
    assert long_url.value.code == "url-too-long"
    assert long_code.value.code == "code-too-long"

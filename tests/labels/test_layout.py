"""Where things stand on one label."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from labels.codes import BARS_QUIET, QR_QUIET
from labels.label import Label, LabelRefused
from labels.layout import BAR_SMALLEST, DOT, QR_SMALLEST, Face, Mark, Words, arrange
from labels.lettering import CAP_HEIGHT, DESCENT
from labels.sheets import SHEETS, Sheet

EVERY_SHEET = pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS.keys())
LONG_PREFIX = "https://banque-du-numerique.conseil-departemental.val-d-oise.example/d/"
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
        assert within(quiet_square, sheet, 0, 0)
        assert within(quiet_bars, sheet, 0, 0)
        assert apart(quiet_square, box(bars))
        assert all(apart(line, quiet_square) and apart(line, quiet_bars) for line in words)
        assert all(apart(upper, lower) for upper, lower in pairwise(words))


@EVERY_SHEET
def test_modules_are_whole_dots_that_a_scanner_can_tell_apart(sheet: Sheet, labels: MakeLabels) -> None:
    for label in labels(8):
        qr_module, bar_module = modules(arrange(label, sheet))
        assert qr_module >= QR_SMALLEST
        assert bar_module >= BAR_SMALLEST
        for module in (qr_module, bar_module):
            assert module / DOT == pytest.approx(round(module / DOT))


def test_lines_of_a_label_have_one_size_and_stand_at_even_steps() -> None:
    lines = ("court", "une ligne bien trop longue pour tenir sur une étiquette", "", "fin")
    face = arrange(Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H", lines), SHEETS["L7160"])
    code, *rest = face.words
    assert code.text == "7K3F 9RTC 2H"
    assert len({line.size for line in rest}) == 1
    steps = {round(upper.y - lower.y, 6) for upper, lower in pairwise(rest)}
    assert len(steps) == 1
    assert rest[1].text.endswith("…")


@EVERY_SHEET
def test_what_would_be_too_fine_to_scan_is_refused(sheet: Sheet) -> None:
    with pytest.raises(LabelRefused) as long_url:
        arrange(Label("7K3F9RTC2H", "https://banque.example/" + "x" * 700), sheet)
    with pytest.raises(LabelRefused) as long_code:
        arrange(Label("7K3F9RTC2H" * 3, "https://banque.example/d/"), sheet)
    assert long_url.value.code == "url-too-long"
    assert long_code.value.code == "code-too-long"

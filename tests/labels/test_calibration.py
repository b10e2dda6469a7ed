"""The page that shows how far a printer is off, measured."""

import pypdfium2
import pypdfium2.raw
import pytest

from labels.calibration import calibration_pdf
from labels.correction import CROSS, RULER, TRUE, Correction
from labels.sheets import SHEETS, Sheet

MM = 72 / 25.4
LINES = ("Imprimez à 100 %.", "Mesurez du bord gauche à la première croix.")

Box = tuple[float, float, float, float]


def strokes(pdf: bytes, height: float) -> tuple[list[Box], str]:
    """The bounds of each stroke, in millimetres from the left and the top of the paper; and the text."""
    document = pypdfium2.PdfDocument(pdf)
    page = document[0]
    found = page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_PATH])
    boxes = [[edge / MM for edge in each.get_bounds()] for each in found]
    text = page.get_textpage().get_text_range()
    document.close()
    return [(left, height - top, right, height - bottom) for left, bottom, right, top in boxes], text


def middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


@pytest.mark.parametrize("correction", [TRUE, Correction(1.25, -0.5, 0.99, 1.02)])
def test_crosses_rulers_and_outlines_stand_at_known_places(correction: Correction) -> None:
    sheet = SHEETS["L7160"]
    page = sheet.page_height
    boxes, _ = strokes(calibration_pdf(sheet, "Réglage", LINES, correction=correction), page)
    middles = [middle(box) for box in boxes]
    for x in (CROSS, sheet.page_width - CROSS):
        for y in (CROSS, page - CROSS):
            drawn_x, drawn_y = correction.moved(x, page - y, page)
            assert [at for at in middles if at == pytest.approx((drawn_x, page - drawn_y), abs=0.02)]
    lengths = [(box[2] - box[0], box[3] - box[1]) for box in boxes]
    across, down = RULER * correction.scale_x, RULER * correction.scale_y
    # bounds hold the stroke itself, twice over
    thickness = 0.45
    assert [each for each in lengths if each[0] == pytest.approx(across, abs=thickness) and each[1] < 1]
    assert [each for each in lengths if each[1] == pytest.approx(down, abs=thickness) and each[0] < 1]


def test_text_is_numbered_and_keeps_its_accents() -> None:
    _, text = strokes(calibration_pdf(SHEETS["L7160"], "Page de réglage", LINES), 297)
    assert "Page de réglage" in text
    assert "1. Imprimez à 100 %." in text
    assert "2. Mesurez du bord gauche à la première croix." in text


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS.keys())
def test_every_sheet_and_roll_has_its_page(sheet: Sheet) -> None:
    document = pypdfium2.PdfDocument(calibration_pdf(sheet, "Réglage", LINES))
    assert len(document) == 1
    width, height = document[0].get_size()
    assert (width / MM, height / MM) == pytest.approx((sheet.page_width, sheet.page_height), abs=0.01)
    boxes, _ = strokes(calibration_pdf(sheet), sheet.page_height)
    assert all(box[0] >= -0.25 and box[2] <= sheet.page_width + 0.25 for box in boxes)
    document.close()

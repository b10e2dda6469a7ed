"""The table of sheets and rolls, against what is written on the packet."""

import pytest

from labels.sheets import SHEETS, Sheet

EVERY_SHEET = pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS.keys())


@pytest.mark.parametrize(
    ("reference", "columns", "rows", "size", "pitch"),
    [
        ("L7160", 3, 7, (63.5, 38.1), (66.0, 38.1)),
        ("L7163", 2, 7, (99.1, 38.1), (101.6, 38.1)),
        ("L7159", 3, 8, (63.5, 33.9), (66.0, 33.9)),
        ("L7162", 2, 8, (99.1, 33.9), (101.6, 33.9)),
        ("L4778", 4, 12, (45.7, 21.2), (48.2, 21.2)),
        ("L6009", 4, 12, (45.7, 21.2), (48.2, 21.2)),
        ("L7651", 5, 13, (38.1, 21.2), (40.6, 21.2)),
        ("70x37", 3, 8, (70.0, 37.0), (70.0, 37.0)),
        ("105x37", 2, 8, (105.0, 37.0), (105.0, 37.0)),
        ("62x29", 1, 1, (62.0, 29.0), (62.0, 29.0)),
        ("12mm", 1, 1, (60.0, 12.0), (60.0, 12.0)),
        ("50x25", 1, 1, (50.0, 25.0), (50.0, 25.0)),
        ("100x50", 1, 1, (100.0, 50.0), (100.0, 50.0)),
    ],
)
def test_packet(
    reference: str, columns: int, rows: int, size: tuple[float, float], pitch: tuple[float, float]
) -> None:
    sheet = SHEETS[reference]
    assert sheet.reference == reference
    assert (sheet.columns, sheet.rows, sheet.places) == (columns, rows, columns * rows)
    assert (sheet.width, sheet.height) == size
    assert (sheet.pitch_x, sheet.pitch_y) == pitch
    assert sheet.is_roll == ((sheet.page_width, sheet.page_height) == size)
    assert sheet.is_roll or (sheet.page_width, sheet.page_height) == (210.0, 297.0)


def test_no_sheet_of_the_table_goes_without_a_packet() -> None:
    assert len(SHEETS) == 13


@EVERY_SHEET
def test_grid_is_centred_on_the_paper_and_labels_do_not_overlap(sheet: Sheet) -> None:
    corners = list(sheet.corners())
    assert len(set(corners)) == sheet.places
    assert sheet.pitch_x >= sheet.width
    assert sheet.pitch_y >= sheet.height
    assert corners[0] == pytest.approx((sheet.left, sheet.page_height - sheet.top - sheet.height))
    right, bottom = corners[-1][0] + sheet.width, corners[-1][1]
    assert sheet.page_width - right == pytest.approx(sheet.left, abs=0.01)
    assert bottom == pytest.approx(sheet.top, abs=0.01)

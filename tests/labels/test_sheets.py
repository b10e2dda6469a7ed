"""The table of sheets, against what is written on the packet."""

import pytest

from labels.sheets import SHEETS, Sheet


@pytest.mark.parametrize(
    ("reference", "places", "size"), [("L7160", 21, (63.5, 38.1)), ("70x37", 24, (70.0, 37.0))]
)
def test_packet(reference: str, places: int, size: tuple[float, float]) -> None:
    sheet = SHEETS[reference]
    assert sheet.reference == reference
    assert sheet.places == places
    assert (sheet.width, sheet.height) == size


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS.keys())
def test_grid_is_centred_on_the_paper_and_labels_do_not_overlap(sheet: Sheet) -> None:
    corners = list(sheet.corners())
    assert len(set(corners)) == sheet.places
    assert sheet.pitch_x >= sheet.width
    assert sheet.pitch_y >= sheet.height
    assert corners[0] == pytest.approx((sheet.left, sheet.page_height - sheet.top - sheet.height))
    right, bottom = corners[-1][0] + sheet.width, corners[-1][1]
    assert sheet.page_width - right == pytest.approx(sheet.left)
    assert bottom == pytest.approx(sheet.top)

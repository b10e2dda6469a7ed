"""A printer that is off, and the labels that land in their places all the same."""

import pytest

from labels.correction import CROSS, RULER, TRUE, Correction, measured

PAGE = 297.0


def test_true_printer_needs_nothing() -> None:
    assert measured(CROSS, CROSS, RULER, RULER) == TRUE
    assert TRUE.moved(12.5, 200.0, PAGE) == (12.5, 200.0)


def test_offset_leads_right_and_down() -> None:
    assert Correction(offset_x_mm=2.0, offset_y_mm=3.0).moved(10.0, 100.0, PAGE) == (12.0, 97.0)


@pytest.mark.parametrize("stretch", [(1.0, 1.0), (0.985, 1.012)])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.7, -2.4)])
def test_what_was_measured_makes_every_label_land(
    stretch: tuple[float, float], shift: tuple[float, float]
) -> None:
    """A printer that stretches and shifts prints the page; with the correction, a point lands where it should."""
    left, top = (CROSS * stretch[axis] + shift[axis] for axis in (0, 1))
    correction = measured(left, top, RULER * stretch[0], RULER * stretch[1])
    for x, y in ((5.0, 290.0), (105.0, 148.5), (203.0, 6.0)):
        drawn_x, drawn_y = correction.moved(x, y, PAGE)
        assert drawn_x * stretch[0] + shift[0] == pytest.approx(x)
        assert PAGE - ((PAGE - drawn_y) * stretch[1] + shift[1]) == pytest.approx(y)

"""How much fits, where a sheet goes on, what a label's line keeps, and what makes a printer true. No database."""

import pytest

from bank.office import rules
from bank.office.forms import hundredths
from bank.office.rules import Fault, Measured, Offsets

RIGHT = Measured(left=2_000, top=2_000, across=10_000, down=10_000)


@pytest.mark.parametrize(
    ("start", "drawn", "places", "expected"),
    [(1, 5, 21, 6), (6, 16, 21, 1), (20, 3, 21, 2), (1, 21, 21, 1), (1, 63, 21, 1), (3, 1, 1, 1)],
)
def test_the_next_free_place(start: int, drawn: int, places: int, expected: int) -> None:
    assert rules.next_place(start, drawn, places) == expected


@pytest.mark.parametrize(
    ("count", "copies", "start", "expected"),
    [
        (1, 1, 1, {}),
        (10_000, 1, 21, {}),
        (500, 20, 1, {}),
        (0, 1, 1, {"labels": [Fault.NO_LABEL]}),
        (501, 20, 1, {"labels": [Fault.TOO_MANY_LABELS]}),
        (1_000_001, 1, 22, {"labels": [Fault.TOO_MANY_LABELS], "start": [Fault.START_OUTSIDE_SHEET]}),
        (1, 21, 0, {"copies": [Fault.COPIES_OUT_OF_RANGE], "start": [Fault.START_OUTSIDE_SHEET]}),
    ],
)
def test_what_does_not_fit(count: int, copies: int, start: int, expected: dict[str, list[str]]) -> None:
    assert rules.faults(count, copies, start, 21) == expected


def test_a_request_draws_five_hundred_labels_and_a_job_more() -> None:
    assert rules.is_small(500, 1)
    assert rules.is_small(25, 20)
    assert not rules.is_small(501, 1)
    assert not rules.is_small(26, 20)


def test_a_line_keeps_what_can_be_read() -> None:
    assert rules.legible("Étagère\x00 B\u2028 ^XA~ ≠\n") == "Étagère B ^XA~ ≠"
    assert rules.legible("\x1b\t ") == ""


def test_a_true_printer_stays_as_it_is() -> None:
    assert rules.corrected(rules.AS_IT_IS, RIGHT) == rules.AS_IT_IS


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        # 1.5 mm too far right, 0.8 mm too high
        ((2_150, 1_920, 10_000, 10_000), Offsets(offset_x=-150, offset_y=80)),
        # half a percent too large from the paper's corner: the cross follows
        ((2_010, 2_010, 10_050, 10_050), Offsets(scale_x=9_950, scale_y=9_950)),
        # both
        ((2_110, 2_000, 10_050, 9_900), Offsets(offset_x=-100, offset_y=-20, scale_x=9_950, scale_y=10_101)),
    ],
)
def test_what_is_measured_is_undone(measured: tuple[int, ...], expected: Offsets) -> None:
    left, top, across, down = measured
    said = Measured(left=left, top=top, across=across, down=down)
    assert rules.corrected(rules.AS_IT_IS, said) == expected


def printed_by(a: float, b: float, offset: int, scale: int) -> tuple[int, int]:
    """Where a printer that puts d at a*d + b (hundredths) shows the cross, and how long its ruler is."""
    drawn = 2_000 * scale / 10_000 + offset
    return round(a * drawn + b), round(a * 10_000 * scale / 10_000)


@pytest.mark.parametrize("a", [0.97, 0.995, 1.0, 1.012, 1.04])
@pytest.mark.parametrize("b", [-400, -30, 0, 175])
def test_measured_twice_a_printer_is_true_and_stays_so(a: float, b: int) -> None:
    """The page printed again with the correction measures right; from a wrong correction on, it does as well."""
    for now in (rules.AS_IT_IS, Offsets(offset_x=120, offset_y=-60, scale_x=10_100, scale_y=9_900)):
        x, y = printed_by(a, b, now.offset_x, now.scale_x), printed_by(a, b, now.offset_y, now.scale_y)
        better = rules.corrected(now, Measured(left=x[0], across=x[1], top=y[0], down=y[1]))
        assert better is not None
        for offset, scale in ((better.offset_x, better.scale_x), (better.offset_y, better.scale_y)):
            cross, ruler = printed_by(a, b, offset, scale)
            assert abs(cross - 2_000) <= 3
            assert abs(ruler - 10_000) <= 2


@pytest.mark.parametrize(
    ("left", "top", "across", "down"),
    [(5_000, 2_000, 10_000, 10_000), (2_000, 2_000, 9_000, 10_000), (2_000, 2_000, 0, 10_000)],
)
def test_what_no_printer_does_is_a_wrong_measure(left: int, top: int, across: int, down: int) -> None:
    said = Measured(left=left, top=top, across=across, down=down)
    assert rules.corrected(rules.AS_IT_IS, said) is None


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("20", 2_000),
        ("20,5", 2_050),
        (" 19.25 mm", 1_925),
        ("0,05", 5),
        ("", None),
        ("vingt", None),
        ("-3", None),
        ("1e9", None),
        ("20,555", None),
        ("9999", None),
        ("²0", None),
        ("20.", 2_000),
    ],
)
def test_a_measure_as_people_write_it(typed: str, expected: int | None) -> None:
    assert hundredths(typed) == expected

"""The label sheets and rolls on sale, in millimetres. Adding one is adding a row."""

from collections.abc import Iterator
from dataclasses import dataclass

A4 = (210.0, 297.0)

# Dots per inch of the printers that each kind of paper goes into.
LASER = 600.0
THERMAL = 203.2
DESKTOP_ROLL = 300.0
TAPE = 180.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """Equal labels in a grid on a sheet of paper; or a roll, whose page is one label.

    `left` and `top` lead from the paper's corner to the first label, `pitch_x` and `pitch_y` from one label
    to the next. Nothing is inked within `inset_x` and `inset_y` of a label's edge: the room for a printer
    that pulls the paper askew or, where labels touch the edge of the paper, that cannot print there at all.
    White may come as near as `drift`: the edge itself moves with the paper. Modules are whole dots of a printer
    of `dpi` dots per inch.
    """

    reference: str
    page_width: float
    page_height: float
    left: float
    top: float
    pitch_x: float
    pitch_y: float
    width: float
    height: float
    columns: int
    rows: int
    inset_x: float
    inset_y: float
    drift: float = 1.0
    dpi: float = LASER
    is_roll: bool = False

    @property
    def places(self) -> int:
        """How many labels the sheet holds; a roll holds one a page."""
        return self.columns * self.rows

    def corners(self) -> Iterator[tuple[float, float]]:
        """The lower left corner of each label from the paper's lower left corner, in reading order."""
        for row in range(self.rows):
            bottom = self.page_height - self.top - row * self.pitch_y - self.height
            for column in range(self.columns):
                yield self.left + column * self.pitch_x, bottom


def _roll(
    reference: str, size: tuple[float, float], inset: tuple[float, float], drift: float, dpi: float
) -> Sheet:
    return Sheet(reference, *size, 0.0, 0.0, *size, *size, 1, 1, *inset, drift, dpi, is_roll=True)


# Sizes, numbers and gutters are those printed on the packets (2.5 mm between columns, none between rows, unless
# labels touch); margins follow, as grids are centred. Compared with the tables of gLabels and Label Planet.
_SHEETS = (
    # reference, page, left and top, pitch, label, columns and rows, inset
    Sheet("L7160", *A4, 7.25, 15.15, 66.0, 38.1, 63.5, 38.1, 3, 7, 2.5, 2.5),  # Avery, address
    Sheet("L7163", *A4, 4.65, 15.15, 101.6, 38.1, 99.1, 38.1, 2, 7, 2.5, 2.5),  # Avery, address
    Sheet(
        "L7159", *A4, 7.25, 12.9, 66.0, 33.9, 63.5, 33.9, 3, 8, 2.5, 2.5
    ),  # Avery, address; L4773 polyester
    Sheet("L7162", *A4, 4.65, 12.9, 101.6, 33.9, 99.1, 33.9, 2, 8, 2.5, 2.5),  # Avery, address
    Sheet("L4778", *A4, 9.85, 21.3, 48.2, 21.2, 45.7, 21.2, 4, 12, 1.5, 1.5),  # Avery, white polyester
    Sheet("L6009", *A4, 9.85, 21.3, 48.2, 21.2, 45.7, 21.2, 4, 12, 1.5, 1.5),  # Avery, silver polyester
    Sheet("L7651", *A4, 4.75, 10.7, 40.6, 21.2, 38.1, 21.2, 5, 13, 1.5, 1.5),  # Avery, mini address
    Sheet("70x37", *A4, 0.0, 0.5, 70.0, 37.0, 70.0, 37.0, 3, 8, 5.0, 4.5),  # 24 a sheet, all makers
    Sheet("105x37", *A4, 0.0, 0.5, 105.0, 37.0, 105.0, 37.0, 2, 8, 5.0, 4.5),  # 16 a sheet, all makers
)
_ROLLS = (
    # reference, label, inset, drift, printer
    # Brother DK-11209, cut to size: 696 by 271 dots can be printed
    _roll("62x29", (62.0, 29.0), (1.6, 3.1), 0.5, DESKTOP_ROLL),
    # 12 mm tape, Brother TZe and the like: 70 dots across can be printed; as long as QR and bars side by side ask
    _roll("12mm", (60.0, 12.0), (2.0, 1.1), 0.2, TAPE),
    # thermal labels of any maker
    _roll("50x25", (50.0, 25.0), (1.0, 1.0), 0.5, THERMAL),
    _roll("100x50", (100.0, 50.0), (2.0, 2.0), 0.5, THERMAL),
)

SHEETS: dict[str, Sheet] = {sheet.reference: sheet for sheet in (*_SHEETS, *_ROLLS)}

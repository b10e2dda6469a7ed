"""The label sheets on sale, in millimetres. Adding one is adding a row to `SHEETS`."""

from collections.abc import Iterator
from dataclasses import dataclass

A4 = (210.0, 297.0)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of equal labels in a grid.

    `left` and `top` lead from the paper's corner to the first label, `pitch_x` and `pitch_y` from one label
    to the next. Nothing is inked within `inset_x` and `inset_y` of a label's edge: the room for a printer
    that pulls the paper askew or, where labels touch the edge of the paper, that cannot print there at all.
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

    @property
    def places(self) -> int:
        """How many labels the sheet holds."""
        return self.columns * self.rows

    def corners(self) -> Iterator[tuple[float, float]]:
        """The lower left corner of each label from the paper's lower left corner, in reading order."""
        for row in range(self.rows):
            bottom = self.page_height - self.top - row * self.pitch_y - self.height
            for column in range(self.columns):
                yield self.left + column * self.pitch_x, bottom


_ROWS = (
    # reference, page, left and top, pitch, label, columns and rows, inset
    Sheet("L7160", *A4, 7.25, 15.15, 66.0, 38.1, 63.5, 38.1, 3, 7, 2.5, 2.5),
    Sheet("70x37", *A4, 0.0, 0.5, 70.0, 37.0, 70.0, 37.0, 3, 8, 5.0, 4.5),
)

SHEETS: dict[str, Sheet] = {sheet.reference: sheet for sheet in _ROWS}

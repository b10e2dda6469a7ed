"""How far a printer is off, and what makes its labels land in their places all the same."""

from dataclasses import dataclass

RULER = 100.0
CROSS = 20.0


@dataclass(frozen=True, slots=True)
class Correction:
    """What is done to each label before it is printed: moved right and down by millimetres, spread by factors.

    Places are spread from the upper left corner of the paper. Labels keep their size, so that their modules stay
    whole dots of the printer.
    """

    offset_x_mm: float = 0.0
    offset_y_mm: float = 0.0
    scale_x: float = 1.0
    scale_y: float = 1.0

    def moved(self, x: float, y: float, page_height: float) -> tuple[float, float]:
        """Where to draw what should land at `x`, `y`, in millimetres from the paper's lower left corner."""
        down = (page_height - y) * self.scale_y + self.offset_y_mm
        return x * self.scale_x + self.offset_x_mm, page_height - down


TRUE = Correction()


def measured(left: float, top: float, across: float, down: float) -> Correction:
    """The correction for a printer whose calibration page, printed without any, was measured in millimetres.

    `left` and `top` lead from the paper's edges to the first cross, `across` and `down` are the lengths of the
    two rulers.
    """
    stretch_x, stretch_y = across / RULER, down / RULER
    return Correction(CROSS - left / stretch_x, CROSS - top / stretch_y, 1 / stretch_x, 1 / stretch_y)

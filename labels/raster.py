"""One label as black dots on white: the picture that a printer of so many dots per inch is to make.

Modules are whole dots, and each letter is filled from its outline: nothing is smoothed, nothing is left to the
printer's own fonts.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from labels.codes import Bitmap
from labels.label import Label
from labels.layout import INCH, Mark, Words, arrange
from labels.lettering import Font
from labels.sheets import THERMAL, Sheet
from labels.typeface import Contour, Point

# Letters are a little fatter than drawn, in dots on each side: thin strokes must not break at 203 dpi.
GROWTH = 0.15
# Straight pieces that a curve is drawn in; at the sizes of a label nobody can tell.
_PIECES = 6
_STEPS = tuple(step / _PIECES for step in range(1, _PIECES + 1))

Edge = tuple[float, float, float, float]
Corner = tuple[float, float]
Piece = tuple[Corner, Corner, Corner]


@dataclass(frozen=True, slots=True)
class Dots:
    """Rows of dots from the top, each a number whose highest bit is the leftmost dot, 1 for black."""

    width: int
    rows: tuple[int, ...]

    def packed(self) -> list[bytes]:
        """The rows as bytes, each padded with white to whole ones."""
        stride = (self.width + 7) // 8
        pad = stride * 8 - self.width
        return [(row << pad).to_bytes(stride, "big") for row in self.rows]


def dots(label: Label, sheet: Sheet, dpi: int) -> Dots:
    """The label at `dpi`. Raises LabelRefused."""
    face = arrange(label, sheet, true_dpi(dpi))
    canvas = _Canvas(sheet, true_dpi(dpi))
    for mark in face.marks:
        canvas.stamp_modules(mark)
    for words in face.words:
        canvas.stamp_words(words)
    return Dots(canvas.width, tuple(canvas.rows))


def true_dpi(dpi: int) -> float:
    """What a printer that is sold as one of `dpi` has: "203" is 8 dots a millimetre."""
    return THERMAL if dpi == round(THERMAL) else float(dpi)


class _Canvas:
    def __init__(self, sheet: Sheet, dpi: float) -> None:
        self._scale = dpi / INCH
        self.width = round(sheet.width * self._scale)
        self._height = sheet.height * self._scale
        self.rows = [0] * round(self._height)

    def stamp_modules(self, mark: Mark) -> None:
        """Blacken the modules; each is whole dots wide, as the label was laid out for these dots."""
        bitmap = mark.bitmap
        across = round(mark.width * self._scale / bitmap.width)
        down = round(mark.height * self._scale / bitmap.height)
        left, top = round(mark.x * self._scale), self._row(mark.y + mark.height)
        for row in range(bitmap.height):
            for line in range(down):
                self._stamp(
                    _widened(bitmap, row, across), bitmap.width * across, left, top + row * down + line
                )

    def stamp_words(self, words: Words) -> None:
        """Blacken a line of text, sign by sign from the left."""
        size = words.size * self._scale
        baseline = self._row(words.y)
        x = words.x * self._scale
        for sign in words.text:
            filled = _filled(words.font, sign, round(size * 4))
            for line, row in enumerate(filled.rows):
                self._stamp(row, filled.width, round(x) + filled.left, baseline - filled.above + line)
            x += words.font.width(sign, size)

    def _row(self, y: float) -> int:
        return round(self._height - y * self._scale)

    def _stamp(self, row: int, width: int, left: int, line: int) -> None:
        shift = self.width - left - width
        if 0 <= line < len(self.rows):
            self.rows[line] |= row << shift if shift >= 0 else row >> -shift


@lru_cache(maxsize=4096)
def _widened(bitmap: Bitmap, row: int, times: int) -> int:
    signs = ("1" * times if bitmap.is_black(column, row) else "0" * times for column in range(bitmap.width))
    return int("".join(signs), 2)


@dataclass(frozen=True, slots=True)
class _Filled:
    """A letter in dots: its rows, how far they begin right of the pen, and how many stand above the line."""

    width: int
    left: int
    above: int
    rows: tuple[int, ...]


@lru_cache(maxsize=8192)
def _filled(font: Font, sign: str, quarters: int) -> _Filled:
    """The sign at a size of so many quarters of a dot: a dot is black when its middle is inside the outline."""
    scale = quarters / 4 / font.face.units
    edges = [edge for contour in font.face.outline(sign) for edge in _edges(contour, scale)]
    if not edges:
        return _Filled(0, 0, 0, ())
    left = int(min(min(x1, x2) for x1, _, x2, _ in edges)) - 1
    right = int(max(max(x1, x2) for x1, _, x2, _ in edges)) + 2
    above = int(max(max(y1, y2) for _, y1, _, y2 in edges)) + 1
    below = int(min(min(y1, y2) for _, y1, _, y2 in edges)) - 1
    width = right - left
    rows = (_row(edges, line - 0.5, left, width) for line in range(above, below, -1))
    return _Filled(width, left, above, tuple(rows))


def _row(edges: list[Edge], y: float, left: int, width: int) -> int:
    """One row of dots, by the winding of the outline around each of them."""
    row, winding, began = 0, 0, 0.0
    for x, turn in sorted(_crossings(edges, y)):
        if winding == 0:
            began = x
        winding += turn
        if winding == 0:
            first, last = _middle_after(began - left - GROWTH), _middle_after(x - left + GROWTH)
            row |= ((1 << (last - first)) - 1) << (width - last)
    return row


def _middle_after(x: float) -> int:
    """The first dot whose middle lies at `x` or beyond."""
    return int(x + 0.5) if x >= -0.5 else 0


def _crossings(edges: list[Edge], y: float) -> list[tuple[float, int]]:
    return [
        (x1 + (y - y1) * (x2 - x1) / (y2 - y1), 1 if y2 > y1 else -1)
        for x1, y1, x2, y2 in edges
        if (y1 <= y) != (y2 <= y)
    ]


def _edges(contour: Contour, scale: float) -> list[Edge]:
    points = [(x * scale, y * scale, on) for x, y, on in contour]
    corners = flattened(points)
    return [(*start, *end) for start, end in pairwise([*corners, corners[0]])]


def flattened(contour: list[Point]) -> list[Corner]:
    """The curves of a contour as corners of straight pieces."""
    corners: list[Corner] = []
    for (x0, y0), (x1, y1), (x2, y2) in curves(contour):
        for t in _STEPS if (x1, y1) != (x2, y2) else (1.0,):
            one, two, three = (1 - t) * (1 - t), 2 * t * (1 - t), t * t
            corners.append((one * x0 + two * x1 + three * x2, one * y0 + two * y1 + three * y2))
    return corners


def curves(contour: list[Point]) -> list[Piece]:
    """A contour as pieces of start, handle and end; a straight piece has its handle at its end.

    Between two handles the curve passes through their middle, as TrueType has it.
    """
    points = _with_middles(contour)
    while not points[0][2]:
        points.append(points.pop(0))
    pieces: list[Piece] = []
    here: Corner = points[0][:2]
    handle: Corner | None = None
    for x, y, on in [*points[1:], points[0]]:
        if not on:
            handle = (x, y)
            continue
        pieces.append((here, handle or (x, y), (x, y)))
        here, handle = (x, y), None
    return pieces


def _with_middles(contour: list[Point]) -> list[Point]:
    points: list[Point] = []
    for (x1, y1, on1), (x2, y2, on2) in pairwise([*contour, contour[0]]):
        points.append((x1, y1, on1))
        if not on1 and not on2:
            points.append(((x1 + x2) / 2, (y1 + y2) / 2, True))
    return points

"""Where each thing goes on one label, in millimetres from its lower left corner, whatever the output format.

The bars lie along the bottom, where a hand scanner sweeps the whole width. Above them the QR stands on the
left, and on its right the code to read by eye, as large as fits, then the lines of text. A label that is too low
for that has the QR on the left, the bars on its right, and the text under the bars. Lines that there is no room for
are left out, the last ones first.
"""

from dataclasses import dataclass
from functools import lru_cache

from labels.codes import BARS_QUIET, LOW, MEDIUM, QR_QUIET, Bitmap, code128, qr
from labels.label import MAX_LINES, Label, LabelRefused
from labels.lettering import BOLD, CAP_HEIGHT, DESCENT, REGULAR, Font, cut, fitting, printable
from labels.sheets import Sheet

INCH = 25.4

# What a telephone and a hand scanner read without pains, as small as it may be and as large as is of use.
QR_SMALLEST = 0.28
BAR_SMALLEST = 0.21
# For a printer that is asked for and so coarse that whole dots leave much of the room empty: two dots of 203 dpi,
# and one.
QR_FINEST = 0.24
BAR_FINEST = 0.12
BAR_LARGEST = 0.51

# Of the height of the label; the QR, of its width.
BAR_SHARE = 0.2
BAR_SHARE_BESIDE = 0.36
BARS_LOWEST = 4.2
BARS_HIGHEST = 10.0
QR_SHARE = 0.4
BESIDE_UNDER = 16.0

POINT = INCH / 72
CODE_LARGEST = 24 * POINT
CODE_SMALLEST = 6 * POINT
LINE_LARGEST = 12 * POINT
LINE_SMALLEST = 5.5 * POINT
# How far lines shrink for the longest of them before it is cut.
SHRINK = 0.75
# Of the height of the column that they stand in.
CODE_SHARE = 0.27
LINE_SHARE = 0.115
LEADING = 1.3
LEADING_SMALLEST = 1.1
BARS_GAP = 1.0
# The gap under the code, of the size of the lines.
CODE_GAP = 0.65
# Codes of one length are set in one size, and their bars in modules of one width, that of the widest: labels of a
# sheet look alike, whatever runs of digits their codes have.
WIDEST = "N"


@dataclass(frozen=True, slots=True)
class Mark:
    """Modules stretched over a rectangle, without their quiet zone."""

    bitmap: Bitmap
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text from the left end of its baseline."""

    text: str
    font: Font
    size: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Face:
    """All that is inked on one label."""

    marks: tuple[Mark, ...]
    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Frame:
    """What is the same on all labels whose codes have so many modules."""

    square: _Box
    bars: _Box
    column: _Box


@dataclass(frozen=True, slots=True)
class _Column:
    """Where the lines of text stand, one under the other."""

    code_size: float
    code_y: float
    line_size: float
    first_y: float
    step: float
    lines: int


def arrange(label: Label, sheet: Sheet, dpi: float | None = None) -> Face:
    """Lay one label out, or refuse it when a code would be too fine to scan.

    Modules are whole dots of the printer: of `dpi` dots per inch, or of what the sheet is made for.
    """
    bars = code128(label.code)
    frame, symbol = _framed(label, sheet, dpi, bars.width)
    column = _column(label, frame.column)
    return Face((_mark(symbol, frame.square), _mark(bars, frame.bars)), _words(label, frame.column, column))


def _mark(bitmap: Bitmap, box: _Box) -> Mark:
    return Mark(bitmap, box.x, box.y, box.width, box.height)


def _framed(label: Label, sheet: Sheet, dpi: float | None, bars: int) -> tuple[_Frame, Bitmap]:
    """The frame and the symbol, with as much error correction as the label has room for."""
    reason = ""
    for level in (MEDIUM, LOW):
        symbol = qr(label.url, label.code, level)
        frame = _frame(sheet, dpi, symbol.width, (bars, len(label.code)))
        if isinstance(frame, _Frame):
            return frame, symbol
        reason = frame
    raise LabelRefused(reason, label=label.code, url=label.url, sheet=sheet.reference)


@lru_cache(maxsize=256)
def _frame(sheet: Sheet, dpi: float | None, modules: int, code: tuple[int, int]) -> "_Frame | str":
    """The places of all things, or why there are none. Of a code: the modules of its bars, and its length."""
    bars, length = code
    least = (QR_SMALLEST, BAR_SMALLEST) if dpi is None else (QR_FINEST, BAR_FINEST)
    widest = max(bars, code128(WIDEST * length).width)
    return _Fitter(sheet, INCH / (dpi or sheet.dpi), least, modules, bars, widest).frame()


@dataclass(frozen=True, slots=True)
class _Fitter:
    sheet: Sheet
    dot: float
    # Of modules once they are whole dots: those of the QR, and of the bars.
    least: tuple[float, float]
    modules: int
    bars: int
    widest_bars: int

    def frame(self) -> "_Frame | str":
        beside = self.sheet.height < BESIDE_UNDER
        most = self._beside_module() if beside else self._stacked_module()
        module = self._whole_dots(most)
        if most < QR_SMALLEST or module < self.least[0]:
            return "url-too-long"
        return self._beside(module) if beside else self._stacked(module)

    def _stacked_module(self) -> float:
        """The largest module that leaves the bars, the quiet zones and the text their room."""
        sheet = self.sheet
        above_bars = sheet.height - sheet.inset_y - self._bar_height(BAR_SHARE)
        return min(
            (above_bars - sheet.inset_y) / (self.modules + QR_QUIET),
            (above_bars - sheet.drift) / (self.modules + 2 * QR_QUIET),
            sheet.width * QR_SHARE / self.modules,
        )

    def _stacked(self, module: float) -> "_Frame | str":
        sheet = self.sheet
        quiet = QR_QUIET * module
        left = max(sheet.inset_x, sheet.drift + quiet)
        bar = self._bar_module(left, sheet.drift)
        if not bar:
            return "code-too-long"
        left = max(left, sheet.drift + BARS_QUIET * bar)
        bars = _Box(left, sheet.inset_y, bar * self.bars, self._bar_height(BAR_SHARE))
        side = module * self.modules
        top = sheet.height - max(sheet.inset_y, sheet.drift + quiet)
        square = _Box(left, top - side, side, side)
        start, bottom = left + side + quiet, bars.y + bars.height + BARS_GAP
        return _Frame(square, bars, _Box(start, bottom, sheet.width - sheet.inset_x - start, top - bottom))

    def _beside_module(self) -> float:
        sheet = self.sheet
        return min(
            (sheet.height - 2 * sheet.inset_y) / self.modules,
            (sheet.height - 2 * sheet.drift) / (self.modules + 2 * QR_QUIET),
        )

    def _beside(self, module: float) -> "_Frame | str":
        sheet = self.sheet
        quiet, side = QR_QUIET * module, module * self.modules
        square = _Box(max(sheet.inset_x, sheet.drift + quiet), (sheet.height - side) / 2, side, side)
        left = square.x + side + quiet
        bar = self._bar_module(left, left)
        if not bar:
            return "code-too-long"
        height = self._bar_height(BAR_SHARE_BESIDE)
        top = sheet.height - sheet.inset_y
        x = max(left, square.x + side + (BARS_QUIET + 1) * bar)
        bars = _Box(x, top - height, bar * self.bars, height)
        below = top - height - BARS_GAP - sheet.inset_y
        return _Frame(square, bars, _Box(x, sheet.inset_y, sheet.width - sheet.inset_x - x, below))

    def _bar_module(self, ink_from: float, white_from: float) -> float:
        """The largest module of bars inked from one place on at least, in white from the other on; 0 if none."""
        sheet = self.sheet
        most = min(
            BAR_LARGEST,
            (sheet.width - ink_from - sheet.inset_x) / self.widest_bars,
            (sheet.width - ink_from - sheet.drift) / (self.widest_bars + BARS_QUIET),
            (sheet.width - white_from - sheet.inset_x) / (self.widest_bars + BARS_QUIET),
            (sheet.width - white_from - sheet.drift) / (self.widest_bars + 2 * BARS_QUIET),
        )
        module = self._whole_dots(most)
        return module if most >= BAR_SMALLEST and module >= self.least[1] else 0.0

    def _bar_height(self, share: float) -> float:
        return min(max(self.sheet.height * share, BARS_LOWEST), BARS_HIGHEST)

    def _whole_dots(self, most: float) -> float:
        # The hair added keeps what is itself a whole number of dots from losing one to rounding.
        return int(most / self.dot + 1e-6) * self.dot


def _column(label: Label, box: _Box) -> _Column:
    """Where the code and the lines stand; refuses a code that could not be read by eye."""
    spoken = label.spoken
    size = fitting([spoken], BOLD, box.width, *_code_sizes(box, len(label.code)))
    if cut(spoken, BOLD, box.width, size) != spoken:
        raise LabelRefused("code-too-long", label=label.code)
    return _lines_under(box, size)


@lru_cache(maxsize=256)
def _code_sizes(box: _Box, length: int) -> tuple[float, float]:
    widest = Label(WIDEST * length, WIDEST).spoken
    most = min(CODE_LARGEST, max(CODE_SMALLEST, box.height * CODE_SHARE))
    return fitting([widest], BOLD, box.width, most, CODE_SMALLEST), CODE_SMALLEST


@lru_cache(maxsize=1024)
def _lines_under(box: _Box, code_size: float) -> _Column:
    top = box.y + box.height
    size = min(max(box.height * LINE_SHARE, LINE_SMALLEST), LINE_LARGEST)
    code_y = top - code_size * CAP_HEIGHT
    first = code_y - size * (CODE_GAP + CAP_HEIGHT)
    depth = first - box.y - size * DESCENT
    lines = min(MAX_LINES, 1 + int(depth / (size * LEADING_SMALLEST))) if depth >= 0 else 0
    step = min(LEADING * size, depth / (lines - 1)) if lines > 1 else 0.0
    return _Column(code_size, code_y, size, first, step, lines)


def _words(label: Label, box: _Box, column: _Column) -> tuple[Words, ...]:
    code = Words(label.spoken, BOLD, column.code_size, box.x, column.code_y)
    return code, *_lines(label.lines[: column.lines], box, column)


# Labels of one batch say the same under different codes.
@lru_cache(maxsize=1024)
def _lines(lines: tuple[str, ...], box: _Box, column: _Column) -> tuple[Words, ...]:
    texts = [printable(line) for line in lines]
    smallest = max(LINE_SMALLEST, SHRINK * column.line_size)
    size = fitting(texts, REGULAR, box.width, column.line_size, smallest)
    return tuple(
        Words(cut(text, REGULAR, box.width, size), REGULAR, size, box.x, column.first_y - place * column.step)
        for place, text in enumerate(texts)
    )

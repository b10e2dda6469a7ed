"""Where each thing goes on one label, in millimetres from its lower left corner, whatever the output format.

The bars lie along the bottom, where a hand scanner sweeps the whole width. Above them the QR stands on the
left, and on its right the code to read by eye, as large as fits, then the lines of text.
"""

from dataclasses import dataclass

from labels.codes import BARS_QUIET, QR_QUIET, Bitmap, code128, qr
from labels.label import MAX_LINES, Label, LabelRefused
from labels.lettering import BOLD, CAP_HEIGHT, DESCENT, REGULAR, Font, cut, fitting, printable
from labels.sheets import Sheet

# Modules are whole dots of a 600 dpi printer, so that rounding never makes one bar fatter than its neighbour.
DOT = 25.4 / 600
QR_SMALLEST = 8 * DOT
BAR_LARGEST = 8 * DOT
BAR_SMALLEST = 6 * DOT
BAR_HEIGHT = 8.0

# A quiet zone may reach into the inset, up to this far from the edge: the edge itself moves with the paper.
DRIFT = 1.0
QR_SHARE = 0.4

POINT = 25.4 / 72
CODE_LARGEST = 15 * POINT
CODE_SMALLEST = 6 * POINT
LINE_LARGEST = 8 * POINT
LINE_SMALLEST = 6.5 * POINT
LEADING = 1.3
CODE_GAP = 1.8
BARS_GAP = 1.2


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


def arrange(label: Label, sheet: Sheet) -> Face:
    """Lay one label out, or refuse it when a code would be too fine to scan."""
    symbol = qr(label.url, label.code)
    module = _qr_module(symbol, sheet, label)
    bars = _bars(label, sheet, at_least=DRIFT + QR_QUIET * module)
    side = symbol.width * module
    top = sheet.height - max(sheet.inset_y, DRIFT + QR_QUIET * module)
    square = Mark(symbol, bars.x, top - side, side, side)
    left = square.x + side + QR_QUIET * module
    room = sheet.width - sheet.inset_x - left
    return Face((square, bars), _words(label, left, room, top, bars.y + bars.height))


def _qr_module(symbol: Bitmap, sheet: Sheet, label: Label) -> float:
    """The largest module that leaves the bars, the quiet zones and the text their room."""
    above_bars = sheet.height - sheet.inset_y - BAR_HEIGHT
    module = _whole_dots(
        (above_bars - sheet.inset_y) / (symbol.height + QR_QUIET),
        (above_bars - DRIFT) / (symbol.height + 2 * QR_QUIET),
        sheet.width * QR_SHARE / symbol.width,
    )
    if module < QR_SMALLEST:
        raise LabelRefused("url-too-long", label=label.code, url=label.url, sheet=sheet.reference)
    return module


def _bars(label: Label, sheet: Sheet, at_least: float) -> Mark:
    bitmap = code128(label.code)
    quiet = bitmap.width + BARS_QUIET
    left = max(sheet.inset_x, at_least)
    module = _whole_dots(
        BAR_LARGEST,
        (sheet.width - left - sheet.inset_x) / bitmap.width,
        (sheet.width - left - DRIFT) / quiet,
        (sheet.width - DRIFT - sheet.inset_x) / quiet,
        (sheet.width - DRIFT - DRIFT) / (quiet + BARS_QUIET),
    )
    if module < BAR_SMALLEST:
        raise LabelRefused("code-too-long", label=label.code, sheet=sheet.reference)
    x = max(left, DRIFT + BARS_QUIET * module)
    return Mark(bitmap, x, sheet.inset_y, bitmap.width * module, BAR_HEIGHT)


def _whole_dots(*limits: float) -> float:
    # The hair added keeps a limit that is itself a whole number of dots from losing one to rounding.
    return int(min(limits) / DOT + 1e-6) * DOT


def _words(label: Label, left: float, room: float, top: float, bottom: float) -> tuple[Words, ...]:
    """The code at the top of the column; the lines below it, of one size, where four lines would stand."""
    spoken = label.spoken
    size = fitting([spoken], BOLD, room, CODE_LARGEST, CODE_SMALLEST)
    if cut(spoken, BOLD, room, size) != spoken:
        raise LabelRefused("code-too-long", label=label.code)
    code = Words(spoken, BOLD, size, left, top - size * CAP_HEIGHT)
    first = top - CODE_LARGEST * CAP_HEIGHT - CODE_GAP - LINE_LARGEST * CAP_HEIGHT
    last = bottom + BARS_GAP + LINE_LARGEST * DESCENT
    step = min(LEADING * LINE_LARGEST, (first - last) / (MAX_LINES - 1))
    texts = [printable(line) for line in label.lines]
    size = fitting(texts, REGULAR, room, LINE_LARGEST, LINE_SMALLEST)
    return code, *(
        Words(cut(text, REGULAR, room, size), REGULAR, size, left, first - place * step)
        for place, text in enumerate(texts)
    )

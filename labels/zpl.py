"""Labels in ZPL, the language of Zebra's label printers and of those that follow them.

Each label is one picture of black dots. So what comes out is what was laid out, whatever fonts, languages and
bar code habits the printer has; and no text is sent to it, so that none can be taken for a command.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from labels.label import Label, LabelRefused
from labels.pdf import check
from labels.raster import Dots, dots
from labels.sheets import Sheet

# What printers are sold as.
RESOLUTIONS = (203, 300, 600)

# ZPL's own short hand for a sign that comes 1 to 400 times; a row that is white to its end; one like that above it.
_MOST = 400
_ONES = "GHIJKLMNOPQRSTUVWXY"
_TWENTIES = "ghijklmnopqrstuvwxyz"
_WHITE, _SAME = ",", ":"


def zpl(labels: Iterable[Label], sheet: Sheet, dpi: int = 203, copies: int = 1) -> bytes:
    """The labels, one after the other, each printed `copies` times. Raises LabelRefused."""
    return b"".join(each(labels, sheet, dpi, copies))


def each(labels: Iterable[Label], sheet: Sheet, dpi: int = 203, copies: int = 1) -> Iterator[bytes]:
    """The same, label by label, so that a long run never sits in memory. Raises LabelRefused."""
    check(sheet, 1, copies)
    if dpi not in RESOLUTIONS:
        raise LabelRefused("dpi-out-of-range", dpi=dpi, known=RESOLUTIONS)
    is_empty = True
    for label in labels:
        is_empty = False
        yield _format(dots(label, sheet, dpi), copies)
    if is_empty:
        raise LabelRefused("no-label")


def _format(drawn: Dots, copies: int) -> bytes:
    rows = drawn.packed()
    stride = len(rows[0])
    size = stride * len(rows)
    return (
        f"^XA^PW{drawn.width}^LL{len(rows)}^LH0,0^FO0,0^GFA,{size},{size},{stride},{_shortened(rows)}^FS"
        f"^PQ{copies}^XZ\n"
    ).encode()


def _shortened(rows: list[bytes]) -> str:
    lines, above = [], None
    for row in rows:
        lines.append(_SAME if row == above else _shortened_row(row))
        above = row
    return "".join(lines)


def _shortened_row(row: bytes) -> str:
    digits = row.hex().upper()
    inked = digits.rstrip("0")
    if len(inked) % 2:
        inked += "0"
    ends_white = len(inked) < len(digits)
    return "".join(_repeated(sign, len(list(run))) for sign, run in groupby(inked)) + _WHITE * ends_white


def _repeated(sign: str, times: int) -> str:
    whole, rest = divmod(times, _MOST)
    short = (_TWENTIES[rest // 20 - 1] if rest >= 20 else "") + (_ONES[rest % 20 - 1] if rest % 20 else "")
    if times == 1:
        return sign
    return f"{_TWENTIES[-1]}{sign}" * whole + (short + sign if rest else "")

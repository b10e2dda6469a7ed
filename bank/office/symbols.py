"""QR and Code 128 as shapes for a page."""

from dataclasses import dataclass

from labels import codes
from labels.codes import Bitmap

# White around a symbol, in modules: what its standard asks for.
QR_QUIET, BARS_QUIET = 4, 10
# How tall bars are, in modules of their width.
BARS_HEIGHT = 50


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol with its white margin: its size in modules, and its black modules as the path of an SVG."""

    width: int
    height: int
    path: str


def qr(text: str) -> Symbol:
    """The QR of an ASCII text."""
    drawn = codes.drawn_by_qrcode(text)
    rows = "".join(_row(drawn, row, QR_QUIET, QR_QUIET + row, 1) for row in range(drawn.height))
    return Symbol(drawn.width + 2 * QR_QUIET, drawn.height + 2 * QR_QUIET, rows)


def code128(text: str) -> Symbol:
    """The Code 128 of an ASCII text."""
    drawn = codes.code128(text)
    return Symbol(drawn.width + 2 * BARS_QUIET, BARS_HEIGHT, _row(drawn, 0, BARS_QUIET, 0, BARS_HEIGHT))


def _row(drawn: Bitmap, row: int, left: int, top: int, height: int) -> str:
    black = (column for column in range(drawn.width) if drawn.is_black(column, row))
    return "".join(f"M{left + column} {top}h1v{height}h-1z" for column in black)

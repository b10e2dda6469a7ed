"""Text as Helvetica can print it: which signs, how wide, and how to make a line fit.

Every PDF reader has Helvetica and knows its widths, so no font file travels with the labels. Its encoding,
Windows code page 1252, covers French and its neighbours.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

CODE_PAGE = "cp1252"
CUT = "…"
CAP_HEIGHT = 0.718
DESCENT = 0.207

_FIRST = 32

# Joiners, direction marks, soft hyphens; accents left alone because no letter of the code page takes them.
_INVISIBLE = frozenset({"Cf", "Mn", "Me"})

# What Unicode has no decomposition for, and people do type: hyphens, minus, inches, barred letters.
_NEAREST = dict(zip("‐‑−′″ŁłĐđı", "---'\"LlDdi", strict=True))


@dataclass(frozen=True, slots=True)
class Font:
    """A face by its PDF name, with the width of each sign of the code page in thousandths of the size."""

    name: str
    widths: tuple[int, ...]

    def width(self, text: str, size: float) -> float:
        """How wide `text` is at `size`, in the unit of `size`."""
        return sum(map(self.widths.__getitem__, text.encode(CODE_PAGE))) * size / 1000


def printable(text: str) -> str:
    """`text` in signs that the code page has.

    A letter with an accent that it lacks loses the accent; signs that have no near equivalent become "…",
    which says honestly that something stood there; invisible marks go.
    """
    if text.isascii():
        return text.strip()
    nearest = "".join(map(_printable_sign, unicodedata.normalize("NFC", text)))
    while CUT * 2 in nearest:
        nearest = nearest.replace(CUT * 2, CUT)
    return nearest.strip()


def fitting(texts: Iterable[str], font: Font, room: float, largest: float, smallest: float) -> float:
    """The largest size, down to `smallest`, at which none of the texts is wider than `room`."""
    widest = max((font.width(text, largest) for text in texts), default=0.0)
    return largest if widest <= room else max(smallest, largest * room / widest)


def cut(text: str, font: Font, room: float, size: float) -> str:
    """`text`, or as much of its beginning as `room` holds with "…" after it."""
    # The hair given forgives rounding when the size was chosen to fill the room exactly.
    if font.width(text, size) <= room + size / 1000:
        return text
    room -= font.width(CUT, size)
    for end, sign in enumerate(text):
        room -= font.width(sign, size)
        if room < 0:
            return text[:end].rstrip() + CUT
    return text


@lru_cache(maxsize=1024)
def _printable_sign(sign: str) -> str:
    if unicodedata.category(sign) in _INVISIBLE:
        return ""
    if sign in _NEAREST:
        return _NEAREST[sign]
    if _in_code_page(sign):
        return sign
    return "".join(filter(_in_code_page, unicodedata.normalize("NFKD", sign))) or CUT


def _in_code_page(sign: str) -> bool:
    try:
        sign.encode(CODE_PAGE)
    except UnicodeEncodeError:
        return False
    return True


def _widths(from_space: str) -> tuple[int, ...]:
    return (0,) * _FIRST + tuple(map(int, from_space.split()))


# Adobe's metrics of the standard fonts, in code page order from the space on; 0 where the page has no sign.
REGULAR = Font(
    "Helvetica",
    _widths(
        """
    278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278
    556 556 556 556 556 556 556 556 556 556 278 278 584 584 584 556
    1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778
    667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556
    333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556
    556 556 333 500 278 556 500 722 500 500 500 334 260 334 584 0
    556 0 222 556 333 1000 556 556 333 1000 667 333 1000 0 611 0
    0 222 222 333 333 350 556 1000 333 1000 500 333 944 0 500 667
    278 333 556 556 556 556 260 556 333 737 370 556 584 333 737 333
    400 584 333 333 333 556 537 278 333 333 365 556 834 834 834 611
    667 667 667 667 667 667 1000 722 667 667 667 667 278 278 278 278
    722 722 778 778 778 778 778 584 778 722 722 722 722 667 667 611
    556 556 556 556 556 556 889 500 556 556 556 556 278 278 278 278
    556 556 556 556 556 556 556 584 611 556 556 556 556 500 556 500
    """
    ),
)
BOLD = Font(
    "Helvetica-Bold",
    _widths(
        """
    278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278
    556 556 556 556 556 556 556 556 556 556 333 333 584 584 584 611
    975 722 722 722 722 667 611 778 722 278 556 722 611 833 722 778
    667 778 722 667 611 722 667 944 667 667 611 333 278 333 584 556
    333 556 611 556 611 556 333 611 611 278 278 556 278 889 611 611
    611 611 389 556 333 611 556 778 556 556 500 389 280 389 584 0
    556 0 278 556 500 1000 556 556 333 1000 667 333 1000 0 611 0
    0 278 278 500 500 350 556 1000 333 1000 556 333 944 0 500 667
    278 333 556 556 556 556 280 556 333 737 370 556 584 333 737 333
    400 584 333 333 333 611 556 278 333 333 365 556 834 834 834 611
    722 722 722 722 722 722 1000 722 667 667 667 667 278 278 278 278
    722 722 778 778 778 778 778 584 778 722 722 722 722 667 667 611
    556 556 556 556 556 556 889 556 556 556 556 556 278 278 278 278
    611 611 611 611 611 611 611 584 611 611 611 611 611 556 611 556
    """
    ),
)

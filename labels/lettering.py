"""Text as the labels' fonts can print it: which signs, how wide, and how to make a line fit.

Signs are those of Windows code page 1252, which covers French and its neighbours and takes one byte each.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from labels.typeface import Typeface

CODE_PAGE = "cp1252"
CUT = "…"
FIRST = 32

# Joiners, direction marks, soft hyphens; accents left alone because no letter of the code page takes them.
_INVISIBLE = frozenset({"Cf", "Mn", "Me"})

# What Unicode has no decomposition for, and people do type: hyphens, minus, inches, micro, barred letters.
_NEAREST = dict(zip("‐‑−′″µμŁłĐđı", "---'\"uuLlDdi", strict=True))

_FOLDER = Path(__file__).with_name("fonts")


@dataclass(frozen=True, slots=True, eq=False)
class Font:
    """A typeface, with the width of each sign of the code page in thousandths of the size; 0 where it has none."""

    name: str
    face: Typeface
    widths: tuple[int, ...]

    def width(self, text: str, size: float) -> float:
        """How wide `text` is at `size`, in the unit of `size`."""
        return sum(map(self.widths.__getitem__, text.encode(CODE_PAGE))) * size / 1000


@lru_cache(maxsize=4096)
def printable(text: str) -> str:
    """`text` in signs that the fonts have.

    A letter with an accent that they lack loses the accent; signs that have no near equivalent become "…",
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
    return sign in _SIGNS


def _signs(face: Typeface) -> list[str]:
    """The signs of the code page, in its order; "" for those that it or the typeface lacks."""
    signs = (bytes([place]).decode(CODE_PAGE, "ignore") for place in range(256))
    return [sign if sign in face.glyphs else "" for sign in signs]


def _font(name: str, file: str) -> Font:
    face = Typeface(_FOLDER / file)
    return Font(name, face, tuple(face.width(sign) if sign else 0 for sign in _signs(face)))


REGULAR = _font("AtkinsonHyperlegibleNext-Regular", "regular.ttf")
BOLD = _font("AtkinsonHyperlegibleNext-Bold", "bold.ttf")
CAP_HEIGHT = REGULAR.face.measures.cap_height / 1000
# How far "g", "ç" and the comma reach below the line.
DESCENT = 0.22

_SIGNS = frozenset(_signs(REGULAR.face)) & frozenset(_signs(BOLD.face)) - {""}

"""A page that shows how far a printer is off: crosses, rulers and the outlines of the labels, at known places.

A person measures where the first cross landed and how long the rulers came out; `correction.measured` makes of
that what is to be done to labels on this printer.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from labels.correction import CROSS, RULER, TRUE, Correction
from labels.layout import POINT, Words
from labels.lettering import BOLD, REGULAR, Font, cut, fitting, printable
from labels.pdf import IN_MM, Document, text
from labels.sheets import Sheet

_ARM = 5.0
# Where the rulers begin, from the left and the top of the paper, and where the text does.
_RULER_ACROSS = (60.0, CROSS)
_RULER_DOWN = (CROSS, 60.0)
_TEXT = (40.0, 50.0)
_TITLE, _LINE, _NUMBER = 16 * POINT, 11 * POINT, 7 * POINT
_STEP = 1.6 * _LINE
_MARGIN = 15.0
# On a roll, which has no room for all that.
_FRAME = 2.0

# A point from the left and the top of the paper.
Point = tuple[float, float]


def calibration_pdf(
    sheet: Sheet,
    title: str = "",
    lines: Sequence[str] = (),
    *,
    correction: Correction = TRUE,
    lang: str = "fr-FR",
) -> bytes:
    """One page of `sheet`'s size; `title` and `lines` say what to measure.

    A sheet has a cross 20 mm from each edge, and rulers of 100 mm across and down. A roll has a frame 2 mm from the
    edges and a cross in the middle, and no text. With a correction, the page shows what it comes to.
    """
    out = io.BytesIO()
    document = Document(out, sheet, title, lang)
    page = _Page(sheet, correction)
    document.add_page(IN_MM + b"".join(page.roll() if sheet.is_roll else page.paper(title, lines)))
    document.finish()
    return out.getvalue()


class _Page:
    def __init__(self, sheet: Sheet, correction: Correction) -> None:
        self._sheet = sheet
        self._correction = correction

    def paper(self, title: str, lines: Sequence[str]) -> Iterator[bytes]:
        """Outlines of the labels in grey, then crosses, rulers and text over them."""
        sheet = self._sheet
        yield b"0.2 w 0.75 G\n" + b"".join(self._outlines()) + b"0 G\n"
        for x in (CROSS, sheet.page_width - CROSS):
            for y in (CROSS, sheet.page_height - CROSS):
                yield self._cross((x, y))
        yield from self._ruler(_RULER_ACROSS, (1.0, 0.0))
        yield from self._ruler(_RULER_DOWN, (0.0, 1.0))
        yield from self._text(title, lines)

    def roll(self) -> Iterator[bytes]:
        """The frame, and the cross in its middle."""
        width, height = self._sheet.page_width, self._sheet.page_height
        yield b"0.2 w\n"
        yield self._box((_FRAME, _FRAME), (width - _FRAME, height - _FRAME))
        yield self._cross((width / 2, height / 2), min(_ARM, height / 2 - _FRAME))

    def _outlines(self) -> Iterator[bytes]:
        sheet = self._sheet
        for left, bottom in sheet.corners():
            top = sheet.page_height - bottom - sheet.height
            yield self._box((left, top), (left + sheet.width, top + sheet.height))

    def _box(self, one: Point, other: Point) -> bytes:
        corners = (one, (other[0], one[1]), other, (one[0], other[1]), one)
        return self._path(corners)

    def _cross(self, middle: Point, arm: float = _ARM) -> bytes:
        x, y = middle
        return self._path(((x - arm, y), (x + arm, y))) + self._path(((x, y - arm), (x, y + arm)))

    def _ruler(self, start: Point, along: Point) -> Iterator[bytes]:
        """A line with a tick each millimetre, longer ones each five and ten, which are numbered."""
        x, y = start
        right, down = along
        yield self._path((start, (x + right * RULER, y + down * RULER)))
        for place in range(round(RULER) + 1):
            length = 5.0 if place % 10 == 0 else 3.5 if place % 5 == 0 else 2.0
            at = (x + right * place, y + down * place)
            yield self._path((at, (at[0] + down * length, at[1] + right * length)))
            if place % 10 == 0:
                yield self._number(str(place), at, along)

    def _number(self, number: str, at: Point, along: Point) -> bytes:
        right, down = along
        half = BOLD.width(number, _NUMBER) / 2
        x = at[0] - half if right else at[0] + 6.0
        y = at[1] + 8.0 if right else at[1] + down
        return self._words(number, BOLD, _NUMBER, (x, y))

    def _text(self, title: str, lines: Sequence[str]) -> Iterator[bytes]:
        x, y = _TEXT
        room = self._sheet.page_width - x - _MARGIN
        size = fitting([printable(title)], BOLD, room, _TITLE, _LINE)
        yield self._words(cut(printable(title), BOLD, room, size), BOLD, size, _TEXT)
        for number, line in enumerate(lines, start=1):
            y += _STEP * (1.3 if number == 1 else 1.0)
            written = f"{number}. {printable(line)}"
            size = fitting([written], REGULAR, room, _LINE, _NUMBER)
            yield self._words(cut(written, REGULAR, room, size), REGULAR, size, (x, y))

    def _words(self, said: str, font: Font, size: float, at: Point) -> bytes:
        return text(Words(said, font, size, *self._moved(at)))

    def _path(self, points: Iterable[Point]) -> bytes:
        moved = [self._moved(point) for point in points]
        steps = chain([b"m"], [b"l"] * (len(moved) - 1))
        return (
            b" ".join(b"%.3f %.3f %s" % (*point, step) for point, step in zip(moved, steps, strict=True))
            + b" S\n"
        )

    def _moved(self, point: Point) -> Point:
        height = self._sheet.page_height
        return self._correction.moved(point[0], height - point[1], height)

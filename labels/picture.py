"""Labels as pictures: one as PNG in black dots, one or a sheet of them as SVG in true shapes."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import escape
from itertools import chain, islice, zip_longest

from labels.codes import Bitmap
from labels.label import Label, LabelRefused
from labels.layout import INCH, Face, Mark, Words, arrange
from labels.lettering import BOLD, Font
from labels.pdf import check
from labels.raster import curves, dots, true_dpi
from labels.sheets import Sheet

# What a picture is asked for: a screen, a label printer, a laser.
LEAST_DPI = 72
MOST_DPI = 1200

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
_USED = "#d8dce2"
_EDGE = "#98a1ad"


def png(label: Label, sheet: Sheet, dpi: int = 300) -> bytes:
    """One label as a PNG of 1 bit a dot, that says its own size. Raises LabelRefused."""
    if not LEAST_DPI <= dpi <= MOST_DPI:
        raise LabelRefused("dpi-out-of-range", dpi=dpi, least=LEAST_DPI, most=MOST_DPI)
    drawn = dots(label, sheet, dpi)
    # PNG's own black is 0
    white = (1 << drawn.width) - 1
    stride = (drawn.width + 7) // 8
    pad = stride * 8 - drawn.width
    lines = (b"\0" + ((row ^ white) << pad).to_bytes(stride, "big") for row in drawn.rows)
    per_metre = round(true_dpi(dpi) / INCH * 1000)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", drawn.width, len(drawn.rows), 1, 0, 0, 0, 0)),
            _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)),
            _chunk(b"IDAT", zlib.compress(b"".join(lines), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def svg(label: Label, sheet: Sheet) -> str:
    """One label as an SVG in millimetres, in shapes alone: it looks the same without the fonts.

    Raises LabelRefused.
    """
    face = arrange(label, sheet)
    body = f'<rect width="100%" height="100%" fill="#fff"/>{_drawn(face, sheet)}'
    return _svg(sheet.width, sheet.height, label.spoken, [face], body)


def sheet_svg(labels: Iterable[Label], sheet: Sheet, start: int = 1) -> str:
    """The first sheet as a picture: outlines of all labels, those already used in grey. Raises LabelRefused."""
    check(sheet, start, 1)
    faces = [arrange(label, sheet) for label in islice(labels, sheet.places - start + 1)]
    if not faces:
        raise LabelRefused("no-label")
    places: Iterator[Face | None] = chain([None] * (start - 1), faces)
    corners = zip_longest(sheet.corners(), places)
    drawn = (
        _place(corner, face, sheet, is_used=number < start)
        for number, (corner, face) in enumerate(corners, start=1)
    )
    body = '<rect width="100%" height="100%" fill="#fff"/>' + "".join(drawn)
    return _svg(sheet.page_width, sheet.page_height, sheet.reference, faces, body)


def _place(corner: tuple[float, float], face: Face | None, sheet: Sheet, *, is_used: bool) -> str:
    x, y = corner[0], sheet.page_height - corner[1] - sheet.height
    outline = (
        f'<rect width="{sheet.width:g}" height="{sheet.height:g}" rx="1.5"'
        f' fill="{_USED if is_used else "none"}" stroke="{_EDGE}" stroke-width=".2"/>'
    )
    return f'<g transform="translate({x:.3f} {y:.3f})">{outline}{_drawn(face, sheet) if face else ""}</g>'


def _svg(width: float, height: float, title: str, faces: list[Face], body: str) -> str:
    return (
        f'<svg {_NAMESPACE} width="{width:g}mm" height="{height:g}mm" viewBox="0 0 {width:g} {height:g}"'
        f' role="img"><title>{escape(title)}</title><defs>{_glyphs(faces)}</defs>{body}</svg>'
    )


def _drawn(face: Face, sheet: Sheet) -> str:
    marks = (_mark(mark, sheet) for mark in face.marks)
    return "".join(chain(marks, (_words(words, sheet) for words in face.words)))


def _mark(mark: Mark, sheet: Sheet) -> str:
    x, y = mark.x, sheet.height - mark.y - mark.height
    across, down = mark.width / mark.bitmap.width, mark.height / mark.bitmap.height
    # Crisp: a viewer that smoothed the edges would leave grey hairs between modules.
    return (
        f'<path transform="matrix({across:.5f} 0 0 {down:.5f} {x:.4f} {y:.4f})"'
        f' shape-rendering="crispEdges" d="{_runs(mark.bitmap)}"/>'
    )


def _runs(bitmap: Bitmap) -> str:
    """The black modules of each row, run by run."""
    drawn = []
    for row in range(bitmap.height):
        column = 0
        while column < bitmap.width:
            began = column
            while column < bitmap.width and bitmap.is_black(column, row):
                column += 1
            if column > began:
                drawn.append(f"M{began} {row}h{column - began}v1h-{column - began}z")
            column += 1
    return "".join(drawn)


def _words(words: Words, sheet: Sheet) -> str:
    units = words.font.face.units
    scale = words.size / units
    x, signs = 0.0, []
    for sign in words.text:
        if _shape(words.font, sign):
            signs.append(f'<use href="#{_name(words.font, sign)}" x="{x:.0f}"/>')
        x += words.font.width(sign, units)
    place = f"matrix({scale:.6f} 0 0 {-scale:.6f} {words.x:.4f} {sheet.height - words.y:.4f})"
    return f'<g transform="{place}">{"".join(signs)}</g>'


def _glyphs(faces: list[Face]) -> str:
    """Each sign that is used, once."""
    used = {(words.font, sign) for face in faces for words in face.words for sign in words.text}
    shapes = {_name(font, sign): _shape(font, sign) for font, sign in used}
    return "".join(f'<path id="{name}" d="{shape}"/>' for name, shape in sorted(shapes.items()) if shape)


def _name(font: Font, sign: str) -> str:
    return f"{'b' if font is BOLD else 'r'}{ord(sign):x}"


@lru_cache(maxsize=1024)
def _shape(font: Font, sign: str) -> str:
    return "".join(
        f"M{pieces[0][0][0]:g} {pieces[0][0][1]:g}"
        + "".join(
            f"Q{handle[0]:g} {handle[1]:g} {end[0]:g} {end[1]:g}"
            if handle != end
            else f"L{end[0]:g} {end[1]:g}"
            for _, handle, end in pieces
        )
        + "z"
        for pieces in map(curves, font.face.outline(sign))
    )

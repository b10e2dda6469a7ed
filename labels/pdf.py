"""A run of labels as a PDF to print on sheets.

The file is written by hand: a label is two images of a few hundred bits and five short texts, and a general
PDF library spends far longer on it. The same labels give the same bytes: no date, no random identifier.
"""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from labels.label import Label, LabelRefused
from labels.layout import Face, Mark, Words, arrange
from labels.lettering import BOLD, CODE_PAGE, REGULAR
from labels.sheets import Sheet

__all__ = ["Label", "LabelRefused", "sheet_pdf"]

# Streams are drawn in millimetres; PDF counts in points.
_MM = 72 / 25.4
_FONTS = {REGULAR.name: b"/R", BOLD.name: b"/B"}


def sheet_pdf(
    labels: Iterable[Label], sheet: Sheet, start: int = 1, *, title: str = "Étiquettes", lang: str = "fr-FR"
) -> bytes:
    """The labels in reading order, from place `start` of the first sheet on; places count from 1."""
    if not 1 <= start <= sheet.places:
        raise LabelRefused("start-outside-sheet", start=start, places=sheet.places, sheet=sheet.reference)
    document = _Document(sheet, title, lang)
    for page in _pages(iter(labels), sheet, start):
        document.add_page(page)
    return document.finished()


def _pages(labels: Iterator[Label], sheet: Sheet, start: int) -> Iterator[bytes]:
    """The drawing of each sheet. Labels are taken one sheet at a time, so a long run never sits in memory."""
    corners = list(sheet.corners())
    first = next(labels, None)
    if first is None:
        raise LabelRefused("no-label")
    labels = chain((first,), labels)
    free = corners[start - 1 :]
    while batch := list(islice(labels, len(free))):
        drawn = (_placed(arrange(label, sheet), *corner) for label, corner in zip(batch, free, strict=False))
        yield b"%.6f 0 0 %.6f 0 0 cm\n" % (_MM, _MM) + b"".join(drawn)
        free = corners


def _placed(face: Face, x: float, y: float) -> bytes:
    drawn = b"".join(chain(map(_image, face.marks), map(_text, face.words)))
    return b"q 1 0 0 1 %.3f %.3f cm\n%sQ\n" % (x, y, drawn)


def _image(mark: Mark) -> bytes:
    # In hexadecimal, so that no run of modules can spell EI, which ends an inline image.
    return b"q %.4f 0 0 %.4f %.4f %.4f cm BI /W %d /H %d /IM true /BPC 1 /D [1 0] /F /AHx ID %s> EI Q\n" % (
        *(mark.width, mark.height, mark.x, mark.y),
        *(mark.bitmap.width, mark.bitmap.height, mark.bitmap.rows.hex().encode()),
    )


def _text(words: Words) -> bytes:
    font, drawn = _FONTS[words.font.name], words.text.encode(CODE_PAGE).hex().encode()
    return b"BT %s %.3f Tf %.3f %.3f Td <%s> Tj ET\n" % (font, words.size, words.x, words.y, drawn)


class _Document:
    """A PDF that grows page by page; its page tree and table of offsets come last."""

    def __init__(self, sheet: Sheet, title: str, lang: str) -> None:
        self._out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        self._offsets: list[int] = []
        self._pages: list[int] = []
        self._box = b"[0 0 %.3f %.3f]" % (sheet.page_width * _MM, sheet.page_height * _MM)
        self._tree = self._reserve()
        fonts = (b"%s %d 0 R" % (name, self._add(_font(font))) for font, name in _FONTS.items())
        self._fonts = b" ".join(fonts)
        self._info = self._add(b"<< /Title %s >>" % _string(title))
        # Labels miss their places when a reader "fits" the page to the paper: ask it to print at true size.
        self._catalog = self._add(
            b"<< /Type /Catalog /Pages %d 0 R /Lang %s"
            b" /ViewerPreferences << /DisplayDocTitle true /PrintScaling /None >> >>"
            % (self._tree, _string(lang))
        )

    def add_page(self, drawing: bytes) -> None:
        """Append one page."""
        packed = zlib.compress(drawing)
        head = b"<< /Length %d /Filter /FlateDecode >>" % len(packed)
        content = self._add(b"%s\nstream\n%s\nendstream" % (head, packed))
        page = b"<< /Type /Page /Parent %d 0 R /Contents %d 0 R >>" % (self._tree, content)
        self._pages.append(self._add(page))

    def finished(self) -> bytes:
        """The whole file."""
        # What every page has in common stands once, in the tree, and is inherited.
        self._write(
            self._tree,
            b"<< /Type /Pages /Count %d /Kids [%s] /MediaBox %s /Resources << /Font << %s >> >> >>"
            % (len(self._pages), b" ".join(b"%d 0 R" % page for page in self._pages), self._box, self._fonts),
        )
        table = len(self._out)
        self._out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(self._offsets) + 1)
        self._out += b"".join(b"%010d 00000 n \n" % offset for offset in self._offsets)
        self._out += b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
            *(len(self._offsets) + 1, self._catalog, self._info),
            table,
        )
        return bytes(self._out)

    def _reserve(self) -> int:
        self._offsets.append(0)
        return len(self._offsets)

    def _add(self, body: bytes) -> int:
        number = self._reserve()
        self._write(number, body)
        return number

    def _write(self, number: int, body: bytes) -> None:
        self._offsets[number - 1] = len(self._out)
        self._out += b"%d 0 obj\n%s\nendobj\n" % (number, body)


def _font(name: str) -> bytes:
    return b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>" % name.encode()


def _string(text: str) -> bytes:
    return b"<%s>" % (b"\xfe\xff" + text.encode("utf-16-be")).hex().encode()

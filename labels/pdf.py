"""A run of labels as a PDF to print: on sheets, or one label a page on a roll.

The file is written by hand: a label is two images of a few hundred bits and five short texts, and a general
PDF library spends far longer on it. The same labels give the same bytes: no date, no random identifier.
"""

import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice, repeat
from typing import IO

from labels.correction import TRUE, Correction
from labels.label import Label, LabelRefused
from labels.layout import Face, Mark, Words, arrange
from labels.lettering import BOLD, CODE_PAGE, FIRST, REGULAR, Font
from labels.sheets import Sheet

MOST_COPIES = 20

# Streams are drawn in millimetres; PDF counts in points.
_MM = 72 / 25.4
IN_MM = b"%.6f 0 0 %.6f 0 0 cm\n" % (_MM, _MM)
_FONTS = {REGULAR.name: b"/R", BOLD.name: b"/B"}
# The strokes of letters, as a printer without the font would make them; and "these are the usual letters".
_STEMS = {REGULAR.name: 80, BOLD.name: 130}
_NONSYMBOLIC = 32


def sheet_pdf(
    labels: Iterable[Label],
    sheet: Sheet,
    start: int = 1,
    *,
    correction: Correction = TRUE,
    copies: int = 1,
    title: str = "Étiquettes",
    lang: str = "fr-FR",
) -> bytes:
    """The labels in reading order, from place `start` of the first sheet on; places count from 1.

    Each label is drawn `copies` times, one beside the other. Raises LabelRefused.
    """
    out = io.BytesIO()
    write_sheet_pdf(out, labels, sheet, start, correction=correction, copies=copies, title=title, lang=lang)
    return out.getvalue()


def write_sheet_pdf(
    out: IO[bytes],
    labels: Iterable[Label],
    sheet: Sheet,
    start: int = 1,
    *,
    correction: Correction = TRUE,
    copies: int = 1,
    title: str = "Étiquettes",
    lang: str = "fr-FR",
) -> int:
    """Write the PDF as the labels come, holding one sheet of them at a time; how many labels were taken.

    `out` is only written to, never read nor sought. Raises LabelRefused, when part of the file may be written.
    """
    check(sheet, start, copies)
    taken = _Counted(labels)
    document = Document(out, sheet, title, lang)
    for page in _pages(_copied(taken, copies), sheet, start, correction):
        document.add_page(page)
    document.finish()
    return taken.count


def check(sheet: Sheet, start: int, copies: int) -> None:
    """Refuse a place that the sheet has not, and copies that are none or too many."""
    if not 1 <= start <= sheet.places:
        raise LabelRefused("start-outside-sheet", start=start, places=sheet.places, sheet=sheet.reference)
    if not 1 <= copies <= MOST_COPIES:
        raise LabelRefused("copies-out-of-range", copies=copies, most=MOST_COPIES)


class _Counted:
    """An iterable that knows how much of it was taken."""

    def __init__(self, labels: Iterable[Label]) -> None:
        self._labels = labels
        self.count = 0

    def __iter__(self) -> Iterator[Label]:
        for label in self._labels:
            self.count += 1
            yield label


def _copied(labels: Iterable[Label], copies: int) -> Iterator[Label]:
    return iter(labels) if copies == 1 else chain.from_iterable(repeat(label, copies) for label in labels)


def _pages(labels: Iterator[Label], sheet: Sheet, start: int, correction: Correction) -> Iterator[bytes]:
    """The drawing of each sheet. Labels are taken one sheet at a time, so a long run never sits in memory."""
    corners = [_landing(corner, sheet, correction) for corner in sheet.corners()]
    first = next(labels, None)
    if first is None:
        raise LabelRefused("no-label")
    labels = chain((first,), labels)
    free = corners[start - 1 :]
    while batch := list(islice(labels, len(free))):
        drawn = (_placed(arrange(label, sheet), *corner) for label, corner in zip(batch, free, strict=False))
        yield IN_MM + b"".join(drawn)
        free = corners


def _landing(corner: tuple[float, float], sheet: Sheet, correction: Correction) -> tuple[float, float]:
    """Where to draw the corner of a label so that its middle lands where it should."""
    half_x, half_y = sheet.width / 2, sheet.height / 2
    x, y = correction.moved(corner[0] + half_x, corner[1] + half_y, sheet.page_height)
    return x - half_x, y - half_y


def _placed(face: Face, x: float, y: float) -> bytes:
    drawn = b"".join(chain(map(_image, face.marks), map(text, face.words)))
    return b"q 1 0 0 1 %.3f %.3f cm\n%sQ\n" % (x, y, drawn)


def _image(mark: Mark) -> bytes:
    # In hexadecimal, so that no run of modules can spell EI, which ends an inline image.
    return b"q %.4f 0 0 %.4f %.4f %.4f cm BI /W %d /H %d /IM true /BPC 1 /D [1 0] /F /AHx ID %s> EI Q\n" % (
        *(mark.width, mark.height, mark.x, mark.y),
        *(mark.bitmap.width, mark.bitmap.height, mark.bitmap.rows.hex().encode()),
    )


def text(words: Words) -> bytes:
    """What draws a line of text."""
    font, drawn = _FONTS[words.font.name], words.text.encode(CODE_PAGE).hex().encode()
    return b"BT %s %.3f Tf %.3f %.3f Td <%s> Tj ET\n" % (font, words.size, words.x, words.y, drawn)


class Document:
    """A PDF that is written page by page; its page tree and table of offsets come last."""

    def __init__(self, out: IO[bytes], sheet: Sheet, title: str, lang: str) -> None:
        self._out = out
        self._written = 0
        self._offsets: list[int] = []
        self._pages: list[int] = []
        self._box = b"[0 0 %.3f %.3f]" % (sheet.page_width * _MM, sheet.page_height * _MM)
        self._put(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        self._tree = self._reserve()
        fonts = [(_FONTS[font.name], self._add_font(font)) for font in (REGULAR, BOLD)]
        self._fonts = b" ".join(b"%s %d 0 R" % each for each in fonts)
        self._info = self._add(b"<< /Title %s >>" % _string(title))
        # Labels miss their places when a reader "fits" the page to the paper: ask it to print at true size.
        self._catalog = self._add(
            b"<< /Type /Catalog /Pages %d 0 R /Lang %s"
            b" /ViewerPreferences << /DisplayDocTitle true /PrintScaling /None >> >>"
            % (self._tree, _string(lang))
        )

    def add_page(self, drawing: bytes) -> None:
        """Append one page."""
        content = self._add_stream(zlib.compress(drawing))
        page = b"<< /Type /Page /Parent %d 0 R /Contents %d 0 R >>" % (self._tree, content)
        self._pages.append(self._add(page))

    def finish(self) -> None:
        """Write what closes the file."""
        # What every page has in common stands once, in the tree, and is inherited.
        self._write(
            self._tree,
            b"<< /Type /Pages /Count %d /Kids [%s] /MediaBox %s /Resources << /Font << %s >> >> >>"
            % (len(self._pages), b" ".join(b"%d 0 R" % page for page in self._pages), self._box, self._fonts),
        )
        table = self._written
        self._put(b"xref\n0 %d\n0000000000 65535 f \n" % (len(self._offsets) + 1))
        self._put(b"".join(b"%010d 00000 n \n" % offset for offset in self._offsets))
        self._put(
            b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
            % (len(self._offsets) + 1, self._catalog, self._info, table)
        )

    def _add_font(self, font: Font) -> int:
        # The font travels with the file: what is printed does not depend on the reader's own.
        name, measures = font.name.encode(), font.face.measures
        file = self._add_stream(_packed(font), b" /Length1 %d" % len(font.face.data))
        descriptor = self._add(
            b"<< /Type /FontDescriptor /FontName /%s /Flags %d /FontBBox [%d %d %d %d] /ItalicAngle 0"
            b" /Ascent %d /Descent %d /CapHeight %d /StemV %d /FontFile2 %d 0 R >>"
            % (
                *(name, _NONSYMBOLIC, *measures.box),
                *(measures.ascent, measures.descent, measures.cap_height, _STEMS[font.name], file),
            )
        )
        return self._add(
            b"<< /Type /Font /Subtype /TrueType /BaseFont /%s /Encoding /WinAnsiEncoding"
            b" /FirstChar %d /LastChar 255 /Widths [%s] /FontDescriptor %d 0 R >>"
            % (name, FIRST, _numbers(font.widths[FIRST:]), descriptor)
        )

    def _add_stream(self, packed: bytes, more: bytes = b"") -> int:
        head = b"<< /Length %d /Filter /FlateDecode%s >>" % (len(packed), more)
        return self._add(b"%s\nstream\n%s\nendstream" % (head, packed))

    def _reserve(self) -> int:
        self._offsets.append(0)
        return len(self._offsets)

    def _add(self, body: bytes) -> int:
        number = self._reserve()
        self._write(number, body)
        return number

    def _write(self, number: int, body: bytes) -> None:
        self._offsets[number - 1] = self._written
        self._put(b"%d 0 obj\n%s\nendobj\n" % (number, body))

    def _put(self, data: bytes) -> None:
        self._out.write(data)
        self._written += len(data)


@lru_cache(maxsize=2)
def _packed(font: Font) -> bytes:
    return zlib.compress(font.face.data, 9)


def _numbers(numbers: Sequence[int]) -> bytes:
    return b" ".join(b"%d" % number for number in numbers)


def _string(text: str) -> bytes:
    return b"<%s>" % (b"\xfe\xff" + text.encode("utf-16-be")).hex().encode()

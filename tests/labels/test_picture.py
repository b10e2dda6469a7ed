"""One label as PNG and SVG, and a sheet as a picture."""

import io
import re
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFont

from labels.label import Label, LabelRefused
from labels.lettering import BOLD, REGULAR, Font
from labels.picture import png, sheet_svg, svg
from labels.raster import _filled
from labels.sheets import SHEETS, Sheet

EVERY_SHEET = pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS.keys())
SVG = "{http://www.w3.org/2000/svg}"

MakeLabels = Callable[[int], Iterator[Label]]


def read(picture: Image.Image) -> set[str]:
    return {found.text for found in zxingcpp.read_barcodes(picture)}


@EVERY_SHEET
@pytest.mark.parametrize("dpi", [203, 300])
def test_png_scans_and_has_the_size_of_the_label(sheet: Sheet, dpi: int, labels: MakeLabels) -> None:
    for label in labels(4):
        picture = Image.open(io.BytesIO(png(label, sheet, dpi)))
        picture.load()
        assert picture.mode == "1"
        found = [pixels / each * 25.4 for pixels, each in zip(picture.size, picture.info["dpi"], strict=True)]
        assert found == pytest.approx([sheet.width, sheet.height], abs=25.4 / dpi)
        assert read(picture.convert("L")) == {label.url, label.code}


@pytest.mark.parametrize("dpi", [-1, 0, 71, 1201, 10**9])
def test_dpi_that_no_printer_has_is_refused(dpi: int, labels: MakeLabels) -> None:
    with pytest.raises(LabelRefused) as caught:
        png(next(labels(1)), SHEETS["50x25"], dpi)
    assert caught.value.code == "dpi-out-of-range"


@pytest.mark.parametrize("dpi", [72, 100])
def test_dots_too_coarse_for_the_codes_are_refused(dpi: int, labels: MakeLabels) -> None:
    with pytest.raises(LabelRefused) as caught:
        png(next(labels(1)), SHEETS["L7651"], dpi)
    assert caught.value.code in {"url-too-long", "code-too-long"}


@pytest.mark.parametrize("font", [REGULAR, BOLD])
def test_letters_are_those_that_freetype_draws(font: Font) -> None:
    """Nearly every dot, accents included; letters are a hair fatter by design, and FreeType moves some by a dot."""
    size = 100
    drawn_by = ImageFont.truetype(io.BytesIO(font.face.data), size, layout_engine=ImageFont.Layout.BASIC)
    for sign in "AaBbçéÈœŒ0123456789€&@gjÿÂ«»…’%":
        ours = _filled(font, sign, size * 4)
        theirs = Image.new("L", (200, 200), 0)
        ImageDraw.Draw(theirs).text((50, 150), sign, fill=255, font=drawn_by, anchor="ls")
        black = {(x, y) for x in range(200) for y in range(200) if theirs.getpixel((x, y)) >= 128}
        mine = {
            (50 + ours.left + column, 150 - ours.above + line)
            for line, row in enumerate(ours.rows)
            for column in range(ours.width)
            if row >> (ours.width - 1 - column) & 1
        }
        moved = ({(x + right, y + down) for x, y in mine} for right in (-1, 0, 1) for down in (-1, 0, 1))
        assert min(len(black ^ each) for each in moved) <= 0.15 * len(black), sign


def parsed(drawn: str) -> ElementTree.Element:
    return ElementTree.fromstring(drawn)  # noqa: S314  (made here)


@EVERY_SHEET
def test_svg_has_every_module_and_every_letter(sheet: Sheet, labels: MakeLabels) -> None:
    """Drawn again from its shapes, it scans."""
    for label in labels(3):
        root = parsed(svg(label, sheet))
        assert root.get("width") == f"{sheet.width:g}mm"
        assert root.findtext(f"{SVG}title") == label.spoken
        assert read(redrawn(root, sheet)) == {label.url, label.code}
        shapes = {path.get("id") for path in root.iter(f"{SVG}path") if path.get("id")}
        used = [use.get("href", "")[1:] for use in root.iter(f"{SVG}use")]
        assert set(used) == shapes
        assert f"b{ord(label.code[0]):x}" in used


def redrawn(root: ElementTree.Element, sheet: Sheet) -> Image.Image:
    """The modules of an SVG in dots of a twentieth of a millimetre."""
    dots = 20
    picture = Image.new("L", (round(sheet.width * dots), round(sheet.height * dots)), 255)
    pen = ImageDraw.Draw(picture)
    for path in root.iter(f"{SVG}path"):
        if path.get("transform") is None:
            continue
        across, _, _, down, left, top = map(float, re.findall(r"-?[\d.]+", path.get("transform", "")))
        for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)", path.get("d", "")):
            corner = ((left + int(x) * across) * dots, (top + int(y) * down) * dots)
            far = (corner[0] + int(width) * across * dots - 1, corner[1] + down * dots - 1)
            pen.rectangle((*corner, *far), fill=0)
    return picture


def test_letters_of_the_svg_are_accented() -> None:
    label = Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H", ("Écran reçu & <vérifié>",))
    drawn = svg(label, SHEETS["L7160"])
    assert all(f'id="r{ord(sign):x}"' in drawn for sign in "Éçé&<>")


def test_sheet_as_a_picture(labels: MakeLabels) -> None:
    """All the places of one sheet: used ones grey and empty, then labels, then free ones."""
    sheet = SHEETS["L7160"]
    root = parsed(sheet_svg(labels(5), sheet, start=4))
    places = root.findall(f"{SVG}g")
    fills = [place.find(f"{SVG}rect").get("fill") for place in places]  # type: ignore[union-attr]
    assert len(places) == 21
    assert [fill == "none" for fill in fills] == [False] * 3 + [True] * 18
    assert [len(place.findall(f"{SVG}path")) for place in places] == [0] * 3 + [2] * 5 + [0] * 13


def test_sheet_as_a_picture_takes_no_more_labels_than_it_shows(labels: MakeLabels) -> None:
    rest = labels(100)
    sheet_svg(rest, SHEETS["L7160"], start=20)
    assert len(list(rest)) == 98


def test_sheet_as_a_picture_refuses_what_the_pdf_refuses(labels: MakeLabels) -> None:
    for made, start, refusal in (
        (1, 22, "start-outside-sheet"),
        (1, 0, "start-outside-sheet"),
        (0, 1, "no-label"),
    ):
        with pytest.raises(LabelRefused) as caught:
            sheet_svg(labels(made), SHEETS["L7160"], start)
        assert caught.value.code == refusal


@pytest.mark.parametrize(
    "text", ["^XA^FDrien^FS", "a~b\\c", "💻 portable", "</title><script>", "&amp;", '"', "联想"]
)
def test_odd_text_is_drawn_or_cleanly_replaced(text: str) -> None:
    label = Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H", (text,))
    parsed(svg(label, SHEETS["50x25"]))
    assert read(Image.open(io.BytesIO(png(label, SHEETS["50x25"]))).convert("L")) == {label.url, label.code}

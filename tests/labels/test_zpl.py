"""What a thermal printer is sent, read by another hand than the one that wrote it."""

import io
import os
import re
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from labels.label import Label, LabelRefused
from labels.picture import png
from labels.sheets import SHEETS, Sheet
from labels.zpl import zpl

EVERY_SHEET = pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS.keys())
EVERY_ROLL = pytest.mark.parametrize(
    "sheet", [sheet for sheet in SHEETS.values() if sheet.is_roll], ids=lambda sheet: sheet.reference
)
ODD = ("^XZ^XA^FDrien^FS", "~JA \\& _5E", "Écran reçu à l’œil nu : 20 €", "💻 联想")
FORMAT = re.compile(
    rb"\^XA\^PW(\d+)\^LL(\d+)\^LH0,0\^FO0,0\^GFA,(\d+),(\d+),(\d+),([0-9A-Zg-z,:]*)\^FS\^PQ(\d+)\^XZ\n"
)
# Where zpl-renderer-js is: the folder that holds its node_modules.
RENDERER = "ZPL_RENDERER"
RENDER = """
import { createRequire } from 'module';
import { readFileSync } from 'fs';
import { pathToFileURL } from 'url';
const [folder, width, height] = process.argv.slice(1);
const { ready } = await import(pathToFileURL(createRequire(folder + '/').resolve('zpl-renderer-js')));
const { api } = await ready;
process.stdout.write(await api.zplToBase64Async(readFileSync(0, 'utf8'), +width, +height, 8));
"""

MakeLabels = Callable[[int], Iterator[Label]]


def pictures(data: bytes) -> list[Image.Image]:
    """The labels as dots, by the rules of ^GF in the language's manual, and nothing else between them."""
    found, at = [], 0
    while at < len(data):
        read = FORMAT.match(data, at)
        assert read is not None, data[at : at + 80]
        width, height, size, total, stride = map(int, read.groups()[:5])
        assert size == total == stride * height
        rows = unpacked(read[6].decode(), stride * 2)
        assert len(rows) == height
        picture = Image.frombytes("1", (stride * 8, height), bytes.fromhex("".join(rows)))
        found.append(picture.convert("L").point(lambda ink: 255 - ink).crop((0, 0, width, height)))
        at = read.end()
    return found


def unpacked(text: str, digits: int) -> list[str]:
    """G to Y are 1 to 19 times, g to z 20 to 400; a comma fills a row with white, a colon repeats the row above."""
    rows, row, times = [], "", 0
    for sign in text:
        if sign == ":":
            rows.append(rows[-1])
        elif sign == ",":
            row = row.ljust(digits, "0")
        elif "G" <= sign <= "Y":
            times += ord(sign) - ord("G") + 1
        elif "g" <= sign <= "z":
            times += (ord(sign) - ord("g") + 1) * 20
        else:
            row += sign * (times or 1)
            times = 0
        if len(row) == digits:
            rows.append(row)
            row = ""
    assert (row, times) == ("", 0)
    return rows


def read(picture: Image.Image) -> set[str]:
    return {found.text for found in zxingcpp.read_barcodes(picture)}


@EVERY_SHEET
@pytest.mark.parametrize("dpi", [203, 300])
def test_what_the_printer_draws_is_the_picture_of_the_label(
    sheet: Sheet, dpi: int, labels: MakeLabels
) -> None:
    run = list(labels(4))
    drawn = pictures(zpl(run, sheet, dpi))
    for label, picture in zip(run, drawn, strict=True):
        assert picture.tobytes() == Image.open(io.BytesIO(png(label, sheet, dpi))).convert("L").tobytes()
        assert read(picture) == {label.url, label.code}


def test_rows_of_any_length_are_shortened_and_come_back() -> None:
    """Runs beyond what one sign of the short hand counts."""
    label = Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H")
    for reference, dpi in (("105x37", 600), ("100x50", 600), ("12mm", 600)):
        (picture,) = pictures(zpl([label], SHEETS[reference], dpi))
        assert read(picture) == {label.url, label.code}


def test_no_text_is_sent_that_could_be_a_command() -> None:
    sheet = SHEETS["100x50"]
    label = Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H", ODD)
    data = zpl([label], sheet)
    assert data.isascii()
    assert data.count(b"^XA") == data.count(b"^XZ") == 1
    assert b"~" not in data
    (picture,) = pictures(data)
    assert read(picture) == {label.url, label.code}


def test_copies(labels: MakeLabels) -> None:
    assert zpl(labels(2), SHEETS["50x25"], copies=7).count(b"^PQ7^XZ") == 2


@pytest.mark.parametrize(
    ("made", "dpi", "copies", "refusal"),
    [(1, 200, 1, "dpi-out-of-range"), (1, 203, 0, "copies-out-of-range"), (0, 203, 1, "no-label")],
)
def test_what_cannot_be_printed_is_refused(
    made: int, dpi: int, copies: int, refusal: str, labels: MakeLabels
) -> None:
    with pytest.raises(LabelRefused) as caught:
        zpl(labels(made), SHEETS["50x25"], dpi, copies)
    assert caught.value.code == refusal


@EVERY_ROLL
def test_another_program_renders_the_same_dots(sheet: Sheet) -> None:
    """By zpl-renderer-js, which knows nothing of this one."""
    folder, node = os.environ.get(RENDERER), shutil.which("node")
    if not folder or not node or not (Path(folder) / "node_modules" / "zpl-renderer-js").is_dir():
        pytest.skip(f"needs node, and {RENDERER} set to a folder where `npm install zpl-renderer-js` was run")
    label = Label("7K3F9RTC2H", "https://banque.example/d/7K3F9RTC2H", ODD)
    command = [node, "--input-type=module", "-e", RENDER, folder, str(sheet.width), str(sheet.height)]
    ended = subprocess.run(command, input=zpl([label], sheet), capture_output=True, check=True, timeout=60)
    rendered = Image.open(io.BytesIO(b64decode(ended.stdout))).convert("L")
    assert read(rendered) == {label.url, label.code}
    ours = Image.open(io.BytesIO(png(label, sheet, 203))).convert("L")
    assert rendered.crop((0, 0, *ours.size)).tobytes() == ours.tobytes()

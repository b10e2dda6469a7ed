"""Labels: seconds and memory of a run on A4 sheets, beside `qrcode` and `reportlab` used plainly.

`python -m bench.labels ours COUNT FILE` and `... plain COUNT FILE` each draw in a process of their own, and print
the seconds from the first label to the whole file and the most memory that the process held, in MB.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
from barcode.codex import Code128
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from bank.inventory import codes
from labels.label import Label
from labels.pdf import write_sheet_pdf
from labels.sheets import SHEETS

SHEET = SHEETS["70x37"]
PREFIX = "https://banque.example.fr/d/"
LINES = ("Portable", "LOT-2026-0042", "Étagère B3", "Classe A")
KILO = 1024


def made_up(count: int) -> list[Label]:
    """So many labels, none like another."""
    return [Label(code, PREFIX + code, LINES) for code in (codes.mint() for _ in range(count))]


def ours(labels: list[Label], file: Path) -> None:
    """By this package."""
    with file.open("wb") as out:
        write_sheet_pdf(out, labels, SHEET)


def plain(labels: list[Label], file: Path) -> None:
    """As one would write it: each module a rectangle, each symbol by the libraries' own words."""
    canvas = Canvas(str(file), pagesize=(SHEET.page_width * mm, SHEET.page_height * mm))
    corners = list(SHEET.corners())
    for number, label in enumerate(labels):
        if number and number % SHEET.places == 0:
            canvas.showPage()
        x, y = corners[number % SHEET.places]
        plain_label(canvas, label, (x + 5) * mm, (y + 4.5) * mm)
    canvas.save()


def plain_label(canvas: Canvas, label: Label, x: float, y: float) -> None:
    """One label from its lower left corner."""
    symbol = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    symbol.add_data(label.url)
    symbol.make()
    side = 18 * mm / len(symbol.modules)
    for row, modules in enumerate(symbol.modules):
        for column, black in enumerate(modules):
            if black:
                canvas.rect(x + column * side, y + 28 * mm - (row + 1) * side, side, side, stroke=0, fill=1)
    bars = Code128(label.code).build()[0]
    for column, bit in enumerate(bars):
        if bit == "1":
            canvas.rect(x + column * 0.3 * mm, y, 0.3 * mm, 7 * mm, stroke=0, fill=1)
    canvas.setFont("Helvetica-Bold", 12)
    canvas.drawString(x + 20 * mm, y + 24 * mm, label.spoken)
    canvas.setFont("Helvetica", 8)
    for number, line in enumerate(label.lines):
        canvas.drawString(x + 20 * mm, y + (20 - 3.5 * number) * mm, line)


WAYS: dict[str, Callable[[list[Label], Path], None]] = {"ours": ours, "plain": plain}


def measured(way: str, count: int, file: Path) -> tuple[float, float]:
    """Seconds and MB of one run, in a process of its own."""
    command = [sys.executable, "-m", "bench.labels", way, str(count), str(file)]
    seconds, memory = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert file.read_bytes().startswith(b"%PDF")
    return float(seconds), float(memory)


@click.command()
@click.argument("way", type=click.Choice(list(WAYS)))
@click.argument("count", type=int)
@click.argument("file", type=click.Path(path_type=Path))
def main(way: str, count: int, file: Path) -> None:
    """Draw, and print what it took."""
    run = made_up(count)
    began = time.perf_counter()
    WAYS[way](run, file)
    took = time.perf_counter() - began
    print(json.dumps([took, most_held() / KILO]))


def most_held() -> float:
    """The most memory that this process held, in KB; `ru_maxrss` remembers the process that started this one."""
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    main()

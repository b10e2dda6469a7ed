"""The commands that hang on the wall: every code of the printed sheet is read, by its squares and by its bars."""

import pypdfium2
import zxingcpp

from bank.scanning import commands
from bank.scanning.commands import COMMANDS
from tests.scanned import DPI


def test_every_command_is_read_from_the_printed_sheet_in_both_ways(world):
    got = world.client(world.operator).get("/scan/commands.pdf")
    assert got.status_code == 200
    assert got.mimetype == "application/pdf"
    both = {(code, form) for code in COMMANDS.values() for form in ("QR Code", "Code 128")}
    assert symbols(got.data) == both
    assert {commands.read(code) for code, _form in both} == set(COMMANDS)


def test_the_sheet_is_in_french_and_tagged_whoever_prints(world):
    client = world.client(world.operator)
    client.post("/language", data={"language": "en"})
    data = client.get("/scan/commands.pdf").data
    document = pypdfium2.PdfDocument(data)
    said = " ".join("".join(page.get_textpage().get_text_bounded() for page in document).split())
    document.close()
    for word in ("C’est fait", "Emplacement", "Badge suivant", "Batterie gonflée", "Écran noir"):
        assert word in said
    assert b"pdfuaid" in data


def test_whoever_does_not_scan_has_no_sheet(world):
    assert world.client(world.donor_user).get("/scan/commands.pdf").status_code == 403


def symbols(pdf):
    document = pypdfium2.PdfDocument(pdf)
    pictures = [page.render(scale=DPI / 72, grayscale=True).to_pil() for page in document]
    document.close()
    return {
        (found.text, str(found.format)) for picture in pictures for found in zxingcpp.read_barcodes(picture)
    }

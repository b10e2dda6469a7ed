"""What a device's label says, and what it never says."""

import pypdfium2
import pytest
from flask import Flask

from bank.errors import Code, Refusal
from bank.inventory import codes
from bank.inventory.models import Category
from bank.inventory.queries import Sticker
from bank.office import printing
from bank.office.printing import Inked, Layout
from tests.scanned import scanned


def stickers(count: int) -> list[Sticker]:
    return [Sticker(codes.mint(), Category.LAPTOP, "L-7K3F9") for _ in range(count)]


def sheet(made: list[Sticker], sheet_ref: str = printing.DEFAULT_SHEET, start: int = 1) -> bytes:
    say = printing.device_lines()
    return printing.pdf([Inked(each.code, say(each)) for each in made], Layout(sheet_ref, start))


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()


# Each sheet and roll is read label by label in tests/labels.
@pytest.mark.parametrize("sheet_ref", ["L7160", "70x37", "62x29"])
def test_every_label_scans_to_its_code_and_to_its_passport(app: Flask, sheet_ref: str) -> None:
    made = stickers(printing.places(sheet_ref))
    with app.test_request_context():
        pdf = sheet(made, sheet_ref)
        assert len(pages(pdf)) == 1
        assert scanned(pdf) == {
            text for each in made for text in (each.code, f"http://localhost/d/{each.code}")
        }


def test_a_label_tells_category_batch_and_bank_in_french_whoever_prints(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        [page] = pages(sheet(stickers(1)))
    assert "Ordinateur portable" in page
    assert "L-7K3F9" in page
    assert "Banque du numérique 95" in page


def test_a_sheet_begun_is_used_from_its_first_free_place(app: Flask) -> None:
    with app.test_request_context():
        places = printing.places("L7160")
        assert len(pages(sheet(stickers(2), "L7160", places))) == 2


@pytest.mark.parametrize(
    ("count", "sheet_ref", "start", "field"),
    [(1, "A4", 1, "sheet"), (1, "L7160", 0, "start"), (1, "L7160", 22, "start"), (0, "L7160", 1, "labels")],
)
def test_what_cannot_be_printed_is_refused(
    app: Flask, count: int, sheet_ref: str, start: int, field: str
) -> None:
    with app.test_request_context(), pytest.raises(Refusal) as refusal:
        sheet(stickers(count), sheet_ref, start)
    assert refusal.value.code is Code.INVALID
    errors = refusal.value.facts["errors"]
    assert isinstance(errors, dict)
    assert list(errors) == [field]

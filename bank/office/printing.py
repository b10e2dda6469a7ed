"""The one door to `labels/`: what a device's label says, and the sheet to print."""

from collections.abc import Iterable

from flask import current_app
from flask_babel import force_locale, gettext

from bank.config import Config
from bank.errors import Code, Refusal
from bank.inventory.queries import Sticker
from bank.web import words
from labels.label import Label, LabelRefused
from labels.pdf import sheet_pdf
from labels.sheets import SHEETS

DEFAULT_SHEET = "L7160"
# Which answer of the form a refusal of the package is about.
FIELDS = {"start-outside-sheet": "start"}


def sheet(stickers: Iterable[Sticker], sheet_ref: str = DEFAULT_SHEET, start: int = 1) -> bytes:
    """A PDF of labels, from place `start` of the first sheet on.

    A label names no programme, price, donor or person. Raises Refusal(invalid).
    """
    paper = SHEETS.get(sheet_ref)
    if paper is None:
        raise Refusal(Code.INVALID, errors={"sheet": ["unknown-sheet"]})
    try:
        # In French whoever prints: the label outlives the session in which somebody read English.
        with force_locale("fr"):
            return sheet_pdf((_label(each) for each in stickers), paper, start, title=gettext("Étiquettes"))
    except LabelRefused as refusal:
        field = FIELDS.get(refusal.code, "labels")
        raise Refusal(Code.INVALID, errors={field: [refusal.code]}) from refusal


def sheets() -> tuple[str, ...]:
    """The references of the sheets that can be printed on."""
    return tuple(SHEETS)


def places(sheet_ref: str) -> int:
    """How many labels a sheet holds."""
    return SHEETS[sheet_ref].places


def address(code: str) -> str:
    """What a label's QR opens: random, without counter, and told by nobody but the code."""
    config: Config = current_app.config["BANK"]
    return f"{config.public_url}/d/{code}"


def _label(sticker: Sticker) -> Label:
    config: Config = current_app.config["BANK"]
    category = words.word(sticker.category, "category").capitalize()
    return Label(sticker.code, address(sticker.code), (category, sticker.batch_ref, config.bank_name))

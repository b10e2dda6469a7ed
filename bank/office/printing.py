"""The one door to `labels/`: what a label says, and the files to print: sheets, rolls, pictures, ZPL."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from flask import current_app
from flask_babel import force_locale, gettext

from bank import files
from bank.config import Config
from bank.errors import Code, Refusal
from bank.inventory import codes
from bank.inventory.models import Category, Grade, PlaceKind
from bank.inventory.queries import PlaceSticker, Sticker
from bank.office.rules import AS_IT_IS, HUNDREDTHS, LINES_MAX, TRUE_SIZE, Fault, Offsets, legible
from bank.web import words
from labels import picture
from labels.calibration import calibration_pdf
from labels.correction import Correction
from labels.label import Label, LabelRefused
from labels.layout import arrange
from labels.pdf import sheet_pdf, write_sheet_pdf
from labels.sheets import SHEETS, Sheet
from labels.zpl import zpl as zpl_of

DEFAULT_SHEET = "L7160"
# Which answer of the form a refusal of the package is about.
FIELDS = {"start-outside-sheet": "start"}
TOO_FINE = frozenset({"url-too-long", "code-too-long"})


@dataclass(frozen=True, slots=True)
class Inked:
    """One label as it is printed: its code, and its lines one under the other."""

    code: str
    lines: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How labels are put on paper: on which, from which place on, how often each, moved by how much."""

    sheet: str
    start: int = 1
    copies: int = 1
    offsets: Offsets = AS_IT_IS


# --- papers ---


def paper(sheet_ref: str) -> Sheet:
    """A sheet or a roll by its reference. Raises Refusal(invalid)."""
    found = SHEETS.get(sheet_ref)
    if found is None:
        raise Refusal(Code.INVALID, errors={"sheet": [Fault.UNKNOWN_SHEET]})
    return found


def papers() -> tuple[Sheet, ...]:
    """The sheets and the rolls that can be printed on."""
    return tuple(SHEETS.values())


def sheets() -> tuple[str, ...]:
    """Their references."""
    return tuple(SHEETS)


def places(sheet_ref: str) -> int:
    """How many labels a sheet holds; 1 for a roll."""
    return SHEETS[sheet_ref].places


def must_fit(sheet_ref: str) -> None:
    """Refuse a paper on which the codes of this bank would be too fine to be read: the longer the bank's address,
    the larger its labels. Raises Refusal(invalid).
    """
    code = "0" * codes.LENGTH
    try:
        arrange(Label(code, address(code)), paper(sheet_ref))
    except LabelRefused as refusal:
        raise Refusal(Code.INVALID, errors={"sheet": [Fault.LABEL_DOES_NOT_FIT]}) from refusal


# --- what a label says: never a programme, a price, a donor or a person. In French whoever prints: the label
# outlives the session in which somebody read English. ---


def address(code: str) -> str:
    """What a label's QR opens: random, without counter, and told by nobody but the code."""
    config: Config = current_app.config["BANK"]
    return f"{config.public_url}/d/{code}"


def device_lines() -> Callable[[Sticker], str]:
    """What says a device: its category, its batch, its place and its class; the bank where there is room left."""
    with force_locale("fr"):
        categories = {each: words.word(each, "category").capitalize() for each in Category}
        grades = {each: gettext("Classe %(grade)s", grade=each.value.upper()) for each in Grade}
    bank = _bank_name()

    def say(sticker: Sticker) -> str:
        grade = grades[sticker.grade] if sticker.grade else ""
        return _lines(categories[sticker.category], sticker.batch_ref, sticker.place or "", grade, bank)

    return say


def place_lines(organisation: str) -> Callable[[PlaceSticker], str]:
    """What says a place of an organisation: its name, what it is and whose."""
    with force_locale("fr"):
        kinds = {each: words.word(each, "place_kind").capitalize() for each in PlaceKind}
    return lambda place: _lines(place.name, kinds[place.kind], organisation)


def blank_lines() -> str:
    """The bank's name: nothing else is known of what will carry it."""
    return _lines(_bank_name())


def _lines(*texts: str) -> str:
    said = [line for line in map(legible, texts) if line]
    return "\n".join(said[:LINES_MAX])


def _bank_name() -> str:
    config: Config = current_app.config["BANK"]
    return config.bank_name


# --- files ---


def pdf(inked: Iterable[Inked], layout: Layout) -> bytes:
    """A PDF to print. The same labels give the same bytes. Raises Refusal(invalid)."""
    found = paper(layout.sheet)
    try:
        return sheet_pdf(
            _labels(inked),
            found,
            layout.start,
            correction=_correction(layout.offsets),
            copies=layout.copies,
            title=_title(),
        )
    except LabelRefused as refusal:
        raise _told(refusal) from refusal


def file_of(stored: str | None, inked: Iterable[Inked], layout: Layout) -> bytes:
    """The PDF of a run: as a job stored it, else drawn now. Raises Refusal(invalid)."""
    return pdf(inked, layout) if stored is None else files.get(stored)


def write_pdf(out: BinaryIO, inked: Iterable[Inked], layout: Layout) -> None:
    """The same into a file, however many labels there are. Raises Refusal(invalid)."""
    found = paper(layout.sheet)
    try:
        write_sheet_pdf(
            out,
            _labels(inked),
            found,
            layout.start,
            correction=_correction(layout.offsets),
            copies=layout.copies,
            title=_title(),
        )
    except LabelRefused as refusal:
        raise _told(refusal) from refusal


def zpl(inked: Iterable[Inked], layout: Layout) -> bytes:
    """For a thermal printer that speaks ZPL. Raises Refusal(invalid)."""
    try:
        return zpl_of(_labels(inked), paper(layout.sheet), copies=layout.copies)
    except LabelRefused as refusal:
        raise _told(refusal) from refusal


def png(inked: Inked, sheet_ref: str) -> bytes:
    """One label as a picture of points. Raises Refusal(invalid)."""
    try:
        return picture.png(_label(inked), paper(sheet_ref))
    except LabelRefused as refusal:
        raise _told(refusal) from refusal


def svg(inked: Inked, sheet_ref: str) -> str:
    """One label as a drawing. Raises Refusal(invalid)."""
    try:
        return picture.svg(_label(inked), paper(sheet_ref))
    except LabelRefused as refusal:
        raise _told(refusal) from refusal


def preview(inked: Iterable[Inked], layout: Layout) -> str:
    """The first sheet as a drawing, its used places grey. Raises Refusal(invalid)."""
    repeated = (each for each in _labels(inked) for _ in range(layout.copies))
    try:
        return picture.sheet_svg(repeated, paper(layout.sheet), layout.start)
    except LabelRefused as refusal:
        raise _told(refusal) from refusal


def calibration_page(offsets: Offsets) -> bytes:
    """The A4 page to print and to measure, as a printer with these offsets prints it."""
    with force_locale("fr"):
        title = gettext("Réglage de l’imprimante")
        lines = (
            gettext("Imprimez cette page à 100 %, sans ajuster à la page."),
            gettext("Mesurez du bord gauche de la feuille au centre de la croix en haut à gauche."),
            gettext("Mesurez du bord haut de la feuille au centre de la même croix."),
            gettext("Mesurez la règle couchée, de 0 à 100."),
            gettext("Mesurez la règle debout, de 0 à 100."),
            gettext("Écrivez ces quatre mesures sur la page de cette imprimante."),
        )
    return calibration_pdf(paper(DEFAULT_SHEET), title, lines, correction=_correction(offsets))


def _title() -> str:
    with force_locale("fr"):
        return str(gettext("Étiquettes"))


def _correction(offsets: Offsets) -> Correction:
    return Correction(
        offsets.offset_x / HUNDREDTHS,
        offsets.offset_y / HUNDREDTHS,
        offsets.scale_x / TRUE_SIZE,
        offsets.scale_y / TRUE_SIZE,
    )


def _labels(inked: Iterable[Inked]) -> Iterator[Label]:
    return map(_label, inked)


def _label(inked: Inked) -> Label:
    return Label(inked.code, address(inked.code), tuple(inked.lines.split("\n")) if inked.lines else ())


def _told(refusal: LabelRefused) -> Refusal:
    if refusal.code in TOO_FINE:
        return Refusal(Code.INVALID, errors={"sheet": [Fault.LABEL_DOES_NOT_FIT]})
    field = FIELDS.get(refusal.code, "labels")
    return Refusal(Code.INVALID, errors={field: [refusal.code]})

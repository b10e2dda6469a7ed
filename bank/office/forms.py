"""Forms of printing: what to print, kept from page to page; on which paper; a printer and its measures."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from flask_babel import LazyString, format_decimal, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import HiddenInput

from bank.errors import Code, Refusal
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, Grade, StepKind
from bank.inventory.queries import Q_MAX, Filters
from bank.office import printing, rules
from bank.office.actions import Paper
from bank.office.models import ReprintReason
from bank.office.queries import PrinterLine, Selection
from bank.office.rules import Fault, Measured
from bank.office.words import WORDS
from bank.web import words
from bank.web.forms import LARGEST, Form, Number, PageForm, Unchosen, set_errors
from labels.sheets import Sheet

VERSION_MAX = 2**31 - 1
BATCH_MAX = 12
NO_PRINTER = SelectChoice("", _l("une imprimante sans réglage"))
NO_REASON = SelectChoice("", _l("choisir une raison"))
REASONS = [NO_REASON, *(SelectChoice(each.value, WORDS["reprint_reason"][each]) for each in ReprintReason)]
ASKED = _l("Remplissez ce champ.")


def _any_of(kinds: type[StrEnum]) -> list[SelectChoice]:
    return [SelectChoice("", ""), *(SelectChoice(each.value, each.value) for each in kinds)]


def _identity(text: Any) -> int:
    number = int(text)
    if not 1 <= number <= LARGEST:
        raise ValueError(text)
    return number


class SelectionForm(PageForm):
    """What to print, in an address: devices, a batch, a place, a list's filters, places, or blank labels."""

    class Meta:
        csrf = False

    device = SelectMultipleField(_l("Matériels"), validate_choice=False)
    batch = StringField(_l("Lot"), [Optional(), Length(max=BATCH_MAX, message=_l("%(max)d signes au plus."))])
    place = Number(_l("Emplacement"), [Optional(), NumberRange(1, LARGEST)])
    unprinted = BooleanField(_l("Pas encore imprimées"), false_values=(False, "false", "0", "n", ""))
    # The list was sent to print what is ticked.
    picked = BooleanField(_l("Matériels cochés"), false_values=(False, "false", "0", "n", ""))
    listed = BooleanField(_l("Toute la liste"), false_values=(False, "false", "0", "n", ""))
    q = StringField(
        _l("Code, numéro de série ou lot"),
        [Optional(), Length(max=Q_MAX, message=_l("%(max)d signes au plus."))],
    )
    state = SelectField(_l("État"), [Unchosen()], choices=_any_of(State))
    category = SelectField(_l("Catégorie"), [Unchosen()], choices=_any_of(Category))
    step = SelectField(_l("Étape"), [Unchosen()], choices=_any_of(StepKind))
    grade = SelectField(_l("Aspect"), [Unchosen()], choices=_any_of(Grade))
    blocked = BooleanField(_l("Bloqués seulement"), false_values=(False, "false", "0", "n", ""))
    places = SelectMultipleField(_l("Emplacements"), coerce=_identity, validate_choice=False)
    all_places = BooleanField(_l("Tous les emplacements"), false_values=(False, "false", "0", "n", ""))
    blanks = Number(_l("Combien d’étiquettes vierges"), [Optional()])

    def __init__(self, given: MultiDict[str, str]) -> None:
        super().__init__(formdata=given)
        self.given = given

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether it says what to print; that nothing was ticked is told."""
        sound = bool(super().validate(extra_validators))
        if self.picked.data and not self.device.data:
            self.device.errors = [_("Cochez au moins un matériel dans la liste.")]
            return False
        return sound

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What was given, to be carried on; but for the number of blank labels, which is asked again."""
        names = [name for name in self._fields if name != "blanks"]
        return [(name, value) for name in names for value in self.given.getlist(name) if value]

    @property
    def link(self) -> dict[str, list[str]]:
        """The same and the number of blank labels, for an address."""
        link: dict[str, list[str]] = {}
        for name, value in self.pairs:
            link.setdefault(name, []).append(value)
        return link | ({"blanks": [str(self.blanks.data)]} if self.blanks.data is not None else {})

    def to_selection(self) -> Selection:
        """As the action takes it; call it on a form that validates."""
        return Selection(
            devices=tuple(self.device.data) if self.device.data else None,
            batch=self.batch.data or None,
            place=self.place.data,
            filters=self._filters(),
            unprinted=bool(self.unprinted.data),
            places=tuple(self.places.data or ()) if self.places.data or self.all_places.data else None,
            blanks=self.blanks.data,
        )

    def _filters(self) -> Filters | None:
        filters = Filters(
            q=self.q.data or None,
            state=State(self.state.data) if self.state.data else None,
            category=Category(self.category.data) if self.category.data else None,
            step=StepKind(self.step.data) if self.step.data else None,
            grade=Grade(self.grade.data) if self.grade.data else None,
            blocked=bool(self.blocked.data),
        )
        return filters if self.listed.data or filters != Filters() else None


class PaperForm(Form):
    """On what to print, from where on, how often, with which printer, and why if it is done again."""

    blanks = Number(_l("Combien d’étiquettes vierges"), [InputRequired(ASKED)])
    sheet = SelectField(_l("Planche ou rouleau"), [InputRequired(ASKED)])
    start = Number(_l("Première place libre"), [InputRequired(ASKED)])
    copies = Number(_l("Exemplaires de chaque étiquette"), [InputRequired(ASKED)], default=1)
    printer = SelectField(_l("Imprimante"), [Unchosen()])
    reason = SelectField(_l("Pourquoi réimprimer l’étiquette ?"), [Unchosen()], choices=REASONS)

    def __init__(
        self,
        printers: Sequence[PrinterLine],
        opened: Mapping[str, int],
        given: MultiDict[str, str] | None = None,
        *,
        sheet: str | None = None,
        blanks: bool = False,
    ) -> None:
        usual = sheet or next(iter(opened), printing.DEFAULT_SHEET)
        super().__init__(formdata=given, data={"sheet": usual, "copies": 1})
        if not blanks:
            del self.blanks
        self.opened = opened
        self.sheet.choices = sheet_choices()
        self.printer.choices = [NO_PRINTER, *(SelectChoice(str(each.id), each.name) for each in printers)]
        if self.start.data is None and not self.start.raw_data:
            self.start.data = opened.get(self.sheet.data, 1)

    @property
    def paper(self) -> Sheet | None:
        """The chosen sheet or roll, if there is such a one."""
        return {each.reference: each for each in printing.papers()}.get(self.sheet.data)

    def to_paper(self, station_id: int | None) -> Paper:
        """As the action takes it; call it on a form that validates."""
        return Paper(
            sheet=self.sheet.data,
            start=self.start.data or 0,
            copies=self.copies.data or 0,
            printer_id=int(self.printer.data) if self.printer.data else None,
            reason=ReprintReason(self.reason.data) if self.reason.data else None,
            station_id=station_id,
        )


class SheetForm(PageForm):
    """A sheet that is new."""

    sheet = StringField(_l("Planche"), [InputRequired(ASKED), Length(max=20)], widget=HiddenInput())


class AgainForm(PageForm):
    """A yes to go on."""


class PrinterForm(Form):
    """A printer's name."""

    name = StringField(
        _l("Nom de l’imprimante"),
        [InputRequired(_l("Donnez un nom à cette imprimante.")), Length(max=rules.NAME_MAX)],
    )


def _is_measure(_form: Any, field: Any) -> None:
    """Refuse what is no distance. Raises ValidationError."""
    if hundredths(field.data or "") is None:
        raise ValidationError(str(WORDS["print_fault"][Fault.NOT_A_MEASURE]))


def _measure(label: LazyString) -> StringField:
    return StringField(label, [InputRequired(ASKED), _is_measure])


def hundredths(text: str) -> int | None:
    """`20,5` as 2,050; None when it is no distance on paper."""
    whole, _point, part = text.strip().removesuffix("mm").strip().replace(",", ".").partition(".")
    if not (whole.isascii() and whole.isdecimal() and len(whole) <= 3 and len(part) <= 2):
        return None
    if part and not (part.isascii() and part.isdecimal()):
        return None
    return int(whole) * rules.HUNDREDTHS + int(part.ljust(2, "0") or 0)


class MeasureForm(PageForm):
    """What was measured on a calibration page."""

    version = Number(validators=[InputRequired(), NumberRange(1, VERSION_MAX)], widget=HiddenInput())
    left = _measure(_l("Du bord gauche de la feuille au centre de la croix"))
    top = _measure(_l("Du bord haut de la feuille au centre de la croix"))
    across = _measure(_l("Longueur de la règle couchée"))
    down = _measure(_l("Longueur de la règle debout"))

    def to_measured(self) -> Measured:
        """As the action takes it; call it on a form that validates."""
        return Measured(
            left=hundredths(self.left.data or "") or 0,
            top=hundredths(self.top.data or "") or 0,
            across=hundredths(self.across.data or "") or 0,
            down=hundredths(self.down.data or "") or 0,
        )


def sheet_choices() -> dict[str, list[tuple[str, str]]]:
    """Sheets and rolls in their groups, each with its size."""
    papers = printing.papers()
    return {
        _("Planches A4"): [(each.reference, _of_sheet(each)) for each in papers if not each.is_roll],
        _("Rouleaux"): [(each.reference, _of_roll(each)) for each in papers if each.is_roll],
    }


def _of_sheet(sheet: Sheet) -> str:
    said: str = ngettext(
        "%(name)s : une de %(width)s × %(height)s mm",
        "%(name)s : %(num)d de %(width)s × %(height)s mm",
        sheet.places,
        name=sheet.reference,
        width=millimetres(sheet.width),
        height=millimetres(sheet.height),
    )
    return said


def _of_roll(sheet: Sheet) -> str:
    size = {"width": millimetres(sheet.width), "height": millimetres(sheet.height)}
    return str(_("%(name)s : %(width)s × %(height)s mm", name=sheet.reference, **size))


def millimetres(value: float) -> str:
    """`63,5`: as it stands on a packet, in the reader's language."""
    return str(format_decimal(value))


# Where a form shows what is wrong with an answer that the action knows by another name; else above its fields.
SHOWN_AT = {"labels": "blanks"}


def tell(form: PageForm, refusal: Refusal) -> None:
    """Say a refusal where it belongs on the form. Raises it again when it is no question of what was asked."""
    errors = refusal.facts.get("errors")
    if refusal.code is not Code.INVALID or not isinstance(errors, dict):
        raise refusal
    for name, faults in errors.items():
        said = [words.word(fault, "print_fault") for fault in faults]
        field = SHOWN_AT.get(name, name)
        if field in form:
            set_errors(form, {field: said})
        else:
            form.form_errors = [*form.form_errors, *said]

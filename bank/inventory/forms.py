"""Forms on devices: what their list is narrowed to, in the address; and what was read on one."""

from collections.abc import Iterable

from flask import request
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SearchField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import Length, NumberRange, Optional

from bank.errors import Code, Refusal
from bank.inventory import codes
from bank.inventory.identify import Identity
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, CodeKind, Grade, StepKind
from bank.inventory.queries import Q_MAX, DeviceSheet, Filters
from bank.inventory.words import WORDS
from bank.web import words
from bank.web.forms import Number, PageForm, Unchosen, set_errors

ID_MAX = 2**63 - 1
SEQ_MAX = 2**31 - 1
BATCH_MAX = 12
READ_MAX = 200
# Things that speak to a mobile network carry such a number.
WITH_IMEI = frozenset({Category.SMARTPHONE, Category.BASIC_PHONE, Category.TABLET, Category.ROUTER})


def _choices(vocabulary: str, values: Iterable[str]) -> list[SelectChoice]:
    words = WORDS[vocabulary]
    return [SelectChoice("", _l("tous")), *(SelectChoice(str(value), words[value]) for value in values)]


class FilterForm(PageForm):
    """Filters of the list; an unknown one is told, not ignored."""

    class Meta:
        csrf = False

    q = SearchField(
        _l("Code, numéro de série ou lot"),
        [Optional(), Length(max=Q_MAX, message=_l("%(max)d signes au plus."))],
    )
    state = SelectField(_l("État"), [Unchosen()], choices=_choices("state", State))
    category = SelectField(_l("Catégorie"), [Unchosen()], choices=_choices("category", Category))
    step = SelectField(_l("Étape"), [Unchosen()], choices=_choices("step", StepKind))
    grade = SelectField(_l("Aspect"), [Unchosen()], choices=_choices("grade", Grade))
    blocked = BooleanField(_l("Bloqués seulement"), false_values=(False, "false", "0", "n", ""))
    batch = SearchField(_l("Lot"), [Optional(), Length(max=BATCH_MAX, message=_l("%(max)d signes au plus."))])
    place = Number(_l("Emplacement"), [Optional(), NumberRange(1, ID_MAX)])
    unprinted = BooleanField(_l("Étiquette pas encore imprimée"), false_values=(False, "false", "0", "n", ""))
    cursor = Number(_l("Page"), [Optional(), NumberRange(1, ID_MAX)])

    def __init__(self) -> None:
        super().__init__(formdata=request.args)

    def to_filters(self) -> Filters:
        """As the query takes it; call it on a form that validates."""
        return Filters(
            q=self.q.data or None,
            state=State(self.state.data) if self.state.data else None,
            category=Category(self.category.data) if self.category.data else None,
            batch=self.batch.data or None,
            step=StepKind(self.step.data) if self.step.data else None,
            grade=Grade(self.grade.data) if self.grade.data else None,
            blocked=bool(self.blocked.data),
            place=self.place.data,
            unprinted=bool(self.unprinted.data),
        )


class HistoryForm(PageForm):
    """Where to go on in a long history, in the address; nonsense starts at the end, which is the present."""

    class Meta:
        csrf = False

    before = Number(_l("Page"), [Optional(), NumberRange(1, SEQ_MAX)])

    def __init__(self) -> None:
        super().__init__(formdata=request.args)


def _read(label: LazyString) -> StringField:
    return StringField(label, [Optional(), Length(max=READ_MAX, message=_l("%(max)d signes au plus."))])


class IdentityForm(PageForm):
    """What was read on a device; the serial first, so that the scan of its barcode is all it takes."""

    serial = _read(_l("Numéro de série"))
    imei = _read(_l("IMEI"))
    asset_tag = _read(_l("Numéro du donateur"))
    maker = _read(_l("Marque"))
    model = _read(_l("Modèle"))

    def __init__(self, sheet: DeviceSheet) -> None:
        known = {code.kind.value: code.value for code in sheet.codes}
        self.known = known | {"maker": sheet.maker, "model": sheet.model}
        super().__init__(data=self.known)
        if sheet.category not in WITH_IMEI and CodeKind.IMEI.value not in known:
            del self.imei

    def to_identity(self) -> Identity:
        """As the action takes it: what is emptied is taken away, what stays empty may still be filled."""
        said = {name: self[name].data or "" for name in READ if name in self}
        return Identity(
            **{name: text if text or self.known.get(name) else None for name, text in said.items()}
        )


READ = ("serial", "imei", "asset_tag", "maker", "model")


def tell(form: IdentityForm, refusal: Refusal) -> None:
    """Say a refusal where it belongs on the form. Raises it again when it is not about what was read."""
    errors = refusal.facts.get("errors")
    if refusal.code is Code.INVALID and isinstance(errors, dict):
        said = {
            name: [words.word(fault, "device_identity_fault") for fault in errors[name]] for name in errors
        }
        set_errors(form, said)
    elif refusal.code is Code.ROW_TAKEN:
        other = refusal.facts.get("device")
        where = _("Ligne %(row)s du fichier.", row=refusal.facts["row"])
        tied = (
            _("L’autre matériel porte l’étiquette %(code)s.", code=codes.grouped(str(other))) if other else ""
        )
        form.form_errors.append(" ".join((words.problem(refusal.code)[1], where, tied)).strip())
    else:
        raise refusal

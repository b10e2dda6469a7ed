"""HTML forms: ask, find, choose, cancel."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    FormField,
    HiddenField,
    RadioField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from bank.allocation import nir
from bank.allocation.actions import NewRequest
from bank.allocation.models import CancelReason, Need, ProofKind
from bank.allocation.queries import ProgrammeOption
from bank.allocation.words import WORDS
from bank.errors import Code, Refusal
from bank.identity.rules import ONE_LINE
from bank.inventory.models import Category
from bank.inventory.words import WORDS as INVENTORY_WORDS
from bank.web.forms import Form, Number, PageForm, Part, Unchosen, set_errors
from bank.web.pages import money
from bank.web.words import problem, word

ASKED = _l("Remplissez ce champ.")
CHOOSE = _l("Choisissez une réponse.")
PRINTABLE = Regexp(f"^{ONE_LINE}$", message=_l("Ce champ contient un signe qui ne s’imprime pas."))
NAME_LENGTH = Length(max=120, message=_l("120 signes au plus."))
MANY = 200
# Where each reason for not being eligible belongs on the form; the others are about the whole of it.
PLACES = {
    "proof-missing": "proof",
    "proof-not-accepted": "proof",
    "proof-day-missing": "proof_day",
    "proof-in-future": "proof_day",
    "proof-too-old": "proof_day",
    "proof-not-seen": "proof_seen",
}

Prices = Mapping[Category, int | None]


class Boxes(SelectMultipleField):
    """Several boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


# One number per category, empty for none: no row to add or to take away, so no script is needed.
QuantityPart = type(
    "QuantityPart",
    (Part,),
    {
        category.value: Number(
            INVENTORY_WORDS["category"][category],
            [Optional(), NumberRange(0, 100, _l("Un nombre de 0 à 100."))],
        )
        for category in Category
    },
)


class RequestForm(Form):
    """A request under one programme, for a person or for the organisation itself; in the order of the page."""

    quantities: Any = FormField(QuantityPart)
    proof = RadioField(_l("Justificatif que vous avez vu"), [InputRequired(CHOOSE)], coerce=ProofKind)
    proof_day = DateField(_l("Date inscrite sur le justificatif"), [InputRequired(ASKED)])
    proof_seen = BooleanField(_l("J’ai vu ce justificatif. Je n’en garde pas de copie pour cette demande."))
    person_name = StringField(
        _l("Nom de la personne"),
        [InputRequired(ASKED), NAME_LENGTH, PRINTABLE],
        description=_l("Le nom sous lequel elle se présentera au guichet."),
    )
    birth_date = DateField(
        _l("Date de naissance"),
        [Optional()],
        description=_l("Elle sert à retrouver la demande si la personne perd sa référence."),
    )
    contact = StringField(
        _l("Téléphone ou adresse électronique"),
        [Optional(), Length(max=200, message=_l("200 signes au plus.")), PRINTABLE],
        description=_l("Pour la prévenir quand le matériel l’attend."),
    )
    categories = Boxes(_l("Matériel demandé"), [InputRequired(_l("Choisissez au moins un matériel."))])
    needs = Boxes(
        _l("Ce qui l’aiderait"),
        [Unchosen()],
        choices=[SelectChoice(need.value, WORDS["need"][need]) for need in Need],
        description=_l("Un besoin, jamais une maladie ni un handicap."),
    )
    # A structure sees the price first; the button of that page carries this.
    confirmed = HiddenField()

    @classmethod
    def under(cls, option: ProgrammeOption, prices: Prices) -> "RequestForm":
        """The form with the fields that the programme asks for, and no other."""
        form = cls()
        if option.for_a_person:
            del form.quantities, form.confirmed
            form._offer(option, prices)
        else:
            del form.categories, form.person_name, form.birth_date, form.contact, form.needs
        if not option.proofs:
            del form.proof, form.proof_day, form.proof_seen
            return form
        accepted = [kind for kind in ProofKind if kind in option.proofs]
        form.proof.choices = [SelectChoice(kind, WORDS["proof_kind"][kind]) for kind in accepted]
        if len(accepted) == 1 and form.proof.data is None:
            form.proof.data = accepted[0]
        return form

    def _offer(self, option: ProgrammeOption, prices: Prices) -> None:
        self.categories.choices = [
            (each.value, _priced(each, prices.get(each))) for each in option.categories
        ]
        if len(option.categories) == 1 and not self.is_submitted():
            self.categories.data = [option.categories[0].value]

    def numbers(self, option: ProgrammeOption) -> list[tuple[Category, Any]]:
        """A category and the field of its number, for each that the programme prices."""
        return [(category, self.quantities.form[category.value]) for category in option.categories]

    def to_correct(self) -> bool:
        """Whether somebody who saw the price comes back to change what is asked for."""
        return "confirmed" in self and self.confirmed.data == "no"

    def to_confirm(self, option: ProgrammeOption) -> bool:
        """Whether the price is still to be shown; there is none for a request that asks for nothing."""
        return "confirmed" in self and self.confirmed.data != "yes" and bool(self.lines(option))

    def lines(self, option: ProgrammeOption) -> tuple[tuple[Category, int], ...]:
        """What was asked for; call it on a form that validates."""
        if option.for_a_person:
            return tuple((Category(value), 1) for value in self.categories.data or ())
        return tuple((category, field.data) for category, field in self.numbers(option) if field.data)

    def asked(self, option: ProgrammeOption) -> NewRequest:
        """What was asked for, by whom it was seen; call it on a form that validates."""
        given: dict[str, Any] = {
            name: field.data
            for name, field in self._fields.items()
            if name in NewRequest.__dataclass_fields__
        }
        for name in ("person_name", "contact"):
            if given.get(name):
                given[name] = given[name].strip()
        needs = frozenset(Need(value) for value in given.pop("needs", None) or ())
        return NewRequest(programme=option.code, lines=self.lines(option), needs=needs, **given)

    def explain(self, refusal: Refusal) -> None:
        """Put a refusal where it belongs on the form."""
        if refusal.code is Code.NOT_ELIGIBLE:
            for reason in _texts(refusal.facts.get("reasons")):
                say_on(self, PLACES.get(reason), word(reason, "eligibility"))
            return
        explain_on(self, refusal)


class FindForm(PageForm):
    """A request by its reference, or a person's by exact name and birth date. Never in an address."""

    ref = StringField(
        _l("Référence de la demande"),
        [Optional(), Length(max=30, message=_l("30 signes au plus."))],
        description=_l("Elle commence par D."),
    )
    person_name = StringField(_l("Nom et prénom exacts"), [Optional(), NAME_LENGTH, PRINTABLE])
    birth_date = DateField(_l("Date de naissance"), [Optional()])

    def validate_person_name(self, field: StringField) -> None:
        """No social security number, here as where people are described."""
        if field.data and nir.found_in(field.data):
            raise ValidationError(word("nir", "request_problem"))

    def wanted(self) -> tuple[str, date | None]:
        """Whom to look for."""
        return self.person_name.data or "", self.birth_date.data

    def incomplete(self) -> bool:
        """Whether too little was typed to look for anything; says so on the form."""
        if (self.ref.data or "").strip():
            return False
        missing = [name for name in ("person_name", "birth_date") if not self[name].data]
        if len(missing) == 2:
            self.form_errors.append(str(_l("Écrivez la référence, ou le nom avec la date de naissance.")))
        for name in missing if len(missing) == 1 else ():
            set_errors(self, {name: [str(ASKED)]})
        return bool(missing)


class AllocateForm(Form):
    """Promise devices; each ticked box carries a code."""

    device = SelectMultipleField(validate_choice=False)

    def validate_device(self, field: SelectMultipleField) -> None:
        """Some, and no more than a request can ask for."""
        codes = field.data or []
        if not 0 < len(codes) <= MANY or any(not code or len(code) > MANY for code in codes):
            raise ValidationError(CHOOSE)


class ReleaseForm(Form):
    """Take one device back; the button carries its code."""

    device = HiddenField(validators=[InputRequired(ASKED), Length(max=200)])


class CancelForm(PageForm):
    """Why the request is not followed any more."""

    reason = RadioField(
        _l("Pourquoi ?"),
        [InputRequired(CHOOSE)],
        coerce=CancelReason,
        choices=[SelectChoice(reason, WORDS["cancel_reason"][reason]) for reason in CancelReason],
    )


def explain_on(form: Form, refusal: Refusal) -> None:
    """Put the errors that a refusal names where they belong on the form."""
    errors = refusal.facts.get("errors")
    if not isinstance(errors, dict):
        form.form_errors.append(problem(refusal.code)[1])
        return
    for name, reasons in errors.items():
        for reason in reasons:
            say_on(form, "categories" if name == "lines" else name, word(reason, "request_problem"))


def say_on(form: Form, name: str | None, sentence: str) -> None:
    """Put a sentence on a field, or on the form where it has no such field."""
    if name and name in form:
        set_errors(form, {name: [sentence]})
    else:
        form.form_errors.append(sentence)


def _priced(category: Category, unit_cents: int | None) -> LazyString:
    return LazyString(_with_price, category, unit_cents)


def _with_price(category: Category, unit_cents: int | None) -> str:
    name = word(category, "category")
    return name if unit_cents is None else str(_l("%(name)s : %(price)s", name=name, price=money(unit_cents)))


def _texts(fact: object) -> list[str]:
    return [str(item) for item in fact] if isinstance(fact, list) else []

"""HTML forms: ask, promise."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp

from bank.allocation.actions import NewRequest
from bank.allocation.models import ProofKind
from bank.allocation.queries import ProgrammeOption
from bank.allocation.words import WORDS
from bank.errors import Code, Refusal
from bank.identity.rules import ONE_LINE
from bank.inventory.models import Category
from bank.web.forms import Form, Number, set_errors
from bank.web.words import problem, word

ASKED = _l("Remplissez ce champ.")
CHOOSE = _l("Choisissez une réponse.")
PRINTABLE = Regexp(f"^{ONE_LINE}$", message=_l("Ce champ contient un signe qui ne s’imprime pas."))
# Where each reason for not being eligible belongs on the form; the others are about the whole of it.
PLACES = {
    "proof-missing": "proof",
    "proof-not-accepted": "proof",
    "proof-day-missing": "proof_day",
    "proof-in-future": "proof_day",
    "proof-too-old": "proof_day",
    "proof-not-seen": "proof_seen",
}


class RequestForm(Form):
    """A request under one programme."""

    category = SelectField(_l("Matériel demandé"), [InputRequired(CHOOSE)], coerce=Category)
    quantity = Number(
        _l("Nombre"),
        [InputRequired(ASKED), NumberRange(1, 100, _l("Entre 1 et 100."))],
        default=1,
    )
    person_name = StringField(
        _l("Nom de la personne"),
        [InputRequired(ASKED), Length(max=120, message=_l("120 signes au plus.")), PRINTABLE],
        description=_l("Le nom sous lequel elle se présentera au guichet."),
    )
    contact = StringField(
        _l("Téléphone ou adresse électronique"),
        [Optional(), Length(max=200, message=_l("200 signes au plus.")), PRINTABLE],
        description=_l("Pour la prévenir quand le matériel l’attend."),
    )
    proof = RadioField(_l("Justificatif que vous avez vu"), [InputRequired(CHOOSE)], coerce=ProofKind)
    proof_day = DateField(_l("Date inscrite sur le justificatif"), [InputRequired(ASKED)])
    proof_seen = BooleanField(_l("J’ai vu ce justificatif. Je n’en garde pas de copie pour cette demande."))

    @classmethod
    def under(cls, option: ProgrammeOption) -> "RequestForm":
        """The form with the fields that the programme asks for, and no other."""
        form = cls()
        words = [(category, word(category, "category")) for category in option.categories]
        form.category.choices = words
        if option.for_a_person:
            del form.quantity
        else:
            del form.person_name, form.contact
        if not option.proofs:
            del form.proof, form.proof_day, form.proof_seen
            return form
        accepted = [kind for kind in ProofKind if kind in option.proofs]
        form.proof.choices = [(kind, WORDS["proof_kind"][kind]) for kind in accepted]
        if len(accepted) == 1 and form.proof.data is None:
            form.proof.data = accepted[0]
        return form

    def asked(self, option: ProgrammeOption) -> NewRequest:
        """What was asked for."""
        given: dict[str, Any] = {
            name: field.data
            for name, field in self._fields.items()
            if name in NewRequest.__dataclass_fields__
        }
        quantity = 1 if option.for_a_person else self.quantity.data
        given["lines"] = ((self.category.data, quantity),)
        for name in ("person_name", "contact"):
            if given.get(name):
                given[name] = given[name].strip()
        return NewRequest(programme=option.code, **given)

    def explain(self, refusal: Refusal) -> None:
        """Put a refusal where it belongs on the form."""
        if refusal.code is Code.NOT_ELIGIBLE:
            for reason in _texts(refusal.facts.get("reasons")):
                say_on(self, PLACES.get(reason), word(reason, "eligibility"))
            return
        explain_on(self, refusal)


class AllocateForm(Form):
    """Promise one device; the button carries its code."""

    device = HiddenField(validators=[InputRequired(ASKED), Length(max=200)])


class ReleaseForm(AllocateForm):
    """Take one device back."""


def explain_on(form: Form, refusal: Refusal) -> None:
    """Put the errors that a refusal names where they belong on the form."""
    errors = refusal.facts.get("errors")
    if not isinstance(errors, dict):
        form.form_errors.append(problem(refusal.code)[1])
        return
    for name, reasons in errors.items():
        for reason in reasons:
            say_on(form, name, word(reason, "request_problem"))


def say_on(form: Form, name: str | None, sentence: str) -> None:
    """Put a sentence on a field, or on the form where it has no such field."""
    if name and name in form:
        set_errors(form, {name: [sentence]})
    else:
        form.form_errors.append(sentence)


def _texts(fact: object) -> list[str]:
    return [str(item) for item in fact] if isinstance(fact, list) else []

"""HTML forms: ask, promise, hand over."""

import re
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp, ValidationError

from bank.allocation.actions import NewHandover, NewRequest
from bank.allocation.models import Payment, ProofKind, Signature
from bank.allocation.queries import ProgrammeOption, RequestFacts
from bank.allocation.words import WORDS
from bank.errors import Code, Refusal
from bank.identity.rules import ONE_LINE
from bank.inventory.models import Category
from bank.web.forms import Form, Number, set_errors
from bank.web.words import problem, word

ASKED = _l("Remplissez ce champ.")
CHOOSE = _l("Choisissez une réponse.")
PRINTABLE = Regexp(f"^{ONE_LINE}$", message=_l("Ce champ contient un signe qui ne s’imprime pas."))
MONEY = re.compile(r"([0-9]{1,6})(?:[.,]([0-9]{1,2}))?")
NOT_MONEY = str.maketrans("", "", " \u00a0\u202f€")

# Where each reason for not being eligible belongs on the form; the others are about the whole of it.
PLACES = {
    "proof-missing": "proof",
    "proof-not-accepted": "proof",
    "proof-day-missing": "proof_day",
    "proof-in-future": "proof_day",
    "proof-too-old": "proof_day",
    "proof-not-seen": "proof_seen",
}


def cents(text: str) -> int | None:
    """Integer cents out of `20`, `20,00` or `20.00 €`; None for anything else."""
    match = MONEY.fullmatch(text.translate(NOT_MONEY))
    if match is None:
        return None
    return int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0"))


def amount(value: int) -> str:
    """`20,00`: cents as they are typed in a field."""
    return f"{value // 100},{value % 100:02}"


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
        for name in ("person_name", "contact"):
            if given.get(name):
                given[name] = given[name].strip()
        return NewRequest(programme=option.code, **given)

    def explain(self, refusal: Refusal) -> None:
        """Put a refusal where it belongs on the form."""
        if refusal.code is Code.NOT_ELIGIBLE:
            for reason in _texts(refusal.facts.get("reasons")):
                _say(self, PLACES.get(reason), word(reason, "eligibility"))
            return
        _explain(self, refusal)


class AllocateForm(Form):
    """Promise one device; the button carries its code."""

    device = HiddenField(validators=[InputRequired(ASKED), Length(max=200)])


class ReleaseForm(AllocateForm):
    """Take one device back."""


class HandoverForm(Form):
    """What is scanned, paid and signed at the counter."""

    devices = TextAreaField(
        _l("Codes scannés"),
        [InputRequired(_l("Scannez chaque matériel avant de le remettre.")), Length(max=20_000)],
        description=_l("Un code par ligne : scannez l’étiquette, ou tapez ses dix signes."),
    )
    payment = RadioField(_l("Moyen de paiement"), [InputRequired(CHOOSE)], coerce=Payment)
    paid = StringField(_l("Montant encaissé, en euros"), [InputRequired(ASKED), Length(max=20)])
    signature = RadioField(
        _l("Signature"), [InputRequired(CHOOSE)], coerce=Signature, default=Signature.ON_PAPER
    )

    @classmethod
    def of(cls, asked: RequestFacts, *, fresh: bool = False) -> "HandoverForm":
        """The form for a request, as sent or `fresh`; without payment when there is nothing to pay."""
        form = cls(formdata=None) if fresh else cls()
        form.signature.choices = [(kind, WORDS["signature"][kind]) for kind in Signature]
        if asked.total_cents == 0:
            del form.payment, form.paid
            return form
        form.payment.choices = [
            (kind, WORDS["payment"][kind]) for kind in Payment if kind is not Payment.NONE
        ]
        if form.paid.data is None:
            form.paid.data = amount(asked.total_cents)
        return form

    def validate_paid(self, field: StringField) -> None:
        """An amount of money."""
        if cents(field.data or "") is None:
            raise ValidationError(_l("Écrivez un montant, par exemple 20,00."))

    def made(self, request_ref: str) -> NewHandover:
        """What happened."""
        free = "paid" not in self
        return NewHandover(
            request_ref=request_ref,
            device_codes=tuple(line for line in (self.devices.data or "").splitlines() if line.strip()),
            payment=Payment.NONE if free else self.payment.data,
            paid_cents=0 if free else cents(self.paid.data or "") or 0,
            signature=self.signature.data,
        )

    def explain(self, refusal: Refusal) -> None:
        """Put a refusal where it belongs on the form."""
        place = {Code.PAYMENT_MISMATCH: "paid", Code.INVALID: None}.get(refusal.code, "devices")
        if place:
            _say(self, place, problem(refusal.code)[1])
        else:
            _explain(self, refusal)


def _explain(form: Form, refusal: Refusal) -> None:
    errors = refusal.facts.get("errors")
    if not isinstance(errors, dict):
        form.form_errors.append(problem(refusal.code)[1])
        return
    for name, reasons in errors.items():
        for reason in reasons:
            _say(form, name, word(reason, "request_problem"))


def _say(form: Form, name: str | None, sentence: str) -> None:
    if name and name in form:
        set_errors(form, {name: [sentence]})
    else:
        form.form_errors.append(sentence)


def _texts(fact: object) -> list[str]:
    return [str(item) for item in fact] if isinstance(fact, list) else []

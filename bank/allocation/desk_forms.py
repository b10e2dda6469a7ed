"""HTML forms of the counter: what is scanned, paid and signed."""

import re

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from bank.allocation.forms import ASKED, CHOOSE, explain_on, say_on
from bank.allocation.handovers import NewHandover
from bank.allocation.models import Payment, Signature
from bank.allocation.queries import RequestFacts
from bank.allocation.words import WORDS
from bank.errors import Code, Refusal
from bank.web.forms import Form
from bank.web.words import problem

MONEY = re.compile(r"([0-9]{1,6})(?:[.,]([0-9]{1,2}))?")
NOT_MONEY = str.maketrans("", "", " \u00a0\u202f€")


def cents(text: str) -> int | None:
    """Integer cents out of `20`, `20,00` or `20.00 €`; None for anything else."""
    match = MONEY.fullmatch(text.translate(NOT_MONEY))
    if match is None:
        return None
    return int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0"))


def amount(value: int) -> str:
    """`20,00`: cents as they are typed in a field."""
    return f"{value // 100},{value % 100:02}"


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
            say_on(self, place, problem(refusal.code)[1])
        else:
            explain_on(self, refusal)

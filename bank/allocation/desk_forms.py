"""HTML forms of the counter: who comes, what is scanned, paid and signed, when, and what comes back."""

import re
from datetime import datetime
from typing import ClassVar

from flask_babel import lazy_gettext as _l
from wtforms import DateField, HiddenField, RadioField, SelectField, StringField, TimeField
from wtforms.validators import DataRequired, InputRequired, Length, Optional, StopValidation, ValidationError

from bank.allocation import counter
from bank.allocation.counter import ComeBack, NewHandover, Tick
from bank.allocation.desk_queries import Appointment
from bank.allocation.forms import ASKED, CHOOSE, PRINTABLE, explain_on, say_on
from bank.allocation.handovers import NewAppointment
from bank.allocation.models import Collector, IdPaper, Payment, Signature
from bank.allocation.queries import RequestFacts
from bank.allocation.words import WORDS
from bank.errors import Code, Refusal
from bank.web.forms import Form, Number, PageForm
from bank.web.pages import PARIS
from bank.web.words import problem, word

MONEY = re.compile(r"([0-9]{1,6})(?:[.,]([0-9]{1,2}))?")
NOT_MONEY = str.maketrans("", "", " \u00a0\u202f€")


class Needed:
    """Marks a field that an answer makes necessary: the rules of the counter ask for it, not the field itself."""

    field_flags: ClassVar[dict[str, bool]] = {"required": True}

    def __call__(self, _form: object, _field: object) -> None:
        """Nothing: `counter.faults` knows when it is asked for."""


class NamedWitness:
    """On this page a witness says their name; a program may leave it to the sheet that the witness signs."""

    def __call__(self, form: "HandoverForm", field: StringField) -> None:
        """Raises StopValidation on a witness without a name."""
        if form.signature.data is Signature.WITNESS and not (field.data or "").strip():
            raise StopValidation(word("witness-missing", "request_problem"))


NAME = (Needed(), Optional(), Length(max=120, message=_l("120 signes au plus.")), PRINTABLE)
OF_A_PERSON = (Collector.RECIPIENT, Collector.MANDATED)


def cents(text: str) -> int | None:
    """Integer cents out of `20`, `20,00` or `20.00 €`; None for anything else."""
    match = MONEY.fullmatch(text.translate(NOT_MONEY))
    if match is None:
        return None
    return int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0"))


def amount(value: int) -> str:
    """`20,00`: cents as they are typed in a field."""
    return f"{value // 100},{value % 100:02}"


class FindForm(PageForm):
    """Any code that somebody brings to the counter."""

    code = StringField(
        _l("Code du bon, du matériel ou de la demande"),
        [InputRequired(_l("Scannez ou tapez un code.")), Length(max=200, message=_l("200 signes au plus."))],
    )


class HandoverForm(Form):
    """What is scanned, paid and signed at the counter."""

    devices = HiddenField(
        _l("Matériel scanné"),
        [DataRequired(_l("Scannez chaque matériel avant de le remettre.")), Length(max=20_000)],
    )
    scan = StringField(_l("Étiquette du matériel"), [Needed(), Optional(), Length(max=200)])
    collector = RadioField(
        _l("Qui vient le chercher ?"), [InputRequired(CHOOSE)], coerce=Collector, default=Collector.RECIPIENT
    )
    signer_name = StringField(_l("Nom de qui vient le chercher"), [*NAME])
    signer_title = StringField(_l("Sa fonction"), [*NAME])
    id_paper = RadioField(
        _l("Quel papier d’identité avez-vous vu ?"),
        [InputRequired(CHOOSE)],
        coerce=IdPaper,
        description=_l("On note seulement sa sorte : ni numéro, ni copie."),
    )
    payment = RadioField(_l("Moyen de paiement"), [InputRequired(CHOOSE)], coerce=Payment)
    paid = StringField(_l("Montant encaissé, en euros"), [InputRequired(ASKED), Length(max=20)])
    signature = RadioField(
        _l("Comment signe-t-on ?"), [InputRequired(CHOOSE)], coerce=Signature, default=Signature.ON_SCREEN
    )
    drawing = HiddenField(_l("Signature dans le cadre"), [Length(max=counter.DRAWING_MAX)])
    witness_name = StringField(_l("Nom du témoin"), [NamedWitness(), *NAME])
    pin = StringField(
        _l("Code de signature"),
        [Needed(), Optional(), Length(max=20)],
        description=_l("Les six chiffres inscrits sur le bon. C’est la personne qui les dit."),
    )

    @classmethod
    def of(cls, asked: RequestFacts, *, has_slip: bool, fresh: bool = False) -> "HandoverForm":
        """The form for a request, as sent or `fresh`, with the questions that this request raises."""
        form = cls(formdata=None) if fresh else cls()
        ways = [kind for kind in Signature if kind is not Signature.CODE or (has_slip and asked.for_a_person)]
        form.signature.choices = [(kind, WORDS["signature"][kind]) for kind in ways]
        form.id_paper.choices = [(kind, _capital(WORDS["id_paper"][kind])) for kind in IdPaper]
        form.collector.choices = [(kind, _capital(WORDS["collector"][kind])) for kind in OF_A_PERSON]
        if asked.for_a_person:
            del form.signer_title
        else:
            del form.collector, form.id_paper
        if asked.total_cents == 0:
            del form.payment, form.paid
            return form
        form.payment.choices = [
            (kind, WORDS["payment"][kind]) for kind in Payment if kind is not Payment.NONE
        ]
        if form.paid.data is None:
            form.paid.data = amount(asked.total_cents)
        return form

    def tick(self, asked: RequestFacts) -> Tick:
        """Tick what was just scanned; the field is empty again, ready for the next."""
        promised = [line.device_code for line in asked.allocations]
        made = counter.tick(promised, (self.devices.data or "").split(), self.scan.data or "")
        self.devices.data, self.scan.data = " ".join(made.ticked), ""
        return made

    def validate_paid(self, field: StringField) -> None:
        """An amount of money."""
        if cents(field.data or "") is None:
            raise ValidationError(_l("Écrivez un montant, par exemple 20,00."))

    def made(self, request_ref: str) -> NewHandover:
        """What happened."""
        free = "paid" not in self
        mandated = "collector" not in self or self.collector.data is Collector.MANDATED
        return NewHandover(
            request_ref=request_ref,
            device_codes=tuple((self.devices.data or "").split()),
            payment=Payment.NONE if free else self.payment.data,
            paid_cents=0 if free else cents(self.paid.data or "") or 0,
            signature=self.signature.data,
            collector=self.collector.data if "collector" in self else Collector.REPRESENTATIVE,
            id_paper=self.id_paper.data if "id_paper" in self else None,
            signer_name=(self.signer_name.data or "").strip() if mandated else "",
            signer_title=(self.signer_title.data or "").strip() if "signer_title" in self else "",
            witness_name=(self.witness_name.data or "").strip(),
            drawing=self.drawing.data or "",
            pin=self.pin.data or "",
        )

    def explain(self, refusal: Refusal) -> None:
        """Put a refusal where it belongs on the form."""
        place = {Code.PAYMENT_MISMATCH: "paid", Code.INVALID: None}.get(refusal.code, "devices")
        if place:
            say_on(self, place, problem(refusal.code)[1])
        else:
            explain_on(self, refusal)


class AppointmentForm(PageForm):
    """When and where the devices are handed over. Sent twice, it sets the same appointment."""

    day = DateField(_l("Jour"), [InputRequired(ASKED)])
    time = TimeField(_l("Heure"), [InputRequired(ASKED)])
    desk = SelectField(_l("Guichet"), [InputRequired(CHOOSE)], coerce=int)
    version = Number(validators=[Optional()])

    @classmethod
    def of(cls, facts: Appointment, *, fresh: bool = False) -> "AppointmentForm":
        """The form for a request, as sent, or `fresh` with the appointment as it stands."""
        at = facts.at.astimezone(PARIS) if facts.at else None
        known = {"day": at.date(), "time": at.time(), "desk": facts.desk_id} if at else {}
        form = cls(formdata=None, version=facts.version, **known) if fresh else cls()
        form.desk.choices = list(facts.desks)
        return form

    def made(self, ref: str) -> NewAppointment:
        """What was chosen, in French time."""
        day, time = self.day.data, self.time.data
        if day is None or time is None:
            raise Refusal(Code.INVALID)
        at = datetime.combine(day, time, PARIS)
        return NewAppointment(request_ref=ref, desk_id=self.desk.data, at=at, version=self.version.data)

    def explain(self, refusal: Refusal) -> None:
        """Put a refusal where it belongs on the form."""
        explain_on(self, refusal)


class ComeBackForm(Form):
    """A device that comes back, and why."""

    device = StringField(
        _l("Étiquette de l’appareil rendu"),
        [InputRequired(_l("Scannez l’étiquette de l’appareil.")), Length(max=200)],
    )
    reason = RadioField(_l("Pourquoi revient-il ?"), [InputRequired(CHOOSE)], coerce=ComeBack)

    @classmethod
    def of(cls, *, lent: bool, fresh: bool = False) -> "ComeBackForm":
        """The form, as sent or `fresh`; only what was lent has a loan that ends."""
        form = cls(formdata=None) if fresh else cls()
        reasons = [kind for kind in ComeBack if lent or kind is not ComeBack.LOAN_OVER]
        form.reason.choices = [(kind, WORDS["come_back"][kind]) for kind in reasons]
        return form

    def explain(self, refusal: Refusal) -> None:
        """Put a refusal where it belongs on the form."""
        say_on(self, "device", problem(refusal.code)[1])


def _capital(text: object) -> str:
    said = str(text)
    return said[:1].upper() + said[1:]

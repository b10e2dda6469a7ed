"""HTML forms: to announce a batch, enter it, decide on it, receive it. `rules.py` says what holds together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import request
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, FormField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp
from wtforms.widgets import HiddenInput

from bank.donations.models import BatchState, GapReason, RefusalReason
from bank.donations.queries import BatchSheet, Filters, Partner
from bank.donations.rules import (
    ADDRESS_MAX,
    ANNOUNCED_MAX,
    BASES,
    CONTACT_MAX,
    LINE_MAX,
    NOTE_MAX,
    Acceptance,
    Announcement,
    Arrival,
    Count,
    NewBatch,
    NoThanks,
    Pickup,
)
from bank.donations.words import WORDS
from bank.errors import Code, Refusal
from bank.identity.models import LegalNature
from bank.identity.rules import ONE_LINE
from bank.inventory.models import Category, LegalBasis
from bank.inventory.words import WORDS as INVENTORY_WORDS
from bank.web import words
from bank.web.forms import Form, Number, PageForm, Part, Unchosen, set_errors

ID_MAX = 2**63 - 1
VERSION_MAX = 2**31 - 1
ASKED = _l("Remplissez ce champ.")
CHOOSE = _l("Choisissez une réponse.")
IN_RANGE = NumberRange(0, LINE_MAX, _l("Un nombre de 0 à 2 000."))
# A spreadsheet may have announced more than anybody types.
ANNOUNCED_RANGE = NumberRange(0, ANNOUNCED_MAX, _l("Un nombre de 0 à 2 000."))
PRINTS = _l("Ce champ contient un signe qui ne s’imprime pas.")
TOO_LONG = _l("%(max)d signes au plus.")
NO_CHOICE = SelectChoice("", _l("Choisir"))
NO_GAP = SelectChoice("", _l("aucune"))
ALL = SelectChoice("", _l("tous"))
UNKNOWN = "unknown"
# Lines in a text are as good as spaces: what is printed on a paper has none.
BREAKS = str.maketrans("\r\n\t", "   ")


def _number(label: Any, limits: Any = IN_RANGE) -> Number:
    return Number(label, [Optional(), limits])


def _with_capital(text: Any) -> str:
    said = str(text)
    return said[:1].upper() + said[1:]


def _choices(vocabulary: Mapping[str, Any], values: Iterable[str]) -> list[SelectChoice]:
    return [SelectChoice(str(value), LazyString(_with_capital, vocabulary[value])) for value in values]


def _offered(partners: Sequence[Partner]) -> list[SelectChoice]:
    return [SelectChoice(str(partner.id), partner.name) for partner in partners]


def _one_line(text: str | None) -> str:
    """What was typed on one line."""
    return " ".join((text or "").translate(BREAKS).split())


def _address(text: str | None) -> str:
    """An address on one line, as papers carry it."""
    lines = (_one_line(line).rstrip(",") for line in (text or "").splitlines())
    return ", ".join(line for line in lines if line)


def _short(longest: int) -> list[Any]:
    return [Length(max=longest, message=TOO_LONG), Regexp(f"^{ONE_LINE}$", message=PRINTS)]


def _version() -> Number:
    return Number(validators=[NumberRange(0, VERSION_MAX)], widget=HiddenInput(), default=0)


def _announced_part(limits: Any) -> type[Part]:
    """One number per category, empty for none: no row to add or to take away, so no script is needed."""
    fields = {category.value: _number(INVENTORY_WORDS["category"][category], limits) for category in Category}
    return type("AnnouncedPart", (Part,), fields)


class NeededToSend:
    """Told as needed, though a draft may go without: `rules.py` asks for it when the batch is sent."""

    field_flags: Mapping[str, Any] = {"required": True}

    def __call__(self, form: Any, field: Any) -> None:
        """Nothing to refuse yet."""


class Conditions(Form):
    """What a donor asks for."""

    no_resale = BooleanField(_l("Rien ne doit être vendu"))
    purge_asked = BooleanField(_l("Effacement renforcé de chaque disque (niveau Purge)"))
    unnamed = BooleanField(_l("Ne pas nommer le donateur en public"))


class AnnounceForm(Conditions):
    """A batch as its donor writes it."""

    version = _version()
    lines: Any = FormField(_announced_part(ANNOUNCED_RANGE))
    pickup_address = TextAreaField(
        _l("Adresse où prendre le matériel"), [NeededToSend(), Length(max=ADDRESS_MAX, message=TOO_LONG)]
    )
    pickup_contact = StringField(
        _l("Personne à appeler, et son numéro"), [NeededToSend(), *_short(CONTACT_MAX)]
    )

    def fill(self, batch: BatchSheet) -> "AnnounceForm":
        """Show what was written before."""
        for name in ("version", "no_resale", "purge_asked", "unnamed", "pickup_address", "pickup_contact"):
            self[name].data = getattr(batch, name)
        for line in batch.lines:
            self.lines.form[line.category.value].data = line.announced or None
        return self

    def to_announcement(self) -> Announcement:
        """As the action takes it; call it on a form that validates."""
        data: dict[str, Any] = self.data
        counts = data["lines"]
        return Announcement(
            lines=tuple((category, counts[category]) for category in Category if counts[category]),
            no_resale=data["no_resale"],
            unnamed=data["unnamed"],
            purge_asked=data["purge_asked"],
            pickup_address=_address(data["pickup_address"]),
            pickup_contact=_one_line(data["pickup_contact"]),
        )

    def validate(self, extra_validators: Any = None) -> bool:
        """An address may take several lines; other signs that do not print are refused."""
        sound = bool(super().validate(extra_validators))
        address = _address(self.pickup_address.data)
        if len(address) > ADDRESS_MAX or not address.isprintable():
            self.pickup_address.errors = [PRINTS if not address.isprintable() else _l("200 signes au plus.")]
            return False
        return sound


class NewBatchForm(Conditions):
    """A batch that the coordinator enters by hand."""

    donor_id = SelectField(_l("Donateur"), [InputRequired(CHOOSE)])
    workshop_id = SelectField(_l("Atelier qui reçoit"), [InputRequired(CHOOSE)])
    legal_basis = SelectField(
        _l("Base légale du don"),
        [InputRequired(CHOOSE)],
        choices=[NO_CHOICE, *_choices(INVENTORY_WORDS["legal_basis"], LegalBasis)],
    )
    agreed_on = DateField(_l("Jour de l’accord"), [InputRequired(ASKED)])
    collection_on = DateField(_l("Jour de la collecte"), [Optional()])
    lines: Any = FormField(_announced_part(IN_RANGE))

    def offer(self, donors: Sequence[Partner], workshops: Sequence[Partner]) -> None:
        """Give the choices that the database knows."""
        self.donor_id.choices = [NO_CHOICE, *_offered(donors)]
        self.workshop_id.choices = [NO_CHOICE, *_offered(workshops)]

    def to_new_batch(self) -> NewBatch:
        """As the action takes it; call it on a form that validates."""
        data: dict[str, Any] = self.data
        counts = data["lines"]
        return NewBatch(
            donor_id=int(data["donor_id"]),
            workshop_id=int(data["workshop_id"]),
            legal_basis=LegalBasis(data["legal_basis"]),
            agreed_on=data["agreed_on"],
            collection_on=data["collection_on"],
            lines=tuple((category, counts[category]) for category in Category if counts[category]),
            no_resale=data["no_resale"],
            unnamed=data["unnamed"],
            purge_asked=data["purge_asked"],
        )


class PickupForm(Form):
    """Which workshop fetches an accepted batch, and when."""

    version = _version()
    workshop_id = SelectField(_l("Atelier qui reçoit"), [InputRequired(CHOOSE)])
    collection_on = DateField(_l("Jour de la collecte"), [Optional()])

    def offer(self, workshops: Sequence[Partner]) -> None:
        """Give the choices that the database knows."""
        self.workshop_id.choices = [NO_CHOICE, *_offered(workshops)]

    def fill(self, batch: BatchSheet) -> "PickupForm":
        """Show what was decided before."""
        self.version.data, self.collection_on.data = batch.version, batch.collection_on
        self.workshop_id.data = str(batch.workshop_id)
        return self

    def to_pickup(self) -> Pickup:
        """As the action takes it; call it on a form that validates."""
        return Pickup(workshop_id=int(self.workshop_id.data), collection_on=self.collection_on.data)


class AcceptForm(PickupForm):
    """A yes."""

    legal_basis = RadioField(_l("Base légale du don"), [InputRequired(CHOOSE)])
    receiver_id = SelectField(_l("Qui devient propriétaire"), [Unchosen()])

    def offer_all(
        self, workshops: Sequence[Partner], receivers: Sequence[Partner], nature: LegalNature | None
    ) -> None:
        """Give the choices that the database knows, and the texts under which this donor can give."""
        self.offer(workshops)
        self.receiver_id.choices = [SelectChoice("", _l("L’atelier qui reçoit")), *_offered(receivers)]
        fitting = BASES[nature] if nature else frozenset(LegalBasis)
        bases = [basis for basis in LegalBasis if basis in fitting]
        self.legal_basis.choices = [
            (choice.value, choice.label) for choice in _choices(INVENTORY_WORDS["legal_basis"], bases)
        ]

    def to_acceptance(self) -> Acceptance:
        """As the action takes it; call it on a form that validates."""
        return Acceptance(
            workshop_id=int(self.workshop_id.data),
            legal_basis=LegalBasis(self.legal_basis.data),
            receiver_id=int(self.receiver_id.data) if self.receiver_id.data else None,
            collection_on=self.collection_on.data,
        )


class RefuseForm(Form):
    """A no."""

    version = _version()
    reason = SelectField(
        _l("Raison du refus"),
        [InputRequired(CHOOSE)],
        choices=[NO_CHOICE, *_choices(WORDS["refusal_reason"], RefusalReason)],
    )
    note = StringField(_l("Un mot pour le donateur"), _short(NOTE_MAX))

    def to_no(self) -> NoThanks:
        """As the action takes it; call it on a form that validates."""
        return NoThanks(reason=RefusalReason(self.reason.data), note=_one_line(self.note.data))


class StepForm(Form):
    """A button that moves a batch on: a double click moves it once."""


class WithdrawForm(Form):
    """A consequence to tick, so that a slip takes nothing back."""

    sure = BooleanField(_l("Oui, retirer ce lot"), [InputRequired(_l("Cochez pour confirmer."))])


def _counted_part(category: Category, *, explained: bool) -> type[Part]:
    name = INVENTORY_WORDS["category"][category]
    fields: dict[str, Any] = {
        "received": _number(_l("Arrivés : %(category)s", category=name)),
        "refused": _number(_l("Refusés au quai : %(category)s", category=name)),
    }
    if explained:
        fields["gap_reason"] = SelectField(
            _l("Raison de l’écart : %(category)s", category=name),
            [Unchosen()],
            choices=[NO_GAP, *_choices(WORDS["gap_reason"], GapReason)],
        )
    return type("CountedPart", (Part,), fields)


def _counted_parts(*, explained: bool) -> type[Part]:
    fields = {
        category.value: FormField(_counted_part(category, explained=explained)) for category in Category
    }
    return type("CountedParts", (Part,), fields)


class Counting(Form):
    """What was counted at the dock, category by category; a number left empty is none."""

    lines: Any

    def to_count(self) -> Count:
        """As the action takes it; call it on a form that validates."""
        lines: dict[str, dict[str, Any]] = self.lines.data
        return Count(
            received={category: lines[category]["received"] or 0 for category in Category},
            refused={category: lines[category]["refused"] or 0 for category in Category},
            reasons={
                category: GapReason(lines[category]["gap_reason"])
                for category in Category
                if lines[category].get("gap_reason")
            },
        )


class ReceptionForm(Counting):
    """What arrived of a batch, with a reason where it is not what was announced."""

    lines: Any = FormField(_counted_parts(explained=True))

    def rows(self, batch: BatchSheet, *, announced: bool) -> list[tuple[Category, int, Any]]:
        """Category, announced and the fields: of what was announced, or of all the rest."""
        expected = {line.category: line.announced for line in batch.lines}
        return [
            (category, expected.get(category, 0), self.lines.form[category.value].form)
            for category in Category
            if (category in expected) is announced
        ]


class ArrivalForm(Counting):
    """What came without anybody having announced it. The coordinator also says where, and under which text."""

    donor_id = SelectField(_l("De qui cela vient"), [InputRequired(CHOOSE)])
    workshop_id = SelectField(_l("Atelier qui reçoit"), [InputRequired(CHOOSE)])
    legal_basis = SelectField(
        _l("Base légale du don"),
        [Unchosen()],
        choices=[
            SelectChoice("", _l("La plus stricte pour ce donateur")),
            *_choices(INVENTORY_WORDS["legal_basis"], LegalBasis),
        ],
    )
    lines: Any = FormField(_counted_parts(explained=False))

    def offer(self, donors: Sequence[Partner], workshops: Sequence[Partner]) -> None:
        """Give the choices that the database knows. Of one workshop there is nothing to choose."""
        unknown = SelectChoice(UNKNOWN, _l("Origine inconnue"))
        self.donor_id.choices = [NO_CHOICE, unknown, *_offered(donors)]
        self.workshop_id.choices = _offered(workshops)
        if len(workshops) > 1:
            self.workshop_id.choices = [NO_CHOICE, *self.workshop_id.choices]

    def rows(self) -> list[tuple[Category, Any]]:
        """Category and its fields."""
        return [(category, self.lines.form[category.value].form) for category in Category]

    def to_arrival(self) -> Arrival:
        """As the action takes it; call it on a form that validates."""
        return Arrival(
            donor_id=None if self.donor_id.data == UNKNOWN else int(self.donor_id.data),
            workshop_id=int(self.workshop_id.data),
            legal_basis=LegalBasis(self.legal_basis.data) if self.legal_basis.data else None,
            count=self.to_count(),
        )


class FilterForm(PageForm):
    """What the list is narrowed to: it lives in the address."""

    class Meta:
        csrf = False

    donor = SelectField(_l("Donateur"), [Unchosen()])
    state = SelectField(_l("État"), [Unchosen()], choices=[ALL, *_choices(WORDS["batch_state"], BatchState)])
    cursor = Number(_l("Page"), [Optional(), NumberRange(1, ID_MAX)])

    def __init__(self, donors: Sequence[Partner]) -> None:
        super().__init__(formdata=request.args)
        self.donor.choices = [ALL, *_offered(donors)]

    def to_filters(self) -> Filters:
        """As the query takes it; call it on a form that validates."""
        return Filters(
            donor_id=int(self.donor.data) if self.donor.data else None,
            state=BatchState(self.state.data) if self.state.data else None,
        )


class ItemsForm(PageForm):
    """Which page of a batch's rows is shown: it lives in the address."""

    class Meta:
        csrf = False

    cursor = Number(_l("Page"), [Optional(), NumberRange(1, ID_MAX)])

    def __init__(self) -> None:
        super().__init__(formdata=request.args)


def tell(form: PageForm, refusal: Refusal) -> None:
    """Say a refusal where it belongs on the form. Raises it again when it is not about what was typed."""
    gaps, errors = refusal.facts.get("categories"), refusal.facts.get("errors")
    if refusal.code is Code.GAP_UNEXPLAINED and isinstance(gaps, list):
        for category in gaps:
            reason = form.lines.form[category].form.gap_reason
            reason.errors = [*reason.errors, _l("Choisissez la raison de l’écart.")]
    elif refusal.code is Code.INVALID and isinstance(errors, dict):
        said = {name: [words.word(fault, "batch_fault") for fault in errors[name]] for name in errors}
        # A fault of the lines together is of no single field.
        form.form_errors = [*form.form_errors, *said.pop("lines", [])]
        set_errors(form, said)
    else:
        raise refusal
